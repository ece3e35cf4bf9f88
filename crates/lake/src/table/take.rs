//! The journal's reader: each event is shredded once, and every table takes the rows that its rules choose.

use super::cut::times;
use super::fresh::Fresh;
use super::rules::Rules;
use super::{Gap, Tables, blocking, rows};
use crate::Error;
use crate::shred::Shredder;
use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::error::ArrowError;
use cairn_event::{Origin, Origins, Time};
use cairn_journal::{Batch, Kind, Position, ReadError, Reader};
use std::sync::Arc;
use std::time::Duration;

/// So many rows of one table are worth a file before their time has come.
const FILE_ROWS: usize = 128 << 10;

pub(crate) struct Absorbs(pub Tables);

/// What one table takes of a batch.
pub(crate) struct Plan {
    pub id: String,
    pub rules: Arc<Rules>,
    /// What happened before, in microseconds, is not taken.
    pub oldest: i64,
}

#[async_trait::async_trait]
impl Reader for Absorbs {
    fn name(&self) -> &'static str {
        "lake"
    }

    fn origins(&self) -> Origins {
        Origins::of(&Origin::ALL)
    }

    /// Everything before is in files.
    fn position(&self) -> Position {
        self.0.state().durable
    }

    async fn absorb(&self, batch: &Batch) -> Result<(), ReadError> {
        self.0.absorb(batch).await.map_err(|error| ReadError(error.to_string()))
    }

    async fn skipped(&self, start: Position) -> Result<(), ReadError> {
        self.0.skip(start).await.map_err(|error| ReadError(error.to_string()))
    }
}

impl Tables {
    async fn absorb(&self, batch: &Batch) -> Result<(), Error> {
        self.make_room().await?;
        let _turn = self.inner.absorbing.lock().await;
        // A table that came by a commit of which nobody knows how it ended takes its rows too.
        self.settle().await?;
        let known = self.state().absorbed;
        let end = batch.range().end;
        // A batch may be offered again, or begin before what is here already.
        if end <= known {
            return Ok(());
        }
        let (plans, grown) = self.plans();
        let batch = batch.clone();
        let taken = blocking(move || {
            let taken = take(&batch, known..end, &plans)?;
            let grow = |((mut fresh, plan), rows): ((Fresh, Plan), RecordBatch)| {
                fresh.push(rows.clone());
                (plan.id, fresh, rows)
            };
            Ok(grown.into_iter().zip(plans).zip(taken).map(grow).collect::<Vec<_>>())
        });
        let taken = taken.await?;
        self.show(taken, end);
        Ok(())
    }

    /// What each table takes, and what it has.
    fn plans(&self) -> (Vec<Plan>, Vec<Fresh>) {
        let today = self.today();
        let state = self.state();
        let plan = |shelf: &super::state::Shelf| Plan {
            id: shelf.table.id.clone(),
            rules: shelf.rules.clone(),
            oldest: shelf.table.oldest(today),
        };
        state.shelves.values().map(|shelf| (plan(shelf), shelf.fresh.clone())).unzip()
    }

    fn show(&self, taken: Vec<(String, Fresh, RecordBatch)>, end: Position) {
        let (begins, full) = {
            let mut state = self.state();
            for (id, grown, rows) in taken {
                // No table comes or goes while somebody absorbs.
                if let Some(shelf) = state.shelves.get_mut(&id) {
                    shelf.fresh.grow(grown, rows);
                }
            }
            state.absorbed = end;
            let begins = state.waits_since.is_none();
            state.waits_since.get_or_insert_with(|| self.clock().monotonic());
            let memory = self.settings().memory_bytes_max;
            (begins, state.waiting_rows() >= FILE_ROWS || state.fresh_bytes() >= memory / 2)
        };
        self.inner.absorbed.send_replace(end);
        if begins || full {
            self.inner.stir.notify_one();
        }
    }

    /// Whether what waits is to be written before its time.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.state();
        state.waiting_rows() >= FILE_ROWS || state.fresh_bytes() >= self.settings().memory_bytes_max / 2
    }

    /// Back-pressure: where memory is full, rows are written at once; where that fails, nothing more is
    /// taken and the journal keeps it.
    async fn make_room(&self) -> Result<(), Error> {
        if self.state().fresh_bytes() < self.settings().memory_bytes_max {
            return Ok(());
        }
        self.flush().await
    }

    /// Goes on at `start`, and says what was lost.
    async fn skip(&self, start: Position) -> Result<(), Error> {
        let _turn = self.inner.absorbing.lock().await;
        let known = self.state().absorbed;
        if start <= known && known <= self.inner.parts.journal.end() {
            // What was lost is in the tables already.
            return Ok(());
        }
        let back = start < known;
        if back {
            // Into files under the old positions, which mean other records from now on.
            self.flush().await?;
        }
        let message = match start.0.checked_sub(known.0) {
            Some(lost) => format!("{lost} records were lost from the journal before they came into the lake"),
            None => "the journal ends before what the lake has of it: it is not the journal it was".to_owned(),
        };
        tracing::error!(from = known.0, to = start.0, message);
        let mut books = self.books().await?;
        let gap = Gap { positions: known..start, at: self.now(), message };
        rows::add_gap(&mut books.tx, &gap).await?;
        if back {
            rows::set_position(&mut books.tx, start).await?;
        }
        let show = |state: &mut super::state::State| {
            state.absorbed = start;
            if back {
                state.durable = start;
            }
        };
        books.commit(show).await?;
        self.inner.absorbed.send_replace(start);
        Ok(())
    }

    /// Waits until all that is durable in the journal now is in the tables, or fresh in memory; at most `wait`.
    pub async fn catch_up(&self, wait: Duration) {
        let end = self.inner.parts.journal.end();
        let mut absorbed = self.inner.absorbed.subscribe();
        tokio::select! {
            // The sender lives as long as these tables.
            _ = absorbed.wait_for(|absorbed| *absorbed >= end) => {}
            () = self.clock().sleep(wait) => {}
        }
    }
}

impl super::Table {
    /// What happened before, in microseconds, is too old for the table.
    pub(crate) fn oldest(&self, today: Time) -> i64 {
        (today - self.retention).0.saturating_mul(1000)
    }
}

/// The rows that each table takes of the events at these positions. Blocks.
pub(crate) fn take(
    batch: &Batch,
    positions: std::ops::Range<Position>,
    plans: &[Plan],
) -> Result<Vec<RecordBatch>, Error> {
    let mut shredder = Shredder::new();
    let mut chosen: Vec<Vec<u32>> = plans.iter().map(|_| Vec::new()).collect();
    for item in batch.iter() {
        if item.kind() != Kind::Event || !positions.contains(&item.position()) {
            continue;
        }
        let row = shredder.rows() as u32;
        if let Err(error) = shredder.push(item.raw(), item.origin(), item.time()) {
            tracing::warn!(position = item.position().0, %error, "a record of the journal is not an event; the lake leaves it out");
            continue;
        }
        for (plan, rows) in plans.iter().zip(&mut chosen) {
            if plan.rules.take(&item) {
                rows.push(row);
            }
        }
    }
    let all = shredder.finish();
    let choose = |(plan, rows): (&Plan, Vec<u32>)| {
        let rows =
            if rows.len() >= all.num_rows() { all.clone() } else { take_record_batch(&all, &UInt32Array::from(rows))? };
        since(rows, plan.oldest)
    };
    plans.iter().zip(chosen).map(choose).collect::<Result<_, ArrowError>>().map_err(super::broken)
}

/// The rows that happened then or later.
pub(crate) fn since(rows: RecordBatch, oldest: i64) -> Result<RecordBatch, ArrowError> {
    let times = times(&rows);
    if times.iter().all(|time| *time >= oldest) {
        return Ok(rows);
    }
    let keep: BooleanArray = times.iter().map(|time| Some(*time >= oldest)).collect();
    filter_record_batch(&rows, &keep)
}
