//! The lake: every event in tables of Parquet files, queryable a second after it happened.
//!
//! Start from [`Lake`]: its `reader` goes to the journal's driver; the `run` of each of its parts does what
//! is to be done in the background. [`table`] is the core: which table takes which events, fresh rows, files, merging,
//! retention. [`Sql`] answers queries over snapshots of tables. On them stands what people see: [`history`]
//! (look-ups), [`catalog`] (Iceberg), and as CloudTrail Lake names them [`store`], [`query`], [`dashboard`],
//! [`import`] and [`channel`].
//!
//! What it is not: it knows no HTTP, no caller's rights and no SQL engine.

pub mod catalog;
pub mod channel;
pub mod dashboard;
mod error;
pub mod file;
pub mod history;
pub mod import;
pub mod query;
pub mod schema;
pub mod shred;
pub mod sql;
pub mod store;
pub mod table;

pub use error::Error;
pub use sql::Sql;
pub use table::Tables;

use cairn_bucket::Buckets;
use cairn_event::Time;
use cairn_identity::Identity;
use cairn_journal::{Journal, Reader};
use cairn_key::Keys;
use cairn_store::{Blobs, Db};
use cairn_world::World;
use catalog::Catalog;
use channel::Channels;
use dashboard::Dashboards;
use history::History;
use import::Imports;
use query::Queries;
use std::sync::Arc;
use std::time::Duration;
use store::Stores;

/// Everything of the lake. Cheap to clone.
#[derive(Clone)]
pub struct Lake {
    pub tables: Tables,
    pub sql: Arc<dyn Sql>,
    pub stores: Stores,
    pub channels: Channels,
    pub queries: Queries,
    pub dashboards: Dashboards,
    pub imports: Imports,
    pub history: History,
    pub catalog: Catalog,
}

/// What the lake is opened with.
#[derive(Clone)]
pub struct Parts {
    pub world: World,
    pub db: Db,
    pub journal: Journal,
    pub buckets: Buckets,
    pub keys: Keys,
    pub identity: Identity,
    /// Results of queries, until they are dropped.
    pub results: Blobs,
    /// Signs results of queries with the keys that `ListPublicKeys` shows.
    pub signer: Arc<dyn Signer>,
    /// The house's account, which owns the bucket of the files, and its region.
    pub account: String,
    pub region: String,
    pub settings: Settings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where files lie: a bucket of the house's account, or a mapped one outside. `cairn-lake-ACCOUNT` when not set.
    pub bucket: Option<String>,
    /// Fresh rows become a file when the oldest is here for so long …
    pub flush_interval: Duration,
    /// … or all of them take this much memory.
    pub memory_bytes_max: u64,
    /// How long the table `events` keeps an event after its `eventTime`.
    pub retention: Duration,
    /// Merged files have about this many bytes.
    pub file_bytes: u64,
    /// How often files are merged and retired.
    pub maintenance_interval: Duration,
    /// How often Iceberg snapshots are published.
    pub publish_interval: Duration,
    /// How far back `LookupEvents` looks.
    pub history: Duration,
    /// More than one look-up attribute at once, and no cap on the rate.
    pub history_open: bool,
    /// Of one query.
    pub query_memory_bytes_max: u64,
    pub query_time_max: Duration,
    /// How long results of queries are kept.
    pub query_results: Duration,
}

impl Default for Settings {
    /// What the configuration says when nothing is configured.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            bucket: None,
            flush_interval: Duration::from_mins(5),
            memory_bytes_max: 256 << 20,
            retention: days(3653),
            file_bytes: 128 << 20,
            maintenance_interval: Duration::from_mins(1),
            publish_interval: Duration::from_mins(1),
            history: days(90),
            history_open: false,
            query_memory_bytes_max: 1 << 30,
            query_time_max: Duration::from_hours(1),
            query_results: days(7),
        }
    }
}

/// Signs what the lake hands out.
#[async_trait::async_trait]
pub trait Signer: Send + Sync {
    /// SHA256withRSA over `text`, with the key that is valid in `region` at `at`.
    async fn sign(&self, region: &str, at: Time, text: &str) -> Result<Signed, Error>;
}

/// A signature: both in lower-case hex.
#[derive(Clone, Debug)]
pub struct Signed {
    pub signature: String,
    pub fingerprint: String,
}

impl Lake {
    /// Opens everything; `sql` makes the engine over the tables.
    pub async fn open(parts: Parts, sql: impl FnOnce(&Tables) -> Arc<dyn Sql>) -> Result<Self, Error> {
        let tables = Tables::open(&parts).await?;
        let sql = sql(&tables);
        let stores = Stores::open(&parts, &tables).await?;
        let channels = Channels::open(&stores).await?;
        let queries = Queries::open(&parts, &tables, &stores, &sql).await?;
        Ok(Self {
            dashboards: Dashboards::open(&parts, &queries).await?,
            imports: Imports::open(&parts, &tables).await?,
            history: History::open(&parts, &tables),
            catalog: Catalog::open(&parts, &tables).await?,
            tables,
            sql,
            stores,
            channels,
            queries,
        })
    }

    /// The journal's reader that fills the tables.
    pub fn reader(&self) -> Arc<dyn Reader> {
        self.tables.reader()
    }
}
