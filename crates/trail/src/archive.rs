//! The archive: from the journal's records to signed files in buckets.
//!
//! ```text
//! journal ─► records in memory, by (trail, account, region)
//!                │ every delivery interval, or when memory is full
//!                ▼
//!            DATA/staged/<blob> ─► archive_file ─► bucket: log file ─┐
//!                                                                    │ every digest interval
//!            DATA/staged/<blob> ◄─ signed digest ◄─ archive_chain ◄──┘
//!                └─► archive_file ─► bucket: digest, its signature in the metadata
//! ```
//! Order of durability, for log files and digests alike:
//! 1. staged: compressed into one gzip member, written to a blob, synced; a digest is signed before;
//! 2. committed: one transaction names the blob and moves what it follows from: for log files the
//!    position in the journal, for a digest the head of its chain and the log files that it lists;
//! 3. published: put into the bucket, tried until it works;
//! 4. recorded: the journal gets the events that the delivery caused;
//! 5. settled: one transaction; a log file now waits for its digest, a digest is done with;
//! 6. discarded: the blob is removed.
//!
//! A crash before 2 leaves a blob that no row names, removed at the next start, and the records
//! are read from the journal again. A crash after 2 leaves a row, and the same bytes are published
//! under the same key, unless they are found there already. So no record is missing, none is in
//! two files, and no window has two digests.
//!
//! What it is not: it does not decide what a trail records (`state::Choice` does) and does not
//! check what it wrote.

mod chain;
mod digest;
mod effects;
mod layout;
mod pending;
mod publish;
mod reader;
mod rows;
mod run;
mod sign;
mod stage;
mod status;

use crate::state::Register;
use crate::{Error, Parts, PublicKey, Settings};
use cairn_bucket::Buckets;
use cairn_event::Time;
use cairn_identity::Identity;
use cairn_journal::{Journal, Position};
use cairn_store::{Blobs, Db};
use cairn_world::World;
use chain::Stop;
use pending::{Cut, Pending};
use publish::{Group, Wait};
use sign::Signer;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// The archive of all trails. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Archive {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    register: Register,
    opened: Time,
    signer: Signer,
    pending: Mutex<Pending>,
    /// The position in the journal up to which everything is staged.
    durable: AtomicU64,
    /// The time before which all records of calls that were taken in are staged, in milliseconds.
    heard: AtomicI64,
    /// Held while a cut is staged; keeps one that could not be.
    cutting: tokio::sync::Mutex<Option<Arc<Cut>>>,
    /// Bytes of the cut in `cutting`.
    held_bytes: AtomicU64,
    /// Held from reading the books to committing what follows from them.
    books: tokio::sync::Mutex<()>,
    /// Trails that record no more and are not done with.
    stops: Mutex<BTreeMap<Uuid, Stop>>,
    /// Files of which it is not known whether they are in their bucket.
    doubts: Mutex<HashSet<i64>>,
    waits: Mutex<BTreeMap<Group, Wait>>,
    /// Something was staged.
    staged: Notify,
    /// Something was published.
    published: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Archive {
    /// Takes up what was staged before, and discards what no row names.
    pub async fn open(parts: Parts, register: Register) -> Result<Self, Error> {
        parts.db.migrate("archive", rows::SCHEMA).await?;
        let staged = rows::staged(&parts.db).await?;
        let named: HashSet<_> = staged.iter().map(|file| file.blob.clone()).collect();
        let blobs = parts.staged.clone();
        let discard =
            move || blobs.list()?.iter().filter(|blob| !named.contains(blob)).try_for_each(|blob| blobs.remove(blob));
        let discarded =
            tokio::task::spawn_blocking(discard).await.map_err(|error| Error::Unavailable(error.to_string()))?;
        discarded.map_err(|error: std::io::Error| Error::Unavailable(format!("staged files: {error}")))?;
        let position = rows::position(&parts.db).await?.unwrap_or_else(|| parts.journal.start());
        let inner = Inner {
            signer: Signer::new(&parts.db, parts.seal.clone(), parts.settings.key_rotation),
            register,
            opened: parts.world.now(),
            pending: Mutex::new(Pending::from(position)),
            durable: AtomicU64::new(position.0),
            heard: AtomicI64::new(0),
            cutting: tokio::sync::Mutex::default(),
            held_bytes: AtomicU64::new(0),
            books: tokio::sync::Mutex::default(),
            stops: Mutex::default(),
            doubts: Mutex::new(staged.iter().map(|file| file.id).collect()),
            waits: Mutex::default(),
            staged: Notify::new(),
            published: Notify::new(),
            parts,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Keys of a region whose validity overlaps the span; the current one without a span.
    pub async fn public_keys(&self, region: &str, span: Option<(Time, Time)>) -> Result<Vec<PublicKey>, Error> {
        self.inner.signer.public_keys(region, span, self.now()).await
    }

    /// Signs `text` with the key that is valid in the region at `at`: the signature in hex, and the key's fingerprint.
    pub async fn sign(&self, region: &str, at: Time, text: &str) -> Result<(String, String), Error> {
        let key = self.inner.signer.key(region, at).await?;
        Ok((key.sign(text)?, key.fingerprint.clone()))
    }

    fn world(&self) -> &World {
        &self.inner.parts.world
    }

    fn now(&self) -> Time {
        self.world().now()
    }

    fn db(&self) -> &Db {
        &self.inner.parts.db
    }

    fn blobs(&self) -> &Blobs {
        &self.inner.parts.staged
    }

    fn journal(&self) -> &Journal {
        &self.inner.parts.journal
    }

    fn buckets(&self) -> &Buckets {
        &self.inner.parts.buckets
    }

    fn identity(&self) -> &Identity {
        &self.inner.parts.identity
    }

    fn settings(&self) -> &Settings {
        &self.inner.parts.settings
    }

    fn register(&self) -> &Register {
        &self.inner.register
    }

    /// Digests name whole seconds.
    fn digest_interval(&self) -> Duration {
        Duration::from_secs(self.settings().digest_interval.as_secs().max(1))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        lock(&self.inner.pending)
    }

    fn waits(&self) -> MutexGuard<'_, BTreeMap<Group, Wait>> {
        lock(&self.inner.waits)
    }

    fn stops(&self) -> MutexGuard<'_, BTreeMap<Uuid, Stop>> {
        lock(&self.inner.stops)
    }

    fn durable(&self) -> Position {
        Position(self.inner.durable.load(Ordering::Acquire))
    }

    fn heard(&self) -> Time {
        Time(self.inner.heard.load(Ordering::Acquire))
    }

    fn reached(&self, cut: &Cut) {
        self.inner.durable.store(cut.upto.0, Ordering::Release);
        self.inner.heard.store(cut.heard.millis(), Ordering::Release);
    }

    fn hold(&self, bytes: u64) {
        self.inner.held_bytes.store(bytes, Ordering::Release);
    }

    fn waiting_bytes(&self) -> u64 {
        self.pending().bytes() + self.inner.held_bytes.load(Ordering::Acquire)
    }

    fn doubt(&self, file: i64) {
        lock(&self.inner.doubts).insert(file);
    }

    fn doubted(&self, file: i64) -> bool {
        lock(&self.inner.doubts).contains(&file)
    }

    fn trust(&self, file: i64) {
        lock(&self.inner.doubts).remove(&file);
    }
}

#[cfg(test)]
mod tests;
