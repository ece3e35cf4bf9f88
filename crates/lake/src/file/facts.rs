//! What is known of a file without opening it.

use super::filter::{Filter, hash};
use super::parameters;
use crate::schema::{COLUMNS, Kind, index};
use arrow::array::{AsArray, RecordBatch, StringArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
const EVENT_ID: usize = index("eventid");
const REQUEST: usize = index("requestparameters");

/// Half a byte a row for ids: one in seven files is opened for nothing.
const ID_BITS: (usize, u8) = (4, 3);
/// For each other value that look-ups name, one in fifty; few of them are in use at a time …
const NAME_BITS: (usize, u8) = (10, 6);
/// … and for each leaf of `requestparameters`, one in thirty.
const PARAMETER_BITS: (usize, u8) = (8, 5);
/// Neither takes more than half a byte a row. With less than three bits a value a filter says nothing any more.
const ROW_BITS_MAX: usize = 4;
const VALUE_BITS_MIN: usize = 3;
/// Files of few rows may have filters of so many bytes all the same.
const SMALL: usize = 4096;

/// Which values a file may hold. What nothing is known of may be anywhere: that is what the default says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Facts {
    ids: Option<Filter>,
    names: Option<Filter>,
    parameters: Option<Filter>,
}

impl Facts {
    /// False when no row of the file has this value in this column (for a list: as one of its texts).
    pub fn may_hold(&self, column: &str, value: &str) -> bool {
        let Some(place) = COLUMNS.iter().position(|known| known.name == column && known.bloom) else { return true };
        let filter = if place == EVENT_ID { &self.ids } else { &self.names };
        filter.as_ref().is_none_or(|filter| filter.holds(of_column(place, value)))
    }

    /// False when no row of the file has this scalar at this path of keys in `requestparameters`, where
    /// arrays on the way are left out: `filterSet`, `items`, `name`.
    pub fn may_hold_parameter(&self, path: &[&str], value: &str) -> bool {
        let Some(filter) = &self.parameters else { return true };
        parameters::asked(path, value).is_none_or(|asked| asked.into_iter().any(|hash| filter.holds(hash)))
    }

    /// What they take in memory.
    pub fn size(&self) -> usize {
        self.bytes().len()
    }

    fn bytes(&self) -> Vec<u8> {
        let filters = [&self.ids, &self.names, &self.parameters];
        let there = (0..3).filter(|index| filters[*index].is_some()).fold(0, |bits, index| bits | 1 << index);
        let mut bytes = vec![VERSION, there];
        for filter in filters.into_iter().flatten() {
            filter.write(&mut bytes);
        }
        bytes
    }
}

impl From<Facts> for String {
    fn from(facts: Facts) -> Self {
        STANDARD_NO_PAD.encode(facts.bytes())
    }
}

impl TryFrom<String> for Facts {
    type Error = &'static str;

    /// Facts of another version say nothing.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| "facts of a file are not base64")?;
        let [VERSION, there, rest @ ..] = bytes.as_slice() else { return Ok(Self::default()) };
        let mut rest = rest;
        let mut next = |index: u8| match there & 1 << index {
            0 => Ok(None),
            _ => Filter::read(&mut rest).map(Some).ok_or("facts of a file are cut off"),
        };
        Ok(Self { ids: next(0)?, names: next(1)?, parameters: next(2)? })
    }
}

fn of_column(place: usize, value: &str) -> u64 {
    hash(COLUMNS[place].field as u64, value.as_bytes())
}

/// Hashes that were met lately, so that what stands in every row is kept once.
#[derive(Debug)]
struct Hashes {
    all: Vec<u64>,
    lately: Vec<u64>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { all: Vec::new(), lately: vec![0; 1 << 12] }
    }
}

impl Hashes {
    fn add(&mut self, hash: u64) {
        let lately = &mut self.lately[hash as usize & 0xFFF];
        if *lately != hash {
            *lately = hash;
            self.all.push(hash);
        }
    }

    /// A filter of so many bits a hash, with so many set, and at most so many bits in all.
    fn filter(mut self, (bits, set): (usize, u8), bits_max: usize) -> Option<Filter> {
        self.all.sort_unstable();
        self.all.dedup();
        let size = (self.all.len() * bits).min(bits_max.max(SMALL * 8));
        (size >= self.all.len() * VALUE_BITS_MIN).then(|| Filter::of(&self.all, size / 8, set))
    }
}

/// Facts while a file is written.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    ids: Vec<u64>,
    names: Hashes,
    parameters: Hashes,
    /// Something could not be read: parameters may be anything.
    unread: bool,
}

impl Gathering {
    pub(super) fn add(&mut self, rows: &RecordBatch) {
        for (place, column) in COLUMNS.iter().enumerate().filter(|(_, column)| column.bloom) {
            let lists = (column.kind == Kind::Texts).then(|| rows.column(place).as_list_opt::<i32>()).flatten();
            let texts = lists.map_or_else(|| rows.column(place), arrow::array::ListArray::values);
            let Some(texts) = texts.as_string_opt::<i32>() else { continue };
            if place == EVENT_ID {
                self.ids.extend(texts.iter().flatten().map(|id| of_column(place, id)));
            } else {
                self.name(place, texts);
            }
        }
        for text in rows.column(REQUEST).as_string_opt::<i32>().into_iter().flatten().flatten() {
            self.unread |= parameters::each(text, |hash| self.parameters.add(hash)).is_err();
        }
    }

    fn name(&mut self, place: usize, texts: &StringArray) {
        let mut last = None;
        for text in texts {
            if text != last
                && let Some(text) = text
            {
                self.names.add(of_column(place, text));
            }
            last = text;
        }
    }

    pub(super) fn finish(self, rows: usize) -> Facts {
        let bits_max = rows * ROW_BITS_MAX;
        Facts {
            ids: Some(Filter::of(&self.ids, self.ids.len() * ID_BITS.0 / 8, ID_BITS.1)),
            names: self.names.filter(NAME_BITS, bits_max),
            parameters: if self.unread { None } else { self.parameters.filter(PARAMETER_BITS, bits_max) },
        }
    }
}
