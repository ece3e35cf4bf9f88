//! What opening makes of the last segment after a crash.

use crate::scan::{Scan, Step};
use crate::segment::{HEAD_BYTES, Head, Segment, read_head};
use crate::{Error, Recovery};
use cairn_world::File;
use std::io;

/// The last segment as a start finds it.
pub(crate) struct Found {
    /// Behind its last record.
    pub end: u64,
    /// Behind its last whole frame.
    pub tail: u64,
    /// No head, no records: a crash interrupted its beginning.
    pub headless: bool,
}

/// Checks every frame of the last segment and notes what it finds in `recovery`.
///
/// Damage with a whole frame behind it is never a torn tail: that frame may have been
/// acknowledged, and a torn write leaves nothing whole behind it that was.
pub(crate) fn recover(segment: &Segment, file: &dyn File, recovery: &mut Recovery) -> Result<Found, Error> {
    let failed = |error: io::Error| segment.failed("read", &error);
    let head = read_head(file).map_err(failed)?;
    if let Head::Later(version) = head {
        return Err(segment.later(version));
    }
    let limit = file.len().map_err(failed)?;
    let mut scan = Scan::new(file, (segment.first, HEAD_BYTES), limit, u64::MAX);
    let (end, tail) = walk(segment, &mut scan, &mut recovery.damage).map_err(failed)?;
    let mut rest = Scan::new(file, (end, tail), limit, u64::MAX);
    recovery.torn_bytes = rest.written_end().map_err(failed)? - tail;
    let damaged = matches!(head, Head::Damaged);
    if damaged && tail > HEAD_BYTES {
        recovery.damage.push(format!("{}: damaged head at offset 0; no record is lost", segment.name()));
    }
    Ok(Found { end, tail, headless: damaged && tail == HEAD_BYTES })
}

fn walk(segment: &Segment, scan: &mut Scan<'_>, damage: &mut Vec<String>) -> io::Result<(u64, u64)> {
    let (mut end, mut tail) = (segment.first, HEAD_BYTES);
    // Damage that nothing whole follows so far: it may yet turn out to be a torn tail.
    let mut pending = Vec::new();
    loop {
        let (offset, expected) = (scan.offset(), scan.expected());
        match scan.step()? {
            Step::Frame(header) => {
                if scan.packed(&header)?.is_some() {
                    damage.append(&mut pending);
                    (end, tail) = (header.end(), offset + header.len());
                    segment.note(header.first, offset);
                } else {
                    pending.push(lost(segment, offset, expected, header.end()));
                }
                scan.pass(&header);
            }
            Step::Gap { offset, next: Some(header) } => pending.push(lost(segment, offset, expected, header.first)),
            Step::Gap { next: None, .. } => return Ok((end, tail)),
        }
    }
}

/// Names damage: the file, the offset, and what it costs.
pub(crate) fn lost(segment: &Segment, offset: u64, from: u64, to: u64) -> String {
    let name = segment.name();
    match to.saturating_sub(from) {
        0 => format!("{name}: damage at offset {offset}; no record is lost"),
        1 => format!("{name}: damaged frame at offset {offset}; record {from} is lost"),
        _ => format!("{name}: damaged frame at offset {offset}; records {from} to {} are lost", to - 1),
    }
}
