//! One frame: a few records, compressed and checked together.

use crate::{Entry, Error};
use std::io;

pub(crate) const HEADER_BYTES: usize = 32;
/// A frame that holds this much before compression takes no further record.
pub(crate) const RAW_BYTES: usize = 1 << 20;
const RECORDS_MAX: u32 = 1 << 16;
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
        bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
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
        let header = Self { first, count: word(16), raw_len: word(20), packed_len: word(24), packed_crc: word(28) };
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
}

impl Encoder {
    pub fn new() -> Result<Self, Error> {
        let compressor = zstd::bulk::Compressor::new(LEVEL)
            .map_err(|error| Error::Unavailable(format!("no compressor: {error}")))?;
        Ok(Self { compressor, bodies: Vec::new(), about: Vec::new(), packed: Vec::new(), count: 0 })
    }

    /// Appends the frames of `entries` to `out`; the first record gets position `first`.
    pub fn encode<'e>(
        &mut self,
        mut first: u64,
        entries: impl Iterator<Item = &'e Entry>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.clear();
        for entry in entries {
            self.push(entry);
            if self.bodies.len() >= RAW_BYTES || self.count == RECORDS_MAX {
                first = self.finish(first, out)?;
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
    }

    fn finish(&mut self, first: u64, out: &mut Vec<u8>) -> io::Result<u64> {
        self.bodies.extend_from_slice(&self.about);
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.bodies.len()));
        self.compressor.compress_to_buffer(&self.bodies, &mut self.packed)?;
        let header = Header {
            first,
            count: self.count,
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
        // One huge record does not hold its memory for ever.
        self.bodies.shrink_to(4 * RAW_BYTES);
        self.packed.shrink_to(4 * RAW_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_any_bit_flipped_is_none() {
        let header = Header { first: 7, count: 3, raw_len: 100, packed_len: 50, packed_crc: 0xABCD };
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
        let good = Header { first: 0, count: 1, raw_len: 1, packed_len: 1, packed_crc: 0 };
        for bad in [
            Header { count: 0, ..good },
            Header { count: u32::MAX, ..good },
            Header { raw_len: u32::MAX, ..good },
            Header { packed_len: u32::MAX, ..good },
            Header { first: u64::MAX, ..good },
        ] {
            assert_eq!(Header::decode(&bad.encode()), None, "{bad:?}");
        }
    }
}
