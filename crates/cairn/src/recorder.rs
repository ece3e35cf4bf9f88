//! From the door to the journal: fail-open through a bounded queue, or fail-closed.
//!
//! **Fail-open.** [`Recorder::record`] never waits. The queue holds at most
//! `queue_bytes_max`; what does not fit, or what the journal refuses for good, is
//! counted ([`loss`]). As soon as the journal writes again an event `RecordsLost` says how
//! many of which span are missing. The account is kept in a file too, so that a crash
//! does not lose it.
//!
//! **Fail-closed.** [`Recorder::before_effect`] makes an intent durable before a write has
//! any effect; the record itself is durable before the answer leaves. A record that cannot
//! be written then, although the effect is there, waits in the queue, and its call fails.
//! Intents without a record, left by a crash, are closed at the next start by a record with
//! the intent's `eventID` and the error code `OutcomeUnknown` ([`intent`]).

mod intent;
mod loss;

use crate::config::Recording;
use bytes::Bytes;
use cairn_event::{Origin, Record, Time};
use cairn_journal::{Entry, Error, Journal, Kind};
use cairn_services::{Arrival, BeforeEffect, Outcome};
use cairn_store::Db;
use cairn_wire::Fault;
use cairn_world::World;
use intent::Intents;
use loss::Losses;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BATCH_RECORDS_MAX: usize = 4096;
const RETRY: Duration = Duration::from_millis(200);
/// Of so many tries that fail in a row, one is told to the log.
const COMPLAIN_EVERY: u32 = 50;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Takes what the door has to record.
pub struct Recorder {
    shared: Arc<Shared>,
    sender: Mutex<Option<UnboundedSender<Queued>>>,
    drained: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    world: World,
    journal: Journal,
    mode: Recording,
    account: String,
    region: String,
    queue_bytes_max: usize,
    queued_bytes: AtomicUsize,
    /// The times of all records that are queued and neither written nor lost, oldest first.
    waiting: Mutex<VecDeque<Time>>,
    losses: Losses,
    intents: Intents,
    closing: CancellationToken,
}

/// A record on its way.
#[derive(Clone)]
struct Queued {
    entry: Entry,
    /// The intent that it closes. Such a record is not lost while its intent is open.
    closes: Option<Uuid>,
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
        let intents = Intents::open(db, journal, settings.mode == Recording::FailClosed).await?;
        let shared = Arc::new(Shared {
            world: world.clone(),
            journal: journal.clone(),
            mode: settings.mode,
            account: settings.account,
            region: settings.region,
            queue_bytes_max: settings.queue_bytes_max as usize,
            queued_bytes: AtomicUsize::new(0),
            waiting: Mutex::default(),
            losses: Losses::open(world, settings.lost_file)?,
            intents,
            closing: CancellationToken::new(),
        });
        let (sender, receiver) = mpsc::unbounded_channel();
        let drain = tokio::spawn(drain(shared.clone(), receiver));
        tokio::spawn(keep(shared.clone()));
        Ok(Self { shared, sender: Mutex::new(Some(sender)), drained: tokio::sync::Mutex::new(Some(drain)) })
    }

    /// Records what happened. Fails only when fail-closed.
    pub async fn record(&self, event_id: Uuid, records: Vec<Record>) -> Result<(), Fault> {
        let at = self.shared.world.now();
        let entries: Vec<Entry> = records.iter().map(|record| entry(Kind::Event, at, record)).collect();
        if self.shared.mode == Recording::FailOpen {
            for entry in entries {
                self.enqueue(Queued { entry, closes: None });
            }
            return Ok(());
        }
        match self.shared.journal.append(entries.clone()).await {
            Ok(_) => {
                self.shared.intents.close(event_id);
                Ok(())
            }
            Err(error) => {
                // What the call did is done; its record must follow, if not in time.
                for entry in entries {
                    self.enqueue(Queued { entry, closes: Some(event_id) });
                }
                Err(not_recorded(&error))
            }
        }
    }

    /// Counts a call that ended without a record: its task died.
    pub fn lose_call(&self) {
        if self.shared.mode == Recording::FailOpen {
            self.shared.losses.add([self.shared.world.now()]);
        }
    }

    fn enqueue(&self, queued: Queued) {
        let shared = &self.shared;
        let (length, time, closes) = (queued.entry.body.len(), queued.entry.time, queued.closes);
        let fits = shared.queued_bytes.fetch_add(length, Ordering::AcqRel) + length <= shared.queue_bytes_max;
        let sender = lock(&self.sender);
        lock(&shared.waiting).push_back(time);
        if !fits || sender.as_ref().is_none_or(|sender| sender.send(queued).is_err()) {
            lock(&shared.waiting).pop_back();
            shared.queued_bytes.fetch_sub(length, Ordering::AcqRel);
            if closes.is_none() {
                shared.losses.add([time]);
            }
        }
    }

    /// Writes what is queued, or accounts for it, and stops. A journal that is stuck
    /// does not keep the process from ending.
    pub async fn close(&self, patience: Duration) {
        drop(lock(&self.sender).take());
        self.shared.closing.cancel();
        if let Some(mut drain) = self.drained.lock().await.take() {
            let waited = tokio::select! {
                _ = &mut drain => true,
                () = self.shared.world.clock.sleep(patience) => false,
            };
            if !waited {
                tracing::error!("the journal is stuck; queued records are given up");
                drain.abort();
                let _ = drain.await;
            }
        }
        self.shared.losses.add(std::mem::take(&mut *lock(&self.shared.waiting)));
        self.shared.losses.keep();
        self.shared.intents.checkpoint(&self.shared.journal).await;
    }

    /// Keeps what was lost after [`Recorder::close`], by calls that were cut off.
    pub fn keep_account(&self) {
        self.shared.losses.keep();
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
        self.shared.intents.begin(arrival.event_id, &self.shared.journal);
        if let Err(error) = self.shared.journal.append(vec![entry(Kind::Intent, at, record)]).await {
            self.shared.intents.close(arrival.event_id);
            return Err(not_recorded(&error));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entry(kind: Kind, time: Time, record: &Record) -> Entry {
    Entry { origin: Origin::Door, kind, time, body: Bytes::from(record.to_json()) }
}

fn not_recorded(error: &Error) -> Fault {
    Fault::unavailable("the call cannot be recorded, and recording is fail-closed").because(error)
}

/// Moves the queue into the journal, batch by batch.
async fn drain(shared: Arc<Shared>, mut receiver: UnboundedReceiver<Queued>) {
    let mut batch = Vec::with_capacity(BATCH_RECORDS_MAX);
    let mut checkpointed = shared.world.clock.monotonic();
    loop {
        batch.clear();
        tokio::select! {
            received = receiver.recv_many(&mut batch, BATCH_RECORDS_MAX) => if received == 0 { break },
            () = shared.world.clock.sleep(CHECKPOINT_EVERY) => {}
        }
        if !batch.is_empty() {
            shared.write(&batch).await;
        }
        shared.account_for_loss().await;
        if shared.world.clock.monotonic().saturating_sub(checkpointed) >= CHECKPOINT_EVERY {
            shared.intents.checkpoint(&shared.journal).await;
            checkpointed = shared.world.clock.monotonic();
        }
    }
    shared.account_for_loss().await;
}

/// Keeps the account of losses on disk while there is one that the journal does not have.
async fn keep(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        shared.world.clock.sleep(KEEP_EVERY).await;
        let keeping = shared.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || keeping.losses.keep()).await {
            tracing::error!(%error, "the account of lost records cannot be kept");
        }
    }
}

impl Shared {
    /// Appends a batch, again and again while the journal is only unavailable.
    async fn write(&self, batch: &[Queued]) {
        let entries: Vec<Entry> = batch.iter().map(|queued| queued.entry.clone()).collect();
        let mut tries = 0_u32;
        let written = loop {
            match self.journal.append(entries.clone()).await {
                Ok(_) => break true,
                Err(Error::Unavailable(cause)) if !self.closing.is_cancelled() => {
                    if tries.is_multiple_of(COMPLAIN_EVERY) {
                        tracing::error!(cause = %cause, waiting = batch.len(), "the journal cannot be written");
                    }
                    tries += 1;
                    tokio::select! {
                        () = self.world.clock.sleep(RETRY) => {}
                        () = self.closing.cancelled() => {}
                    }
                }
                Err(error) => {
                    tracing::error!(%error, lost = batch.len(), "records are lost");
                    break false;
                }
            }
        };
        self.settle(batch, written);
    }

    fn settle(&self, batch: &[Queued], written: bool) {
        lock(&self.waiting).drain(..batch.len());
        for queued in batch {
            match queued.closes {
                Some(event_id) if written => self.intents.close(event_id),
                None if !written => self.losses.add([queued.entry.time]),
                _ => {}
            }
        }
        let bytes: usize = batch.iter().map(|queued| queued.entry.body.len()).sum();
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Says in an event what was lost, once the journal writes again.
    async fn account_for_loss(&self) {
        let Some(loss) = self.losses.open_account() else { return };
        let (at, source) = (self.world.now(), "cloudtrail.amazonaws.com");
        let mut record = Record::service_event(source, "RecordsLost", &self.account, &self.region, at, loss.event_id);
        record.service_event_details = Some(loss.details());
        if self.journal.append(vec![entry(Kind::Event, at, &record)]).await.is_ok() {
            tracing::warn!(lost = loss.records, "the journal writes again; the loss is on record");
            self.losses.said(&loss);
        }
    }
}

#[cfg(test)]
mod tests;
