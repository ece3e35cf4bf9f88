//! Outline of the journal's interface; the body follows.
#![allow(clippy::unimplemented, clippy::unused_async, unused_variables, dead_code)]

use bytes::Bytes;
use cairn_event::{Head, Origin, Origins, Time};
use cairn_world::World;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A place in the journal: the number of a record, counted from 0 over its whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// What a record is. The discriminants stand on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Something happened.
    Event = 1,
    /// Something is about to happen (fail-closed recording); not shown to readers as an event.
    Intent = 2,
}

/// One record to be appended. `body` is one JSON object, kept byte for byte.
#[derive(Clone, Debug)]
pub struct Entry {
    pub origin: Origin,
    pub kind: Kind,
    /// When the house took it in, not `eventTime`.
    pub time: Time,
    pub body: Bytes,
}

/// Bounds of the journal.
#[derive(Clone, Debug)]
pub struct Options {
    pub segment_bytes_max: u64,
    pub bytes_max: u64,
    pub age_max: Duration,
}

/// What opening the journal found and mended.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    pub records: u64,
    /// Bytes of a torn tail that were cut off.
    pub torn_bytes: u64,
    /// Damage elsewhere: segment file and what is wrong with it.
    pub damage: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It may work later: disk full, or a write failed before anything was acknowledged.
    #[error("journal: {0}")]
    Unavailable(String),
    /// A sync failed; nothing is appended until the journal is opened again.
    #[error("journal stopped: {0}")]
    Stopped(String),
    #[error("journal: {0}")]
    Corrupt(String),
    /// The asked position is older than what is kept.
    #[error("journal: position {asked} is no longer kept; it begins at {start}")]
    Trimmed { asked: u64, start: u64 },
    #[error("journal: {0}")]
    Invalid(String),
}

/// The journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<()>,
}

impl Journal {
    /// Opens or makes the journal in `dir`. Blocks.
    pub fn open(world: &World, dir: &Path, options: Options) -> Result<(Self, Recovery), Error> {
        unimplemented!()
    }
    /// Appends all of `entries` in this order; returns once they are durable. Concurrent appends share one sync.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Range<Position>, Error> {
        unimplemented!()
    }
    /// The oldest position kept.
    pub fn start(&self) -> Position {
        unimplemented!()
    }
    /// Behind the newest durable record.
    pub fn end(&self) -> Position {
        unimplemented!()
    }
    /// Waits until the end lies behind `position`.
    pub async fn wait_behind(&self, position: Position) {
        unimplemented!()
    }
    /// Reads a batch from `from`: at least one record unless `from` is the end, about `bytes_max` at most. Blocks.
    pub fn read(&self, from: Position, bytes_max: usize) -> Result<Batch, Error> {
        unimplemented!()
    }
    /// Bytes on disk, counters for metrics and the status page.
    pub fn stats(&self) -> Stats {
        unimplemented!()
    }
    /// Writes what is queued, syncs and stops taking appends.
    pub async fn close(&self) {
        unimplemented!()
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    pub start: Position,
    pub end: Position,
    pub bytes: u64,
    pub segments: u64,
    pub stopped: bool,
}

/// Records read once and decoded once, shared by every reader that stands here. Cheap to clone.
#[derive(Clone)]
pub struct Batch {
    inner: Arc<()>,
}

/// One record of a batch.
pub struct Item<'a> {
    batch: &'a Batch,
    index: usize,
}

impl Batch {
    pub fn range(&self) -> Range<Position> {
        unimplemented!()
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        (0..self.len()).map(|index| Item { batch: self, index })
    }
}

impl<'a> Item<'a> {
    pub fn position(&self) -> Position {
        unimplemented!()
    }
    pub fn origin(&self) -> Origin {
        unimplemented!()
    }
    pub fn kind(&self) -> Kind {
        unimplemented!()
    }
    pub fn time(&self) -> Time {
        unimplemented!()
    }
    /// The record's JSON, byte for byte.
    pub fn raw(&self) -> &'a str {
        unimplemented!()
    }
    /// Its head, decoded at the first asking and then shared; None when it is no JSON object.
    pub fn head(&self) -> Option<&'a Head<'a>> {
        unimplemented!()
    }
}

/// Absorbs the journal from its own position, at its own pace.
#[async_trait::async_trait]
pub trait Reader: Send + Sync {
    fn name(&self) -> &'static str;
    /// Which records it wants; batches contain all, the reader skips what it did not declare.
    fn origins(&self) -> Origins;
    /// Up to where what it absorbed is durable in its own store. Reading starts here after a
    /// start, and the journal keeps everything from here on.
    fn position(&self) -> Position;
    /// Takes a batch in. May keep it in memory and let `position` follow later. An error is
    /// logged and the same batch offered again, later and later.
    async fn absorb(&self, batch: &Batch) -> Result<(), ReadError>;
    /// The journal had to drop what this reader had not read (`journal.bytes_max`): it
    /// continues at `start` and says so in its own state.
    async fn skipped(&self, start: Position) -> Result<(), ReadError>;
}

/// Why a reader could not take a batch in.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);

/// Hands every reader its batches; readers that stand at the same place share one.
pub struct Driver {
    inner: (),
}

impl Driver {
    pub fn new(world: &World, journal: &Journal, readers: Vec<Arc<dyn Reader>>) -> Self {
        unimplemented!()
    }
    /// Runs until `shutdown`; also trims the journal by size and age.
    pub async fn run(self, shutdown: tokio_util::sync::CancellationToken) {
        unimplemented!()
    }
}
