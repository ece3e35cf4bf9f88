//! Intents: calls that were about to have an effect, and whether their record followed.

use super::lock;
use bytes::Bytes;
use cairn_event::{Origin, Time};
use cairn_journal::{Entry, Error, Journal, Kind, Position};
use cairn_store::{Db, sqlx};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Mutex;
use uuid::Uuid;

const SCHEMA: &[&str] =
    &["CREATE TABLE recorder_checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL)"];
const READ_BYTES_MAX: usize = 8 << 20;

/// The intents that are open.
pub struct Intents {
    db: Db,
    /// Whether there are any: only fail-closed recording makes intents.
    used: bool,
    /// Of each, a position that its record in the journal does not lie before.
    open: Mutex<HashMap<Uuid, Position>>,
}

impl Intents {
    /// Closes the intents that a crash left without a record.
    pub async fn open(db: &Db, journal: &Journal, used: bool) -> Result<Self, String> {
        db.migrate("recorder", SCHEMA).await.map_err(|error| error.to_string())?;
        let intents = Self { db: db.clone(), used, open: Mutex::default() };
        intents.close_left(journal).await?;
        Ok(intents)
    }

    /// Comes before the intent is appended, so that no checkpoint passes it.
    pub fn begin(&self, event_id: Uuid, journal: &Journal) {
        let mut open = lock(&self.open);
        open.insert(event_id, journal.end());
    }

    pub fn close(&self, event_id: Uuid) {
        lock(&self.open).remove(&event_id);
    }

    /// Remembers from where a start after a crash has to look for open intents.
    pub async fn checkpoint(&self, journal: &Journal) {
        if !self.used {
            return;
        }
        // The end first: an intent that begins after this lies behind it.
        let end = journal.end();
        let oldest = lock(&self.open).values().min().copied();
        if let Err(error) = self.save(Some(oldest.map_or(end, |oldest| oldest.min(end)))).await {
            tracing::warn!(%error, "the recorder's checkpoint is not saved; the next start reads further back");
        }
    }

    async fn save(&self, position: Option<Position>) -> Result<(), cairn_store::Error> {
        let mut tx = self.db.write().await?;
        match position {
            Some(position) => {
                let text =
                    "INSERT INTO recorder_checkpoint VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET position = $1";
                sqlx::query(text).bind(position.0 as i64).execute(&mut *tx).await?;
            }
            None => _ = sqlx::query("DELETE FROM recorder_checkpoint").execute(&mut *tx).await?,
        }
        Ok(tx.commit().await?)
    }

    async fn close_left(&self, journal: &Journal) -> Result<(), String> {
        let saved: Option<i64> = sqlx::query_scalar("SELECT position FROM recorder_checkpoint")
            .fetch_optional(self.db.read())
            .await
            .map_err(|error| error.to_string())?;
        if let Some(from) = saved {
            let from = Position(from as u64).max(journal.start());
            let reading = journal.clone();
            let left = tokio::task::spawn_blocking(move || left_open(&reading, from)).await;
            let left = left.map_err(|error| error.to_string())??;
            if !left.is_empty() {
                tracing::warn!(calls = left.len(), "calls were cut off by a crash; their records say so");
                journal.append(left).await.map_err(|error| error.to_string())?;
            }
        }
        self.save(self.used.then(|| journal.end())).await.map_err(|error| error.to_string())
    }
}

/// The closing records of all intents after `from` that have none.
fn left_open(journal: &Journal, mut from: Position) -> Result<Vec<Entry>, String> {
    let mut open: HashMap<String, (Time, String)> = HashMap::new();
    while from < journal.end() {
        let batch = match journal.read(from, READ_BYTES_MAX) {
            Ok(batch) => batch,
            Err(Error::Corrupt { what, resume }) => {
                tracing::error!(%what, "an intent or the record that closes it may be among what is damaged");
                from = resume;
                continue;
            }
            Err(error) => return Err(error.to_string()),
        };
        for item in batch.iter() {
            let Some(id) = item.head().and_then(|head| head.event_id) else { continue };
            match item.kind() {
                Kind::Intent => _ = open.insert(id.into_owned(), (item.time(), item.raw().to_owned())),
                Kind::Event if item.origin() == Origin::Door => _ = open.remove(&*id),
                Kind::Event => {}
            }
        }
        from = batch.range().end;
    }
    let mut closing: Vec<Entry> = open.into_values().filter_map(|(time, raw)| closed(time, &raw)).collect();
    closing.sort_by_key(|entry| entry.time);
    Ok(closing)
}

fn closed(time: Time, raw: &str) -> Option<Entry> {
    let mut record: Map<String, Value> = serde_json::from_str(raw).ok()?;
    record.insert("errorCode".into(), "OutcomeUnknown".into());
    let message = "the recorder was cut off before the outcome of this call was recorded; it may have taken effect";
    record.insert("errorMessage".into(), message.into());
    let body = serde_json::to_vec(&record).ok()?;
    Some(Entry { origin: Origin::Door, kind: Kind::Event, time, body: Bytes::from(body) })
}
