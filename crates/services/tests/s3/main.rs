//! S3 as its callers see it and as it is recorded: signed requests against real engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod buckets;
mod conditions;
mod forgeries;
mod house;
mod keys;
mod locks;
mod objects;
mod signatures;
mod trailers;
