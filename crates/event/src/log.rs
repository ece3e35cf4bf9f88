//! Log files taken apart, as AWS writes them and as shippers pass them on.
//!
//! What is taken, told by content first and by name second:
//!
//! ```text
//! {"Records":[ {event}, … ]}     a log file; insight and aggregated files look the same
//! [ {event}, … ]                 an array of events
//! {event} {event} …              single events, with or without a newline between (NDJSON)
//! ```
//! Any sequence of these in one file is taken too, as joined files give it. A digest
//! file is checked for its shape and not imported; any other JSON is left alone with a
//! word of what it is.
//!
//! Each record is the text of one element exactly as it stood in the file. Bad records
//! are rejected one by one, each with its offset, and the others kept:
//!
//! * not JSON, not an object, not UTF-8, nested too deeply, too large;
//! * an element of another kind of `Records` (an S3 notification, for one);
//! * a member that readers choose by stands there twice;
//! * behind damage in the same file, a record that does not name itself by an eventID:
//!   where the text is broken, what looks like a record may be a part of one.
//!
//! A record without an eventID is kept and known by a digest of its text. A record with
//! an absent or absurd eventTime is kept as it is and counted as undated.
//!
//! A file that ends inside a value was cut off, and nothing of it is taken: half of a
//! file is an error of transport, and the whole one is to be had where it came from.

mod digest;
mod sketch;

pub use sketch::{Sketch, members};

use crate::json::{Bad, DEPTH_LIMIT, Scanner, Why};
use serde::{Deserialize, Serialize};
use sketch::Category;
use std::ops::Range;

/// What a file is allowed to be. Beyond: the record is rejected, or the file refused.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A file with more records is refused.
    pub records_max: usize,
    /// A larger record is rejected. AWS ends at 1 MB.
    pub record_bytes_max: usize,
    /// A record nested deeper is rejected.
    pub depth_max: u32,
    /// Beyond, rejections are counted and not described.
    pub rejections_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records_max: 4_000_000, record_bytes_max: 4 << 20, depth_max: 100, rejections_max: 100_000 }
    }
}

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// API activity.
    Log,
    /// Insight events and nothing else.
    Insight,
    /// Aggregated events and nothing else.
    Aggregated,
    /// A digest file: signed, not imported.
    Digest,
    /// Something else, left alone.
    Other,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Insight => "insight",
            Self::Aggregated => "aggregated",
            Self::Digest => "digest",
            Self::Other => "other",
        }
    }
}

/// Why one record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Where the record begins, in bytes of the (decompressed) JSON.
    pub offset: u64,
    /// Its number among the file's records, from 0.
    pub index: u64,
    pub reason: String,
}

/// All rejections of a file: how many, and the first of them described.
#[derive(Clone, Debug, Default)]
pub struct Rejections {
    pub total: u64,
    pub first: Vec<Rejection>,
}

/// One accepted record, as it is shown to whoever keeps it.
pub struct Found<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// Where the record stands in it.
    pub range: Range<usize>,
    pub sketch: &'a Sketch,
}

/// Why a file as a whole is no log file; nothing of it is to be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub struct Unreadable {
    pub offset: u64,
    pub reason: String,
}

/// What stands in a file.
#[derive(Debug)]
pub struct Decoded<T> {
    pub kind: Kind,
    /// What the file is, when it is no log.
    pub note: Option<String>,
    /// What was kept of each record, in the order of the file.
    pub records: Vec<T>,
    pub rejected: Rejections,
    /// Records whose eventTime is no time between 2000 and 2099.
    pub undated: u64,
    /// Records without an eventID.
    pub unnamed: u64,
}

/// Takes a file apart. `bytes` are decompressed; `keep` says what is to be kept of a record.
pub fn decode<T>(
    name: &str,
    bytes: &[u8],
    limits: &Limits,
    keep: impl FnMut(Found<'_>) -> T,
) -> Result<Decoded<T>, Unreadable> {
    let mut decoder = Decoder {
        keep,
        scanner: Scanner::new(bytes),
        limits,
        all_utf8: std::str::from_utf8(bytes).is_ok(),
        damaged: false,
        values: 0,
        insights: 0,
        aggregated: 0,
        out: Decoded {
            kind: Kind::Log,
            note: None,
            records: Vec::new(),
            rejected: Rejections::default(),
            undated: 0,
            unnamed: 0,
        },
    };
    decoder.document(name)?;
    Ok(decoder.finish(name))
}

struct Decoder<'a, T, K> {
    keep: K,
    scanner: Scanner<'a>,
    limits: &'a Limits,
    /// Checked once over the whole file; only where it fails, record by record.
    all_utf8: bool,
    /// Something before this place was not JSON.
    damaged: bool,
    /// Values at the top level so far.
    values: u64,
    insights: usize,
    aggregated: usize,
    out: Decoded<T>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<T, K: FnMut(Found<'_>) -> T> Decoder<'_, T, K> {
    fn document(&mut self, name: &str) -> Result<(), Unreadable> {
        if self.scanner.bytes().starts_with(BYTE_ORDER_MARK) {
            self.scanner.at = BYTE_ORDER_MARK.len();
        }
        loop {
            self.scanner.space();
            match self.scanner.peek() {
                None => break,
                Some(b'{') => self.top_object()?,
                Some(b'[') => self.array()?,
                Some(_) if self.values == 0 => return self.foreign(name),
                Some(_) => {
                    self.reject(self.scanner.at, "not an object".to_owned());
                    self.damaged = true;
                    self.scanner.skip_to_object_line();
                }
            }
            self.values += 1;
        }
        if self.values == 0 {
            self.other("an empty file");
        }
        Ok(())
    }

    /// A file that does not begin as JSON: another log, or one of ours that is broken.
    fn foreign(&mut self, name: &str) -> Result<(), Unreadable> {
        let reason = "it does not begin with a JSON object or array";
        let name = name.to_ascii_lowercase();
        if name.strip_suffix(".gz").unwrap_or(&name).ends_with("json") {
            return Err(Unreadable { offset: self.scanner.at as u64, reason: format!("no log file: {reason}") });
        }
        self.other(reason);
        Ok(())
    }

    fn other(&mut self, note: &str) {
        self.out.kind = Kind::Other;
        self.out.note = Some(note.to_owned());
    }

    /// An object at the top level: a container of records, an event, or something else.
    fn top_object(&mut self) -> Result<(), Unreadable> {
        let start = self.scanner.at;
        let mut sketch = Sketch::default();
        let mut keys = Vec::new();
        let mut holds_records = false;
        self.scanner.at += 1;
        match self.top_members(&mut sketch, &mut keys, &mut holds_records)? {
            Ok(()) if holds_records => Ok(()),
            Ok(()) => self.single(start, &sketch, &keys),
            Err(bad) if bad.why == Why::End => self.cut_off(start),
            Err(bad) => {
                self.reject(if holds_records { bad.at } else { start }, explain(bad, self.limits));
                self.damaged = true;
                self.scanner.at = bad.at;
                self.scanner.skip_to_object_line();
                Ok(())
            }
        }
    }

    /// The members of an object at the top level. `Records` is taken apart on the way.
    /// The outer error ends the file, the inner one is a mistake in this object.
    fn top_members(
        &mut self,
        sketch: &mut Sketch,
        keys: &mut Vec<Range<usize>>,
        holds_records: &mut bool,
    ) -> Result<Result<(), Bad>, Unreadable> {
        const KEYS_MAX: usize = 64;
        let bytes = self.scanner.bytes();
        self.scanner.space();
        if self.scanner.take(b'}') {
            return Ok(Ok(()));
        }
        loop {
            let key = match self.scanner.key() {
                Ok(key) => key,
                Err(bad) => return Ok(Err(bad)),
            };
            let value = self.scanner.at;
            if &bytes[key.clone()] == b"Records" && self.scanner.peek() == Some(b'[') {
                *holds_records = true;
                self.array()?;
            } else {
                // One less: this object is itself a level of what may be a record.
                if let Err(bad) = self.scanner.value(self.limits.depth_max.min(DEPTH_LIMIT) - 1) {
                    return Ok(Err(bad));
                }
                sketch.member(bytes, key.clone(), value..self.scanner.at);
            }
            if keys.len() < KEYS_MAX {
                keys.push(key);
            }
            self.scanner.space();
            if !self.scanner.take(b',') {
                return Ok(self.scanner.expect(b'}', "a comma or a closing brace"));
            }
            self.scanner.space();
        }
    }

    /// An object at the top level that holds no `Records`.
    fn single(&mut self, start: usize, sketch: &Sketch, keys: &[Range<usize>]) -> Result<(), Unreadable> {
        let bytes = self.scanner.bytes();
        if sketch.is_event(bytes) {
            return self.accept(start, sketch);
        }
        let mut rest = self.scanner.clone();
        rest.space();
        let alone = self.values == 0 && rest.peek().is_none();
        let has = |name: &str| keys.iter().any(|key| &bytes[key.clone()] == name.as_bytes());
        if !alone {
            self.reject(start, "a JSON object that is no event".to_owned());
        } else if has("digestS3Object") || has("digestEndTime") {
            digest::check(&bytes[start..self.scanner.at])
                .map_err(|reason| Unreadable { offset: start as u64, reason: format!("a digest file {reason}") })?;
            self.out.kind = Kind::Digest;
        } else if has("configurationItems") || has("configurationItemDiff") {
            self.other("an AWS Config file");
        } else if has("detail-type") && has("detail") {
            self.other("an EventBridge envelope");
        } else if has("hashSignature") {
            self.other("a signature of query results");
        } else {
            self.other("JSON that is neither a log file nor an event");
        }
        Ok(())
    }

    /// The scanner stands at the opening bracket of an array of records.
    fn array(&mut self) -> Result<(), Unreadable> {
        let opened = self.scanner.at;
        self.scanner.at += 1;
        self.scanner.space();
        if self.scanner.take(b']') {
            return Ok(());
        }
        loop {
            self.scanner.space();
            if !self.element()? {
                return Ok(());
            }
            self.scanner.space();
            if !matches!(self.scanner.peek(), Some(b',' | b']') | None) {
                let at = self.scanner.at;
                if !self.step_over(at, "not JSON: no comma stands before it".to_owned()) {
                    return Ok(());
                }
            }
            if self.scanner.take(b']') {
                return Ok(());
            }
            if !self.scanner.take(b',') {
                return self.cut_off(opened);
            }
        }
    }

    /// One element of an array. False when nothing can be told of the rest of the file.
    fn element(&mut self) -> Result<bool, Unreadable> {
        let bytes = self.scanner.bytes();
        let start = self.scanner.at;
        let is_object = self.scanner.peek() == Some(b'{');
        let mut sketch = Sketch::default();
        let skipped = if is_object {
            self.scanner.at += 1;
            let depth_max = self.limits.depth_max.min(DEPTH_LIMIT) - 1;
            members(&mut self.scanner, depth_max, |key, value| sketch.member(bytes, key, value))
        } else {
            self.scanner.value(self.limits.depth_max)
        };
        match skipped {
            Ok(()) if is_object => self.accept(start, &sketch).map(|()| true),
            Ok(()) => {
                self.reject(start, "not an object".to_owned());
                Ok(true)
            }
            Err(bad) if bad.why == Why::End => self.cut_off(start).map(|()| false),
            Err(bad) => {
                self.scanner.at = start;
                Ok(self.step_over(start, explain(bad, self.limits)))
            }
        }
    }

    /// Rejects what begins here and goes behind it. False when it has no end.
    fn step_over(&mut self, start: usize, reason: String) -> bool {
        self.damaged = true;
        self.reject(start, reason);
        // Always forward, so that damage of any kind comes to an end.
        if self.scanner.over_damage() {
            return true;
        }
        if let Some(last) = self.out.rejected.first.last_mut().filter(|last| last.offset == start as u64) {
            last.reason.push_str("; it does not end, so that what follows cannot be read either");
        }
        false
    }

    /// The file ends inside the value that began at `start`.
    fn cut_off(&mut self, start: usize) -> Result<(), Unreadable> {
        let end = self.scanner.bytes().len();
        self.scanner.at = end;
        if self.damaged {
            // After damage an open bracket or quote proves nothing about the file's end.
            self.reject(start, "not JSON: it does not end".to_owned());
            return Ok(());
        }
        let index = self.out.records.len() as u64 + self.out.rejected.total;
        Err(Unreadable {
            offset: end as u64,
            reason: format!("the file is cut off: it ends inside what begins at byte {start}, after {index} records"),
        })
    }

    /// Keeps the record that ends here, unless something speaks against it.
    fn accept(&mut self, start: usize, sketch: &Sketch) -> Result<(), Unreadable> {
        let end = self.scanner.at;
        let bytes = self.scanner.bytes();
        let raw = &bytes[start..end];
        if let Some(reason) = self.objection(raw, sketch) {
            self.reject(start, reason);
            return Ok(());
        }
        if self.out.records.len() >= self.limits.records_max {
            let reason = format!("the file has more than {} records", self.limits.records_max);
            return Err(Unreadable { offset: start as u64, reason });
        }
        self.out.undated += u64::from(sketch.day(bytes).is_none());
        self.out.unnamed += u64::from(!sketch.has_id(bytes));
        match sketch.category(bytes) {
            Category::Activity => {}
            Category::Insight => self.insights += 1,
            Category::Aggregated => self.aggregated += 1,
        }
        let kept = (self.keep)(Found { bytes, range: start..end, sketch });
        self.out.records.push(kept);
        Ok(())
    }

    fn objection(&self, raw: &[u8], sketch: &Sketch) -> Option<String> {
        let bytes = self.scanner.bytes();
        if raw.len() > self.limits.record_bytes_max {
            return Some(format!("larger than {} bytes", self.limits.record_bytes_max));
        }
        if !self.all_utf8
            && let Err(error) = std::str::from_utf8(raw)
        {
            return Some(format!("not UTF-8 at its byte {}", error.valid_up_to()));
        }
        if let Some(name) = sketch.twice() {
            return Some(format!("it has {name} twice"));
        }
        if sketch.is_notification(bytes) {
            return Some("no CloudTrail event: a notification or queue record".to_owned());
        }
        if !sketch.is_event(bytes) {
            return Some("no CloudTrail event: it has no eventID or eventTime, or no eventName".to_owned());
        }
        (self.damaged && !sketch.has_id(bytes)).then(|| "it follows damage and has no eventID".to_owned())
    }

    fn reject(&mut self, start: usize, reason: String) {
        let index = self.out.records.len() as u64 + self.out.rejected.total;
        self.out.rejected.total += 1;
        if self.out.rejected.first.len() < self.limits.rejections_max {
            self.out.rejected.first.push(Rejection { offset: start as u64, index, reason });
        }
    }

    fn finish(mut self, name: &str) -> Decoded<T> {
        let records = self.out.records.len();
        if self.out.kind == Kind::Log {
            self.out.kind = match records {
                0 if name.contains("CloudTrail-Insight") => Kind::Insight,
                0 if name.contains("CloudTrail-Aggregated") => Kind::Aggregated,
                0 => Kind::Log,
                all if all == self.insights => Kind::Insight,
                all if all == self.aggregated => Kind::Aggregated,
                _ => Kind::Log,
            };
        }
        self.out
    }
}

fn explain(bad: Bad, limits: &Limits) -> String {
    match bad.why {
        Why::Deep => format!("nested deeper than {} levels", limits.depth_max),
        Why::Syntax(expected) => format!("not JSON at byte {}: expected {expected}", bad.at),
        Why::End => format!("not JSON: it ends at byte {}", bad.at),
    }
}
