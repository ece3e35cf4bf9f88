//! One segment file: its name, its head, and where its records stand.

use crate::Error;
use cairn_event::Time;
use cairn_world::{Disk, File, Open};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

pub(crate) const HEAD_BYTES: u64 = 32;
const MAGIC: [u8; 8] = *b"CAIRNJNL";
const VERSION: u32 = 1;
const SUFFIX: &str = ".journal";
/// The places kept in memory stand at least so far apart.
const PLACE_EVERY_BYTES: u64 = 64 << 10;

pub(crate) struct Segment {
    /// The position of its first record, also its name.
    pub first: u64,
    pub path: PathBuf,
    /// Bytes that hold durable records. Nothing behind them is ever read.
    readable: AtomicU64,
    /// Bytes that the file takes on disk.
    allocated: AtomicU64,
    created: OnceLock<Option<Time>>,
    /// Some positions and the offsets of their frames, ascending in both.
    places: Mutex<Vec<(u64, u64)>>,
}

impl Segment {
    pub fn new(dir: &Path, first: u64, readable: u64, allocated: u64) -> Self {
        Self {
            first,
            path: dir.join(format!("{first:020}{SUFFIX}")),
            readable: AtomicU64::new(readable),
            allocated: AtomicU64::new(allocated),
            created: OnceLock::new(),
            places: Mutex::new(vec![(first, HEAD_BYTES)]),
        }
    }

    /// The first position that a file of this name holds; `None` for other files.
    pub fn first_of(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(SUFFIX)?;
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    }

    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub fn readable(&self) -> u64 {
        self.readable.load(Ordering::Acquire)
    }

    pub fn set_readable(&self, bytes: u64) {
        self.readable.store(bytes, Ordering::Release);
    }

    pub fn allocated(&self) -> u64 {
        self.allocated.load(Ordering::Acquire)
    }

    pub fn set_allocated(&self, bytes: u64) {
        self.allocated.store(bytes, Ordering::Release);
    }

    /// The frame from which a walk to `position` begins: a position and an offset.
    pub fn place_before(&self, position: u64) -> (u64, u64) {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = places.partition_point(|(first, _)| *first <= position);
        places[behind.saturating_sub(1)]
    }

    /// Remembers where a frame stands.
    pub fn note(&self, position: u64, offset: u64) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let last = places.last().copied().unwrap_or((self.first, HEAD_BYTES));
        if position > last.0 && offset >= last.1 + PLACE_EVERY_BYTES {
            places.push((position, offset));
        }
    }

    /// When the file was begun; nothing in the segment before it is younger. `None` when its head is damaged.
    pub fn created(&self, disk: &dyn Disk) -> Option<Time> {
        *self.created.get_or_init(|| match read_head(&*disk.open(&self.path, Open::Read).ok()?) {
            Ok(Head::Whole { created }) => Some(created),
            _ => None,
        })
    }

    pub fn failed(&self, what: &str, error: &io::Error) -> Error {
        Error::Unavailable(format!("cannot {what} {}: {error}", self.path.display()))
    }

    pub fn later(&self, version: u32) -> Error {
        Error::Invalid(format!("{} has format version {version}; this program knows {VERSION}", self.path.display()))
    }
}

/// What stands at the beginning of a segment file.
pub(crate) enum Head {
    Whole {
        created: Time,
    },
    /// Written by a later program.
    Later(u32),
    Damaged,
}

pub(crate) fn head(first: u64, created: Time) -> [u8; HEAD_BYTES as usize] {
    let mut bytes = [0; HEAD_BYTES as usize];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&first.to_le_bytes());
    bytes[20..28].copy_from_slice(&created.0.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..28]);
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    bytes
}

pub(crate) fn read_head(file: &dyn File) -> io::Result<Head> {
    let mut bytes = [0; HEAD_BYTES as usize];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Head::Damaged),
        other => other?,
    }
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    if bytes[0..8] != MAGIC || crc32c::crc32c(&bytes[..28]) != word(28) {
        return Ok(Head::Damaged);
    }
    Ok(match word(8) {
        VERSION => Head::Whole { created: Time(i64::from_le_bytes(bytes[20..28].try_into().expect("eight bytes"))) },
        later => Head::Later(later),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_segment_files_have_a_first_position() {
        for (name, expected) in [
            ("00000000000000000042.journal", Some(42)),
            ("18446744073709551615.journal", Some(u64::MAX)),
            ("18446744073709551616.journal", None),
            ("42.journal", None),
            ("+0000000000000000042.journal", None),
            ("00000000000000000042.journal.tmp", None),
            ("lock", None),
        ] {
            assert_eq!(Segment::first_of(name), expected, "{name}");
        }
    }

    #[test]
    fn the_nearest_noted_place_is_where_a_walk_begins() {
        let segment = Segment::new(Path::new("d"), 100, 0, 0);
        segment.note(110, HEAD_BYTES + PLACE_EVERY_BYTES);
        segment.note(115, HEAD_BYTES + PLACE_EVERY_BYTES + 1);
        segment.note(105, HEAD_BYTES + 9 * PLACE_EVERY_BYTES);
        assert_eq!(segment.place_before(109), (100, HEAD_BYTES));
        assert_eq!(segment.place_before(120), (110, HEAD_BYTES + PLACE_EVERY_BYTES));
    }
}
