//! CloudTrail log files: what [`cairn_event::log`] finds in one, each record with what it is known by.

use crate::Error;
use crate::sketch::{self, Id, Shard};
use cairn_event::log;
use std::ops::Range;

pub use log::{Kind, Limits, Rejection};

/// One accepted record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub start: u32,
    pub end: u32,
    pub id: Id,
    pub shard: Shard,
}

impl Located {
    pub const fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

pub type Decoded = log::Decoded<Located>;

/// Takes a file apart. `bytes` are decompressed and fewer than 4 GiB.
pub fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Decoded, Error> {
    let decoded = log::decode(name, bytes, limits, |found| {
        let log::Found { bytes, range, sketch } = found;
        let (start, end) = (range.start as u32, range.end as u32);
        Located { start, end, id: sketch::id(sketch, bytes, &bytes[range]), shard: sketch::shard(sketch, bytes) }
    });
    decoded.map_err(|error| Error::Invalid { offset: error.offset, reason: error.reason })
}

#[cfg(test)]
mod tests;
