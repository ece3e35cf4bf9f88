//! Rows of several files put together in the order of their times, a few at a time, and cut into new files.

use super::cut::{DAY_MICROS, Sorted, day, share, times};
use super::file::{File, Source};
use super::take::since;
use super::{Tables, blocking, broken};
use crate::Error;
use crate::file::{Writer, conform};
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// Rows of one file in memory at a time take about so many bytes …
const INPUT_BYTES: u64 = 2 << 20;
/// … when a row takes so many times what it does in the file.
const UNPACKED: u64 = 12;
const BATCH_ROWS: Range<u64> = 16..4096;
/// Read at once where it is not known how much is wanted.
const WINDOW_BYTES: u64 = 64 << 10;
/// How the rows are to be cut.
pub(crate) struct Cuts {
    pub table: String,
    /// What happened before, in microseconds, is left out.
    pub oldest: i64,
    pub rows_max: usize,
    /// Whether to cut between days, as far as they are large.
    pub window: bool,
    /// Where all the rows come from.
    pub source: Source,
}

/// Puts files together; gives the new ones, whose bytes are durable. What cannot be read is set aside.
pub(crate) async fn blend(tables: &Tables, inputs: Vec<Arc<File>>, cuts: Cuts) -> Result<Vec<File>, Error> {
    let (tables, runtime) = (tables.clone(), Handle::current());
    blocking(move || {
        let bounds = if cuts.window { bounds(&tables, &runtime, &inputs)? } else { Vec::new() };
        let readers = inputs.iter().map(|file| Input::open(&tables, &runtime, file));
        let mut inputs = readers.collect::<Result<Vec<_>, _>>()?;
        let begin = i64::MIN;
        let (files, writer, bounds) = (Vec::new(), None, bounds.into());
        let mut output = Output { tables, runtime, cuts, bounds, begin, last: i64::MIN, writer, files };
        match pour(&mut inputs, &mut output) {
            Ok(()) => Ok(output.files),
            Err(error) => {
                let keys = output.files.into_iter().map(|file| file.key).collect();
                output.runtime.block_on(output.tables.discard(keys));
                Err(error)
            }
        }
    })
    .await
}

/// Where to cut between days: the times at which files after the first begin.
fn bounds(tables: &Tables, runtime: &Handle, files: &[Arc<File>]) -> Result<Vec<i64>, Error> {
    let mut days: BTreeMap<i64, usize> = BTreeMap::new();
    for file in files {
        let mut input = Input::open_columns(tables, runtime, file, Some(&["eventtime"]))?;
        while input.fill()? {
            for time in &input.times {
                *days.entry(day(*time)).or_default() += 1;
            }
            input.rows = None;
        }
    }
    let days: Vec<_> = days.into_iter().collect();
    let begins = |group: Range<usize>| days[group.start].0.saturating_mul(DAY_MICROS);
    Ok(share(&days).into_iter().skip(1).map(begins).collect())
}

fn pour(inputs: &mut [Input], output: &mut Output) -> Result<(), Error> {
    while let Some(rows) = next(inputs)? {
        for rows in rows {
            output.add(&since(rows, output.cuts.oldest).map_err(broken)?)?;
        }
    }
    output.end(i64::MAX)
}

/// The next rows of all, in order; None at the end. Up to the earliest time at which one of the inputs has
/// to be read on, all rows are in memory.
fn next(inputs: &mut [Input]) -> Result<Option<Vec<RecordBatch>>, Error> {
    let mut until = None;
    for input in &mut *inputs {
        if input.fill()? {
            let last = input.times.iter().max().copied().unwrap_or(i64::MIN);
            until = Some(until.map_or(last, |until: i64| until.min(last)));
        }
    }
    let Some(until) = until else { return Ok(None) };
    let parts = inputs.iter_mut().filter_map(|input| input.take(until)).collect();
    Sorted::new(parts).all().map(Some).map_err(broken)
}

/// One file being read.
struct Input {
    tables: Tables,
    runtime: Handle,
    file: Arc<File>,
    reader: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
    failed: Failed,
    /// Read and not yet taken; never empty.
    rows: Option<RecordBatch>,
    times: Vec<i64>,
    /// All columns are wanted.
    whole: bool,
}

/// Why bytes could not be had, since Parquet's errors do not say.
type Failed = Arc<Mutex<Option<Error>>>;

impl Input {
    fn open(tables: &Tables, runtime: &Handle, file: &Arc<File>) -> Result<Self, Error> {
        Self::open_columns(tables, runtime, file, None)
    }

    fn open_columns(
        tables: &Tables,
        runtime: &Handle,
        file: &Arc<File>,
        columns: Option<&[&str]>,
    ) -> Result<Self, Error> {
        let failed = Failed::default();
        let (tables, runtime, file) = (tables.clone(), runtime.clone(), file.clone());
        let remote =
            Remote { tables: tables.clone(), runtime: runtime.clone(), file: file.clone(), failed: failed.clone() };
        let per_row = (file.bytes.saturating_mul(UNPACKED) / file.rows.max(1)).max(1);
        let batch = (INPUT_BYTES / per_row).clamp(BATCH_ROWS.start, BATCH_ROWS.end) as usize;
        let open = || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(remote)?.with_batch_size(batch);
            let named = |columns: &[&str]| ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            let mask = columns.map_or_else(ProjectionMask::all, named);
            builder.with_projection(mask).build()
        };
        let reader: Result<_, ParquetError> = open();
        let mut input = Self {
            reader: Box::new(std::iter::empty()),
            whole: columns.is_none(),
            rows: None,
            times: Vec::new(),
            tables,
            runtime,
            file,
            failed,
        };
        input.reader = Box::new(reader.map_err(|error| input.bad(&error))?);
        Ok(input)
    }

    /// Reads on when nothing is left; false at the end.
    fn fill(&mut self) -> Result<bool, Error> {
        while self.rows.is_none() {
            let Some(rows) = self.reader.next() else { return Ok(false) };
            let mut rows = rows.map_err(|error| self.bad(&error))?;
            if self.whole {
                rows = conform(&rows).map_err(|error| self.bad(&error))?;
            }
            self.times = times(&rows);
            self.rows = (rows.num_rows() > 0).then_some(rows);
        }
        Ok(true)
    }

    /// The rows that happened until then.
    fn take(&mut self, until: i64) -> Option<RecordBatch> {
        let rows = self.rows.take()?;
        if self.times.iter().all(|time| *time <= until) {
            return Some(rows);
        }
        let count = self.times.partition_point(|time| *time <= until);
        self.rows = Some(rows.slice(count, rows.num_rows() - count));
        self.times.drain(..count);
        (count > 0).then(|| rows.slice(0, count))
    }

    /// What an error means: bytes that cannot be had now, or a file that is not what was written, which is
    /// set aside.
    fn bad(&self, error: &dyn std::fmt::Display) -> Error {
        if let Some(failed) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return failed;
        }
        let why = format!("file {}: {error}", self.file.key);
        self.runtime.block_on(self.tables.set_aside(&self.file, &why));
        Error::Corrupt(why)
    }
}

/// A file as Parquet's reader asks for it. Blocks.
#[derive(Clone)]
struct Remote {
    tables: Tables,
    runtime: Handle,
    file: Arc<File>,
    failed: Failed,
}

impl Remote {
    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.end > self.file.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.runtime.block_on(self.tables.read(&self.file, range)).map_err(|error| {
            let message = error.to_string();
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::other(message)
        })
    }
}

impl Length for Remote {
    fn len(&self) -> u64 {
        self.file.bytes
    }
}

impl ChunkReader for Remote {
    type T = Window;

    fn get_read(&self, start: u64) -> Result<Window, ParquetError> {
        Ok(Window { remote: self.clone(), at: start, bytes: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.read(start..start.saturating_add(length as u64))?)
    }
}

/// Reads on from a place.
struct Window {
    remote: Remote,
    at: u64,
    bytes: Bytes,
}

impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() && self.at < self.remote.file.bytes {
            let end = self.remote.file.bytes.min(self.at + WINDOW_BYTES);
            self.bytes = self.remote.read(self.at..end)?;
            self.at = end;
        }
        let count = into.len().min(self.bytes.len());
        into[..count].copy_from_slice(&self.bytes.split_to(count));
        Ok(count)
    }
}

/// The files that come of it.
struct Output {
    tables: Tables,
    runtime: Handle,
    cuts: Cuts,
    /// Times at which the files to come begin.
    bounds: std::collections::VecDeque<i64>,
    /// From when on what happened is in the file being written.
    begin: i64,
    /// The time of the last row.
    last: i64,
    writer: Option<Growing>,
    files: Vec<File>,
}

/// A file being written.
struct Growing {
    writer: Writer,
    rows: usize,
}

impl Output {
    /// Adds rows, which are in order.
    fn add(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let times = times(rows);
        let mut from = 0;
        for (index, time) in times.iter().enumerate() {
            let rows_now = self.writer.as_ref().map_or(0, |growing| growing.rows) + index - from;
            let full = rows_now >= self.cuts.rows_max && *time > self.last;
            let mut passed = false;
            while self.bounds.front().is_some_and(|bound| bound <= time) {
                self.bounds.pop_front();
                passed = true;
            }
            if (full || passed) && rows_now > 0 {
                self.push(&rows.slice(from, index - from))?;
                self.end(*time)?;
                from = index;
            }
            self.last = *time;
        }
        self.push(&rows.slice(from, rows.num_rows() - from))
    }

    fn push(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let mut growing = match self.writer.take() {
            Some(growing) => growing,
            None => Growing { writer: Writer::new()?, rows: 0 },
        };
        growing.rows += rows.num_rows();
        growing.writer.add(rows)?;
        self.writer = Some(growing);
        Ok(())
    }

    /// Ends the file being written; the next begins at this time.
    fn end(&mut self, begin: i64) -> Result<(), Error> {
        let covers = self.begin..begin;
        self.begin = begin;
        let Some(growing) = self.writer.take().filter(|growing| growing.rows > 0) else { return Ok(()) };
        let (written, source) = (growing.writer.finish()?, self.cuts.source.within(&covers));
        let putting = self.tables.put_written(&self.cuts.table, written, source, self.cuts.window);
        let file = self.runtime.block_on(putting)?;
        self.files.push(file);
        Ok(())
    }
}
