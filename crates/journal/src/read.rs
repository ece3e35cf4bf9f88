//! Reading a batch: frames from one segment after the other, checked and unpacked.

use crate::batch::{Batch, Chunk};
use crate::frame::Header;
use crate::recover::lost;
use crate::scan::{Scan, Step};
use crate::segment::Segment;
use crate::{Error, Position, Shared};
use cairn_event::Origins;
use cairn_world::{Disk, Open};
use std::io::ErrorKind;
use std::sync::Arc;

pub(crate) fn read(shared: &Shared, from: Position, bytes_max: usize, wanted: Origins) -> Result<Batch, Error> {
    let end = shared.end.borrow().0;
    if from.0 > end {
        return Err(Error::Invalid(format!("position {} lies behind the end, {end}", from.0)));
    }
    let decompressor =
        zstd::bulk::Decompressor::new().map_err(|error| Error::Unavailable(format!("no decompressor: {error}")))?;
    let mut gathering =
        Gathering { from: from.0, at: from.0, wanted, chunks: Vec::new(), bytes: 0, bytes_max, decompressor };
    while gathering.at < end {
        let (segment, segment_end) = segment_at(shared, gathering.at, end)?;
        if !gathering.take(&*shared.world.disk, &segment, segment_end)? {
            break;
        }
    }
    Ok(Batch::new(gathering.chunks, from.0..gathering.at))
}

/// The segment that holds `at`, and the position behind its last record.
fn segment_at(shared: &Shared, at: u64, end: u64) -> Result<(Arc<Segment>, u64), Error> {
    let segments = shared.segments();
    let behind = segments.partition_point(|segment| segment.first <= at);
    if behind == 0 {
        return Err(Error::Trimmed { asked: at, start: segments.front().map_or(end, |segment| segment.first) });
    }
    let segment_end = segments.get(behind).map_or(end, |next| next.first.min(end));
    Ok((segments[behind - 1].clone(), segment_end))
}

struct Gathering {
    from: u64,
    at: u64,
    wanted: Origins,
    chunks: Vec<Chunk>,
    bytes: usize,
    bytes_max: usize,
    decompressor: zstd::bulk::Decompressor<'static>,
}

impl Gathering {
    /// Takes what one segment holds; false when the batch ends here.
    fn take(&mut self, disk: &dyn Disk, segment: &Segment, end: u64) -> Result<bool, Error> {
        let file = match disk.open(&segment.path, Open::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.stop(Error::Trimmed { asked: self.at, start: end });
            }
            other => other.map_err(|error| segment.failed("open", &error))?,
        };
        let failed = |error| segment.failed("read", &error);
        let mut scan = Scan::new(&*file, segment.place_before(self.at), segment.readable(), end);
        while scan.expected() < end {
            let (offset, expected) = (scan.offset(), scan.expected());
            match scan.step().map_err(failed)? {
                Step::Frame(header) => {
                    segment.note(header.first, offset);
                    if header.end() > self.at && !header.may_hold(self.wanted) {
                        self.at = header.end();
                    } else if header.end() > self.at {
                        if !self.chunks.is_empty() && self.bytes + header.raw_len as usize > self.bytes_max {
                            return Ok(false);
                        }
                        let packed = scan.packed(&header).map_err(failed)?;
                        if !self.unpack(&header, packed) {
                            return self.damaged(lost(segment, offset, expected, header.end()), header.end());
                        }
                    }
                    scan.pass(&header);
                }
                Step::Gap { offset, next } => {
                    let resume = next.map_or(end, |next| next.first);
                    if resume > self.at {
                        return self.damaged(lost(segment, offset, expected, resume), resume);
                    }
                }
            }
        }
        Ok(true)
    }

    fn unpack(&mut self, header: &Header, packed: Option<&[u8]>) -> bool {
        let Some(packed) = packed else { return false };
        let Ok(chunk) = Chunk::unpack(&mut self.decompressor, header, packed) else { return false };
        self.chunks.push(chunk);
        self.bytes += header.raw_len as usize;
        self.at = header.end();
        true
    }

    fn damaged(&self, what: String, resume: u64) -> Result<bool, Error> {
        self.stop(Error::Corrupt { what, resume: Position(resume) })
    }

    /// What was gathered is handed out first; the next read meets the trouble.
    fn stop(&self, error: Error) -> Result<bool, Error> {
        if self.at == self.from { Err(error) } else { Ok(false) }
    }
}
