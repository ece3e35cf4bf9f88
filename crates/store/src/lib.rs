//! Small transactional tables, sealed secrets and immutable blobs.
//!
//! * [`Db`]: one SQLite file for the whole house. Every engine keeps its own tables
//!   in it and declares them with [`Db::migrate`]; a data directory written by a
//!   newer binary is refused by name and version.
//! * [`Seal`]: authenticated encryption under the root key file, for secrets at rest.
//! * [`Blobs`]: immutable files, each written tmp → sync → rename → sync directory.
//! * [`gzip`]: whole compressed files into memory, within a limit.
//!
//! What it is not: it knows no engine, no schema and no meaning of what it keeps.

mod blob;
mod db;
pub mod gzip;
mod seal;

pub use blob::{BlobId, Blobs, Writer};
pub use db::{Db, Error, Lent, Write};
pub use seal::{Seal, SealError};
/// The query functions and row types that engines use against a [`Db`].
pub use sqlx;
