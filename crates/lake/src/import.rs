//! Imports: log files of a bucket become rows of one table.
//!
//! An import walks the keys of its bucket in their order and takes some files at a time: reads them,
//! shreds their records, and puts the rows into the table in one transaction with how far it is. So a
//! crash, a stop or a retry neither loses a file nor takes one twice. A file is taken as a whole or not at
//! all; one that is not is listed as a failure, and a retry tries just those again, then goes on where the
//! walk had ended.
//!
//! ```text
//! lake_import           id, account, status, created, facts (JSON: source, destination, place, statistics)
//! lake_import_failure   import, location, status, facts (JSON: error, when)
//! ```

mod place;
mod rows;
mod source;
mod work;

use crate::{Error, Parts, Tables};
use cairn_event::Time;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use place::Place;
use serde::{Deserialize, Serialize};
use source::Source;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Imports at a time, of different accounts; others wait.
const AT_A_TIME: usize = 4;
/// How often imports are looked for when none is begun, and when they could not be read.
const IDLE: Duration = Duration::from_hours(1);
const RETRY: Duration = Duration::from_secs(5);

/// All imports. Cheap to clone.
#[derive(Clone)]
pub struct Imports {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    tables: Tables,
    /// Something is to be done.
    begun: Notify,
}

/// Where an import stands. Named as AWS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Initializing,
    InProgress,
    Failed,
    Stopped,
    Completed,
}

/// Where log files come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct From {
    /// `s3://bucket[/prefix]`
    pub uri: String,
    pub region: String,
    /// What reads the bucket.
    pub role: String,
}

/// An import to be begun.
#[derive(Clone, Debug)]
pub struct NewImport {
    pub account: String,
    pub region: String,
    pub from: From,
    /// The ARN of the event data store, and its table.
    pub destination: String,
    pub table: String,
    /// Only files that by their names are of this time; both inclusive.
    pub start: Option<Time>,
    pub end: Option<Time>,
}

/// An import as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub id: String,
    pub account: String,
    pub region: String,
    pub status: Status,
    pub from: From,
    pub destination: String,
    pub table: String,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub created: Time,
    pub updated: Time,
    pub statistics: Statistics,
    walk: Walk,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    pub prefixes_found: u64,
    pub prefixes_completed: u64,
    pub files_completed: u64,
    pub events_completed: u64,
    pub failed_entries: u64,
}

/// How far the keys of the bucket are gone through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    /// The last key that is dealt with.
    after: Option<String>,
    /// The folder of the last file that was taken.
    folder: Option<String>,
    ended: bool,
}

/// What could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `s3://bucket/key`
    pub location: String,
    pub status: FailureStatus,
    /// A word that a program can tell apart.
    pub kind: String,
    pub message: String,
    pub updated: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureStatus {
    Failed,
    Retry,
    Succeeded,
}

/// Which imports to list.
#[derive(Clone, Debug, Default)]
pub struct List<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub destination: Option<&'a str>,
    pub status: Option<Status>,
    /// `created` and id of the last one of the page before.
    pub after: Option<(Time, String)>,
    pub max: usize,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Initializing, Self::InProgress, Self::Failed, Self::Stopped, Self::Completed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::InProgress => "IN_PROGRESS",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
            Self::Completed => "COMPLETED",
        }
    }

    pub const fn is_ongoing(self) -> bool {
        matches!(self, Self::Initializing | Self::InProgress)
    }
}

impl FailureStatus {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Retry => "RETRY",
            Self::Succeeded => "SUCCEEDED",
        }
    }
}

impl Imports {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        parts.db.migrate("lake_import", rows::SCHEMA).await?;
        let inner = Inner { parts: parts.clone(), tables: tables.clone(), begun: Notify::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins an import. Errors, refused: InvalidImportSource, AccountHasOngoingImport.
    pub async fn start(&self, new: NewImport) -> Result<Import, Error> {
        let place = Place::parse(&new.from.uri)?;
        let source = Source::open(&self.inner.parts, &new.account, place, &new.from.role)?;
        source.check().await?;
        let now = self.now();
        let id = uuid::Builder::from_random_bytes(self.inner.parts.world.dice.bytes()).into_uuid();
        let import = Import {
            id: id.to_string(),
            account: new.account,
            region: new.region,
            status: Status::Initializing,
            from: new.from,
            destination: new.destination,
            table: new.table,
            start: new.start,
            end: new.end,
            created: now,
            updated: now,
            statistics: Statistics::default(),
            walk: Walk::default(),
        };
        let mut tx = self.inner.parts.db.write().await?;
        rows::refuse_second(&mut tx, &import.account).await?;
        rows::insert(&mut tx, &import).await?;
        tx.commit().await?;
        self.inner.begun.notify_one();
        Ok(import)
    }

    /// Takes up an import that failed or was stopped: first what failed, then what was left. Errors,
    /// refused: ImportNotFound, AccountHasOngoingImport, InvalidParameter when nothing is to be retried.
    pub async fn retry(&self, account: &str, region: &str, id: &str) -> Result<Import, Error> {
        let mut tx = self.inner.parts.db.write().await?;
        let mut import = rows::find(&mut *tx, account, region, id).await?;
        rows::refuse_second(&mut tx, account).await?;
        if import.status == Status::Completed {
            let message = format!("Import {id} is COMPLETED; there is nothing to retry.");
            return Err(Error::refused("InvalidParameter", message));
        }
        let before = import.status;
        import.status = Status::Initializing;
        import.updated = self.now();
        import.statistics.failed_entries = 0;
        rows::update(&mut tx, &import, &[before]).await?;
        rows::set_failures(&mut tx, id, FailureStatus::Failed, FailureStatus::Retry, import.updated).await?;
        tx.commit().await?;
        self.inner.begun.notify_one();
        Ok(import)
    }

    /// Stops an import; what is taken stays. One that has ended stays as it is. Errors, refused: ImportNotFound.
    pub async fn stop(&self, account: &str, region: &str, id: &str) -> Result<Import, Error> {
        let mut tx = self.inner.parts.db.write().await?;
        let mut import = rows::find(&mut *tx, account, region, id).await?;
        if import.status.is_ongoing() {
            let before = import.status;
            import.status = Status::Stopped;
            import.updated = self.now();
            // What was to be tried again still is to be.
            let left = rows::set_failures(&mut tx, id, FailureStatus::Retry, FailureStatus::Failed, import.updated);
            import.statistics.failed_entries += left.await?;
            rows::update(&mut tx, &import, &[before]).await?;
        }
        tx.commit().await?;
        Ok(import)
    }

    /// Errors, refused: ImportNotFound.
    pub async fn get(&self, account: &str, region: &str, id: &str) -> Result<Import, Error> {
        rows::find(self.inner.parts.db.read(), account, region, id).await
    }

    /// Newest first.
    pub async fn list(&self, list: &List<'_>) -> Result<Vec<Import>, Error> {
        rows::list(&self.inner.parts.db, list).await
    }

    /// What could not be taken, by location. Errors, refused: ImportNotFound.
    pub async fn failures(
        &self,
        account: &str,
        region: &str,
        id: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<Failure>, Error> {
        self.get(account, region, id).await?;
        rows::failures(&self.inner.parts.db, id, None, after, max).await
    }

    /// The tables into which imports go on.
    pub async fn tables(&self) -> Result<Vec<String>, Error> {
        Ok(rows::ongoing(&self.inner.parts.db).await?.into_iter().map(|import| import.table).collect())
    }

    /// Works on imports, also on those that an end of the process interrupted, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.work()).await;
    }

    async fn work(&self) {
        let mut running = HashSet::new();
        let mut all = FuturesUnordered::new();
        loop {
            let mut wait = IDLE;
            match rows::ongoing(&self.inner.parts.db).await {
                Ok(ongoing) => {
                    for import in ongoing {
                        if all.len() < AT_A_TIME && running.insert(import.id.clone()) {
                            all.push(self.inner.carry_out(import));
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "imports cannot be read; they wait");
                    wait = RETRY;
                }
            }
            tokio::select! {
                () = self.inner.begun.notified() => {}
                () = self.inner.parts.world.clock.sleep(wait) => {}
                Some(id) = all.next() => {
                    running.remove(&id);
                }
            }
        }
    }

    fn now(&self) -> Time {
        self.inner.parts.world.now()
    }
}

#[cfg(test)]
mod tests;
