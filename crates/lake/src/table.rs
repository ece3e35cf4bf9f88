//! Tables: which events they take, their files, their fresh rows.

use crate::{Error, Parts};
use arrow::array::RecordBatch;
use bytes::Bytes;
use cairn_event::{Origin, Origins, Time};
use cairn_journal::{Batch, Position, ReadError, Reader};
use cairn_store::Write;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// All tables. Cheap to clone.
#[derive(Clone)]
pub struct Tables {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
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
    /// Events recorded here (door, gateway, finding) of these accounts (every account when empty) and this
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
/// meanwhile stays readable as long as this lives.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub table: Arc<Table>,
    /// Oldest first.
    pub files: Vec<Arc<File>>,
    /// All with [`crate::schema::arrow`]'s schema.
    pub fresh: Vec<RecordBatch>,
}

/// One Parquet file of a table.
#[derive(Clone, Debug)]
pub struct File {
    pub id: i64,
    /// The object's key in the lake's bucket.
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    /// `eventTime` of its oldest and its newest row.
    pub times: Range<Time>,
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

fn unbuilt<T>() -> Result<T, Error> {
    Err(Error::Unavailable("the lake is not built yet".to_owned()))
}

impl Tables {
    pub async fn open(parts: &Parts) -> Result<Self, Error> {
        Ok(Self { inner: Arc::new(Inner { parts: parts.clone() }) })
    }

    /// The journal's reader that fills the tables.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(Absorbs(self.clone()))
    }

    /// Writes, merges, retires and publishes files when their time has come, until `shutdown`; then
    /// writes what is fresh.
    pub async fn run(&self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
    }

    pub fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    /// The table of this id.
    pub fn table(&self, id: &str) -> Option<Arc<Table>> {
        let _ = id;
        None
    }

    pub fn tables(&self) -> Vec<Arc<Table>> {
        Vec::new()
    }

    /// Makes a table, in one transaction with what `also` writes. Errors: Conflict when the id is taken.
    pub async fn create(&self, new: NewTable, also: Also<'_>) -> Result<Arc<Table>, Error> {
        let _ = (new, also);
        unbuilt()
    }

    /// Changes a table, in one transaction with what `also` writes. Errors: NotFound.
    pub async fn change(&self, id: &str, change: Change, also: Also<'_>) -> Result<Arc<Table>, Error> {
        let _ = (id, change, also);
        unbuilt()
    }

    /// Forgets a table and its files, in one transaction with what `also` writes; bytes follow in the
    /// background, once no snapshot shows them. Errors: NotFound.
    pub async fn remove(&self, id: &str, also: Also<'_>) -> Result<(), Error> {
        let _ = (id, also);
        unbuilt()
    }

    /// What a table holds now. Errors: NotFound.
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, Error> {
        let _ = id;
        unbuilt()
    }

    /// Waits until all that is durable in the journal now is in the tables, or fresh in memory; at most `wait`.
    pub async fn catch_up(&self, wait: Duration) {
        let _ = wait;
    }

    /// Writes every fresh row into files. When this returns, they are durable.
    pub async fn flush(&self) -> Result<(), Error> {
        unbuilt()
    }

    /// Puts rows into one table past the journal, in one transaction with what `also` writes (an import's
    /// progress), so that both are there once or not at all. Rows older than the retention are left out.
    pub async fn load(&self, id: &str, rows: Vec<RecordBatch>, also: Also<'_>) -> Result<(), Error> {
        let _ = (id, rows, also);
        unbuilt()
    }

    /// Bytes of a file of a snapshot, decrypted and verified. Errors: Corrupt, which sets the file aside.
    pub async fn read(&self, file: &File, range: Range<u64>) -> Result<Bytes, Error> {
        let _ = (file, range);
        unbuilt()
    }
}

struct Absorbs(Tables);

#[async_trait::async_trait]
impl Reader for Absorbs {
    fn name(&self) -> &'static str {
        "lake"
    }

    fn origins(&self) -> Origins {
        Origins::of(&Origin::ALL)
    }

    fn position(&self) -> Position {
        self.0.parts().journal.end()
    }

    async fn absorb(&self, batch: &Batch) -> Result<(), ReadError> {
        let _ = batch;
        Ok(())
    }

    async fn skipped(&self, start: Position) -> Result<(), ReadError> {
        let _ = start;
        Ok(())
    }
}
