//! The other way round: every log file that stands there must be named by a digest.
//!
//! The minute in a log file's key is not exactly when it was delivered, and delivery is what
//! digests cover; so a file near the edge of covered time is not called an intruder.

use super::chain::{Coverage, Named};
use super::finding::{Code, Finding, Findings};
use super::report::Loose;
use super::scope::{Anchor, Scope};
use super::{Error, Job, name};
use cairn_event::Time;
use futures::StreamExt;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
/// How far a key's minute may be from the delivery; less for chains of a shorter cadence.
const SLACK_MAX: Duration = Duration::from_mins(10);
/// The kind of logs that every chain covers.
const MAIN: &str = "CloudTrail";

/// What the digests of a scope say of its log files.
pub struct Claims<'a> {
    pub named: &'a Named,
    /// Of its standard chains.
    pub coverages: &'a [Coverage],
    /// Whether every digest was read.
    pub is_certain: bool,
}

/// Judges the log files of a scope that no digest names, and files among the digests that are none.
pub async fn verify(
    job: &Job,
    anchor: &Anchor,
    scope: &Scope,
    claims: &Claims<'_>,
    strays: Vec<String>,
) -> Result<Option<Loose>, Error> {
    let mut findings = Findings::default();
    let mut files = 0;
    for key in strays.into_iter().filter(|key| !is_ignored(key)) {
        files += 1;
        findings.add(Finding::new(Code::DigestStray, key, "its name is not that of a digest"));
    }
    for kind in &scope.kinds {
        let is_covered = !claims.coverages.is_empty() && (kind == MAIN || claims.named.has_kind(kind));
        let mut outside = 0;
        for folder in scope.listed(job, kind) {
            let mut keys = job.source.keys(&folder);
            while let Some(key) = keys.next().await {
                let key = key?;
                if is_ignored(&key) || claims.named.contains(&anchor.full(&key)) || !is_asked_for(job, &key) {
                    continue;
                }
                if is_covered {
                    files += 1;
                    findings.add(judge(key, claims));
                } else {
                    outside += 1;
                }
            }
        }
        if outside > 0 {
            files += outside;
            findings.add(uncovered(kind, outside));
        }
    }
    let (listed, findings_omitted, worst) = findings.finish();
    let Scope { account, region, folder, .. } = scope.clone();
    Ok((files > 0).then_some(Loose { account, region, folder, files, findings: listed, findings_omitted, worst }))
}

/// Files that a copy on a desktop gathers.
fn is_ignored(key: &str) -> bool {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    name.is_empty() || name.starts_with('.')
}

fn is_asked_for(job: &Job, key: &str) -> bool {
    let Some(minute) = name::log_minute(key) else { return true };
    job.settings.from.is_none_or(|from| minute >= from) && job.settings.to.is_none_or(|to| minute + MINUTE <= to)
}

fn uncovered(kind: &str, files: u64) -> Finding {
    if kind == MAIN {
        return Finding::new(Code::LogUndigested, "", format!("{files} log files, and no digest at all"));
    }
    Finding::new(Code::KindUndigested, "", format!("{files} files of the kind {kind}, of which no digest names any"))
}

fn judge(key: String, claims: &Claims<'_>) -> Finding {
    let Some(minute) = name::log_minute(&key) else {
        return Finding::new(Code::LogExtra, key, "no digest names it, and its name is not that of a log file");
    };
    let last = claims.coverages.iter().flat_map(|coverage| &coverage.covered).map(|span| span.to).max();
    if claims.is_certain && claims.coverages.iter().all(|coverage| is_within(minute, coverage)) {
        let message = "no digest names it, though digests cover its time: planted, or of a trail without validation";
        Finding::new(Code::LogExtra, key, message)
    } else if last.is_none_or(|last| minute + MINUTE + SLACK_MAX > last) {
        Finding::new(Code::LogPending, key, "newer than the last digest, which therefore cannot name it")
    } else {
        Finding::new(Code::LogUndigested, key, "no digest names it, and no proven digest covers its time")
    }
}

fn is_within(minute: Time, coverage: &Coverage) -> bool {
    let slack = coverage.cadence.min(SLACK_MAX);
    let (from, to) = (minute - slack, minute + MINUTE + slack);
    coverage.covered.iter().any(|span| span.from <= from && to <= span.to)
}
