//! The newest rows of a snapshot that match, found column by column.

use super::Place;
use super::filter::{self, Filter};
use super::footer::{Footers, Input, failed};
use crate::table::{File, Snapshot};
use crate::{Error, Tables};
use arrow::array::RecordBatch;
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection, RowSelector};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use std::sync::Arc;

const MICROS: i64 = 1000;
const BATCH_ROWS: usize = 8192;
/// The columns of a [`Place`].
const KEY: [&str; 3] = ["eventtime", "eventid", "received"];

pub(super) struct Scan<'a> {
    pub tables: &'a Tables,
    pub footers: &'a Footers,
    pub filter: &'a Filter,
}

/// Where rows lie in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    /// A batch of fresh rows, by its number.
    Fresh(usize),
    /// A row group of a file, both by number.
    Group(usize, usize),
}

/// A row that matches.
#[derive(Clone, Copy, Debug)]
struct Hit {
    time: i64,
    unit: Unit,
    row: usize,
}

/// A row of the page.
#[derive(Debug)]
pub(super) struct Row {
    place: Place,
    unit: Unit,
    number: usize,
}

impl Row {
    pub const fn place(&self) -> &Place {
        &self.place
    }
}

/// The newest hits. Those of the very time of the page's beginning are kept beside them: only their ids tell
/// which of them come after it.
struct Newest {
    count: usize,
    after: Option<i64>,
    hits: Vec<Hit>,
    level: Vec<Hit>,
    /// Nothing older is wanted any more.
    floor: i64,
}

impl Newest {
    fn push(&mut self, hit: Hit) {
        if Some(hit.time) == self.after {
            self.level.push(hit);
        } else if hit.time >= self.floor {
            self.hits.push(hit);
        }
    }

    /// Drops what cannot be in the page. What is as old as its last row may be.
    fn tighten(&mut self) {
        if self.hits.len() > self.count {
            let (_, last, _) = self.hits.select_nth_unstable_by(self.count - 1, |one, other| other.time.cmp(&one.time));
            self.floor = last.time;
            self.hits.retain(|hit| hit.time >= self.floor);
        }
    }
}

impl Scan<'_> {
    /// The places of the `count` newest rows that match and come after `after`.
    pub async fn newest(&self, snapshot: &Snapshot, after: Option<&Place>, count: usize) -> Result<Vec<Row>, Error> {
        let time = after.map(|place| place.time);
        let mut newest = Newest { count, after: time, hits: Vec::new(), level: Vec::new(), floor: i64::MIN };
        for (number, batch) in snapshot.fresh.iter().enumerate() {
            let found = self.filter.matching(batch).into_iter();
            found.for_each(|(row, time)| newest.push(Hit { time, unit: Unit::Fresh(number), row }));
        }
        newest.tighten();
        let mut files: Vec<usize> = (0..snapshot.files.len()).collect();
        files.sort_by_key(|index| std::cmp::Reverse(snapshot.files[*index].times.end));
        for index in files {
            let file = &snapshot.files[index];
            let (oldest, youngest) = (file.times.start.0.saturating_mul(MICROS), micros_end(file.times.end.0));
            if youngest >= newest.floor.max(self.filter.from) && oldest <= self.filter.to {
                let searched = self.file(file, index, &mut newest).await;
                self.readable(file, searched).await?;
            }
        }
        let Newest { mut hits, level, .. } = newest;
        hits.extend(level);
        let mut rows = self.places(snapshot, hits).await?;
        rows.sort_by(|one, other| {
            other.place.cmp(&one.place).then((one.unit, one.number).cmp(&(other.unit, other.number)))
        });
        let mut given = after.map_or(0, |after| after.given);
        rows.retain(|row| {
            let Some(after) = after else { return true };
            let order = (row.place.time, &row.place.id, row.place.received);
            match order.cmp(&(after.time, &after.id, after.received)) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal if given == 0 => true,
                std::cmp::Ordering::Equal => {
                    given -= 1;
                    false
                }
                std::cmp::Ordering::Greater => false,
            }
        });
        rows.truncate(count);
        Ok(rows)
    }

    async fn file(&self, file: &Arc<File>, index: usize, newest: &mut Newest) -> Result<(), Error> {
        let footer = self.footers.of(self.tables, file).await?;
        let groups = footer.metadata().row_groups();
        let mut order: Vec<(usize, Option<(i64, i64)>)> =
            groups.iter().enumerate().map(|(number, group)| (number, times(group))).collect();
        order.sort_by_key(|(_, times)| std::cmp::Reverse(times.map_or(i64::MAX, |(_, youngest)| youngest)));
        for (number, times) in order {
            let (oldest, youngest) = times.unwrap_or((i64::MIN, i64::MAX));
            if youngest < newest.floor.max(self.filter.from) || oldest > self.filter.to {
                continue;
            }
            if self.may_match(file, &footer, number).await? {
                self.group(file, &footer, Unit::Group(index, number), newest).await?;
            }
        }
        Ok(())
    }

    /// Whether bloom filters leave it open that a row group has what is asked for.
    async fn may_match(&self, file: &Arc<File>, footer: &ArrowReaderMetadata, group: usize) -> Result<bool, Error> {
        let columns = footer.metadata().row_group(group).columns();
        let mut builder = self.builder(file, footer);
        for (name, value) in self.filter.texts() {
            let of = |path: &[String]| path.first().is_some_and(|root| root == name);
            let Some(column) = columns.iter().position(|column| of(column.column_path().parts())) else {
                return Ok(false);
            };
            let bloom = builder.get_row_group_column_bloom_filter(group, column).await;
            if bloom.map_err(|error| failed(file, error))?.is_some_and(|bloom| !bloom.check(&value)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn group(
        &self,
        file: &Arc<File>,
        footer: &ArrowReaderMetadata,
        unit: Unit,
        newest: &mut Newest,
    ) -> Result<(), Error> {
        let Unit::Group(_, group) = unit else { return Ok(()) };
        let mut batches = self.read(file, footer, group, Some(&self.filter.columns()), None)?;
        let mut before = 0;
        while let Some(batch) = batches.try_next().await.map_err(|error| failed(file, error))? {
            for (row, time) in self.filter.matching(&batch) {
                newest.push(Hit { time, unit, row: before + row });
            }
            before += batch.num_rows();
            newest.tighten();
        }
        Ok(())
    }

    /// Reads the keys of hits.
    async fn places(&self, snapshot: &Snapshot, mut hits: Vec<Hit>) -> Result<Vec<Row>, Error> {
        hits.sort_by_key(|hit| (hit.unit, hit.row));
        let mut rows = Vec::with_capacity(hits.len());
        for unit in hits.chunk_by(|one, other| one.unit == other.unit) {
            let numbers: Vec<usize> = unit.iter().map(|hit| hit.row).collect();
            let mut hits = unit.iter();
            for batch in self.rows(snapshot, unit[0].unit, &numbers, Some(&KEY)).await? {
                for (row, hit) in (0..batch.num_rows()).zip(hits.by_ref()) {
                    let id = filter::text(&batch, "eventid", row).unwrap_or_default().to_owned();
                    let received = filter::time(&batch, "received", row).unwrap_or_default();
                    let place = Place { time: hit.time, id, received, given: 0 };
                    rows.push(Row { place, unit: hit.unit, number: hit.row });
                }
            }
        }
        Ok(rows)
    }

    /// Every column of these rows, one batch a row, in their order.
    pub async fn whole(&self, snapshot: &Snapshot, rows: &[Row]) -> Result<Vec<RecordBatch>, Error> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|index| (rows[*index].unit, rows[*index].number));
        let mut found: Vec<Option<RecordBatch>> = vec![None; rows.len()];
        for unit in order.chunk_by(|one, other| rows[*one].unit == rows[*other].unit) {
            let numbers: Vec<usize> = unit.iter().map(|index| rows[*index].number).collect();
            let mut indices = unit.iter();
            for batch in self.rows(snapshot, rows[unit[0]].unit, &numbers, None).await? {
                for (row, index) in (0..batch.num_rows()).zip(indices.by_ref()) {
                    found[*index] = Some(batch.slice(row, 1));
                }
            }
        }
        let whole: Option<Vec<RecordBatch>> = found.into_iter().collect();
        whole.ok_or_else(|| Error::Unavailable("rows of the events are not where they were".to_owned()))
    }

    /// Some rows of a unit, ascending, with these columns or all.
    async fn rows(
        &self,
        snapshot: &Snapshot,
        unit: Unit,
        numbers: &[usize],
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>, Error> {
        let (file, group) = match unit {
            Unit::Fresh(number) => {
                let batch = &snapshot.fresh[number];
                return Ok(numbers.iter().map(|row| batch.slice(*row, 1)).collect());
            }
            Unit::Group(file, group) => (&snapshot.files[file], group),
        };
        let reading = async {
            let footer = self.footers.of(self.tables, file).await?;
            let batches = self.read(file, &footer, group, columns, Some(selection(numbers)))?;
            batches.try_collect().await.map_err(|error| failed(file, error))
        };
        let rows = reading.await;
        self.readable(file, rows).await
    }

    /// A file of which the Parquet reader says that it is damaged is set aside, as one of which the table does.
    async fn readable<T>(&self, file: &File, read: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Corrupt(why)) = &read {
            self.tables.set_aside(file, why).await;
        }
        read
    }

    fn builder(&self, file: &Arc<File>, footer: &ArrowReaderMetadata) -> ParquetRecordBatchStreamBuilder<Input> {
        let known = Some(footer.metadata().clone());
        let input = Input { tables: self.tables.clone(), file: file.clone(), footer: known };
        ParquetRecordBatchStreamBuilder::new_with_metadata(input, footer.clone())
    }

    fn read(
        &self,
        file: &Arc<File>,
        footer: &ArrowReaderMetadata,
        group: usize,
        columns: Option<&[&str]>,
        selection: Option<RowSelection>,
    ) -> Result<ParquetRecordBatchStream<Input>, Error> {
        let mut builder = self.builder(file, footer).with_row_groups(vec![group]).with_batch_size(BATCH_ROWS);
        if let Some(columns) = columns {
            let mask = ProjectionMask::columns(footer.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        builder.build().map_err(|error| failed(file, error))
    }
}

/// The last microsecond of a millisecond.
const fn micros_end(millis: i64) -> i64 {
    millis.saturating_mul(MICROS).saturating_add(MICROS - 1)
}

/// `eventTime` of the oldest and the newest row of a row group, where its statistics say.
fn times(group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let column = group.columns().iter().find(|column| column.column_path().string() == "eventtime")?;
    match column.statistics()? {
        Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}

/// Takes these rows, ascending, and no others.
fn selection(numbers: &[usize]) -> RowSelection {
    let mut selectors = Vec::new();
    let mut at = 0;
    for number in numbers {
        if *number > at {
            selectors.push(RowSelector::skip(number - at));
        }
        selectors.push(RowSelector::select(1));
        at = number + 1;
    }
    RowSelection::from(selectors)
}
