//! Logs that others wrote come in: decoded, told from what is there already, appended to
//! the journal with origin *import*, and acknowledged when they are durable.
//!
//! Start from [`Intake::take`], which takes one file and answers with a [`Report`]. What
//! a file may look like is told by its decoder in [`sources`]; which events count as
//! known, by the index in `seen`.
//!
//! The path of a file:
//! 1. memory is set aside for its inflated size; beyond [`IN_FLIGHT_BYTES_MAX`] it waits
//!    for others to finish (a larger file waits for all of them and goes alone);
//! 2. it is decompressed and taken apart, at most one file a core;
//! 3. piece by piece, its records are claimed in the index, and those that are new are
//!    appended to the journal and are durable;
//! 4. only now the index knows them. A record that another file is bringing in at the
//!    same time is waited for, so that an acknowledged duplicate is durable too.
//!
//! Once begun, a file is taken to its end even when nobody waits for the answer: what the
//! journal has must not be missing in the index.
//!
//! Known are events that came by the intake. What the door recorded is not compared.
//!
//! What it is not: it knows no HTTP and walks no directory; it archives and queries nothing.

mod budget;
mod error;
mod gzip;
mod ledger;
mod report;
#[cfg(test)]
mod sample;
mod seen;
mod sketch;
pub mod sources;
mod take;

pub use budget::IN_FLIGHT_BYTES_MAX;
pub use error::Error;
pub use ledger::{FILES_MAX, File};
pub use report::Report;
pub use sources::cloudtrail::{Kind, Rejection};

use budget::Budget;
use bytes::Bytes;
use cairn_event::{Origin, Origins};
use cairn_journal::{Journal, Position};
use cairn_store::Db;
use cairn_world::World;
use ledger::Ledger;
use seen::Seen;
use sources::cloudtrail::Limits;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often what is in memory alone is written down, when nothing forces it earlier.
const SAVE_INTERVAL: Duration = Duration::from_secs(10);
const CATCH_UP_BYTES: usize = 8 << 20;

/// The intake. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

/// Bounds of the intake. A larger body or file is refused, and nothing of it taken.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of a file as it is sent.
    pub body_bytes_max: u64,
    /// Of a file after decompression. Files of 4 GiB and more are refused in any case.
    pub file_bytes_max: u64,
}

struct Inner {
    world: World,
    journal: Journal,
    seen: Arc<Seen>,
    /// Set once the index knows all that the journal held when it was opened.
    caught_up: OnceCell<()>,
    opened_at: Position,
    ledger: Ledger,
    budget: Budget,
    cores: Semaphore,
    tasks: TaskTracker,
    settings: Settings,
    limits: Limits,
}

impl Intake {
    /// Opens the index in `dir` and the ledger in `db`.
    pub async fn open(
        world: &World,
        db: &Db,
        journal: &Journal,
        dir: &Path,
        settings: Settings,
    ) -> Result<Self, Error> {
        let ledger = Ledger::open(world, db).await?;
        let (start, end) = (journal.start(), journal.end());
        let (world_there, dir) = (world.clone(), dir.to_owned());
        let opening = move || Seen::open(&world_there, &dir, start.0, end.0, seen::Options::default());
        let seen = spawn_blocking(opening).await.map_err(|error| Error::Unavailable(error.to_string()))??;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let inner = Inner {
            world: world.clone(),
            journal: journal.clone(),
            seen: Arc::new(seen),
            caught_up: OnceCell::new(),
            opened_at: end,
            ledger,
            budget: Budget::new(IN_FLIGHT_BYTES_MAX),
            cores: Semaphore::new(cores),
            tasks: TaskTracker::new(),
            settings,
            limits: Limits::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes one file in; returns when all that was accepted is durable. `name` tells what
    /// an empty file is and is otherwise not looked at.
    pub async fn take(&self, name: &str, body: Bytes) -> Result<Report, Error> {
        if self.inner.tasks.is_closed() {
            return Err(Error::Unavailable("the intake is closing".to_owned()));
        }
        let inner = Arc::clone(&self.inner);
        let name = name.to_owned();
        // A task of its own, so that it goes on when the caller goes away.
        let taken = self.inner.tasks.spawn(async move { inner.take(&name, body).await }).await;
        taken.map_err(|error| Error::Unavailable(format!("taking the file ended early: {error}")))?
    }

    /// A larger file is refused.
    pub fn body_bytes_max(&self) -> u64 {
        self.inner.settings.body_bytes_max
    }

    /// Notes that nothing of this file is left to be taken.
    pub async fn note_complete(&self, file: &File) {
        self.inner.ledger.note(file).await;
    }

    /// Which of these files, at most [`FILES_MAX`], are complete.
    pub async fn complete(&self, files: &[File]) -> Result<Vec<bool>, Error> {
        self.inner.ledger.complete(files).await
    }

    /// Makes the index ready and saves what is due, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let working = async {
            if let Err(error) = self.inner.caught_up().await {
                tracing::warn!(%error, "the index of seen events is not ready; the next import tries again");
            }
            loop {
                self.inner.world.clock.sleep(SAVE_INTERVAL).await;
                self.inner.save().await;
            }
        };
        shutdown.run_until_cancelled(working).await;
    }

    /// Waits for files under way and saves. Files that come later are refused.
    pub async fn close(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.save().await;
    }
}

impl Inner {
    async fn caught_up(self: &Arc<Self>) -> Result<(), Error> {
        let begin = || {
            let inner = Arc::clone(self);
            async move { blocking(move || inner.catch_up()).await }
        };
        self.caught_up.get_or_try_init(begin).await.map(drop)
    }

    /// Reads what the journal had, when it was opened, behind the saved position of the index.
    fn catch_up(&self) -> Result<(), Error> {
        let mut from = Position(self.seen.saved());
        while from < self.opened_at {
            let batch = match self.journal.read_of(Origins::of(&[Origin::Import]), from, CATCH_UP_BYTES) {
                // Trimmed in the meantime, or damaged: what is gone cannot be known any more.
                Err(cairn_journal::Error::Trimmed { start, .. }) => {
                    from = Position(start);
                    continue;
                }
                Err(cairn_journal::Error::Corrupt { what, resume }) if resume > from => {
                    tracing::error!(what, from = from.0, to = resume.0, "events that were imported may come in again");
                    from = resume;
                    continue;
                }
                other => other?,
            };
            for item in batch.iter().filter(|item| item.origin() == Origin::Import) {
                if item.position() < self.opened_at
                    && let Some((id, shard)) = sketch::identify(item.raw())
                {
                    self.seen.note(id, self.seen.fingerprint(item.raw().as_bytes()), shard)?;
                }
            }
            if batch.range().end <= from {
                return Err(Error::Unavailable(format!("the journal gives nothing from {} on", from.0)));
            }
            from = batch.range().end;
            if self.seen.is_due() {
                self.seen.save(|| from.0)?;
            }
        }
        Ok(())
    }

    /// Writes down what is in memory alone. What fails now is tried again later: until
    /// then only memory and the time of the next start suffer.
    async fn save(self: &Arc<Self>) {
        self.ledger.flush().await;
        // Before that, the index knows less than the journal's end would claim.
        if self.caught_up.initialized() {
            let inner = Arc::clone(self);
            if let Err(error) = blocking(move || inner.save_seen()).await {
                tracing::warn!(%error, "the index of seen events is not saved");
            }
        }
    }

    fn save_seen(&self) -> Result<(), Error> {
        Ok(self.seen.save(|| self.journal.end().0)?)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|error| Error::Unavailable(error.to_string()))?
}
