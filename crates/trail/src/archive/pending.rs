//! Records that wait for their log file, in memory.

use super::layout::Slot;
use crate::state::Entry;
use cairn_event::Time;
use cairn_journal::Position;
use std::collections::BTreeMap;
use std::sync::Arc;

/// AWS's limit for a log file before compression; what does not fit begins another file.
const FILE_BYTES_MAX: usize = 50_000_000;
const HEAD: &[u8] = b"{\"Records\":[";
const TAIL: &[u8] = b"]}";

/// The contents of one log file, growing.
pub(crate) struct Records {
    json: Vec<u8>,
    /// Of the records' `eventTime`.
    pub oldest: Time,
    pub newest: Time,
}

impl Records {
    fn begin(raw: &str, time: Time) -> Self {
        let mut json = HEAD.to_vec();
        json.extend_from_slice(raw.as_bytes());
        Self { json, oldest: time, newest: time }
    }

    fn fits(&self, raw: &str) -> bool {
        self.json.len() + 1 + raw.len() + TAIL.len() <= FILE_BYTES_MAX
    }

    fn push(&mut self, raw: &str, time: Time) {
        self.json.push(b',');
        self.json.extend_from_slice(raw.as_bytes());
        self.oldest = self.oldest.min(time);
        self.newest = self.newest.max(time);
    }

    /// The whole file: the records' own bytes in the order they were recorded.
    pub fn to_json(&self) -> Vec<u8> {
        [self.json.as_slice(), TAIL].concat()
    }
}

/// A log file that is to be staged.
pub(crate) struct Ready {
    pub slot: Slot,
    pub entry: Arc<Entry>,
    pub records: Records,
}

/// Everything taken out at once, and the place in the journal that it reaches up to.
pub(crate) struct Cut {
    pub files: Vec<Ready>,
    pub upto: Position,
    /// All records of calls that were taken in before are below `upto`.
    pub heard: Time,
}

/// What was absorbed since the last cut.
pub(crate) struct Pending {
    files: BTreeMap<Slot, (Arc<Entry>, Vec<Records>)>,
    bytes: u64,
    absorbed: Position,
    heard: Time,
}

impl Pending {
    pub const fn from(position: Position) -> Self {
        Self { files: BTreeMap::new(), bytes: 0, absorbed: position, heard: Time(0) }
    }

    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub const fn absorbed(&self) -> Position {
        self.absorbed
    }

    pub fn push(&mut self, slot: Slot, entry: &Arc<Entry>, raw: &str, time: Time) {
        let (newest, files) = self.files.entry(slot).or_insert_with(|| (entry.clone(), Vec::new()));
        newest.clone_from(entry);
        self.bytes += raw.len() as u64;
        match files.last_mut() {
            Some(file) if file.fits(raw) => file.push(raw, time),
            _ => files.push(Records::begin(raw, time)),
        }
    }

    /// All records below `position` are here now.
    pub fn reached(&mut self, position: Position) {
        self.absorbed = self.absorbed.max(position);
    }

    /// All records of calls that were taken in before `time` are here now. After a clock was
    /// turned back that is earlier than before.
    pub const fn heard(&mut self, time: Time) {
        self.heard = time;
    }

    /// The journal goes on at `position`, wherever that is.
    pub fn jump(&mut self, position: Position) {
        self.absorbed = position;
    }

    pub fn cut(&mut self) -> Cut {
        self.bytes = 0;
        let files = std::mem::take(&mut self.files)
            .into_iter()
            .flat_map(|(slot, (entry, files))| {
                files.into_iter().map(move |records| Ready { slot: slot.clone(), entry: entry.clone(), records })
            })
            .collect();
        Cut { files, upto: self.absorbed, heard: self.heard }
    }
}

impl Cut {
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.records.json.len() as u64).sum()
    }
}
