//! One Parquet file of a table, and where its rows come from.

use crate::file::Facts;
use cairn_event::Time;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Sources remembered of one file; beyond it the file can no longer be rebuilt from the journal alone.
const PARTS_MAX: usize = 256;

/// One Parquet file of a table.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub id: i64,
    /// Of [`super::Table`].
    pub table: String,
    /// The object's key in the lake's bucket.
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    /// `eventTime` of its oldest and of its newest row; both are included.
    pub times: Range<Time>,
    /// When it was written.
    pub born: Time,
    pub facts: Facts,
    pub source: Source,
    /// Whether it is what merging made of a window of small days: not merged again without new ones.
    pub settled: bool,
}

/// Where rows come from: all that the table takes of these parts of the journal, and when `loaded` more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    #[serde(default)]
    pub parts: Vec<Part>,
    /// Whether there are rows that were put in past the journal, or whose place in it is not remembered.
    #[serde(default)]
    pub loaded: bool,
}

/// What stands at these positions of the journal and happened at these times (microseconds).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub positions: Range<u64>,
    pub times: Range<i64>,
}

/// What a file is to its table. The names stand in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its object may be there, half there or not; nobody reads it.
    Planned,
    Live,
    /// Its bytes are not what was written: kept, and not read.
    Aside,
    /// It was set aside; what the journal had of it is in other files since, and that is not all.
    Lost,
    /// It was set aside, and all of it is in other files since.
    Rebuilt,
    /// No longer part of its table; its object is to be removed.
    Retired,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Live => "live",
            Self::Aside => "aside",
            Self::Lost => "lost",
            Self::Rebuilt => "rebuilt",
            Self::Retired => "retired",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Planned, Self::Live, Self::Aside, Self::Lost, Self::Rebuilt, Self::Retired];
        all.into_iter().find(|state| state.name() == name)
    }
}

impl Source {
    /// Rows that were put in past the journal.
    pub const fn loaded() -> Self {
        Self { parts: Vec::new(), loaded: true }
    }

    /// Everything at these positions.
    pub fn of(positions: Range<u64>) -> Self {
        Self { parts: vec![Part { positions, times: i64::MIN..i64::MAX }], loaded: false }
    }

    /// What of it happened at these times.
    pub fn within(&self, times: &Range<i64>) -> Self {
        let part = |part: &Part| {
            let times = part.times.start.max(times.start)..part.times.end.min(times.end);
            (times.start < times.end).then(|| Part { positions: part.positions.clone(), times })
        };
        Self { parts: self.parts.iter().filter_map(part).collect(), loaded: self.loaded }
    }

    /// All of several.
    pub fn union<'a>(sources: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for source in sources {
            all.parts.extend(source.parts.iter().cloned());
            all.loaded |= source.loaded;
        }
        all.parts.sort_by_key(|part| (part.times.start, part.times.end, part.positions.start));
        all.parts.dedup_by(|next, last| {
            let joins = next.times == last.times && next.positions.start == last.positions.end;
            if joins {
                last.positions.end = next.positions.end;
            }
            joins
        });
        if all.parts.len() > PARTS_MAX {
            all.parts.truncate(PARTS_MAX);
            all.loaded = true;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_one_time_that_follow_one_another_are_one() {
        let (first, second, later) = (Source::of(0..10), Source::of(10..20), Source::of(30..40));
        let all = Source::union([&second, &later, &first]);
        let positions: Vec<_> = all.parts.iter().map(|part| part.positions.clone()).collect();
        assert_eq!(positions, [0..20, 30..40]);
        assert!(!all.loaded && Source::union([&all, &Source::loaded()]).loaded);
    }

    #[test]
    fn a_source_within_times_has_no_others() {
        let half = Source::of(0..10).within(&(5..i64::MAX));
        assert_eq!(half.parts, [Part { positions: 0..10, times: 5..i64::MAX }]);
        assert!(half.within(&(0..5)).parts.is_empty());
        assert_ne!(Source::union([&half, &Source::of(10..20)]).parts.len(), 1, "other times are not joined");
    }

    #[test]
    fn too_many_sources_are_owned_up_to() {
        let many: Vec<_> = (0..300).map(|i| Source::of(i * 10..i * 10 + 1)).collect();
        let all = Source::union(&many);
        assert!(all.loaded && all.parts.len() == PARTS_MAX);
    }
}
