//! One frame: a few records, compressed and checked together.

use crate::{Entry, Error};
use cairn_event::Origins;
use std::io;

pub(crate) const HEADER_BYTES: usize = 32;
/// A frame that holds this much before compression takes no further record.
pub(crate) const RAW_BYTES: usize = 1 << 20;
const RECORDS_MAX: u32 = 1 << 16;
/// Where the origin changes, a frame ends if what comes or what it holds is at least so
/// much: more than it costs in compression.
const APART_BYTES: usize = 64 << 10;
/// Of the word that holds the number of records and, above it, their origins.
const COUNT_BITS: u32 = 24;
/// What stands for each record behind the bodies: origin, kind, time, length.
pub(crate) const ABOUT_BYTES: usize = 14;
/// The largest body of one record; a larger one is refused.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;
const RAW_BYTES_MAX: usize = RAW_BYTES + BODY_BYTES_MAX + RECORDS_MAX as usize * ABOUT_BYTES;
/// The first byte occurs in no UTF-8 text, so no body that compression left as it is can pose as a frame.
pub(crate) const MAGIC: [u8; 4] = [0xF5, b'J', b'F', 1];
const LEVEL: i32 = 1;

/// What a frame says of itself before its packed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub first: u64,
    pub count: u32,
    /// Of the records; empty when this is not told.
    pub origins: Origins,
    /// Length of the records before packing.
    pub raw_len: u32,
    pub packed_len: u32,
    pub packed_crc: u32,
}

impl Header {
    fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        let count = self.count | u32::from(self.origins.bits()) << COUNT_BITS;
        bytes[16..20].copy_from_slice(&count.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.raw_len.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.packed_len.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.packed_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` when these bytes are none, or one that nobody writes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        if bytes[0..4] != MAGIC || word(4) != crc32c::crc32c(&bytes[8..]) {
            return None;
        }
        let first = u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes"));
        let header = Self {
            first,
            count: word(16) & ((1 << COUNT_BITS) - 1),
            origins: Origins::from_bits(bytes[19]),
            raw_len: word(20),
            packed_len: word(24),
            packed_crc: word(28),
        };
        let possible = (1..=RECORDS_MAX).contains(&header.count)
            && header.raw_len as usize <= RAW_BYTES_MAX
            && header.packed_len as usize <= zstd::zstd_safe::compress_bound(RAW_BYTES_MAX)
            && first.checked_add(u64::from(header.count)).is_some();
        possible.then_some(header)
    }

    /// The position behind the last record.
    pub const fn end(self) -> u64 {
        self.first + self.count as u64
    }

    /// Whether a record of one of these origins may be in it.
    pub fn may_hold(self, wanted: Origins) -> bool {
        self.origins == Origins::of(&[]) || !self.origins.is_disjoint(wanted)
    }

    /// Length on disk, header included.
    pub const fn len(self) -> u64 {
        HEADER_BYTES as u64 + self.packed_len as u64
    }
}

/// Turns records into frames.
pub(crate) struct Encoder {
    compressor: zstd::bulk::Compressor<'static>,
    bodies: Vec<u8>,
    about: Vec<u8>,
    packed: Vec<u8>,
    count: u32,
    origins: Origins,
}

impl Encoder {
    pub fn new() -> Result<Self, Error> {
        let compressor = zstd::bulk::Compressor::new(LEVEL)
            .map_err(|error| Error::Unavailable(format!("no compressor: {error}")))?;
        Ok(Self {
            compressor,
            bodies: Vec::new(),
            about: Vec::new(),
            packed: Vec::new(),
            count: 0,
            origins: Origins::of(&[]),
        })
    }

    /// Appends to `out` the frames of appends, each with its bytes; the first record gets
    /// position `first`.
    pub fn encode<'e>(
        &mut self,
        mut first: u64,
        appends: impl Iterator<Item = (&'e [Entry], usize)>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.clear();
        for (entries, bytes) in appends {
            for entry in entries {
                let apart = self.bodies.len().max(bytes) >= APART_BYTES && !self.origins.contains(entry.origin);
                if apart && self.count > 0 {
                    first = self.finish(first, out)?;
                }
                self.push(entry);
                if self.bodies.len() >= RAW_BYTES || self.count == RECORDS_MAX {
                    first = self.finish(first, out)?;
                }
            }
        }
        if self.count > 0 {
            self.finish(first, out)?;
        }
        Ok(())
    }

    fn push(&mut self, entry: &Entry) {
        self.bodies.extend_from_slice(&entry.body);
        self.about.push(entry.origin as u8);
        self.about.push(entry.kind as u8);
        self.about.extend_from_slice(&entry.time.0.to_le_bytes());
        self.about.extend_from_slice(&(entry.body.len() as u32).to_le_bytes());
        self.count += 1;
        self.origins = self.origins.union(Origins::of(&[entry.origin]));
    }

    fn finish(&mut self, first: u64, out: &mut Vec<u8>) -> io::Result<u64> {
        self.bodies.extend_from_slice(&self.about);
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.bodies.len()));
        self.compressor.compress_to_buffer(&self.bodies, &mut self.packed)?;
        let header = Header {
            first,
            count: self.count,
            origins: self.origins,
            raw_len: self.bodies.len() as u32,
            packed_len: self.packed.len() as u32,
            packed_crc: crc32c::crc32c(&self.packed),
        };
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(&self.packed);
        self.clear();
        Ok(header.end())
    }

    fn clear(&mut self) {
        self.bodies.clear();
        self.about.clear();
        self.count = 0;
        self.origins = Origins::of(&[]);
        // One huge record does not hold its memory for ever.
        self.bodies.shrink_to(4 * RAW_BYTES);
        self.packed.shrink_to(4 * RAW_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use cairn_event::{Origin, Time};

    #[test]
    fn a_header_with_any_bit_flipped_is_none() {
        let header = Header {
            first: 7,
            count: 3,
            origins: Origins::of(&[Origin::Door]),
            raw_len: 100,
            packed_len: 50,
            packed_crc: 0xABCD,
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes), None, "bit {bit}");
        }
    }

    #[test]
    fn a_header_that_nobody_writes_is_none() {
        let good = Header { first: 0, count: 1, origins: Origins::of(&[]), raw_len: 1, packed_len: 1, packed_crc: 0 };
        for bad in [
            Header { count: 0, ..good },
            Header { count: RECORDS_MAX + 1, ..good },
            Header { raw_len: u32::MAX, ..good },
            Header { packed_len: u32::MAX, ..good },
            Header { first: u64::MAX, ..good },
        ] {
            assert_eq!(Header::decode(&bad.encode()), None, "{bad:?}");
        }
    }

    /// The frames that these appends make, each an origin and the bytes of its records:
    /// how many records each holds, and whether it may hold one of the door.
    fn check(appends: &[(Origin, &[usize])], expected: &[(u32, bool)]) {
        let entry = |origin: Origin, bytes: usize| Entry {
            origin,
            kind: crate::Kind::Event,
            time: Time(0),
            body: Bytes::from(vec![b'x'; bytes]),
        };
        let appends: Vec<Vec<Entry>> = appends
            .iter()
            .map(|(origin, records)| records.iter().map(|bytes| entry(*origin, *bytes)).collect())
            .collect();
        let mut out = Vec::new();
        let with_bytes =
            appends.iter().map(|entries| (entries.as_slice(), entries.iter().map(|entry| entry.body.len()).sum()));
        Encoder::new().unwrap().encode(0, with_bytes, &mut out).unwrap();
        let (mut frames, mut at) = (Vec::new(), 0);
        while let Some(header) = Header::decode(&out[at..]) {
            frames.push((header.count, header.may_hold(Origins::of(&[Origin::Door]))));
            at += header.len() as usize;
        }
        assert_eq!((frames.as_slice(), at), (expected, out.len()), "{appends:?}");
    }

    #[test]
    fn large_appends_of_another_origin_stand_apart_and_small_ones_share_a_frame() {
        let (door, import) = (Origin::Door, Origin::Import);
        let large = [APART_BYTES / 2, APART_BYTES / 2];
        check(&[(door, &[10]), (import, &[10]), (door, &[10, 10])], &[(4, true)]);
        check(&[(door, &[10]), (import, &large), (door, &[10])], &[(1, true), (2, false), (1, true)]);
        check(&[(import, &large), (import, &[10]), (import, &large)], &[(5, false)]);
        check(&[(import, &[10]), (door, &large), (import, &[10])], &[(1, false), (2, true), (1, false)]);
        check(&[(import, &[RAW_BYTES, 10]), (door, &[10])], &[(1, false), (2, true)]);
    }

    #[test]
    fn a_frame_that_does_not_tell_its_origins_may_hold_any() {
        let header = Header { first: 0, count: 1, origins: Origins::of(&[]), raw_len: 1, packed_len: 1, packed_crc: 0 };
        assert!(header.may_hold(Origins::of(&[Origin::Door])));
        let import = Header { origins: Origins::of(&[Origin::Import]), ..header };
        assert!(import.may_hold(Origins::of(&[Origin::Import, Origin::Door])));
        assert!(!import.may_hold(Origins::of(&[Origin::Door])));
    }
}
