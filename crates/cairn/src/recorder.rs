//! From the door to the journal: fail-open through a bounded queue, or fail-closed.
//!
//! **Fail-open.** [`Recorder::record`] never waits. The queue holds at most
//! `queue_bytes_max`; what does not fit, or what the journal refuses for good, is
//! counted with the times of the first and the last lost event. As soon as the journal
//! writes again an event `RecordsLost` says how many of which span are missing. An
//! account that could not be written before the process ended is kept in a file and
//! written at the next start.
//!
//! **Fail-closed.** [`Recorder::before_effect`] makes an intent durable before a write has
//! any effect; the record itself is durable before the answer leaves. Intents without
//! a record, left by a crash, are closed at the next start by a record with the
//! intent's `eventID` and the error code `OutcomeUnknown`.

use bytes::Bytes;
use cairn_event::{Origin, Record, Time};
use cairn_journal::{Entry, Error, Journal, Kind, Position};
use cairn_services::{Arrival, BeforeEffect, Outcome};
use cairn_store::{Db, sqlx};
use cairn_wire::Fault;
use cairn_world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::config::Recording;

const BATCH_RECORDS_MAX: usize = 4096;
const RETRY: Duration = Duration::from_millis(200);
/// Of so many tries that fail in a row, one is told to the log.
const COMPLAIN_EVERY: u32 = 50;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
const SCHEMA: &[&str] =
    &["CREATE TABLE recorder_checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL)"];

/// What could not be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Loss {
    records: u64,
    first: Time,
    last: Time,
}

/// Takes what the door has to record.
pub struct Recorder {
    shared: Arc<Shared>,
    sender: Mutex<Option<mpsc::UnboundedSender<Entry>>>,
    drained: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

struct Shared {
    world: World,
    journal: Journal,
    mode: Recording,
    account: String,
    region: String,
    queue_bytes_max: usize,
    queued_bytes: AtomicUsize,
    lost: Mutex<Option<Loss>>,
    lost_file: PathBuf,
    closing: Notify,
    db: Db,
    /// Positions of intents whose record is not durable yet.
    open_intents: Mutex<(BTreeSet<Position>, HashMap<Uuid, Position>)>,
}

/// Where the recorder keeps things and whom its own events belong to.
pub struct Settings {
    pub mode: Recording,
    pub queue_bytes_max: u64,
    pub account: String,
    pub region: String,
    pub lost_file: PathBuf,
}

impl Recorder {
    /// Closes what a crash left open and starts the queue.
    pub async fn open(world: &World, db: &Db, journal: &Journal, settings: Settings) -> Result<Self, String> {
        let lost = match world.disk.read(&settings.lost_file) {
            Ok(json) => serde_json::from_slice(&json).ok(),
            Err(_) => None,
        };
        let shared = Arc::new(Shared {
            world: world.clone(),
            journal: journal.clone(),
            mode: settings.mode,
            account: settings.account,
            region: settings.region,
            queue_bytes_max: settings.queue_bytes_max as usize,
            queued_bytes: AtomicUsize::new(0),
            lost: Mutex::new(lost),
            lost_file: settings.lost_file,
            closing: Notify::new(),
            db: db.clone(),
            open_intents: Mutex::default(),
        });
        db.migrate("recorder", SCHEMA).await.map_err(|error| error.to_string())?;
        shared.close_intents().await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let drain = tokio::spawn(drain(shared.clone(), receiver));
        Ok(Self { shared, sender: Mutex::new(Some(sender)), drained: tokio::sync::Mutex::new(Some(drain)) })
    }

    /// Records what happened. Fails only when fail-closed.
    pub async fn record(&self, event_id: Uuid, records: Vec<Record>) -> Result<(), Fault> {
        let at = self.shared.world.now();
        let entries = records.iter().map(|record| entry(Kind::Event, at, record)).collect::<Vec<_>>();
        match self.shared.mode {
            Recording::FailOpen => {
                for entry in entries {
                    self.enqueue(entry);
                }
                Ok(())
            }
            Recording::FailClosed => {
                let result = self.shared.journal.append(entries).await;
                result.map_err(|error| not_recorded(&error))?;
                self.shared.closed(event_id);
                Ok(())
            }
        }
    }

    fn enqueue(&self, entry: Entry) {
        let length = entry.body.len();
        let fits = self.shared.queued_bytes.fetch_add(length, Ordering::AcqRel) + length <= self.shared.queue_bytes_max;
        let time = entry.time;
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if !fits || sender.as_ref().is_none_or(|sender| sender.send(entry).is_err()) {
            self.shared.queued_bytes.fetch_sub(length, Ordering::AcqRel);
            self.shared.lose([time]);
        }
    }

    /// Writes what is queued, or accounts for it, and stops. A journal that is stuck
    /// does not keep the process from ending.
    pub async fn close(&self, patience: Duration) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.shared.closing.notify_one();
        if let Some(mut drain) = self.drained.lock().await.take() {
            let waited = tokio::select! {
                _ = &mut drain => true,
                () = self.shared.world.clock.sleep(patience) => false,
            };
            if !waited {
                tracing::error!("the journal is stuck; queued records are given up");
                drain.abort();
            }
        }
        self.shared.keep_loss();
        self.shared.checkpoint().await;
    }
}

#[async_trait::async_trait]
impl BeforeEffect for Recorder {
    async fn before_effect(&self, arrival: &Arrival, so_far: &Outcome) -> Result<(), Fault> {
        if self.shared.mode == Recording::FailOpen {
            return Ok(());
        }
        let at = self.shared.world.now();
        let records = crate::record::records(arrival, so_far, at, &self.shared.account);
        let Some(record) = records.first() else { return Ok(()) };
        let range = self.shared.journal.append(vec![entry(Kind::Intent, at, record)]).await;
        let range = range.map_err(|error| not_recorded(&error))?;
        let mut open = self.shared.open_intents.lock().unwrap_or_else(PoisonError::into_inner);
        open.0.insert(range.start);
        open.1.insert(arrival.event_id, range.start);
        Ok(())
    }
}

fn entry(kind: Kind, time: Time, record: &Record) -> Entry {
    Entry { origin: Origin::Door, kind, time, body: Bytes::from(record.to_json()) }
}

fn not_recorded(error: &Error) -> Fault {
    Fault::unavailable("the call cannot be recorded, and recording is fail-closed").because(error)
}

/// Moves the queue into the journal, batch by batch.
async fn drain(shared: Arc<Shared>, mut receiver: mpsc::UnboundedReceiver<Entry>) {
    let mut batch = Vec::with_capacity(BATCH_RECORDS_MAX);
    let mut checkpointed = shared.world.clock.monotonic();
    loop {
        batch.clear();
        tokio::select! {
            received = receiver.recv_many(&mut batch, BATCH_RECORDS_MAX) => if received == 0 { break },
            () = shared.world.clock.sleep(CHECKPOINT_EVERY) => {}
        }
        if !batch.is_empty() {
            shared.write(std::mem::take(&mut batch)).await;
        }
        shared.account_for_loss().await;
        if shared.mode == Recording::FailClosed
            && shared.world.clock.monotonic().saturating_sub(checkpointed) >= CHECKPOINT_EVERY
        {
            shared.checkpoint().await;
            checkpointed = shared.world.clock.monotonic();
        }
    }
    shared.account_for_loss().await;
}

impl Shared {
    /// Appends a batch, again and again while the journal is only unavailable.
    async fn write(&self, batch: Vec<Entry>) {
        let bytes: usize = batch.iter().map(|entry| entry.body.len()).sum();
        let times: Vec<Time> = batch.iter().map(|entry| entry.time).collect();
        let mut closing = false;
        let mut tries = 0_u32;
        loop {
            match self.journal.append(batch.clone()).await {
                Ok(_) => break,
                Err(Error::Unavailable(cause)) if !closing => {
                    if tries.is_multiple_of(COMPLAIN_EVERY) {
                        tracing::error!(cause = %cause, waiting = times.len(), "the journal cannot be written");
                    }
                    tries += 1;
                    closing = tokio::select! {
                        () = self.world.clock.sleep(RETRY) => false,
                        () = self.closing.notified() => true,
                    };
                }
                Err(error) => {
                    tracing::error!(%error, lost = times.len(), "records are lost");
                    self.lose(times);
                    break;
                }
            }
        }
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    fn lose(&self, times: impl IntoIterator<Item = Time>) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        for time in times {
            let loss = lost.get_or_insert_with(|| {
                tracing::error!("records are being lost; calls go on (recording is fail-open)");
                Loss { records: 0, first: time, last: time }
            });
            loss.records += 1;
            loss.first = loss.first.min(time);
            loss.last = loss.last.max(time);
        }
    }

    /// Says in an event what was lost, once the journal writes again.
    async fn account_for_loss(&self) {
        let Some(loss) = *self.lost.lock().unwrap_or_else(PoisonError::into_inner) else { return };
        let at = self.world.now();
        let id = uuid::Builder::from_random_bytes(self.world.dice.bytes()).into_uuid();
        let mut record =
            Record::service_event("cloudtrail.amazonaws.com", "RecordsLost", &self.account, &self.region, at, id);
        record.service_event_details = Some(serde_json::json!({
            "lostRecords": loss.records,
            "firstLost": loss.first.iso_millis(),
            "lastLost": loss.last.iso_millis(),
        }));
        if self.journal.append(vec![entry(Kind::Event, at, &record)]).await.is_err() {
            return;
        }
        tracing::warn!(lost = loss.records, "the journal writes again; the loss is on record");
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        *lost = lost.and_then(|now| {
            // What was lost meanwhile stays to be said.
            (now.records > loss.records).then_some(Loss {
                records: now.records - loss.records,
                first: loss.last,
                ..now
            })
        });
        drop(lost);
        if self.world.disk.exists(&self.lost_file).unwrap_or(false) {
            let _ = self.world.disk.remove_file(&self.lost_file);
        }
    }

    /// Keeps an account that could not be written for the next start.
    fn keep_loss(&self) {
        let lost = *self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loss) = lost {
            let json = serde_json::to_vec(&loss).expect("three numbers always serialize");
            if let Err(error) = self.world.disk.write_atomic(&self.lost_file, &json) {
                tracing::error!(%error, lost = loss.records, "not even the account of lost records can be kept");
            }
        }
    }

    fn closed(&self, event_id: Uuid) {
        let mut open = self.open_intents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(position) = open.1.remove(&event_id) {
            open.0.remove(&position);
        }
    }

    /// Remembers from where a start after a crash has to look for open intents.
    async fn checkpoint(&self) {
        if self.mode == Recording::FailOpen {
            return;
        }
        let oldest = self.open_intents.lock().unwrap_or_else(PoisonError::into_inner).0.first().copied();
        if let Err(error) = self.save_checkpoint(Some(oldest.unwrap_or_else(|| self.journal.end()))).await {
            tracing::warn!(%error, "the recorder's checkpoint is not saved; the next start reads further back");
        }
    }

    async fn save_checkpoint(&self, position: Option<Position>) -> Result<(), cairn_store::Error> {
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

    /// Closes the intents that a crash left without a record.
    async fn close_intents(&self) -> Result<(), String> {
        let saved: Option<i64> = sqlx::query_scalar("SELECT position FROM recorder_checkpoint")
            .fetch_optional(self.db.read())
            .await
            .map_err(|error| error.to_string())?;
        if let Some(from) = saved {
            let journal = self.journal.clone();
            let from = Position(from as u64).max(journal.start());
            let open = tokio::task::spawn_blocking(move || open_intents(&journal, from)).await;
            let open = open.map_err(|error| error.to_string())??;
            if !open.is_empty() {
                tracing::warn!(calls = open.len(), "calls were cut off by a crash; their records say so");
                self.journal.append(open).await.map_err(|error| error.to_string())?;
            }
        }
        let position = (self.mode == Recording::FailClosed).then(|| self.journal.end());
        self.save_checkpoint(position).await.map_err(|error| error.to_string())
    }
}

/// The closing records of all intents after `from` that have none.
fn open_intents(journal: &Journal, mut from: Position) -> Result<Vec<Entry>, String> {
    const READ_BYTES_MAX: usize = 8 << 20;
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
    let mut closing: Vec<(Time, Entry)> =
        open.into_values().filter_map(|(time, raw)| Some((time, closed_intent(time, &raw)?))).collect();
    closing.sort_by_key(|(time, _)| *time);
    Ok(closing.into_iter().map(|(_, entry)| entry).collect())
}

fn closed_intent(time: Time, raw: &str) -> Option<Entry> {
    let mut record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    record.insert("errorCode".into(), "OutcomeUnknown".into());
    let message = "the recorder was cut off before the outcome of this call was recorded; it may have taken effect";
    record.insert("errorMessage".into(), message.into());
    let body = serde_json::to_vec(&record).ok()?;
    Some(Entry { origin: Origin::Door, kind: Kind::Event, time, body: Bytes::from(body) })
}
