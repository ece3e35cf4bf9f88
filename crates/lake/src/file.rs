//! Rows as the bytes of one Parquet file, and back.
//!
//! Every file has the columns of [`crate::schema`], each with its field id; rows lie in the order of their
//! `eventtime`. Row groups are small enough for a look-up to read one of them, and carry bloom filters on
//! the columns that look-ups name. The key `cairn.schema` of a file's metadata says which version of the
//! columns it was written with: an older file lacks the newer columns, which read as null.
//!
//! Beside its bytes a file has [`Facts`], from which it is known without opening it that a value is not in it.

mod facts;
mod filter;
mod order;
mod parameters;
#[cfg(test)]
mod tests;

use crate::schema::{self, COLUMNS, Column, Kind};
use crate::{Error, shred};
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use bytes::Bytes;
pub use facts::Facts;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::sync::Arc;

/// Counts up when a column is added.
pub const SCHEMA_VERSION: u32 = 1;

const GROUP_ROWS: usize = 1 << 16;
/// A look-up that has found its row decodes so many values of every other column.
const PAGE_ROWS: usize = 8192;
const PAGE_BYTES: usize = 1 << 20;
const DICTIONARY_BYTES: usize = 1 << 20;
const ZSTD_LEVEL: i32 = 1;
/// One in so many row groups is read for nothing by a look-up.
const BLOOM_MISTAKES: f64 = 0.02;
const BATCH_ROWS: usize = 8192;

/// A file that is yet to be put somewhere.
#[derive(Clone, Debug)]
pub struct Written {
    pub bytes: Bytes,
    pub rows: u64,
    /// `eventtime` of the oldest and of the newest row, in microseconds; zeros when there are no rows.
    pub times: (i64, i64),
    pub facts: Facts,
}

/// Writes rows into one file. Rows that are not in the order of `eventtime` are put in it first.
pub fn write(rows: &[RecordBatch]) -> Result<Written, Error> {
    let rows = order::ordered(rows).map_err(|error| Error::Invalid(format!("rows of a file: {error}")))?;
    let mut writer = Writer::new()?;
    for rows in rows.iter() {
        writer.add(rows)?;
    }
    writer.finish()
}

/// Writes a file a few rows at a time; they come in the order of `eventtime`.
pub struct Writer {
    parquet: ArrowWriter<Vec<u8>>,
    facts: facts::Gathering,
    rows: usize,
    times: Option<(i64, i64)>,
}

impl Writer {
    pub fn new() -> Result<Self, Error> {
        let options = ArrowWriterOptions::new().with_properties(properties()).with_skip_arrow_metadata(true);
        let parquet = ArrowWriter::try_new_with_options(Vec::new(), schema::arrow(), options);
        let parquet = parquet.map_err(|error| failed(&error))?;
        Ok(Self { parquet, facts: facts::Gathering::default(), rows: 0, times: None })
    }

    pub fn add(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let (first, last) = order::times(std::slice::from_ref(rows));
        self.times = Some((self.times.map_or(first, |(first, _)| first), last));
        self.rows += rows.num_rows();
        self.facts.add(rows);
        self.parquet.write(rows).map_err(|error| failed(&error))
    }

    pub fn finish(self) -> Result<Written, Error> {
        let bytes = self.parquet.into_inner().map_err(|error| failed(&error))?.into();
        let (rows, times) = (self.rows as u64, self.times.unwrap_or((0, 0)));
        Ok(Written { bytes, rows, times, facts: self.facts.finish(self.rows) })
    }
}

fn failed(error: &parquet::errors::ParquetError) -> Error {
    Error::Invalid(format!("rows of a file: {error}"))
}

/// The rows of one file, in order, with today's columns. Errors: Corrupt.
pub fn read(bytes: Bytes) -> Result<Vec<RecordBatch>, Error> {
    let corrupt = |error: &dyn std::fmt::Display| Error::Corrupt(error.to_string());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| corrupt(&error))?;
    let reader = reader.with_batch_size(BATCH_ROWS).build().map_err(|error| corrupt(&error))?;
    reader.map(|rows| conform(&rows.map_err(|error| corrupt(&error))?)).collect()
}

/// Rows of a file, of whatever version, as rows with today's columns: those it lacks are null.
/// Errors: Corrupt when a column is of a type that cannot be read as its own.
pub fn conform(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let column = |column: &Column| -> Result<ArrayRef, Error> {
        let kind = schema::data_type(column);
        match rows.column_by_name(column.name) {
            None => Ok(new_null_array(&kind, rows.num_rows())),
            Some(values) if *values.data_type() == kind => Ok(Arc::clone(values)),
            Some(values) => {
                cast(values, &kind).map_err(|error| Error::Corrupt(format!("column {}: {error}", column.name)))
            }
        }
    };
    let columns = COLUMNS.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema::arrow(), columns).map_err(|error| Error::Corrupt(error.to_string()))
}

fn path(column: &Column) -> ColumnPath {
    match column.kind {
        Kind::Texts => ColumnPath::new([column.name, "list", "element"].map(str::to_owned).to_vec()),
        _ => ColumnPath::from(column.name),
    }
}

fn properties() -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("zstd has this level");
    let sorting =
        SortingColumn { column_idx: schema::index("eventtime") as i32, descending: false, nulls_first: false };
    let version = KeyValue::new("cairn.schema".to_owned(), SCHEMA_VERSION.to_string());
    let all = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns(Some(vec![sorting]))
        .set_key_value_metadata(Some(vec![version]));
    COLUMNS.iter().fold(all, of_column).build()
}

fn of_column(all: WriterPropertiesBuilder, column: &Column) -> WriterPropertiesBuilder {
    let path = path(column);
    let all = match (column.kind, column.name) {
        // Nearly every row has one of its own.
        (Kind::Text, "eventid" | "requestid") => all
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
        (Kind::Time, _) => all
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_statistics_enabled(path.clone(), EnabledStatistics::Page),
        // Nobody looks for a range of these; where a dictionary grows too large, what follows does without.
        (Kind::Json, _) | (_, shred::FORM) => all
            .set_column_statistics_enabled(path.clone(), EnabledStatistics::None)
            .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
        (Kind::Text | Kind::Texts, _) => all.set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
        (Kind::Bool, _) => all,
    };
    if !column.bloom {
        return all;
    }
    all.set_column_bloom_filter_fpp(path.clone(), BLOOM_MISTAKES)
        .set_column_bloom_filter_max_ndv(path, GROUP_ROWS as u64)
}
