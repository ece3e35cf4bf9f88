//! Buckets as those above use them, against a real database and disk under a simulated clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod buckets;
mod crash;
mod deliver;
mod elsewhere;
mod encryption;
mod house;
mod list;
mod locks;
mod memory;
mod objects;
mod uploads;
