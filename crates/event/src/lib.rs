//! The words of the house: what an event is, when it happened, where it came from.
//!
//! Pure: no I/O, no async, no clock. Everything here is either a value with its
//! textual forms ([`Time`], [`Arn`]), a record being written ([`Record`]) or a
//! borrowed look at a record that was written ([`Head`]). [`json`] is the scanner that
//! everybody shares who looks for the place of a value in text, and [`log`] takes log
//! files apart.
//!
//! An event's original JSON is kept byte for byte wherever it travels; nothing in
//! this crate ever re-serializes a record that somebody else wrote.

mod arn;
mod head;
pub mod json;
pub mod log;
mod origin;
mod record;
mod time;

pub use arn::{Arn, InvalidArn};
pub use head::{Head, Layout, NotAnEvent};
pub use origin::{Origin, Origins};
pub use record::{Category, EventType, Record, Resource};
pub use time::{InvalidTime, Time};
