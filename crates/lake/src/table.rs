//! Tables: which events they take, their files, their fresh rows.
//!
//! Start from [`Tables`]: `reader` absorbs the journal, `snapshot` shows a table, `flush` writes what is
//! fresh, `load` brings rows past the journal, `run` does all that when its time has come.
//!
//! ```text
//!            absorb                    flush                        merge
//! journal ───────────► fresh rows ───────────────► small files ──────────────► large files ──► retired
//!                          └──────────── snapshot ─────┴──────────────────────────┘
//! lake_table    id, version of its list of files, facts (JSON: retention, rules)
//! lake_file     id, table_id, key, state, oldest, newest, born, retired_at, why, facts (JSON)
//! lake_position how far the journal is in files      lake_gap      what the journal lost before it came here
//! <bucket>/<table>/data/<yyyy>/<mm>/<dd>/<uuid>.parquet       the day of the oldest row
//! ```
//! A file in the list of its table is `live`. The order of durability, of a flush, a load and a merge alike:
//! 1. rows of the files to come are committed as `planned`, with their keys. A crash: the next start removes
//!    whatever is at those keys, then the rows.
//! 2. The objects are put, each synced under its key. A crash: as before.
//! 3. One transaction makes them `live`, those that they replace `retired`, counts the list's version up and
//!    writes the reader's position (flush) or what the caller has to say (load). A crash before leaves the
//!    lists and the position as they were: fresh rows are read from the journal again. After it they come
//!    from the files, and only from them, since reading goes on at the new position.
//! 4. Under one lock the new list is shown and the rows that are in it are fresh no longer, so that every
//!    snapshot has each row once.
//! 5. Objects of retired files are removed when an hour has passed, in which who found them in an Iceberg
//!    snapshot can still read them, and no [`Snapshot`] shows them; then their rows. A crash between: they
//!    are removed again.
//!
//! Limits: fresh rows take `memory_bytes_max`; beyond it the reader takes nothing more until a flush has
//! succeeded, and the journal keeps what comes. 256 files are open for reading at once.

mod aside;
mod blend;
mod books;
mod cut;
mod file;
mod flush;
mod fresh;
mod listed;
mod manage;
mod merge;
mod retire;
mod rows;
mod rules;
mod run;
mod state;
mod storage;
mod take;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub use aside::Aside;
pub use file::{File, Part, Source};

use crate::{Error, Parts, Settings};
use arrow::array::RecordBatch;
use bytes::Bytes;
use cairn_event::Time;
use cairn_journal::{Position, Reader};
use cairn_store::Write;
use cairn_world::Clock;
use futures::future::BoxFuture;
use rules::Rules;
use serde::{Deserialize, Serialize};
use state::{Calendar, State};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage::Storage;
use tokio::sync::{Notify, watch};

/// All tables. Cheap to clone.
#[derive(Clone)]
pub struct Tables {
    inner: Arc<Inner>,
}

/// Of these locks a later one is never held while an earlier one is waited for.
struct Inner {
    parts: Parts,
    storage: Storage,
    /// One batch at a time; no table comes or goes meanwhile.
    absorbing: tokio::sync::Mutex<()>,
    /// One flush at a time.
    flushing: tokio::sync::Mutex<()>,
    /// The books, see [`books::Books`].
    doubt: tokio::sync::Mutex<bool>,
    state: Mutex<State>,
    calendar: Mutex<Calendar>,
    /// What of published tables may still be listed, by table.
    listed: Mutex<BTreeMap<String, listed::Listing>>,
    /// Tells how far the journal is absorbed.
    absorbed: watch::Sender<Position>,
    /// There is something to write.
    stir: Notify,
    /// A file was set aside.
    aside: Notify,
    /// Keys of files that were planned and are not wanted, and could not be removed yet.
    leftover: tokio::sync::Mutex<Vec<String>>,
}

/// The table that takes every event.
pub const EVENTS: &str = "events";

/// One table as it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// `events`, or the UUID of an event data store.
    pub id: String,
    /// By `eventTime`; what is older is dropped, and not taken in.
    pub retention: Duration,
    /// What it takes from the journal, and since when; the last one that had begun when an event was recorded counts.
    pub intake: Vec<Rule>,
}

/// What a table takes from the journal from a moment on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    pub since: Time,
    pub takes: Takes,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Takes {
    Nothing,
    Everything,
    /// Events recorded here (door, gateway, finding) of these accounts (none when empty) and this
    /// region (every region when None) that the advanced selectors choose.
    Selected {
        accounts: Vec<String>,
        region: Option<String>,
        selectors: serde_json::Value,
    },
    /// What came over these channels, by ARN (`metadata.channelARN`).
    Channels(Vec<String>),
}

/// One table at one moment: its files and the rows that are in no file yet. What is dropped or merged
/// meanwhile stays readable as long as this, or the [`Arc`] of a file out of it, lives.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub table: Arc<Table>,
    /// Of the list of files: grows with each change of it.
    pub version: u64,
    /// Oldest first.
    pub files: Vec<Arc<File>>,
    /// All with [`crate::schema::arrow`]'s schema.
    pub fresh: Vec<RecordBatch>,
    /// Files that cannot be read, whose rows are missing unless they are rebuilt.
    pub aside: Vec<Arc<Aside>>,
}

/// A table to be made.
#[derive(Clone, Debug)]
pub struct NewTable {
    pub id: String,
    pub retention: Duration,
    pub takes: Takes,
}

/// Changes of a table; what is None stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub retention: Option<Duration>,
    /// From now on; what was recorded before follows the rules before.
    pub takes: Option<Takes>,
}

/// A transaction of the metadata database in which the caller has something to say too.
pub type Also<'a> = Box<dyn for<'t> FnOnce(&'t mut Write) -> BoxFuture<'t, Result<(), Error>> + Send + 'a>;

/// Records that the journal lost before they were in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub positions: Range<Position>,
    pub at: Time,
    pub message: String,
}

/// Gaps that are shown.
const GAPS_MAX: i64 = 100;

impl Tables {
    pub async fn open(parts: &Parts) -> Result<Self, Error> {
        let Parts { world, db, journal, .. } = parts;
        db.migrate("lake table", rows::SCHEMA).await?;
        let position = match rows::position(db).await? {
            Some(position) => position,
            None => journal.start(),
        };
        let state = State {
            shelves: BTreeMap::new(),
            absorbed: position,
            durable: position,
            departed: None,
            waits_since: None,
            retired: Vec::new(),
        };
        let storage = Storage::new(parts);
        storage.check()?;
        let inner = Inner {
            storage,
            parts: parts.clone(),
            absorbing: tokio::sync::Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            doubt: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
            calendar: Mutex::new(Calendar::new(&*world.clock)),
            listed: Mutex::default(),
            absorbed: watch::Sender::new(position),
            stir: Notify::new(),
            aside: Notify::new(),
            leftover: tokio::sync::Mutex::new(rows::all_planned(db).await?),
        };
        let tables = Self { inner: Arc::new(inner) };
        tables.reread().await?;
        tables.found().await?;
        Ok(tables)
    }

    /// The journal's reader that fills the tables.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(take::Absorbs(self.clone()))
    }

    pub fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    /// Where the files are; what is published of them lies beside them.
    pub(crate) fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// The name of the bucket where the files are.
    pub fn bucket(&self) -> &str {
        self.inner.storage.bucket()
    }

    fn settings(&self) -> &Settings {
        &self.inner.parts.settings
    }

    fn clock(&self) -> &dyn Clock {
        &*self.inner.parts.world.clock
    }

    fn now(&self) -> Time {
        self.clock().now()
    }

    /// The time of day as retention believes it: for whatever goes for good when its time has come.
    pub(crate) fn today(&self) -> Time {
        self.inner.calendar.lock().unwrap_or_else(PoisonError::into_inner).now(self.clock())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a table holds now. Errors: NotFound.
    #[expect(clippy::unused_async, reason = "a list that is not in memory would be waited for")]
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, Error> {
        let state = self.state();
        state.shelves.get(id).map(state::Shelf::snapshot).ok_or_else(|| no_table(id))
    }

    /// Bytes of a file of a snapshot, decrypted and verified. Errors: Corrupt, which sets the file aside;
    /// Invalid for bytes that it does not have.
    pub async fn read(&self, file: &File, range: Range<u64>) -> Result<Bytes, Error> {
        if range.start > range.end || range.end > file.bytes {
            return Err(Error::Invalid(format!("file {} has {} bytes, not {range:?}", file.key, file.bytes)));
        }
        let read = self.inner.storage.read(&file.key, range).await;
        if let Err(Error::Corrupt(why)) = &read {
            self.set_aside(file, why).await;
        }
        read
    }

    /// What the journal lost before it came into the tables, newest first; at most 100.
    pub async fn gaps(&self) -> Result<Vec<Gap>, Error> {
        rows::gaps(&self.inner.parts.db, GAPS_MAX).await
    }
}

fn no_table(id: &str) -> Error {
    Error::NotFound(format!("there is no table {id}"))
}

/// Rows that cannot be put together: nothing that a caller could help.
fn broken(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("rows: {error}"))
}

/// Does heavy work where it may block.
async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let working = tokio::task::spawn_blocking(work).await;
    working.map_err(|error| Error::Unavailable(format!("work broke off: {error}")))?
}
