//! What came of an import: sums, and what went wrong with each file and record.

use super::events::Event;
use cairn_intake::{Kind, Report};
use cairn_world::{File, Open, World};
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of each kind, so many are kept to be shown; the others are counted, and `--rejects` has them all.
const SHOWN_MAX: usize = 20;
/// Lines that wait to be written to the rejects file.
const LINES_BYTES: usize = 64 << 10;

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    pub files: Files,
    pub events: Events,
    /// Bytes of the files that were sent, as they were sent.
    pub sent_bytes: u64,
    /// Bytes of those files after decompression.
    pub json_bytes: u64,
    pub seconds: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// Why the import stopped early.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    /// Files and places of which nothing was taken: the first of them.
    failures: Vec<Failure>,
    /// Records that were not taken: the first of them.
    rejections: Vec<Rejected>,
    /// Files that are no CloudTrail logs: the first of them.
    others: Vec<Failure>,
    /// Bytes of all files found, and of those handled, for the progress.
    #[serde(skip)]
    pub found_bytes: u64,
    #[serde(skip)]
    pub handled_bytes: u64,
    #[serde(skip)]
    rejects: Option<Rejects>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// With a name as log files have.
    pub found: u64,
    /// Known to be complete and not sent again.
    pub complete_before: u64,
    /// Of a dry run: what would be sent.
    #[serde(skip_serializing_if = "is_zero")]
    pub due: u64,
    pub log: u64,
    pub insight: u64,
    pub aggregated: u64,
    /// Of the right shape, not imported.
    pub digest: u64,
    /// Something else, left alone.
    pub other: u64,
    pub failed: u64,
    /// Directories and listings that could not be read.
    pub unreadable: u64,
    /// Not sent, because the import stopped.
    pub left: u64,
    /// Passed over for their names.
    pub skipped: u64,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Events {
    pub records: u64,
    pub new: u64,
    pub duplicates: u64,
    pub conflicts: u64,
    pub rejected: u64,
    pub undated: u64,
    pub unnamed: u64,
    /// Of the records, those in insight and aggregated files.
    pub insights: u64,
    pub aggregated: u64,
}

#[derive(Serialize)]
struct Failure {
    file: String,
    reason: String,
}

#[derive(Serialize)]
struct Rejected {
    file: String,
    offset: u64,
    index: u64,
    reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The file of `--rejects`.
pub struct Rejects {
    path: PathBuf,
    file: Box<dyn File>,
    at: u64,
    lines: Vec<u8>,
}

impl Rejects {
    pub fn open(world: &World, path: &Path) -> Result<Self, String> {
        let file = world.disk.open(path, Open::Truncate).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, at: 0, lines: Vec::new() })
    }

    fn add(&mut self, line: &impl Serialize) -> Result<(), String> {
        serde_json::to_writer(&mut self.lines, line).map_err(|error| error.to_string())?;
        self.lines.push(b'\n');
        if self.lines.len() >= LINES_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), String> {
        let failed = |error| format!("{}: {error}", self.path.display());
        self.file.write_at(&self.lines, self.at).map_err(failed)?;
        self.at += self.lines.len() as u64;
        self.lines.clear();
        Ok(())
    }
}

impl Tally {
    pub fn new(dry_run: bool, rejects: Option<Rejects>) -> Self {
        Self { dry_run, rejects, ..Self::default() }
    }

    /// Fails only when the rejects file cannot be written.
    pub fn count(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Found { bytes } => {
                self.files.found += 1;
                self.found_bytes += bytes;
            }
            Event::Skipped => self.files.skipped += 1,
            Event::Complete { bytes } => {
                self.files.complete_before += 1;
                self.handled_bytes += bytes;
            }
            Event::Due { bytes } => {
                self.files.due += 1;
                self.handled_bytes += bytes;
            }
            // Counted at the end, by what is missing.
            Event::Left => {}
            Event::Stopped { reason } => _ = self.stopped.get_or_insert(reason),
            Event::Unreadable { name, reason } => {
                self.files.unreadable += 1;
                self.fail(name, reason)?;
            }
            Event::Failed { item, reason } => {
                self.files.failed += 1;
                self.handled_bytes += item.bytes;
                self.fail(item.name, reason)?;
            }
            Event::Taken { item, report } => {
                self.handled_bytes += item.bytes;
                self.sent_bytes += item.bytes;
                self.add(&item.name, *report)?;
            }
        }
        Ok(())
    }

    fn fail(&mut self, file: String, reason: String) -> Result<(), String> {
        let failure = Failure { file, reason };
        if let Some(rejects) = &mut self.rejects {
            rejects.add(&failure)?;
        }
        if self.failures.len() < SHOWN_MAX {
            self.failures.push(failure);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, report: Report) -> Result<(), String> {
        let files = &mut self.files;
        *match report.kind {
            Kind::Log => &mut files.log,
            Kind::Insight => &mut files.insight,
            Kind::Aggregated => &mut files.aggregated,
            Kind::Digest => &mut files.digest,
            Kind::Other => &mut files.other,
        } += 1;
        let events = &mut self.events;
        match report.kind {
            Kind::Insight => events.insights += report.records,
            Kind::Aggregated => events.aggregated += report.records,
            _ => {}
        }
        events.records += report.records;
        events.new += report.new;
        events.duplicates += report.duplicates;
        events.conflicts += report.conflicts;
        events.rejected += report.rejected;
        events.undated += report.undated;
        events.unnamed += report.unnamed;
        self.json_bytes += report.bytes;
        if let Some(reason) = report.note.filter(|_| self.others.len() < SHOWN_MAX) {
            self.others.push(Failure { file: name.to_owned(), reason });
        }
        let undescribed = report.rejected - report.rejections.len() as u64;
        for rejection in report.rejections {
            let rejected = Rejected {
                file: name.to_owned(),
                offset: rejection.offset,
                index: rejection.index,
                reason: rejection.reason,
            };
            if let Some(rejects) = &mut self.rejects {
                rejects.add(&rejected)?;
            }
            if self.rejections.len() < SHOWN_MAX {
                self.rejections.push(rejected);
            }
        }
        match &mut self.rejects {
            Some(rejects) if undescribed > 0 => rejects.add(
                &json!({"file": name, "reason": format!("{undescribed} more records of this file were rejected")}),
            ),
            _ => Ok(()),
        }
    }

    /// `interrupted`: from outside, or by [`Event::Stopped`].
    pub fn finish(&mut self, took: Duration, interrupted: bool) {
        self.seconds = took.as_secs_f64();
        if interrupted {
            self.stopped.get_or_insert_with(|| "interrupted".to_owned());
        }
        self.files.left = self.files.found.saturating_sub(self.handled());
    }

    /// Makes the rejects file durable.
    pub fn close_rejects(&mut self) -> Result<(), String> {
        let Some(mut rejects) = self.rejects.take() else { return Ok(()) };
        rejects.write()?;
        rejects.file.sync().map_err(|error| format!("{}: {error}", rejects.path.display()))
    }

    /// Files of which it is known what becomes of them.
    pub fn handled(&self) -> u64 {
        let Files { complete_before, due, log, insight, aggregated, digest, other, failed, .. } = self.files;
        complete_before + due + log + insight + aggregated + digest + other + failed
    }

    /// Whether everything that was found is in.
    pub fn is_complete(&self) -> bool {
        let Files { found, failed, unreadable, left, .. } = self.files;
        found > 0 && failed + unreadable + left + self.events.rejected == 0 && self.stopped.is_none()
    }
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text that a terminal takes as nothing but text.
fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { tame.extend(c.escape_default()) } else { tame.push(c) }
    }
    tame
}

/// The counts that are not zero, in words.
fn listed(counts: &[(u64, &str)]) -> String {
    let shown: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (files, events) = (&self.files, &self.events);
        writeln!(
            f,
            "files   {} found: {}",
            grouped(files.found),
            listed(&[
                (files.due, "to be sent"),
                (files.log, "log files taken"),
                (files.insight, "insight files taken"),
                (files.aggregated, "aggregated files taken"),
                (files.digest, "digest files, not imported (cairn verify proves them)"),
                (files.complete_before, "complete from before"),
                (files.other, "of another kind, left alone"),
                (files.failed, "failed"),
                (files.left, "not sent"),
            ])
        )?;
        if files.skipped > 0 {
            writeln!(f, "        {} more passed over: not named as log files are", grouped(files.skipped))?;
        }
        if !self.dry_run {
            writeln!(
                f,
                "events  {} read: {} new, {} already there, {} rejected",
                grouped(events.records + events.rejected),
                grouped(events.new),
                grouped(events.duplicates),
                grouped(events.rejected)
            )?;
            let remarks = [
                (events.insights, "insight events"),
                (events.aggregated, "aggregated events"),
                (events.conflicts, "with a known eventID and other bytes (both kept)"),
                (events.undated, "without a usable eventTime (kept)"),
                (events.unnamed, "without an eventID (kept)"),
            ];
            if remarks.iter().any(|(count, _)| *count > 0) {
                writeln!(f, "        of them {}", listed(&remarks))?;
            }
            let megabytes = self.json_bytes as f64 / 1e6;
            writeln!(
                f,
                "took    {:.1} s, {megabytes:.1} MB of JSON, {:.0} MB/s",
                self.seconds,
                megabytes / self.seconds.max(0.001)
            )?;
        }
        for Failure { file, reason } in &self.others {
            writeln!(f, "left alone: {}: {}", tame(file), tame(reason))?;
        }
        for Failure { file, reason } in &self.failures {
            writeln!(f, "failed: {}: {}", tame(file), tame(reason))?;
        }
        rest(f, files.failed + files.unreadable, self.failures.len())?;
        for Rejected { file, offset, index, reason } in &self.rejections {
            writeln!(f, "rejected: {} record {index} at byte {offset}: {}", tame(file), tame(reason))?;
        }
        rest(f, events.rejected, self.rejections.len())?;
        if files.found == 0 {
            writeln!(f, "no log files were found")?;
        }
        match &self.stopped {
            Some(reason) => writeln!(
                f,
                "stopped early: {}; what is reported as taken is in, the same command goes on from here",
                tame(reason)
            ),
            None => Ok(()),
        }
    }
}

fn rest(f: &mut fmt::Formatter<'_>, all: u64, shown: usize) -> fmt::Result {
    let rest = all - shown as u64;
    if rest > 0 { writeln!(f, "… and {} more; --rejects FILE writes them all", grouped(rest)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_intake::Rejection;

    #[test]
    fn numbers_are_grouped_and_names_tamed() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(tame("a\u{1b}[2J\né"), "a\\u{1b}[2J\\né");
    }

    #[test]
    fn what_was_rejected_is_named_and_keeps_the_import_from_being_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rejects");
        let world = World::system();
        let mut tally = Tally::new(false, Some(Rejects::open(&world, &path).unwrap_or_else(|error| panic!("{error}"))));
        let rejection = |index| Rejection { offset: index * 10, index, reason: "not an object".to_owned() };
        let report = Report {
            kind: Kind::Log,
            note: None,
            bytes: 100,
            records: 5,
            new: 3,
            duplicates: 2,
            conflicts: 0,
            undated: 0,
            unnamed: 0,
            rejected: 32,
            rejections: (0..30).map(rejection).collect(),
        };
        tally.files.found = 1;
        tally.add("x\ny.json", report).unwrap();
        tally.finish(Duration::from_secs(1), false);
        assert!(!tally.is_complete());
        let text = tally.to_string();
        assert!(text.contains("37 read: 3 new, 2 already there, 32 rejected"), "{text}");
        assert!(text.contains("x\\ny.json record 19 at byte 190: not an object\n… and 12 more"), "{text}");
        tally.close_rejects().unwrap();
        let lines = String::from_utf8(world.disk.read(&path).unwrap()).unwrap();
        assert_eq!(lines.lines().count(), 31);
        assert!(lines.lines().last().unwrap().contains("2 more records"));
    }

    #[test]
    fn an_import_is_complete_when_all_that_was_found_is_in() {
        let mut tally = Tally::default();
        tally.finish(Duration::ZERO, false);
        assert!(!tally.is_complete(), "nothing was found");
        let mut tally = Tally::default();
        tally.count(Event::Found { bytes: 1 }).unwrap();
        tally.count(Event::Complete { bytes: 1 }).unwrap();
        tally.finish(Duration::ZERO, false);
        assert!(tally.is_complete());
        let mut tally = Tally::default();
        tally.count(Event::Found { bytes: 1 }).unwrap();
        tally.finish(Duration::ZERO, true);
        assert_eq!((tally.is_complete(), tally.files.left), (false, 1));
    }
}
