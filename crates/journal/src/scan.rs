//! Walks the frames of one segment file, and finds its way again behind damage.

use crate::frame::{HEADER_BYTES, Header, MAGIC};
use cairn_world::File;
use std::io;
use std::ops::Range;

const WINDOW_BYTES: usize = 256 << 10;
const ZEROS: [u8; 4096] = [0; 4096];

/// A walk over frames. It looks at bytes before `limit` and at positions before `end` only.
pub(crate) struct Scan<'f> {
    file: &'f dyn File,
    window: Vec<u8>,
    window_at: u64,
    limit: u64,
    end: u64,
    offset: u64,
    expected: u64,
}

/// What stands at the place of a walk.
pub(crate) enum Step {
    /// A frame whose header is whole; its records are not looked at yet.
    Frame(Header),
    /// No frame at `offset`. The walk goes on at the next whole frame, when there is one.
    Gap { offset: u64, next: Option<Header> },
}

impl<'f> Scan<'f> {
    /// Begins at `offset`, where the record `expected` should stand.
    pub fn new(file: &'f dyn File, (expected, offset): (u64, u64), limit: u64, end: u64) -> Self {
        Self { file, window: Vec::new(), window_at: 0, limit, end, offset, expected }
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The position of the record that should stand here.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    pub fn step(&mut self) -> io::Result<Step> {
        if let Some(header) = self.header(self.offset)?
            && header.first == self.expected
        {
            return Ok(Step::Frame(header));
        }
        let offset = self.offset;
        let next = self.search()?;
        if let Some((found, header)) = next {
            self.offset = found;
            self.expected = header.first;
        }
        Ok(Step::Gap { offset, next: next.map(|(_, header)| header) })
    }

    /// The packed records of the frame at this place; `None` when they are damaged.
    pub fn packed(&mut self, header: &Header) -> io::Result<Option<&[u8]>> {
        self.packed_at(self.offset, header)
    }

    /// Goes on behind the frame at this place.
    pub fn pass(&mut self, header: &Header) {
        self.offset += header.len();
        self.expected = header.end();
    }

    /// Behind the last byte from here on that is not zero.
    pub fn written_end(&mut self) -> io::Result<u64> {
        let (mut at, mut end) = (self.offset, self.offset);
        while at < self.limit {
            let bytes = self.bytes(at, WINDOW_BYTES)?;
            if bytes.is_empty() {
                break;
            }
            if !is_zero(bytes)
                && let Some(last) = bytes.iter().rposition(|byte| *byte != 0)
            {
                end = at + last as u64 + 1;
            }
            at += bytes.len() as u64;
        }
        Ok(end)
    }

    /// A header at `offset` that can stand there.
    fn header(&mut self, offset: u64) -> io::Result<Option<Header>> {
        let (expected, end, limit) = (self.expected, self.end, self.limit);
        let header = Header::decode(self.bytes(offset, HEADER_BYTES)?);
        Ok(header.filter(|header| header.first >= expected && header.end() <= end && offset + header.len() <= limit))
    }

    fn packed_at(&mut self, offset: u64, header: &Header) -> io::Result<Option<&[u8]>> {
        let packed = self.bytes(offset + HEADER_BYTES as u64, header.packed_len as usize)?;
        let whole = packed.len() == header.packed_len as usize && crc32c::crc32c(packed) == header.packed_crc;
        Ok(whole.then_some(packed))
    }

    /// The next frame from here on that is whole in every byte.
    fn search(&mut self) -> io::Result<Option<(u64, Header)>> {
        let mut at = self.offset;
        while at + HEADER_BYTES as u64 <= self.limit {
            let bytes = self.bytes(at, WINDOW_BYTES)?;
            if bytes.len() < HEADER_BYTES {
                break;
            }
            let len = bytes.len();
            match find_magic(bytes) {
                None => at += (len - MAGIC.len() + 1) as u64,
                Some(place) => {
                    let found = at + place as u64;
                    if let Some(header) = self.header(found)?
                        && self.packed_at(found, &header)?.is_some()
                    {
                        return Ok(Some((found, header)));
                    }
                    at = found + 1;
                }
            }
        }
        Ok(None)
    }

    /// At most `len` bytes from `offset` on; fewer only at the limit or the end of the file.
    fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let len = (self.limit.saturating_sub(offset)).min(len as u64) as usize;
        if let Some(range) = self.inside(offset, len) {
            return Ok(&self.window[range]);
        }
        let wanted = self.limit.saturating_sub(offset).min(len.max(WINDOW_BYTES) as u64) as usize;
        self.window.resize(wanted, 0);
        let mut filled = 0;
        while filled < wanted {
            match self.file.read_at(&mut self.window[filled..], offset + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        self.window.truncate(filled);
        self.window_at = offset;
        Ok(&self.window[..len.min(filled)])
    }

    fn inside(&self, offset: u64, len: usize) -> Option<Range<usize>> {
        let start = usize::try_from(offset.checked_sub(self.window_at)?).ok()?;
        let end = start.checked_add(len)?;
        (end <= self.window.len()).then_some(start..end)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

fn find_magic(bytes: &[u8]) -> Option<usize> {
    // Space that was reserved and never written is passed at the speed of memory.
    if is_zero(bytes) {
        return None;
    }
    bytes.windows(MAGIC.len()).position(|window| window == MAGIC)
}
