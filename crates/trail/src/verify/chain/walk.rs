//! The walk along a chain: what each digest says of the next older one.

use super::hole::{self, Hole};
use super::{Coverage, Name, Named, Role};
use crate::verify::digest::{Digest, Previous};
use crate::verify::finding::{Code, Finding, Findings, Severity, Span};
use crate::verify::keys::Ring;
use crate::verify::load::{self, Loaded, Signed, State};
use crate::verify::log::{Checked, Outcome, Task};
use crate::verify::report::Chain;
use crate::verify::scope::Anchor;
use crate::verify::{Job, Progress, name};
use cairn_event::Time;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// AWS's cadence, where no digest tells the chain's own.
const CADENCE: Duration = Duration::from_hours(1);

/// What the next older digest is to be.
enum Expected {
    /// Anything: it is the newest, or the newer one leads elsewhere.
    Anything,
    /// The end of an older chain; a new one began at this time.
    Older { start: Time },
    /// The one that its successor names.
    Named { previous: Previous, of: String, start: Time, trusted: bool },
    /// One that ends where a digest began that cannot be believed, of which only the end is known.
    Before { end: Time },
}

pub struct Walk<'a> {
    pub(super) job: &'a Job,
    pub(super) anchor: &'a Arc<Anchor>,
    ring: &'a Arc<Ring>,
    pub(super) chain: Chain,
    pub(super) findings: Findings,
    expected: Expected,
    /// End of the newest digest that is listed at all.
    pub last_listed: Option<Time>,
    /// End of the newest digest of the span that may be believed.
    newest: Option<Time>,
    /// How many digests are how long.
    lengths: HashMap<Duration, u64>,
    covered: Vec<Span>,
    pub(super) holes: Vec<Hole>,
    /// Predecessors under other folders, and who names them.
    detached: Vec<(Previous, String)>,
    /// Log files in other buckets or above this tree.
    elsewhere: BTreeMap<String, u64>,
}

impl<'a> Walk<'a> {
    pub fn new(job: &'a Job, anchor: &'a Arc<Anchor>, ring: &'a Arc<Ring>, name: &Name) -> Self {
        let Name { folder, organization, account, region, trail, home_region, backfill } = name.clone();
        let chain = Chain { organization, account, region, trail, home_region, backfill, folder, ..Chain::default() };
        Self {
            job,
            anchor,
            ring,
            chain,
            findings: Findings::default(),
            expected: Expected::Anything,
            last_listed: None,
            newest: None,
            lengths: HashMap::new(),
            covered: Vec::new(),
            holes: Vec::new(),
            detached: Vec::new(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// Takes the next older digest; gives the log files that are to be checked for it.
    pub fn step(&mut self, loaded: Loaded, role: Role, named: &mut Named) -> Vec<Task> {
        let Loaded { key, end, state, mut findings } = loaded;
        if matches!(state, State::Gone) {
            // Whoever names it will miss it.
            return Vec::new();
        }
        let full = self.anchor.full(&key);
        let passed_by = self.passes_by(&full, end);
        let mut tasks = Vec::new();
        let mut signed = Signed::Unknown;
        match state {
            State::Read { digest, signature, signed: own } => {
                signed = self.signature_of(&digest, own, &key, &mut findings);
                if passed_by && signed != Signed::No {
                    let message = "its chain passes it by: the digest after it names another one as its predecessor";
                    findings.push(Finding::new(Code::DigestStray, &key, message));
                } else if !passed_by {
                    self.link(&digest, signature.as_deref(), signed, end);
                    tasks = self.name_files(&digest, signed, role, named);
                    self.follow(&digest, &key, signed, role);
                }
            }
            State::Moved => {
                if matches!(&self.expected, Expected::Named { previous, .. } if previous.object == full) {
                    self.expected = Expected::Before { end };
                }
            }
            State::Unreadable | State::Gone => {
                if !passed_by {
                    self.miss_if_other(&full, end);
                    self.expected = Expected::Before { end };
                }
            }
        }
        let is_invalid = findings.iter().any(|finding| finding.severity == Severity::Invalid);
        if role == Role::Inside || (role == Role::Newer && is_invalid) {
            self.count(signed, is_invalid, findings);
        }
        tasks
    }

    /// Whether the digest that comes next is known to be another and older one.
    fn passes_by(&self, full: &str, end: Time) -> bool {
        match &self.expected {
            Expected::Named { previous, start, .. } => {
                previous.object != full && end > name::digest_end(&previous.object).unwrap_or(*start)
            }
            _ => false,
        }
    }

    /// What proves the digest: its own signature, or the one that its successor repeats.
    fn signature_of(&self, digest: &Digest, own: Signed, key: &str, findings: &mut Vec<Finding>) -> Signed {
        if own != Signed::Unknown {
            return own;
        }
        if let Expected::Named { previous, trusted, .. } = &self.expected
            && previous.object == digest.object
        {
            let mut found = Vec::new();
            let signed = load::signed(digest, &previous.signature, self.ring, key, None, &mut found);
            // A successor that is not believed itself can only speak for it, not against it.
            if signed == Signed::Yes || *trusted {
                findings.append(&mut found);
                return signed;
            }
        }
        let message = "its signature is not at hand: neither its metadata nor a digest after it gives it";
        findings.push(Finding::new(Code::SignatureUnknown, key, message));
        Signed::Unknown
    }

    /// Compares a digest with what the one after it says, in bytes and in time.
    fn link(&mut self, digest: &Digest, signature: Option<&str>, signed: Signed, end: Time) {
        self.miss_if_other(&digest.object, end);
        if signed == Signed::No {
            return;
        }
        match &self.expected {
            Expected::Named { previous, of, start, .. } if previous.object == digest.object => {
                let (of, start) = (of.clone(), *start);
                let found = differences(previous, digest, signature, &of);
                self.findings.extend(found);
                self.compare_times(digest, start, &of, false);
            }
            Expected::Older { start } => self.compare_times(digest, *start, "", true),
            _ => {}
        }
    }

    /// Notes that the named predecessor is missing when an older digest comes instead of it.
    fn miss_if_other(&mut self, full: &str, end: Time) {
        match &self.expected {
            Expected::Named { previous, start, .. } if previous.object != full => {
                let missing_end = name::digest_end(&previous.object).unwrap_or(*start);
                let key = previous.object.clone();
                self.holes.push(Hole { key, from: end, to: missing_end, is_named: true });
                self.expected = Expected::Anything;
            }
            Expected::Before { end: newer } if !self.chain.backfill => {
                self.holes.push(Hole { key: full.to_owned(), from: end, to: *newer, is_named: false });
            }
            _ => {}
        }
    }

    fn compare_times(&mut self, older: &Digest, start: Time, of: &str, restarted: bool) {
        let from = self.job.settings.from.unwrap_or(Time(i64::MIN));
        if self.chain.backfill || start <= from {
            return;
        }
        let key = if of.is_empty() { &older.object } else { of };
        let finding = if older.end < start {
            let (from, to) = (older.end.max(from), start);
            let message = format!("no log files were delivered, or none were digested, between {from} and {to}");
            Finding::new(Code::Gap, "", message).spanning(from, to)
        } else if older.end > start {
            let message = format!("one digest ends {}, the one after it begins {start}", older.end);
            Finding::new(Code::Overlap, key, message)
        } else if restarted {
            Finding::new(Code::Restart, key, format!("a new chain begins at {start}, where this one ends"))
        } else {
            return;
        };
        self.findings.add(finding);
    }

    /// The log files of a digest: which are to be checked, and which stand elsewhere.
    fn name_files(&mut self, digest: &Digest, signed: Signed, role: Role, named: &mut Named) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut listed = 0;
        for file in &digest.files {
            let is_new = named.add(&file.object);
            if role != Role::Inside {
                continue;
            }
            listed += 1;
            if !is_new {
                let message = "this digest names a log file that another one names too";
                self.findings.add(Finding::new(Code::LogTwice, &file.object, format!("{message}: {}", digest.object)));
            }
            let key = self.anchor.local(&file.object).filter(|_| file.bucket == self.anchor.bucket);
            match key {
                _ if signed == Signed::No => self.chain.logs.unproven += 1,
                Some(key) => {
                    let proven = signed == Signed::Yes;
                    tasks.push(Task { file: file.clone(), key: key.to_owned(), proven });
                }
                None => {
                    self.chain.logs.unproven += 1;
                    *self.elsewhere.entry(file.bucket.clone()).or_default() += 1;
                }
            }
        }
        Progress::add(&self.job.progress.logs, listed);
        Progress::add(&self.job.progress.logs_done, listed - tasks.len() as u64);
        tasks
    }

    /// What the digest lets expect of the next older one.
    fn follow(&mut self, digest: &Digest, key: &str, signed: Signed, role: Role) {
        if signed == Signed::No {
            // Beside the span it was only asked for what it says, and that is nothing.
            let before = Expected::Before { end: digest.end };
            self.expected = if role == Role::Inside { before } else { Expected::Anything };
            return;
        }
        let trusted = signed == Signed::Yes;
        if role == Role::Inside {
            self.newest.get_or_insert(digest.end);
            *self.lengths.entry(digest.end.since(digest.start)).or_default() += 1;
            if trusted && !self.chain.backfill {
                self.covered.push(Span { from: digest.start, to: digest.end });
            }
        }
        self.expected = match &digest.previous {
            None => Expected::Older { start: digest.start },
            Some(previous) if previous.bucket != self.anchor.bucket => {
                let message =
                    format!("the chain goes on in another bucket: s3://{}/{}", previous.bucket, previous.object);
                self.findings.add(Finding::new(Code::Elsewhere, key, message));
                Expected::Anything
            }
            Some(previous) if !is_sibling(&digest.object, &previous.object) => {
                self.detached.push((previous.clone(), key.to_owned()));
                Expected::Anything
            }
            Some(previous) => {
                Expected::Named { previous: previous.clone(), of: key.to_owned(), start: digest.start, trusted }
            }
        };
    }

    fn count(&mut self, signed: Signed, is_invalid: bool, findings: Vec<Finding>) {
        let counts = &mut self.chain.digests;
        match signed {
            _ if is_invalid => counts.invalid += 1,
            Signed::Yes => counts.proven += 1,
            _ => counts.unproven += 1,
        }
        self.findings.extend(findings);
    }

    /// Takes what became of log files, each with whether its digest is proven.
    pub fn tally(&mut self, checked: Vec<(Checked, bool)>) {
        for (checked, proven) in checked {
            let counts = &mut self.chain.logs;
            match checked.outcome {
                Outcome::Same if proven => {
                    counts.proven += 1;
                    self.chain.records += checked.records;
                    self.chain.bytes += checked.bytes;
                }
                Outcome::Same | Outcome::Unreadable => counts.unproven += 1,
                Outcome::Different => counts.invalid += 1,
                Outcome::Missing => counts.missing += 1,
            }
            self.findings.extend(checked.findings);
        }
    }

    /// Judges both ends of the chain and the holes in it.
    pub async fn finish(mut self) -> (Chain, Option<Coverage>) {
        let cadence = self.cadence();
        self.beginning();
        for (previous, of) in std::mem::take(&mut self.detached) {
            self.look_for(&previous, &of).await;
        }
        hole::report(&mut self, cadence);
        self.end(cadence);
        for (bucket, files) in std::mem::take(&mut self.elsewhere) {
            let message =
                format!("{files} log files of this chain stand in s3://{bucket}, outside of what is verified here");
            self.findings.add(Finding::new(Code::Elsewhere, "", message));
        }
        let (from, to) = (self.job.settings.from, self.job.settings.to);
        let clipped = Span::merged(self.covered).into_iter().map(|span| Span {
            from: from.map_or(span.from, |from| from.max(span.from)),
            to: to.map_or(span.to, |to| to.min(span.to)),
        });
        self.chain.covered = clipped.filter(|span| span.from < span.to).collect();
        let coverage = Coverage { covered: self.chain.covered.clone(), cadence };
        (self.chain.findings, self.chain.findings_omitted, self.chain.worst) = self.findings.finish();
        let coverage = (!self.chain.backfill).then_some(coverage);
        (self.chain, coverage)
    }

    /// How long most digests are; of equals the longer.
    fn cadence(&self) -> Duration {
        let usual = self.lengths.iter().max_by_key(|(length, count)| (**count, **length));
        usual.map(|(length, _)| *length).filter(|length| !length.is_zero()).unwrap_or(CADENCE)
    }

    /// The walk is over: was there to be something older?
    fn beginning(&mut self) {
        let from = self.job.settings.from;
        match (std::mem::replace(&mut self.expected, Expected::Anything), from) {
            (Expected::Named { previous, of, start, .. }, None) => {
                let message = format!(
                    "the archive begins in the middle of a chain, at {start}: {} is not there; it expired, was deleted or was not copied (say --from to ask for no more)",
                    previous.object
                );
                self.findings.add(Finding::new(Code::BeginningMissing, of, message));
            }
            (Expected::Named { previous, start, .. }, Some(from)) if start > from => {
                let to = name::digest_end(&previous.object).unwrap_or(start);
                self.holes.push(Hole { key: previous.object, from, to, is_named: true });
            }
            (Expected::Older { start }, Some(from)) if start > from && !self.chain.backfill => {
                let message = format!("nothing was digested between {from} and {start}, when the chain begins");
                self.findings.add(Finding::new(Code::Gap, "", message).spanning(from, start));
            }
            _ => {}
        }
    }

    /// A predecessor that stands under another folder of the same bucket.
    async fn look_for(&mut self, previous: &Previous, of: &str) {
        let found = match self.anchor.local(&previous.object) {
            Some(key) => load::fetch(&*self.job.source, key).await,
            None => None,
        };
        let Some(digest) = found else {
            let message = format!("{of} names it as its predecessor, but there is no such digest");
            self.chain.digests.missing += 1;
            self.findings.add(Finding::new(Code::DigestMissing, &previous.object, message));
            return;
        };
        let message = format!("the chain goes on with {}", previous.object);
        self.findings.add(Finding::new(Code::Continues, of, message));
        self.findings.extend(differences(previous, &digest, None, of));
    }

    /// Whether the newest digest reaches the end of the time asked for.
    fn end(&mut self, cadence: Duration) {
        if self.chain.backfill {
            return;
        }
        let settings = &self.job.settings;
        let known = self.newest.or(self.last_listed).unwrap_or(Time(i64::MIN));
        let newest = settings.from.map_or(known, |from| from.max(known));
        let is_short = match settings.to {
            Some(to) => newest < to.min(self.job.now),
            // One digest is being filled, and one may be on its way.
            None => newest + cadence * 2 <= self.job.now,
        };
        if is_short {
            let to = settings.to.unwrap_or(self.job.now).min(self.job.now);
            let due = (to.since(newest).as_secs_f64() / cadence.as_secs_f64()).ceil();
            let message = format!(
                "no digest covers {newest} to {to}: by the chain's cadence {due} are missing, unless the trail was stopped, deleted, or they are still on their way"
            );
            self.findings.add(Finding::new(Code::NewestMissing, "", message).spanning(newest, to));
        }
    }
}

/// What a digest says of its predecessor that is not so.
fn differences(previous: &Previous, digest: &Digest, signature: Option<&str>, of: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if previous.hash != digest.hash {
        let message =
            format!("it names {} as predecessor of {}, whose SHA-256 is {}", previous.hash, digest.object, digest.hash);
        findings.push(Finding::new(Code::PreviousHash, of, message));
    }
    if signature.is_some_and(|signature| signature != previous.signature) {
        let message = format!("it names another signature of {} than stands in that one's metadata", digest.object);
        findings.push(Finding::new(Code::PreviousSignature, of, message));
    }
    findings
}

/// Whether both keys are of one chain under one folder.
fn is_sibling(key: &str, other: &str) -> bool {
    name::digest_end(other).and_then(|end| name::sibling(key, end)).is_some_and(|sibling| sibling == other)
}
