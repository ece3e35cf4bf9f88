//! Records read once, unpacked once, and looked into at most once.

use crate::frame::{ABOUT_BYTES, Header};
use crate::{Kind, Position};
use cairn_event::{Head, Layout, Origin, Time};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Records read once and decoded once, shared by every reader that stands here. Cheap to clone.
/// Records that were not asked for may be missing between the others.
#[derive(Clone, Debug)]
pub struct Batch {
    chunks: Arc<[Chunk]>,
    range: Range<u64>,
}

/// The records of one frame.
#[derive(Debug)]
pub(crate) struct Chunk {
    first: u64,
    bodies: String,
    abouts: Vec<About>,
    layouts: Vec<OnceLock<Option<Layout>>>,
}

#[derive(Clone, Copy, Debug)]
struct About {
    origin: Origin,
    kind: Kind,
    time: Time,
    start: u32,
    end: u32,
}

/// One record of a batch.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    chunk: &'a Chunk,
    index: usize,
}

impl Batch {
    pub(crate) fn new(chunks: Vec<Chunk>, range: Range<u64>) -> Self {
        Self { chunks: chunks.into(), range }
    }

    pub fn range(&self) -> Range<Position> {
        Position(self.range.start)..Position(self.range.end)
    }

    /// Positions that it reaches over.
    pub fn len(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        self.chunks.iter().flat_map(|chunk| {
            let from = self.range.start.max(chunk.first) - chunk.first;
            let to = self.range.end.min(chunk.end()).saturating_sub(chunk.first);
            (from as usize..to as usize).map(move |index| Item { chunk, index })
        })
    }

    /// The part of this batch from `position` on, sharing what is decoded; `None` when
    /// the record at `position` is not part of it.
    pub(crate) fn from(&self, position: Position) -> Option<Self> {
        let range = position.0..self.range.end;
        self.range.contains(&position.0).then(|| Self { chunks: self.chunks.clone(), range })
    }
}

impl<'a> Item<'a> {
    fn about(&self) -> &'a About {
        &self.chunk.abouts[self.index]
    }

    pub fn position(&self) -> Position {
        Position(self.chunk.first + self.index as u64)
    }

    pub fn origin(&self) -> Origin {
        self.about().origin
    }

    pub fn kind(&self) -> Kind {
        self.about().kind
    }

    /// When the house took it in.
    pub fn time(&self) -> Time {
        self.about().time
    }

    /// The record's JSON, byte for byte.
    pub fn raw(&self) -> &'a str {
        let about = self.about();
        &self.chunk.bodies[about.start as usize..about.end as usize]
    }

    /// Its head, found at the first asking and then shared; `None` when it is no JSON object.
    pub fn head(&self) -> Option<Head<'a>> {
        let raw = self.raw();
        let layout = self.chunk.layouts[self.index].get_or_init(|| Layout::of(raw).ok());
        layout.as_ref().map(|layout| layout.head(raw))
    }
}

impl Chunk {
    pub fn end(&self) -> u64 {
        self.first + self.abouts.len() as u64
    }

    /// Unpacks the records of a frame whose checksum is right.
    pub fn unpack(
        decompressor: &mut zstd::bulk::Decompressor<'_>,
        header: &Header,
        packed: &[u8],
    ) -> Result<Self, &'static str> {
        let raw = decompressor.decompress(packed, header.raw_len as usize).map_err(|_| "cannot be unpacked")?;
        let about_bytes = header.count as usize * ABOUT_BYTES;
        if raw.len() != header.raw_len as usize || raw.len() < about_bytes {
            return Err("has the wrong length");
        }
        let mut bodies = raw;
        let about = bodies.split_off(bodies.len() - about_bytes);
        let bodies = String::from_utf8(bodies).map_err(|_| "is not text")?;
        let abouts = abouts(&about, &bodies)?;
        let layouts = abouts.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { first: header.first, bodies, abouts, layouts })
    }
}

fn abouts(bytes: &[u8], bodies: &str) -> Result<Vec<About>, &'static str> {
    let mut abouts = Vec::with_capacity(bytes.len() / ABOUT_BYTES);
    let mut start = 0_u32;
    for about in bytes.chunks_exact(ABOUT_BYTES) {
        let origin = Origin::from_byte(about[0]).ok_or("has a record of unknown origin")?;
        let kind = Kind::from_byte(about[1]).ok_or("has a record of unknown kind")?;
        let time = Time(i64::from_le_bytes(about[2..10].try_into().expect("eight bytes")));
        let len = u32::from_le_bytes(about[10..14].try_into().expect("four bytes"));
        let end = start.checked_add(len).filter(|end| bodies.is_char_boundary(*end as usize));
        let end = end.ok_or("has a record with the wrong length")?;
        abouts.push(About { origin, kind, time, start, end });
        start = end;
    }
    if start as usize == bodies.len() { Ok(abouts) } else { Err("has bytes that belong to no record") }
}
