//! One chain of digests, from the newest to the oldest, and the log files that it names.

mod hole;
mod walk;

use super::digest::hash;
use super::finding::Span;
use super::keys::Ring;
use super::load::{self, Loaded};
use super::report::Chain;
use super::scope::Anchor;
use super::{Job, Progress, log};
use cairn_event::Time;
use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
use walk::Walk;

/// Which chain it is. Ordered so that a standard chain comes before its backfill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub folder: String,
    pub organization: Option<String>,
    pub account: String,
    pub region: String,
    pub trail: String,
    pub home_region: String,
    pub backfill: bool,
}

/// Log files that digests name, by a part of their key's SHA-256: even a region's ten years fit.
#[derive(Debug, Default)]
pub struct Named {
    files: HashSet<u128>,
    kinds: BTreeSet<String>,
}

impl Named {
    /// Whether it is new.
    pub fn add(&mut self, full_key: &str) -> bool {
        if let Some(kind) = full_key.rsplit('/').nth(5)
            && !self.kinds.contains(kind)
        {
            self.kinds.insert(kind.to_owned());
        }
        self.files.insert(Self::short(full_key))
    }

    pub fn contains(&self, full_key: &str) -> bool {
        self.files.contains(&Self::short(full_key))
    }

    /// Whether any file of this kind is named.
    pub fn has_kind(&self, kind: &str) -> bool {
        self.kinds.contains(kind)
    }

    fn short(full_key: &str) -> u128 {
        u128::from_str_radix(&hash(full_key.as_bytes())[..32], 16).expect("a hash in hex is hex")
    }
}

/// What time a chain proves, for judging log files that it does not name.
#[derive(Clone, Debug)]
pub struct Coverage {
    pub covered: Vec<Span>,
    /// How long its digests usually are.
    pub cadence: Duration,
}

/// How a digest takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The first one past the span. It speaks for its predecessor, so it must be sound.
    Newer,
    Inside,
    /// The last one before the span: only for the link to it.
    Older,
}

/// Verifies one chain. `digests` are its files by end, oldest first.
pub async fn verify(
    job: &Job,
    anchor: &Arc<Anchor>,
    ring: &Arc<Ring>,
    name: &Name,
    digests: Vec<(Time, String)>,
    named: &mut Named,
) -> (Chain, Option<Coverage>) {
    let mut walk = Walk::new(job, anchor, ring, name);
    let (inside, beside) = choose(job, &digests);
    walk.last_listed = digests.last().map(|(end, _)| *end);
    let chosen = digests[beside.clone()].iter().enumerate().rev().map(|(index, (end, key))| {
        let role = match beside.start + index {
            index if index < inside.start => Role::Older,
            index if index < inside.end => Role::Inside,
            _ => Role::Newer,
        };
        (role, *end, key.clone())
    });
    let mut loads = stream::iter(chosen)
        .map(|(role, end, key)| {
            let load = load::load(job.clone(), anchor.clone(), ring.clone(), key, end, name.backfill);
            let load = tokio::spawn(load);
            async move { (role, load.await) }
        })
        .buffered(job.settings.in_flight);
    let mut checks = FuturesUnordered::new();
    while let Some((role, loaded)) = loads.next().await {
        let loaded: Loaded = loaded.expect("loading a digest does not panic");
        let mut tasks = walk.step(loaded, role, named);
        while !tasks.is_empty() {
            if checks.len() >= job.settings.in_flight
                && let Some(checked) = checks.next().await
            {
                walk.tally(checked);
            }
            let rest = tasks.split_off(log::batch(job).min(tasks.len()));
            let check = tokio::spawn(log::check(job.clone(), std::mem::replace(&mut tasks, rest)));
            checks.push(async { check.await.expect("checking log files does not panic") });
        }
    }
    while let Some(checked) = checks.next().await {
        walk.tally(checked);
    }
    // Digests outside of the span were listed but are not read.
    Progress::add(&job.progress.digests_done, (digests.len() - beside.len()) as u64);
    walk.finish().await
}

/// The digests of the span, and these with one neighbour on either side.
fn choose(job: &Job, digests: &[(Time, String)]) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let len = digests.len();
    let first = job.settings.from.map_or(0, |from| digests.partition_point(|(end, _)| *end <= from));
    // The first one that ends at or after the span's end still belongs to it.
    let last = job.settings.to.map_or(len, |to| (digests.partition_point(|(end, _)| *end < to) + 1).min(len));
    let last = last.max(first);
    (first..last, first.saturating_sub(1)..(last + 1).min(len))
}
