//! The journal: what happened, in order, durable, for every reader to absorb.
//!
//! Start from [`Journal`] (append, read), [`Batch`] and [`Reader`]; [`Driver`] hands the
//! batches round and trims. Not a database: it knows positions, not what records mean.
//!
//! ```text
//! DIR/lock                            held while a process has the journal open
//! DIR/<first position, 20 digits>.journal   one segment:
//!
//! ┌ head, 32 bytes ───────────────────────────────────────────────────────────┐
//! │ "CAIRNJNL" │ version 1: u32 │ first: u64 │ created, ms: i64 │ crc: u32    │
//! ├ frame header, 32 bytes ───────────────────────────────────────────────────┤
//! │ F5 'J' 'F' 01 │ crc: u32 │ first: u64 │ count: u24 │ origins: u8          │
//! │ raw length: u32 │ packed length: u32 │ packed crc: u32                    │
//! ├ packed: one zstd frame of ────────────────────────────────────────────────┤
//! │ body 0, body 1, …  then for each record                                   │
//! │ origin: u8 │ kind: u8 │ time, ms: i64 │ length: u32                       │
//! ├ next frame header …                                                       │
//! ├ zeros: space reserved, not written ───────────────────────────────────────┤
//! ```
//! Constraints: numbers are little-endian; a `crc` is CRC32C over the rest of its head
//! or header, `packed crc` over the packed bytes; frames follow one another without a
//! gap; `first` of a frame is its predecessor's `first` + `count`; a segment ends where
//! the next one's name begins; bodies are UTF-8, at most 16 MiB each; `origins` has a bit
//! for each origin among the records, at the place of its number, and is 0 where that is
//! not told. Large appends of different origins do not share a frame, so that whoever does
//! not want one passes its frames without unpacking them.
//!
//! Order of durability when appending: 1. a segment is allocated, its head written and
//! synced, 2. its directory synced, 3. frames of one group written, 4. synced, 5. the end
//! moves and every append of the group is answered. A failed write takes nothing back
//! that was answered and is tried afresh behind the last durable frame; a failed sync
//! stops appends until the journal is opened again.
//!
//! At a start the last segment is checked frame by frame. What no whole frame follows is
//! a torn tail and is cut off; what a whole frame follows is damage, is named and stays.
//! Sealed segments are checked as they are read; of frames that are passed, the header.

mod batch;
mod driver;
mod frame;
mod read;
mod recover;
mod retention;
mod scan;
mod segment;
mod writer;

pub use batch::{Batch, Item};
pub use driver::Driver;

use bytes::Bytes;
use cairn_event::{Origin, Origins, Time};
use cairn_world::World;
use segment::Segment;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use writer::{Append, Job};

/// Bytes of records that may wait for the writer. Whoever brings more waits for room;
/// one append that is larger waits until the queue is empty and goes alone.
const QUEUE_BYTES_MAX: usize = 64 << 20;

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

impl Kind {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Event),
            2 => Some(Self::Intent),
            _ => None,
        }
    }
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
    /// A segment is sealed before it grows beyond this; only a group of appends that is larger alone exceeds it.
    pub segment_bytes_max: u64,
    pub bytes_max: u64,
    pub age_max: Duration,
}

/// What opening the journal found and mended.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Records between the start and the end, lost ones included.
    pub records: u64,
    /// Bytes of a torn tail that were cut off.
    pub torn_bytes: u64,
    /// Damage elsewhere: segment file and what is wrong with it.
    pub damage: Vec<String>,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It may work later: disk full, or a write failed before anything was acknowledged.
    #[error("journal: {0}")]
    Unavailable(String),
    /// A sync failed, or the journal was closed; nothing is appended until it is opened again.
    #[error("journal stopped: {0}")]
    Stopped(String),
    /// The asked record is damaged beyond reading; the next that is whole stands at `resume`.
    #[error("journal: {what}")]
    Corrupt { what: String, resume: Position },
    /// The asked position is older than what is kept.
    #[error("journal: position {asked} is no longer kept; it begins at {start}")]
    Trimmed { asked: u64, start: u64 },
    #[error("journal: {0}")]
    Invalid(String),
}

/// The journal. Cheap to clone. It belongs to one process, until it is closed or the last
/// clone is gone and the writer has noticed.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
}

/// What the writer, readers and retention see of one another.
struct Shared {
    world: World,
    dir: PathBuf,
    options: Options,
    segments: Mutex<VecDeque<Arc<Segment>>>,
    /// Behind the newest durable record.
    end: watch::Sender<Position>,
    stopped: OnceLock<String>,
    /// A segment was begun, so there may be one to drop.
    rolled: Notify,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    pub start: Position,
    pub end: Position,
    /// Bytes on disk, reserved space included.
    pub bytes: u64,
    pub segments: u64,
    pub stopped: bool,
}

impl Journal {
    /// Opens or makes the journal in `dir`. Blocks.
    pub fn open(world: &World, dir: &Path, options: Options) -> Result<(Self, Recovery), Error> {
        let (shared, writer, recovery) = writer::open(world, dir, options)?;
        if recovery.torn_bytes > 0 {
            tracing::warn!(bytes = recovery.torn_bytes, "the journal ends in a torn tail; it is cut off");
        }
        for damage in &recovery.damage {
            tracing::error!(%damage, "the journal is damaged; what is whole stays readable");
        }
        let (jobs, queue) = mpsc::channel();
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|error| Error::Unavailable(format!("cannot start the writer: {error}")))?;
        Ok((Self { shared, jobs, room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)) }, recovery))
    }

    /// Appends all of `entries` in this order, at successive positions; returns once they
    /// are durable. Concurrent appends share one sync. After an error none of them is
    /// acknowledged. A caller that stops waiting does not take its entries back.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Range<Position>, Error> {
        if entries.is_empty() {
            return Ok(self.end()..self.end());
        }
        let bytes = checked_bytes(&entries)?;
        let room = bytes.clamp(1, QUEUE_BYTES_MAX) as u32;
        let room = self.room.clone().acquire_many_owned(room).await.expect("the semaphore is never closed");
        let (reply, answer) = oneshot::channel();
        let job = Job::Append(Append { entries, bytes, reply, _room: room });
        self.jobs.send(job).map_err(|_| self.shared.ended())?;
        answer.await.unwrap_or_else(|_| Err(self.shared.ended()))
    }

    /// The oldest position kept.
    pub fn start(&self) -> Position {
        let first = self.shared.segments().front().map(|segment| Position(segment.first));
        first.unwrap_or_else(|| self.end())
    }

    /// Behind the newest durable record.
    pub fn end(&self) -> Position {
        *self.shared.end.borrow()
    }

    /// Waits until the end lies behind `position`.
    pub async fn wait_behind(&self, position: Position) {
        // The sender lives as long as this journal.
        let _ = self.shared.end.subscribe().wait_for(|end| *end > position).await;
    }

    /// Reads a batch from `from`: at least one record unless `from` is the end, about
    /// `bytes_max` before compression at most. Blocks. A batch ends before damage, so
    /// that [`Error::Corrupt`] comes only from a read that begins in it.
    pub fn read(&self, from: Position, bytes_max: usize) -> Result<Batch, Error> {
        read::read(&self.shared, from, bytes_max, Origins::of(&Origin::ALL))
    }

    /// The same, but frames without any of these origins may be left out: the batch
    /// reaches over them and does not have their records. Others than asked for may be there.
    pub fn read_of(&self, origins: Origins, from: Position, bytes_max: usize) -> Result<Batch, Error> {
        read::read(&self.shared, from, bytes_max, origins)
    }

    /// Bytes on disk, counters for metrics and the status page.
    pub fn stats(&self) -> Stats {
        let (bytes, segments) = {
            let segments = self.shared.segments();
            (segments.iter().map(|segment| segment.allocated()).sum(), segments.len() as u64)
        };
        Stats { start: self.start(), end: self.end(), bytes, segments, stopped: self.shared.stopped.get().is_some() }
    }

    /// Writes what is queued, syncs and stops taking appends. Another process may then
    /// open the journal.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(reply)).is_ok() {
            let _ = closed.await;
        }
    }
}

impl Shared {
    fn segments(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> Error {
        Error::Stopped(self.stopped.get().cloned().unwrap_or_else(|| "it is closed".to_owned()))
    }
}

fn checked_bytes(entries: &[Entry]) -> Result<usize, Error> {
    let mut bytes = 0;
    for (index, entry) in entries.iter().enumerate() {
        let length = entry.body.len();
        if length > frame::BODY_BYTES_MAX {
            let most = frame::BODY_BYTES_MAX;
            return Err(Error::Invalid(format!("record {index} has {length} bytes, more than {most}")));
        }
        if let Err(error) = std::str::from_utf8(&entry.body) {
            return Err(Error::Invalid(format!("record {index} is not UTF-8: {error}")));
        }
        bytes += length;
    }
    Ok(bytes)
}

/// Absorbs the journal from its own position, at its own pace.
#[async_trait::async_trait]
pub trait Reader: Send + Sync {
    fn name(&self) -> &'static str;
    /// Which records it wants, always the same. Batches may contain others, which the
    /// reader skips, and may leave others out.
    fn origins(&self) -> Origins;
    /// Up to where what it absorbed is durable in its own store. Reading starts here after a
    /// start, and the journal keeps everything from here on.
    fn position(&self) -> Position;
    /// Takes a batch in. May keep it in memory and let `position` follow later. An error is
    /// logged and the same batch offered again, later and later.
    async fn absorb(&self, batch: &Batch) -> Result<(), ReadError>;
    /// The journal had to drop what this reader had not read (`journal.bytes_max`), or it
    /// is damaged there: the reader continues at `start` and says so in its own state.
    async fn skipped(&self, start: Position) -> Result<(), ReadError>;
}

/// Why a reader could not take a batch in.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);
