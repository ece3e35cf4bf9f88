//! The tables as Iceberg shows them: snapshots of their lists of files, for whoever reads without us.
//!
//! Start from [`Catalog::load`]: the metadata of a table. `run` publishes what changed in the background.
//! Rows that are in no file yet are not shown; they are once the table has written them.
//!
//! In the lake's bucket, beside the data of a table:
//! ```text
//! <table>/metadata/NNNNN-<uuid>.metadata.json     schema, snapshots; the newest is what readers are given
//! <table>/metadata/snap-<snapshot>-<uuid>.avro    a snapshot's manifests
//! <table>/metadata/<uuid>-m.avro                  files of the table, with their bounds of `eventtime`
//! ```
//! How these are made durable stands at the head of `catalog/publish.rs`.
//!
//! A snapshot is shown only while its files are there: tables keep a file for an hour after it was merged
//! or dropped, the catalog shows a snapshot for [`GRACE`] after that. Where publishing is late, it tells the
//! tables which snapshots it still shows, and they keep the files of those.

mod encode;
mod model;
mod plan;
mod publish;
mod rows;
mod shelf;
#[cfg(test)]
mod tests;

use crate::{Error, Parts, Tables};
use cairn_event::Time;
use cairn_store::Db;
use cairn_world::World;
use model::State;
use serde_json::Value;
use shelf::Shelf;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a snapshot is shown after one of its files left the table: less than the table keeps the file,
/// so that who has just been told of the snapshot can still read it.
pub const GRACE: Duration = Duration::from_mins(45);
/// What left a table is noticed soon enough for [`GRACE`] to end before the table lets go of the file.
const INTERVAL_MAX: Duration = Duration::from_mins(10);
/// A table is published before it is shown when nobody has looked at it for so many publish intervals.
const LATE: u32 = 3;
/// Objects removed in one round.
const SWEEP_MAX: u32 = 1000;

/// The catalog. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    world: World,
    db: Db,
    tables: Tables,
    shelf: Shelf,
    interval: Duration,
    /// Publications follow one another.
    turn: tokio::sync::Mutex<()>,
    /// When each table's files were last compared with what is published.
    looked: Mutex<HashMap<String, Time>>,
}

/// A table as readers are shown it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Address of the metadata file.
    pub metadata_location: String,
    /// What is in it.
    pub metadata: Value,
    /// The lake's bucket.
    pub bucket: String,
    /// What all keys of the table begin with.
    pub prefix: String,
    /// URL and region of the S3 that has the bucket, when it is not this house.
    pub outside: Option<(String, String)>,
}

impl Catalog {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        parts.db.migrate("lake_catalog", rows::SCHEMA).await?;
        for table in rows::tables(&parts.db).await? {
            tables.was_listed(&table);
        }
        let inner = Inner {
            world: parts.world.clone(),
            db: parts.db.clone(),
            tables: tables.clone(),
            shelf: Shelf::open(parts, tables),
            interval: parts.settings.publish_interval.min(INTERVAL_MAX),
            turn: tokio::sync::Mutex::default(),
            looked: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Publishes what changed, every interval, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            self.round().await;
            tokio::select! {
                () = self.inner.world.clock.sleep(self.inner.interval) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn round(&self) {
        for table in self.inner.tables.tables() {
            if let Err(error) = self.publish(&table.id).await {
                tracing::warn!(%error, table = table.id, "the table is not published; it is tried again");
            }
        }
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "metadata that is shown no more is not removed; it is tried again");
        }
    }

    /// Publishes the files that a table has now. Errors: NotFound.
    pub async fn publish(&self, table: &str) -> Result<Published, Error> {
        let _turn = self.inner.turn.lock().await;
        let at = self.inner.world.now();
        // Its files stay while this lives.
        let snapshot = self.inner.tables.snapshot(table).await?;
        let state = self.publish_files(table, &snapshot.files).await?;
        let outlived = state.snapshots.iter().filter(|snapshot| snapshot.outlived.is_some());
        self.inner.tables.listed(table, at, outlived.map(|snapshot| snapshot.at));
        self.looked().insert(table.to_owned(), self.inner.world.now());
        Ok(self.published(table, &state))
    }

    /// A table as it was published last; published first when that is due. Errors: NotFound.
    pub async fn load(&self, table: &str) -> Result<Published, Error> {
        if self.inner.tables.table(table).is_none() {
            return Err(Error::NotFound(format!("there is no table {table}")));
        }
        let looked = self.looked().get(table).copied();
        let fresh = looked.is_some_and(|at| self.inner.world.now().since(at) < self.inner.interval * LATE);
        if fresh && let Some(state) = rows::state(&self.inner.db, table).await? {
            return Ok(self.published(table, &state));
        }
        self.publish(table).await
    }

    fn published(&self, table: &str, state: &State) -> Published {
        let location = self.inner.shelf.location();
        Published {
            metadata_location: format!("{location}{}", state.metadata),
            metadata: encode::metadata(table, state, &location),
            bucket: self.inner.shelf.bucket().to_owned(),
            prefix: format!("{table}/"),
            outside: self.inner.shelf.outside(),
        }
    }

    fn looked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Time>> {
        self.inner.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets tables that are no more, and removes objects that nothing shows.
    async fn sweep(&self) -> Result<(), Error> {
        let _turn = self.inner.turn.lock().await;
        for table in rows::tables(&self.inner.db).await? {
            if self.inner.tables.table(&table).is_none() {
                self.forget(&table).await?;
            }
        }
        self.remove_due().await
    }

    async fn remove_due(&self) -> Result<(), Error> {
        let now = self.inner.world.now();
        for key in rows::due(&self.inner.db, now, SWEEP_MAX).await? {
            if let Err(error) = self.inner.shelf.remove(&key).await {
                tracing::error!(key, %error, "metadata that is shown no more cannot be removed");
                continue;
            }
            let mut tx = self.inner.db.write().await?;
            rows::keep(&mut tx, &key).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn forget(&self, table: &str) -> Result<(), Error> {
        let Some(state) = rows::state(&self.inner.db, table).await? else { return Ok(()) };
        let remove_at = self.inner.world.now() + GRACE;
        let mut tx = self.inner.db.write().await?;
        for key in state.snapshots.iter().map(|snapshot| &snapshot.list).chain([&state.metadata]) {
            rows::discard(&mut tx, key, remove_at).await?;
        }
        rows::forget_table(&mut tx, table, remove_at).await?;
        tx.commit().await?;
        self.inner.tables.listed_no_more(table);
        self.looked().remove(table);
        Ok(())
    }
}
