//! Hands every reader its batches, and trims what all of them have absorbed.

use crate::retention::{Calendar, trim};
use crate::{Batch, Error, Journal, Position, Reader};
use cairn_event::Origins;
use cairn_world::World;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Records of one batch before compression.
const BATCH_BYTES: usize = 2 << 20;
/// Batches kept for readers that come to the same place a little later.
const SHELF_BATCHES: usize = 4;
const DELAY_MIN: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_mins(1);
const TRIM_EVERY: Duration = Duration::from_mins(1);

/// Hands every reader its batches; readers that stand at the same place share one.
///
/// Each reader goes at its own pace. A batch stays on the shelf for a while, so that
/// readers near one another read and decode each record once; a reader that lags reads
/// alone until it reaches the others.
pub struct Driver {
    world: World,
    journal: Journal,
    readers: Vec<Arc<dyn Reader>>,
}

impl Driver {
    pub fn new(world: &World, journal: &Journal, readers: Vec<Arc<dyn Reader>>) -> Self {
        Self { world: world.clone(), journal: journal.clone(), readers }
    }

    /// Runs until `shutdown`; also trims the journal by size and age. A batch that a
    /// reader is absorbing at that moment is absorbed to its end.
    pub async fn run(self, shutdown: CancellationToken) {
        let wanted = self.readers.iter().fold(Origins::of(&[]), |all, reader| all.union(reader.origins()));
        let batches = Arc::new(Shelf { wanted, slots: Mutex::default() });
        let mut tasks = JoinSet::new();
        for reader in &self.readers {
            let follower = Follower {
                world: self.world.clone(),
                journal: self.journal.clone(),
                shelf: batches.clone(),
                reader: reader.clone(),
                shutdown: shutdown.clone(),
            };
            tasks.spawn(supervise(follower));
        }
        tasks.spawn(retain(self, shutdown));
        while tasks.join_next().await.is_some() {}
    }
}

/// One reader on its way.
#[derive(Clone)]
struct Follower {
    world: World,
    journal: Journal,
    shelf: Arc<Shelf>,
    reader: Arc<dyn Reader>,
    shutdown: CancellationToken,
}

/// Starts a reader again that panicked, from what it has made durable.
async fn supervise(follower: Follower) {
    let mut patience = Patience::default();
    loop {
        let running = follower.clone();
        match tokio::spawn(async move { running.follow().await }).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(reader = follower.reader.name(), %error, "a reader broke down and is started again");
            }
        }
        if !follower.wait(&mut patience).await {
            return;
        }
    }
}

impl Follower {
    async fn follow(&self) {
        let mut at = self.reader.position();
        let mut patience = Patience::default();
        while !self.shutdown.is_cancelled() {
            let end = self.journal.end();
            if at > end {
                tracing::error!(
                    reader = self.reader.name(),
                    at = at.0,
                    end = end.0,
                    "the journal ends before what was read of it"
                );
                at = self.skip(end).await;
                continue;
            }
            tokio::select! {
                () = self.journal.wait_behind(at) => {}
                () = self.shutdown.cancelled() => return,
            }
            match self.shelf.batch(&self.journal, at).await {
                Ok(batch) => {
                    patience = Patience::default();
                    self.offer(&batch).await;
                    at = batch.range().end;
                }
                Err(error) => {
                    tracing::error!(reader = self.reader.name(), at = at.0, %error, "the journal cannot be read here");
                    match error {
                        Error::Trimmed { start, .. } => at = self.skip(Position(start)).await,
                        Error::Corrupt { resume, .. } => at = self.skip(resume).await,
                        _ => _ = self.wait(&mut patience).await,
                    }
                }
            }
        }
    }

    /// Offers a batch until it is absorbed or all ends.
    async fn offer(&self, batch: &Batch) {
        let mut patience = Patience::default();
        while let Err(error) = self.reader.absorb(batch).await {
            let at = batch.range().start.0;
            tracing::error!(reader = self.reader.name(), at, %error, "a batch is not absorbed; it is offered again");
            if !self.wait(&mut patience).await {
                return;
            }
        }
    }

    /// Tells the reader that it continues at `start`.
    async fn skip(&self, start: Position) -> Position {
        let mut patience = Patience::default();
        while let Err(error) = self.reader.skipped(start).await {
            tracing::error!(reader = self.reader.name(), start = start.0, %error, "a reader does not go on behind a gap");
            if !self.wait(&mut patience).await {
                break;
            }
        }
        start
    }

    /// Waits longer each time; false when all ends.
    async fn wait(&self, patience: &mut Patience) -> bool {
        tokio::select! {
            () = self.world.clock.sleep(patience.next()) => true,
            () = self.shutdown.cancelled() => false,
        }
    }
}

/// How long to wait before trying again.
#[derive(Default)]
struct Patience(Duration);

impl Patience {
    fn next(&mut self) -> Duration {
        self.0 = (self.0 * 2).clamp(DELAY_MIN, DELAY_MAX);
        self.0
    }
}

/// The batches read last.
struct Shelf {
    /// What one reader or another wants; frames with nothing of it are passed unread.
    wanted: Origins,
    slots: Mutex<VecDeque<Slot>>,
}

#[derive(Clone)]
struct Slot {
    from: Position,
    batch: Arc<OnceCell<Batch>>,
}

impl Shelf {
    /// The batch from `at`; read by the first who asks, awaited by the others.
    async fn batch(&self, journal: &Journal, at: Position) -> Result<Batch, Error> {
        let slot = match self.find(at) {
            Ok(batch) => return Ok(batch),
            Err(slot) => slot,
        };
        let read = || async {
            let (journal, wanted) = (journal.clone(), self.wanted);
            let reading = tokio::task::spawn_blocking(move || journal.read_of(wanted, at, BATCH_BYTES));
            reading.await.map_err(|error| Error::Unavailable(format!("reading broke off: {error}")))?
        };
        slot.batch.get_or_try_init(read).await.cloned()
    }

    fn find(&self, at: Position) -> Result<Batch, Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(batch) = slots.iter().find_map(|slot| slot.batch.get().and_then(|batch| batch.from(at))) {
            return Ok(batch);
        }
        if let Some(slot) = slots.iter().find(|slot| slot.from == at && !slot.batch.initialized()) {
            return Err(slot.clone());
        }
        if slots.len() == SHELF_BATCHES {
            slots.pop_front();
        }
        let slot = Slot { from: at, batch: Arc::default() };
        slots.push_back(slot.clone());
        Err(slot)
    }
}

/// Trims now and then, and whenever a segment is full.
async fn retain(driver: Driver, shutdown: CancellationToken) {
    let clock = &*driver.world.clock;
    let mut calendar = Calendar::new(clock);
    loop {
        let now = calendar.now(clock);
        driver.trim(now).await;
        tokio::select! {
            () = driver.journal.shared.rolled.notified() => {}
            () = clock.sleep(TRIM_EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

impl Driver {
    async fn trim(&self, now: cairn_event::Time) {
        let keep = self.readers.iter().map(|reader| reader.position()).min().unwrap_or_else(|| self.journal.end());
        let shared = self.journal.shared.clone();
        let start = match tokio::task::spawn_blocking(move || trim(&shared, keep, now)).await {
            Ok(Ok(start)) => start,
            Ok(Err(error)) => return tracing::error!(%error, "the journal cannot be trimmed"),
            Err(error) => return tracing::error!(%error, "trimming the journal broke off"),
        };
        let Some(start) = start else { return };
        tracing::info!(start = start.0, "old segments of the journal are dropped");
        for reader in self.readers.iter().filter(|reader| reader.position() < start) {
            let (reader, at) = (reader.name(), reader.position().0);
            tracing::error!(
                reader,
                at,
                start = start.0,
                "the journal is too large: records go that a reader has not made durable"
            );
        }
    }
}
