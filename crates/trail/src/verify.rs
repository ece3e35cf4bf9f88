//! Verification of CloudTrail archives, AWS's own and ours.
//!
//! [`verify`] walks a tree of log and digest files, finds every chain of digests in it
//! (each account, region and trail; standard and backfill), proves what can be proven,
//! and names what cannot. It needs only the files and the public keys: no house, no journal.
//!
//! Per chain, from the newest digest to the oldest: each is one gzip member with the
//! right JSON, stands where it says, is signed with a known key, follows its predecessor's
//! bytes, signature and end. Per log file: it is there, is one gzip member, has the hash
//! that its digest says, and its records lie within the times that the digest says. Then
//! the other way round: every log file that stands there is named by a digest.
//!
//! Where a tree keeps no object metadata, a digest's signature is read from its successor,
//! which repeats it; only the newest of a chain is left unproven then.
//!
//! What it is not: it repairs nothing and writes nothing. Start from [`verify`],
//! [`Source`], [`Keys`] and [`Report`].
//!
//! Limits: [`Settings::in_flight`] files in memory at a time, each within the bytes that
//! `digest` and `log` state; the digest keys of one chain and 16 bytes for each log file
//! that one account's region names are held throughout. Findings past [`FINDINGS_MAX`] of a
//! chain are counted, not listed.

mod chain;
mod digest;
mod finding;
mod keys;
mod load;
mod log;
mod loose;
mod name;
mod remote;
mod report;
mod scope;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use finding::{Code, FINDINGS_MAX, Finding, Severity, Span};
pub use keys::{KeyFile, Keys, from_json as keys_from_json};
pub use remote::Remote;
pub use report::{Certificate, Chain, Counts, Loose, Report, Verdict};
pub use source::{Object, Source, Unread};
pub use tree::Tree;

use cairn_event::Time;
use cairn_world::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is to be verified, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Only what was delivered after this; otherwise from the beginning.
    pub from: Option<Time>,
    /// Only what was delivered before this; otherwise until now.
    pub to: Option<Time>,
    /// Files that are read or checked at the same time.
    pub in_flight: usize,
}

/// Why nothing can be said about the archive as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive or a listing of it cannot be read now.
    #[error("{0}")]
    Unavailable(String),
    /// Public keys that are none.
    #[error("public keys: {0}")]
    Keys(String),
    /// More folders than any archive has.
    #[error("{0}")]
    TooLarge(String),
}

/// How far a verification is; read it from elsewhere while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    digests: AtomicU64,
    digests_done: AtomicU64,
    logs: AtomicU64,
    logs_done: AtomicU64,
    bytes: AtomicU64,
}

/// Numbers of a [`Progress`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Digest files found, and those of them that are done.
    pub digests: u64,
    pub digests_done: u64,
    /// Log files named so far, and those of them that are done.
    pub logs: u64,
    pub logs_done: u64,
    /// Bytes of JSON that were checked.
    pub bytes: u64,
}

impl Progress {
    pub fn reached(&self) -> Reached {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reached {
            digests: read(&self.digests),
            digests_done: read(&self.digests_done),
            logs: read(&self.logs),
            logs_done: read(&self.logs_done),
            bytes: read(&self.bytes),
        }
    }

    fn add(count: &AtomicU64, by: u64) {
        count.fetch_add(by, Ordering::Relaxed);
    }
}

/// What every step of one verification is handed.
#[derive(Clone)]
struct Job {
    source: Arc<dyn Source>,
    keys: Arc<dyn Keys>,
    settings: Settings,
    now: Time,
    progress: Arc<Progress>,
}

/// Verifies all chains of an archive. Damage is no error: it stands in the report.
pub async fn verify(
    world: &World,
    source: Arc<dyn Source>,
    keys: Arc<dyn Keys>,
    settings: Settings,
    progress: Arc<Progress>,
) -> Result<Report, Error> {
    let job = Job { source, keys, settings, now: world.now(), progress };
    let scopes = scope::discover(&*job.source).await?;
    let anchor = Arc::new(scope::anchor(&job, &scopes).await?);
    let (mut chains, mut loose) = (Vec::new(), Vec::new());
    for scope in scopes {
        let (found, left) = scope::verify(&job, &anchor, &scope).await?;
        chains.extend(found);
        loose.extend(left);
    }
    Ok(Report::new(job.source.name(), &job.settings, job.now, chains, loose))
}
