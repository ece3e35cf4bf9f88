//! One durable change, and the time it is made at.
//!
//! The order of durability:
//! 1. blobs that are new are complete and synced under their names;
//! 2. the rows that name them are committed, and with them the high-water time;
//! 3. blobs that no row names any more are removed.
//!
//! A crash after 1 or 2 leaves blobs without a name; the sweep of the next start removes them.

use crate::{Buckets, Error, rows};
use cairn_event::Time;
use cairn_store::{BlobId, Blobs, Write, sqlx};
use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How often the high-water time is written when nothing else happens.
const HIGH_WATER_INTERVAL: Duration = Duration::from_mins(1);
/// Blobs looked at in one step of the sweep.
const SWEEP_STEP: usize = 500;

/// An open write transaction.
pub(crate) struct Change {
    pub tx: Write,
    /// Never before any earlier change, whatever the clock says.
    pub now: Time,
    /// Blobs to remove once this is committed.
    pub doomed: Vec<BlobId>,
    /// Versions removed, with their blobs, which may be read just now.
    pub removed: Vec<(i64, Vec<BlobId>)>,
    buckets: Buckets,
}

/// Blobs that this process writes and no row names yet; the sweep leaves them alone.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashSet<BlobId>>>);

/// Held from a blob's creation until its row is committed or given up.
pub(crate) struct Flight {
    flights: Flights,
    pub blob: BlobId,
}

impl Flights {
    pub fn depart(&self, blob: &BlobId) -> Flight {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.clone());
        Flight { flights: self.clone(), blob: blob.clone() }
    }

    fn has(&self, blob: &BlobId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(blob)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.blob);
    }
}

impl Change {
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await?;
        let mut doomed = self.doomed;
        for (version, blobs) in self.removed {
            doomed.extend(self.buckets.inner.readers.part(version, blobs));
        }
        self.buckets.discard(doomed).await;
        Ok(())
    }
}

impl Buckets {
    /// Waits for the one write transaction. The time is the clock's or the high-water time, whichever
    /// is later, so that a clock turned back neither ends a lock's protection of new versions early
    /// nor makes what is past future again. A clock turned forward is believed.
    pub(crate) async fn begin(&self) -> Result<Change, Error> {
        let mut tx = self.inner.db.write().await?;
        let clock = self.inner.world.now().millis();
        let high: i64 = sqlx::query_scalar("UPDATE bucket_time SET high = max(high, $1) RETURNING high")
            .bind(clock)
            .fetch_one(&mut *tx)
            .await?;
        Ok(Change { tx, now: Time(high), doomed: Vec::new(), removed: Vec::new(), buckets: self.clone() })
    }

    /// Runs to its end even when its caller has gone: a transaction given up halfway through its
    /// commit would leave nobody who knows whether its blobs are named.
    pub(crate) async fn run<T: Send + 'static>(
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        tokio::spawn(work).await.map_err(|error| Error::Unavailable(error.to_string()))?
    }

    /// Removes blobs that nothing names. What cannot be removed now is at the next start.
    pub(crate) async fn discard(&self, blobs: Vec<BlobId>) {
        if blobs.is_empty() {
            return;
        }
        let store = self.inner.blobs.clone();
        let removed = blocking(move || {
            remove(&store, &blobs);
            Ok(())
        });
        if let Err(error) = removed.await {
            tracing::warn!(%error, "deleted objects' blobs could not be removed");
        }
    }

    /// Writes the high-water time every minute, as long as the buckets are open.
    pub(crate) fn keep_time(&self) {
        let (world, inner) = (self.inner.world.clone(), Arc::downgrade(&self.inner));
        tokio::spawn(async move {
            loop {
                world.clock.sleep(HIGH_WATER_INTERVAL).await;
                let Some(buckets) = reopened(&inner) else { return };
                let written = async { buckets.begin().await?.commit().await };
                if let Err(error) = written.await {
                    tracing::warn!(%error, "the time could not be written; locks rely on the last one");
                }
            }
        });
    }

    /// Removes, in the background, the blobs that a crash left without a name.
    pub(crate) fn sweep_in_background(&self) {
        let buckets = self.clone();
        tokio::spawn(async move {
            match buckets.sweep().await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "removed blobs that no object names"),
                Err(error) => tracing::warn!(%error, "blobs without a name could not all be removed"),
            }
        });
    }

    /// Removes the blobs that no row names and nobody is writing; gives how many.
    pub(crate) async fn sweep(&self) -> Result<usize, Error> {
        let store = self.inner.blobs.clone();
        let found = blocking(move || store.list()).await.map_err(|error| Error::Unavailable(error.to_string()))?;
        let mut count = 0;
        for step in found.chunks(SWEEP_STEP) {
            // The order matters: a blob that is in no flight by now has its row already, or never will.
            let landed: Vec<BlobId> = step.iter().filter(|blob| !self.inner.flights.has(blob)).cloned().collect();
            let nameless = rows::nameless(&self.inner.db, &landed).await?;
            count += nameless.len();
            self.discard(nameless).await;
        }
        Ok(count)
    }
}

fn reopened(inner: &Weak<crate::Inner>) -> Option<Buckets> {
    inner.upgrade().map(|inner| Buckets { inner })
}

/// Blocks.
pub(crate) fn remove(store: &Blobs, blobs: &[BlobId]) {
    for blob in blobs {
        if let Err(error) = store.remove(blob) {
            tracing::warn!(blob = blob.as_str(), %error, "a deleted object's blob could not be removed");
        }
    }
}

/// Does disk work where it may block.
pub(crate) async fn blocking<T, F>(work: F) -> std::io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> std::io::Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
