//! Trails: what is recorded becomes signed files in buckets, and whoever has the files and
//! the public keys can prove that nothing is missing and nothing was changed.
//!
//! Start from [`Trails`]: `open`, then `create`, `start` and `put_selectors`; its `reader`
//! goes to the journal's driver and its `run` delivers. [`verify`] proves an archive, ours or
//! AWS's, wherever it lies. How files come to be, and what a crash at each step means, stands
//! at the head of `archive.rs`.
//!
//! What it is not: it decides nothing about who may change a trail (whoever serves a caller
//! asks first), and it knows the journal only as a reader of it.

mod archive;
mod check;
mod find;
mod history;
mod limit;
mod look;
mod manage;
mod model;
mod name;
mod rows;
mod state;
pub mod verify;

pub use model::{Error, NewTrail, PublicKey, Scope, Settings, Status, Trail, TrailUpdate};

use archive::Archive;
use cairn_bucket::Buckets;
use cairn_event::Time;
use cairn_identity::Identity;
use cairn_journal::{Journal, Reader};
use cairn_key::Keys;
use cairn_store::{Blobs, Db, Seal};
use cairn_world::World;
use state::Register;
use std::sync::Arc;

/// All trails. Cheap to clone.
#[derive(Clone)]
pub struct Trails {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    register: Register,
    archive: Archive,
}

/// What trails are opened with.
#[derive(Clone)]
pub struct Parts {
    pub world: World,
    pub db: Db,
    pub seal: Arc<Seal>,
    pub journal: Journal,
    pub buckets: Buckets,
    pub keys: Keys,
    pub identity: Identity,
    /// Log and digest files on their way into buckets; a directory of its own.
    pub staged: Blobs,
    pub settings: Settings,
}

impl Trails {
    pub async fn open(parts: Parts) -> Result<Self, Error> {
        let register = Register::open(&parts.db, parts.world.now()).await?;
        let archive = Archive::open(parts.clone(), register.clone()).await?;
        Ok(Self { inner: Arc::new(Inner { parts, register, archive }) })
    }

    /// The journal's reader that fills the log files.
    pub fn reader(&self) -> Arc<dyn Reader> {
        self.inner.archive.reader()
    }

    /// Delivers log files and digests when their time has come, until `shutdown`.
    pub async fn run(&self, shutdown: tokio_util::sync::CancellationToken) {
        self.inner.archive.run(shutdown).await;
    }

    /// Public keys of a region whose validity overlaps the span; the current ones without a span.
    pub async fn public_keys(&self, region: &str, span: Option<(Time, Time)>) -> Result<Vec<PublicKey>, Error> {
        self.inner.archive.public_keys(region, span).await
    }

    /// SHA256withRSA over `text` with the region's key that is valid at `at`: the signature in hex, and the
    /// fingerprint of the key, which `public_keys` shows.
    pub async fn sign(&self, region: &str, at: Time, text: &str) -> Result<(String, String), Error> {
        self.inner.archive.sign(region, at, text).await
    }

    /// How delivery for the trail of this ARN stands.
    pub async fn status(&self, arn: &str) -> Result<Status, Error> {
        let entry = self.inner.register.state().living(arn).cloned();
        let entry = entry.ok_or_else(|| Error::NotFound(format!("there is no trail {arn}")))?;
        self.inner.archive.status(entry.id).await
    }
}
