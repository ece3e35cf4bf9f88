//! How channels stand: what came over them last.
//!
//! Kept in memory and written now and then: a channel takes many calls in a second, and what a crash loses
//! of this is what the next call says again.

use crate::{Error, Parts};
use cairn_event::Time;
use cairn_store::Db;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SAVE_INTERVAL: Duration = Duration::from_secs(10);

const SCHEMA: &[&str] = &["CREATE TABLE lake_ingestion (channel TEXT PRIMARY KEY, body TEXT NOT NULL)"];

/// What came over one channel last. The serialized form stands in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingestion {
    pub success: Option<Time>,
    /// `eventID` of the last event that was taken.
    pub success_event: Option<String>,
    /// Why the last event was not taken; None when it was.
    pub error: Option<String>,
    pub attempt: Option<Time>,
    pub attempt_event: Option<String>,
}

pub(super) struct Statuses(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_channel: HashMap<String, Ingestion>,
    /// What the database does not know yet.
    unsaved: BTreeSet<String>,
}

impl Statuses {
    pub async fn open(db: &Db) -> Result<Self, Error> {
        db.migrate("lake-channel", SCHEMA).await?;
        let mut known = Known::default();
        for row in sqlx::query("SELECT channel, body FROM lake_ingestion").fetch_all(db.read()).await? {
            let (channel, body): (String, String) = (row.try_get("channel")?, row.try_get("body")?);
            // Nothing depends on it: one that cannot be read is one that is not known.
            known.by_channel.extend(serde_json::from_str(&body).ok().map(|status| (channel, status)));
        }
        Ok(Self(Mutex::new(known)))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn of(&self, channel: &str) -> Option<Ingestion> {
        self.known().by_channel.get(channel).cloned()
    }

    pub fn note(&self, channel: &str, change: impl FnOnce(&mut Ingestion)) {
        let mut known = self.known();
        change(known.by_channel.entry(channel.to_owned()).or_default());
        known.unsaved.insert(channel.to_owned());
    }

    pub fn forget(&self, channel: &str) {
        let mut known = self.known();
        known.by_channel.remove(channel);
        known.unsaved.insert(channel.to_owned());
    }

    pub async fn run(&self, parts: &Parts, shutdown: CancellationToken) {
        let mut ends = false;
        while !ends {
            tokio::select! {
                () = shutdown.cancelled() => ends = true,
                () = parts.world.clock.sleep(SAVE_INTERVAL) => {}
            }
            if let Err(error) = self.save(&parts.db).await {
                tracing::warn!(%error, "how channels stand is not written; it is tried again");
            }
        }
    }

    pub async fn save(&self, db: &Db) -> Result<(), Error> {
        let unsaved = std::mem::take(&mut self.known().unsaved);
        if unsaved.is_empty() {
            return Ok(());
        }
        let saved = self.write(db, &unsaved).await;
        if saved.is_err() {
            self.known().unsaved.extend(unsaved);
        }
        saved
    }

    async fn write(&self, db: &Db, channels: &BTreeSet<String>) -> Result<(), Error> {
        let mut tx = db.write().await?;
        for channel in channels {
            let query = match self.of(channel) {
                Some(status) => {
                    let body = serde_json::to_string(&status).expect("plain data always serializes");
                    let insert =
                        "INSERT INTO lake_ingestion VALUES ($1, $2) ON CONFLICT (channel) DO UPDATE SET body = $2";
                    sqlx::query(insert).bind(channel).bind(body)
                }
                None => sqlx::query("DELETE FROM lake_ingestion WHERE channel = $1").bind(channel),
            };
            query.execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
