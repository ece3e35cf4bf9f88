//! Outline of the intake's interface; the body follows.
#![allow(clippy::unimplemented, clippy::unused_async, unused_variables, dead_code)]

mod error;
mod gzip;
mod json;
#[cfg(test)]
mod sample;
mod sketch;
pub mod sources;
pub use error::Error;

use bytes::Bytes;
use cairn_journal::Journal;
use cairn_world::World;
use std::path::Path;
use std::sync::Arc;

/// The intake. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<()>,
}

/// Bounds of the intake.
#[derive(Clone, Debug)]
pub struct Settings {
    pub body_bytes_max: u64,
    pub file_bytes_max: u64,
}

impl Intake {
    pub async fn open(world: &World, db: &cairn_store::Db, journal: &Journal, dir: &Path, settings: Settings) -> Result<Self, Error> {
        unimplemented!()
    }
    /// Takes one file in; returns when all that was accepted is durable.
    pub async fn take(&self, name: &str, body: Bytes) -> Result<(), Error> {
        unimplemented!()
    }
    /// Saves what is due.
    pub async fn close(&self) {
        unimplemented!()
    }
}
