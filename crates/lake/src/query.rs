//! Queries: started, watched, kept and delivered.
//!
//! ```text
//! start ─► lake_query: QUEUED ─► a task of its own: waits for a place, lets the tables catch up, runs ─► DATA/results/<blob>
//!                                                                                                            │
//!          lake_query: FINISHED, FAILED, CANCELLED, TIMED_OUT ◄──────────────────────────────────────────────┘
//!                └─► delivery: result_1.csv.gz, result_sign.json ─► lake_query: SUCCESS, …
//! ```
//! Order of durability: 1. the query is in the database before its id is given out; 2. its result is a synced
//! file; 3. the row that says FINISHED names the file. A crash before 3 leaves a file that no row names, removed
//! at the next start, and a query that did not end, which is then FAILED and says why. A delivery that was not
//! done is done again, with the same bytes under the same keys.
//!
//! What it is not: it decides nobody's rights, it only says which tables a query reads ([`Plan`]).

pub mod csv;
mod deliver;
mod parameter;
pub mod result;
mod rows;
pub mod sample;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod work;

pub use deliver::{Delivery, DeliveryStatus, Place};
pub use parameter::filled;
pub use source::{Plan, Refusal, Source};

use crate::sql::{Column, Cost, Statistics};
use crate::store::Stores;
use crate::{Error, Parts, Sql, Tables};
use cairn_event::Time;
use cairn_store::BlobId;
use result::Page;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Of one account, waiting and running; those of dashboards do not count and wait for a place.
pub const CONCURRENT_MAX: usize = 10;
/// Of the whole house; more wait.
const RUNNING_MAX: usize = 10;
/// How often results that are old enough are dropped.
const EXPIRY_INTERVAL: Duration = Duration::from_mins(10);

/// All queries. Cheap to clone.
#[derive(Clone)]
pub struct Queries {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    tables: Tables,
    stores: Stores,
    sql: Arc<dyn Sql>,
    /// Those that have not ended, and those that are being delivered.
    live: Mutex<HashMap<String, Arc<Live>>>,
    places: Semaphore,
    /// Results on their way into buckets.
    deliveries: Semaphore,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// A query ended.
    ended: Notify,
}

/// A query while it waits or runs.
struct Live {
    account: String,
    counts: bool,
    cancel: CancellationToken,
    running: AtomicBool,
    began: OnceLock<Duration>,
    statistics: OnceLock<Arc<Statistics>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Queued,
    Running,
    Finished,
    Failed,
    Cancelled,
    TimedOut,
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Finished, Self::Failed, Self::Cancelled, Self::TimedOut];

    pub const fn text(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// One query as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    /// Of whoever started it.
    pub account: String,
    pub region: String,
    /// As it was started, with its parameters not filled in.
    pub text: String,
    pub parameters: Vec<String>,
    pub alias: Option<String>,
    /// The refresh of a dashboard that started it.
    pub refresh: Option<String>,
    pub sources: Vec<Source>,
    pub created: Time,
    pub ended: Option<Time>,
    pub status: Status,
    pub error: Option<String>,
    pub cost: Cost,
    pub millis: u64,
    pub columns: Vec<Column>,
    pub rows: u64,
    /// The file of the result.
    pub blob: Option<String>,
    pub bytes: u64,
    pub delivery: Option<Delivery>,
}

/// A query to be started.
#[derive(Clone, Debug)]
pub struct NewQuery {
    pub account: String,
    pub region: String,
    pub text: String,
    pub parameters: Vec<String>,
    pub alias: Option<String>,
    pub refresh: Option<String>,
    pub delivery: Option<Place>,
    pub plan: Plan,
}

/// Which queries to list. What is None is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// ARN of an event data store that they read.
    pub source: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub status: Option<Status>,
    /// The last one of the page before.
    pub after: Option<(Time, String)>,
    pub max: usize,
}

impl Queries {
    /// Takes up what was there; what ran when the house stopped has failed.
    pub async fn open(parts: &Parts, tables: &Tables, stores: &Stores, sql: &Arc<dyn Sql>) -> Result<Self, Error> {
        parts.db.migrate("lake_query", rows::SCHEMA).await?;
        let inner = Inner {
            parts: parts.clone(),
            tables: tables.clone(),
            stores: stores.clone(),
            sql: sql.clone(),
            live: Mutex::default(),
            places: Semaphore::new(RUNNING_MAX),
            deliveries: Semaphore::new(deliver::AT_A_TIME),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            ended: Notify::new(),
        };
        let queries = Self { inner: Arc::new(inner) };
        for mut entry in rows::unfinished(&parts.db).await? {
            if entry.status.is_active() {
                entry.close(Status::Failed, Some(work::INTERRUPTED.to_owned()), parts.world.now());
                rows::end(&parts.db, &entry).await?;
            }
        }
        queries.discard_unnamed().await?;
        Ok(queries)
    }

    /// Delivers what was not delivered and drops what is old, until `shutdown`; then ends what runs.
    pub async fn run(&self, shutdown: CancellationToken) {
        self.deliver_pending().await;
        loop {
            if let Err(error) = self.expire().await {
                tracing::warn!(%error, "old results of queries cannot be dropped");
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.inner.parts.world.clock.sleep(EXPIRY_INTERVAL) => {}
            }
        }
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Begins a query. Errors: Limit, Unavailable.
    pub async fn start(&self, new: NewQuery) -> Result<Entry, Error> {
        if self.inner.stopping.is_cancelled() {
            return Err(Error::Unavailable("the server is stopping".to_owned()));
        }
        let entry = self.entry(new);
        let live = self.admit(&entry)?;
        if let Err(error) = rows::insert(&self.inner.parts.db, &entry).await {
            self.forget(&entry.id);
            return Err(error);
        }
        self.inner.tasks.spawn(self.clone().work(entry.clone(), live));
        Ok(entry)
    }

    fn entry(&self, new: NewQuery) -> Entry {
        let world = &self.inner.parts.world;
        Entry {
            id: uuid::Builder::from_random_bytes(world.dice.bytes()).into_uuid().to_string(),
            account: new.account,
            region: new.region,
            text: new.text,
            parameters: new.parameters,
            alias: new.alias,
            refresh: new.refresh,
            sources: new.plan.sources,
            created: world.now(),
            ended: None,
            status: Status::Queued,
            error: None,
            cost: Cost::default(),
            millis: 0,
            columns: new.plan.columns,
            rows: 0,
            blob: None,
            bytes: 0,
            delivery: new.delivery.map(|place| Delivery { place, status: DeliveryStatus::Pending, error: None }),
        }
    }

    fn admit(&self, entry: &Entry) -> Result<Arc<Live>, Error> {
        let mut live = self.live();
        let counts = entry.refresh.is_none();
        if counts {
            let count = live.values().filter(|live| live.counts && live.account == entry.account).count();
            if count >= CONCURRENT_MAX {
                let message = format!("You are already running the maximum number of concurrent queries, {count}.");
                return Err(Error::Limit(message));
            }
        }
        let one = Arc::new(Live {
            account: entry.account.clone(),
            counts,
            cancel: self.inner.stopping.child_token(),
            running: AtomicBool::new(false),
            began: OnceLock::new(),
            statistics: OnceLock::new(),
        });
        live.insert(entry.id.clone(), one.clone());
        Ok(one)
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Arc<Live>>> {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &str) {
        self.live().remove(id);
        self.inner.ended.notify_waiters();
    }

    /// A query as it stands this moment.
    pub async fn get(&self, id: &str) -> Result<Option<Entry>, Error> {
        Ok(rows::get(&self.inner.parts.db, id).await?.map(|entry| self.lively(entry)))
    }

    /// The query of a refresh, or of the newest one, by its alias.
    pub async fn by_alias(
        &self,
        account: &str,
        region: &str,
        refresh: Option<&str>,
        alias: &str,
    ) -> Result<Option<Entry>, Error> {
        let entry = rows::by_alias(&self.inner.parts.db, account, region, refresh, alias).await?;
        Ok(entry.map(|entry| self.lively(entry)))
    }

    /// The queries of one refresh.
    pub async fn of_refresh(&self, refresh: &str) -> Result<Vec<Entry>, Error> {
        let entries = rows::of_refresh(&self.inner.parts.db, refresh).await?;
        Ok(entries.into_iter().map(|entry| self.lively(entry)).collect())
    }

    /// Newest first. One that has another status than the filter by now is left out of the page.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        let entries = rows::list(&self.inner.parts.db, filter).await?;
        let entries = entries.into_iter().map(|entry| self.lively(entry));
        Ok(entries.filter(|entry| filter.status.is_none_or(|status| entry.status == status)).collect())
    }

    /// The entry with what is known only while it runs.
    fn lively(&self, mut entry: Entry) -> Entry {
        if !entry.status.is_active() {
            return entry;
        }
        if let Some(live) = self.live().get(&entry.id) {
            if live.running.load(Ordering::Acquire) {
                entry.status = Status::Running;
            }
            live.count(&mut entry, self.inner.parts.world.clock.monotonic());
        }
        entry
    }

    /// Waits until a query has ended, at most `wait`.
    pub async fn wait(&self, id: &str, wait: Duration) {
        let ended = async {
            loop {
                let mut heard = std::pin::pin!(self.inner.ended.notified());
                heard.as_mut().enable();
                if !self.live().contains_key(id) {
                    return;
                }
                heard.await;
            }
        };
        tokio::select! {
            () = ended => {}
            () = self.inner.parts.world.clock.sleep(wait) => {}
        }
    }

    /// Ends a query that has not ended. Errors: NotFound, Conflict when it had ended.
    pub async fn cancel(&self, id: &str) -> Result<Entry, Error> {
        let entry = self.get(id).await?;
        let mut entry = entry.ok_or_else(|| Error::NotFound(format!("there is no query {id}")))?;
        let live = self.live().get(id).cloned();
        entry.close(Status::Cancelled, None, self.inner.parts.world.now());
        if let Some(delivery) = &mut entry.delivery {
            delivery.status = DeliveryStatus::Cancelled;
        }
        if !rows::end(&self.inner.parts.db, &entry).await? {
            return Err(Error::Conflict(format!("query {id} has ended")));
        }
        if let Some(live) = live {
            live.cancel.cancel();
        }
        Ok(entry)
    }

    /// A page of a result; nothing while there is none. Errors: Unavailable, Corrupt.
    pub async fn page(&self, entry: &Entry, from: u64, rows_max: usize, bytes_max: usize) -> Result<Page, Error> {
        let Some(blob) = entry.blob.clone() else { return Ok(Page::default()) };
        let blobs = self.inner.parts.results.clone();
        blocking(move || result::page(result::file(&blobs, &blob)?, from, rows_max, bytes_max)).await
    }

    /// Bytes of the Parquet file of a result. Errors: Unavailable, Corrupt.
    pub async fn bytes(&self, entry: &Entry, from: u64, max: usize) -> Result<Vec<u8>, Error> {
        let Some(blob) = entry.blob.clone() else { return Ok(Vec::new()) };
        let blobs = self.inner.parts.results.clone();
        blocking(move || {
            let file = result::file(&blobs, &blob)?;
            let failed = |error: std::io::Error| Error::Unavailable(format!("result {blob}: {error}"));
            let rest = file.len().map_err(failed)?.saturating_sub(from);
            let mut bytes = vec![0; rest.min(max as u64) as usize];
            file.read_exact_at(&mut bytes, from).map_err(failed)?;
            Ok(bytes)
        })
        .await
    }

    /// Forgets queries older than results are kept, and their results.
    async fn expire(&self) -> Result<(), Error> {
        let parts = &self.inner.parts;
        let blobs = rows::expire(&parts.db, self.inner.tables.today() - parts.settings.query_results).await?;
        self.remove(blobs.iter().filter_map(|blob| BlobId::parse(blob)).collect()).await
    }

    /// Removes files that a crash left without a row.
    async fn discard_unnamed(&self) -> Result<(), Error> {
        let named: HashSet<String> = rows::blobs(&self.inner.parts.db).await?.into_iter().collect();
        let blobs = self.inner.parts.results.clone();
        let all =
            blocking(move || blobs.list().map_err(|error| Error::Unavailable(format!("results: {error}")))).await?;
        self.remove(all.into_iter().filter(|blob| !named.contains(blob.as_str())).collect()).await
    }

    async fn remove(&self, gone: Vec<BlobId>) -> Result<(), Error> {
        let blobs = self.inner.parts.results.clone();
        blocking(move || {
            let removed = gone.iter().try_for_each(|blob| blobs.remove(blob));
            removed.map_err(|error| Error::Unavailable(format!("results: {error}")))
        })
        .await
    }
}

impl Live {
    fn count(&self, entry: &mut Entry, now: Duration) {
        if let Some(statistics) = self.statistics.get() {
            entry.cost = statistics.cost();
        }
        if let Some(began) = self.began.get() {
            entry.millis = now.saturating_sub(*began).as_millis() as u64;
        }
    }
}

impl Entry {
    fn close(&mut self, status: Status, error: Option<String>, now: Time) {
        self.status = status;
        self.error = error;
        self.ended = Some(now);
        if status != Status::Finished
            && let Some(delivery) = &mut self.delivery
        {
            delivery.status = DeliveryStatus::Cancelled;
        }
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Unavailable(error.to_string()))?
}
