//! Rows put in the order of their times and cut into files, so that a query of one hour needs few of them.

use arrow::array::{AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use arrow::error::ArrowError;
use std::ops::Range;

/// A day of so many rows has files of its own; fewer share one with their neighbours.
pub(crate) const DAY_ROWS_MIN: usize = 4096;
/// Days that share a file are of one such window.
pub(crate) const WINDOW_DAYS: i64 = 32;
/// Files of one cut; beyond it windows are doubled until it holds.
const FILES_MAX: usize = 64;
/// Rows gathered into one batch.
const BATCH_ROWS: usize = 8192;
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// When each row happened, in microseconds.
pub(crate) fn times(rows: &RecordBatch) -> Vec<i64> {
    let column = rows.column_by_name("eventtime").and_then(|column| column.as_primitive_opt());
    // Every row has a time; rows of another schema count from 1970.
    column.map_or_else(|| vec![0; rows.num_rows()], |times: &TimestampMicrosecondArray| times.values().to_vec())
}

/// The day of a time, counted from 1970.
pub(crate) const fn day(micros: i64) -> i64 {
    micros.div_euclid(DAY_MICROS)
}

/// Which days, given in order with their rows, share a file.
pub(crate) fn share(days: &[(i64, usize)]) -> Vec<Range<usize>> {
    let (mut day_rows, mut window) = (DAY_ROWS_MIN, WINDOW_DAYS);
    let mut groups = share_so(days, day_rows, window);
    while groups.len() > FILES_MAX {
        (day_rows, window) = (day_rows.saturating_mul(2), window.saturating_mul(2));
        groups = share_so(days, day_rows, window);
    }
    groups
}

fn share_so(days: &[(i64, usize)], day_rows: usize, window: i64) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    // The window of the days that share the last group; None when it is one day's own.
    let mut shared = None;
    for (index, (day, rows)) in days.iter().enumerate() {
        let place = (*rows < day_rows).then(|| day.div_euclid(window));
        match groups.last_mut() {
            Some(last) if place.is_some() && place == shared => last.end = index + 1,
            _ => groups.push(index..index + 1),
        }
        shared = place;
    }
    groups
}

/// Rows in the order of their times.
pub(crate) struct Sorted {
    rows: Vec<RecordBatch>,
    order: Vec<Place>,
}

/// Where a row is. Rows of one time keep the order in which they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: i64,
    batch: u32,
    row: u32,
}

/// What goes into one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// In the order.
    pub rows: Range<usize>,
    /// Everything that happened then is in it. The cuts of one order cover all times and do not overlap.
    pub covers: Range<i64>,
}

impl Sorted {
    pub fn new(rows: Vec<RecordBatch>) -> Self {
        let mut order = Vec::with_capacity(rows.iter().map(RecordBatch::num_rows).sum());
        for (batch, rows) in (0..).zip(&rows) {
            order.extend((0..).zip(times(rows)).map(|(row, time)| Place { time, batch, row }));
        }
        order.sort_unstable();
        Self { rows, order }
    }

    /// The time of the first row of a cut, and of the last.
    pub fn span(&self, cut: &Cut) -> (i64, i64) {
        let rows = &self.order[cut.rows.clone()];
        rows.first().zip(rows.last()).map_or((0, 0), |(first, last)| (first.time, last.time))
    }

    /// Cuts between days, and where files would have many more than `rows_max` rows; never between two
    /// rows of the same time.
    pub fn cut(&self, rows_max: usize) -> Vec<Cut> {
        let runs = self.order.chunk_by(|one, next| day(one.time) == day(next.time));
        let days: Vec<_> = runs.map(|run| (day(run[0].time), run.len())).collect();
        let mut at = 0;
        let groups = share(&days).into_iter().map(|group| {
            let start = at;
            at += days[group].iter().map(|(_, rows)| rows).sum::<usize>();
            start..at
        });
        let pieces: Vec<_> = groups.flat_map(|group| self.split(group, rows_max)).collect();
        let begins = |index: usize| match index {
            0 => i64::MIN,
            _ => pieces.get(index).map_or(i64::MAX, |piece| self.order[piece.start].time),
        };
        (0..pieces.len()).map(|i| Cut { rows: pieces[i].clone(), covers: begins(i)..begins(i + 1) }).collect()
    }

    /// Parts of about equal size, not many more than `rows_max` rows each.
    fn split(&self, group: Range<usize>, rows_max: usize) -> Vec<Range<usize>> {
        let parts = group.len().div_ceil(rows_max.max(1));
        let step = group.len().div_ceil(parts.max(1)).max(1);
        let mut pieces = Vec::new();
        let mut start = group.start;
        while start < group.end {
            let mut end = group.end.min(start + step);
            while end < group.end && self.order[end].time == self.order[end - 1].time {
                end += 1;
            }
            pieces.push(start..end);
            start = end;
        }
        pieces
    }

    /// All rows, in their order.
    pub fn all(&self) -> Result<Vec<RecordBatch>, ArrowError> {
        self.gather(&Cut { rows: 0..self.order.len(), covers: i64::MIN..i64::MAX })
    }

    /// The rows of a cut, in their order.
    pub fn gather(&self, cut: &Cut) -> Result<Vec<RecordBatch>, ArrowError> {
        let rows: Vec<&RecordBatch> = self.rows.iter().collect();
        let chunk = |places: &[Place]| {
            let indices: Vec<_> = places.iter().map(|place| (place.batch as usize, place.row as usize)).collect();
            interleave_record_batch(&rows, &indices)
        };
        self.order[cut.rows.clone()].chunks(BATCH_ROWS).map(chunk).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, new_null_array};
    use std::sync::Arc;

    /// Rows of these days, so many of each.
    fn rows(days: &[(i64, usize)]) -> RecordBatch {
        let schema = crate::schema::arrow();
        let times: Vec<i64> = days
            .iter()
            .flat_map(|(day, count)| (0..*count as i64).map(move |i| day * DAY_MICROS + i * 1_000_000))
            .collect();
        let length = times.len();
        let columns = schema.fields().iter().map(|field| match field.name().as_str() {
            "eventtime" => {
                let array = TimestampMicrosecondArray::from(times.clone()).with_timezone("UTC");
                Arc::new(array) as ArrayRef
            }
            _ => new_null_array(field.data_type(), length),
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
    }

    fn counts(days: &[(i64, usize)], rows_max: usize) -> Vec<usize> {
        let sorted = Sorted::new(vec![rows(days)]);
        let cuts = sorted.cut(rows_max);
        assert_eq!(cuts.iter().map(|cut| cut.rows.len()).sum::<usize>(), days.iter().map(|(_, n)| n).sum::<usize>());
        assert!(cuts.windows(2).all(|two| two[0].covers.end == two[1].covers.start));
        if let Some((first, last)) = cuts.first().zip(cuts.last()) {
            assert_eq!((first.covers.start, last.covers.end), (i64::MIN, i64::MAX));
        }
        cuts.iter().map(|cut| cut.rows.len()).collect()
    }

    #[test]
    fn large_days_have_files_of_their_own_and_small_ones_share() {
        let big = DAY_ROWS_MIN;
        assert_eq!(counts(&[], 1 << 20), Vec::<usize>::new());
        assert_eq!(counts(&[(0, 5), (1, 5)], 1 << 20), [10]);
        assert_eq!(counts(&[(0, 5), (1, big), (2, 5), (3, 6)], 1 << 20), [5, big, 11]);
        assert_eq!(counts(&[(31, 5), (32, 5)], 1 << 20), [5, 5], "windows are not crossed");
        assert_eq!(counts(&[(0, big * 3)], big * 2), [big * 3 / 2, big * 3 / 2]);
    }

    #[test]
    fn a_thousand_small_days_are_a_few_files_and_ten_thousand_not_many() {
        let days = |count: i64| (0..count).map(|day| (day, 3)).collect::<Vec<_>>();
        assert_eq!(counts(&days(1000), 1 << 20).len(), 32);
        assert!(counts(&days(10_000), 1 << 20).len() <= FILES_MAX);
    }

    #[test]
    fn rows_of_one_time_are_never_parted() {
        let same = rows(&[(0, 1); 100]);
        let cuts = Sorted::new(vec![same]).cut(10);
        assert_eq!(cuts.len(), 1);
    }

    #[test]
    fn gathered_rows_are_in_order() {
        let sorted = Sorted::new(vec![rows(&[(1, 3), (0, 2)]), rows(&[(0, 4)])]);
        let cuts = sorted.cut(1 << 20);
        let gathered = sorted.gather(&cuts[0]).unwrap();
        let times = times(&gathered[0]);
        assert!(times.is_sorted() && times.len() == 9);
    }
}
