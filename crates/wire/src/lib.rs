//! AWS's protocols: bytes ⇄ typed values. Knows no service and does no I/O.
//!
//! A member of an input or output is any serde type, or one of the three whose form
//! depends on where it is written: [`Timestamp`], [`Blob`], [`Secret`]. Inputs are read
//! with [`json::decode`] or [`query::decode`]; answers and faults are written with
//! [`Protocol::answer`] and [`Protocol::refuse`], records with [`record::value`].
//! Who signed a request, and whether really, is for [`sigv4`].
//!
//! Whatever goes out is first made into one tree of plain values (`tree`), whatever comes
//! in is read from one kind of node (`node`), so that a protocol is nothing but a way to
//! write that tree and to make those nodes: one module, and one arm in [`Protocol`].

mod blob;
mod fault;
mod iceberg;
mod node;
mod protocol;
mod secret;
mod timestamp;
mod tree;

pub mod json;
pub mod page;
pub mod query;
pub mod record;
pub mod sigv4;

pub use blob::Blob;
pub use fault::Fault;
pub use protocol::{Protocol, Reply};
pub use secret::Secret;
pub use timestamp::Timestamp;
