//! Rows that are in no file yet, in batches that are neither many nor copied often.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

/// Batches are joined up to this size.
const BATCH_ROWS: usize = 8192;

/// Some rows and what they take in memory.
#[derive(Clone)]
pub(crate) struct Chunk {
    pub rows: RecordBatch,
    pub bytes: usize,
}

impl From<RecordBatch> for Chunk {
    fn from(rows: RecordBatch) -> Self {
        Self { bytes: rows.get_array_memory_size(), rows }
    }
}

/// The fresh rows of one table, in the order of the journal.
#[derive(Clone, Default)]
pub(crate) struct Fresh {
    /// On their way into files.
    pub writing: Vec<Chunk>,
    waiting: Vec<Chunk>,
    /// How often what waited departed.
    departures: u64,
}

impl Fresh {
    /// Adds rows. A batch is joined with those before it that are not much larger, so each row is copied
    /// a few times at most and never with more than [`BATCH_ROWS`] others.
    pub fn push(&mut self, rows: RecordBatch) {
        if rows.num_rows() == 0 {
            return;
        }
        let mut from = self.waiting.len();
        let mut total = rows.num_rows();
        while let Some(before) = from.checked_sub(1).map(|index| self.waiting[index].rows.num_rows()) {
            if before > 2 * total || before + total > BATCH_ROWS {
                break;
            }
            (from, total) = (from - 1, total + before);
        }
        let joined = (from < self.waiting.len()).then(|| {
            let parts = self.waiting[from..].iter().map(|chunk| &chunk.rows).chain([&rows]);
            concat_batches(&rows.schema(), parts)
        });
        match joined {
            Some(Ok(joined)) => {
                self.waiting.truncate(from);
                self.waiting.push(joined.into());
            }
            // Batches of one schema can be joined, unless a column of text passes 2 GiB.
            None | Some(Err(_)) => self.waiting.push(rows.into()),
        }
    }

    /// What waits is now on its way.
    pub fn depart(&mut self) {
        self.writing.append(&mut self.waiting);
        self.departures += 1;
    }

    /// Takes over what `grown`, a clone of this, has waiting, when nothing has departed since; joining
    /// rows takes too long to be done while all others wait. Otherwise adds the rows that it grew by.
    pub fn grow(&mut self, grown: Self, rows: RecordBatch) {
        if self.departures == grown.departures {
            self.waiting = grown.waiting;
        } else {
            self.push(rows);
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Chunk> {
        self.writing.iter().chain(&self.waiting)
    }

    pub fn bytes(&self) -> u64 {
        self.all().map(|chunk| chunk.bytes as u64).sum()
    }

    /// Rows that are not on their way yet.
    pub fn waiting_rows(&self) -> usize {
        self.waiting.iter().map(|chunk| chunk.rows.num_rows()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;
    use std::sync::Arc;

    fn rows(range: std::ops::Range<i32>) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int32Array::from_iter_values(range)) as _)]).unwrap()
    }

    #[test]
    fn many_tiny_batches_become_few_and_keep_their_order() {
        let mut fresh = Fresh::default();
        for n in 0..5000 {
            fresh.push(rows(n..n + 1));
            assert!(fresh.waiting.len() <= 14, "{} batches at {n}", fresh.waiting.len());
        }
        assert_eq!(fresh.waiting_rows(), 5000);
        let schema = rows(0..1).schema();
        let all = concat_batches(&schema, fresh.all().map(|chunk| &chunk.rows)).unwrap();
        assert_eq!(all, rows(0..5000));
    }

    #[test]
    fn what_is_on_its_way_is_not_joined_with_what_comes_later() {
        let mut fresh = Fresh::default();
        fresh.push(rows(0..3));
        fresh.depart();
        fresh.push(rows(3..5));
        assert_eq!((fresh.writing.len(), fresh.waiting_rows()), (1, 2));
        assert_eq!(fresh.all().map(|chunk| chunk.rows.num_rows()).sum::<usize>(), 5);
        assert!(fresh.bytes() > 0);
    }
}
