//! Results on disk: one Parquet file a query, written as rows come, read by pages.
//!
//! A file is a blob of [`cairn_store::Blobs`]: it is durable before a row of the database names it.

use crate::Error;
use crate::sql::Column;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use bytes::Bytes;
use cairn_store::{BlobId, Blobs};
use cairn_world::File;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// A page is made by reading at most one group from its start.
const GROUP_ROWS: usize = 10_000;
const GROUP_BYTES: usize = 16 << 20;

/// Why a result was not written.
pub enum Unwritten {
    TooLarge,
    Failed(String),
}

impl From<ParquetError> for Unwritten {
    fn from(error: ParquetError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Writes one result. Its calls block.
pub struct Writer {
    columns: Vec<Column>,
    blob: Option<cairn_store::Writer>,
    parquet: Option<ArrowWriter<Sink>>,
    bytes_max: u64,
    pub rows: u64,
}

struct Sink(cairn_store::Writer);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writer {
    pub fn create(blobs: &Blobs, columns: Vec<Column>, bytes_max: u64) -> Result<Self, Unwritten> {
        let blob = blobs.create().map_err(|error| Unwritten::Failed(format!("results: {error}")))?;
        Ok(Self { columns, blob: Some(blob), parquet: None, bytes_max, rows: 0 })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritten> {
        if self.parquet.is_none() {
            let kinds: Vec<_> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
            self.begin(&kinds)?;
        }
        let writer = self.parquet.as_mut().expect("it was just begun");
        let schema = writer_schema(&self.columns, batch.schema().fields().iter().map(|field| field.data_type()));
        let batch = stored(batch, &schema)?;
        writer.write(&batch)?;
        self.rows += batch.num_rows() as u64;
        if (writer.bytes_written() + writer.in_progress_size()) as u64 > self.bytes_max {
            return Err(Unwritten::TooLarge);
        }
        Ok(())
    }

    fn begin(&mut self, kinds: &[DataType]) -> Result<(), Unwritten> {
        let blob = self.blob.take().ok_or_else(|| Unwritten::Failed("the result was begun before".to_owned()))?;
        let schema = writer_schema(&self.columns, kinds.iter());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .build();
        self.parquet = Some(ArrowWriter::try_new(Sink(blob), schema, Some(properties))?);
        Ok(())
    }

    /// Makes the result durable.
    pub fn finish(mut self) -> Result<(BlobId, u64), Unwritten> {
        if self.parquet.is_none() {
            // Nothing came that would tell the types.
            self.begin(&vec![DataType::Utf8; self.columns.len()])?;
        }
        let Sink(blob) = self.parquet.take().expect("it was just begun").into_inner()?;
        let bytes = blob.len();
        let id = blob.finish().map_err(|error| Unwritten::Failed(format!("results: {error}")))?;
        Ok((id, bytes))
    }
}

/// Names are told apart, since the columns of a file are known by name; what Parquet has no type for is text.
fn writer_schema<'a>(columns: &[Column], kinds: impl Iterator<Item = &'a DataType>) -> SchemaRef {
    let mut names: Vec<String> = Vec::new();
    let fields = columns.iter().zip(kinds).map(|(column, kind)| {
        let mut name = column.name.clone();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{}_{number}", column.name);
        }
        names.push(name.clone());
        Field::new(name, if storable(kind) { kind.clone() } else { DataType::Utf8 }, true)
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

fn storable(kind: &DataType) -> bool {
    match kind {
        DataType::Interval(_)
        | DataType::Duration(_)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Null => false,
        DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _) | DataType::Map(of, _) => {
            storable(of.data_type())
        }
        DataType::Struct(fields) => !fields.is_empty() && fields.iter().all(|field| storable(field.data_type())),
        _ => true,
    }
}

fn stored(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Unwritten> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| if storable(column.data_type()) { column.clone() } else { Arc::new(texts(column)) as ArrayRef });
    RecordBatch::try_new(schema.clone(), columns.collect()).map_err(|error| Unwritten::Failed(error.to_string()))
}

/// A column as text; a null stays one.
pub fn texts(column: &ArrayRef) -> StringArray {
    (0..column.len()).map(|row| crate::sql::text(column, row)).collect()
}

/// A result as a file that Parquet reads.
#[derive(Clone)]
struct Source(Arc<dyn File>);

/// Reads on from an offset.
pub struct Cursor {
    file: Arc<dyn File>,
    offset: u64,
}

impl Read for Cursor {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.len().unwrap_or(0)
    }
}

impl ChunkReader for Source {
    type T = Cursor;

    fn get_read(&self, start: u64) -> ParquetResult<Cursor> {
        Ok(Cursor { file: self.0.clone(), offset: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Opens the file of a result.
pub fn file(blobs: &Blobs, blob: &str) -> Result<Arc<dyn File>, Error> {
    let id = BlobId::parse(blob).ok_or_else(|| Error::Corrupt(format!("{blob:?} is not the name of a result")))?;
    let file = blobs.get(&id).map_err(|error| Error::Unavailable(format!("result {blob}: {error}")))?;
    Ok(file.into())
}

/// Rows of a result from `from` on, in batches of `size`.
pub fn batches(file: Arc<dyn File>, from: u64, size: usize) -> Result<ParquetRecordBatchReader, Error> {
    rows_of(Source(file), from, size)
}

/// The same of a file that is in memory.
pub fn batches_of(file: Bytes, size: usize) -> Result<ParquetRecordBatchReader, Error> {
    rows_of(file, 0, size)
}

fn rows_of(file: impl ChunkReader + 'static, from: u64, size: usize) -> Result<ParquetRecordBatchReader, Error> {
    let corrupt = |error: ParquetError| Error::Corrupt(format!("the result cannot be read: {error}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(corrupt)?;
    let groups = builder.metadata().row_groups();
    let (mut first, mut before) = (0, 0);
    while first < groups.len() && before + groups[first].num_rows() as u64 <= from {
        before += groups[first].num_rows() as u64;
        first += 1;
    }
    let rest = (first..groups.len()).collect();
    builder
        .with_row_groups(rest)
        .with_offset((from - before.min(from)) as usize)
        .with_batch_size(size)
        .build()
        .map_err(corrupt)
}

/// The rows of a batch, as text.
pub fn each_row(batch: &RecordBatch, take: &mut impl FnMut(Vec<Option<String>>)) {
    for row in 0..batch.num_rows() {
        take(batch.columns().iter().map(|column| crate::sql::text(column, row)).collect());
    }
}

/// A page of a result, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Vec<Option<String>>>,
    /// Where the next page begins; None at the end.
    pub next: Option<u64>,
}

/// At most `rows_max` rows from `from` on that have at most about `bytes_max` bytes, but at least one.
pub fn page(file: Arc<dyn File>, from: u64, rows_max: usize, bytes_max: usize) -> Result<Page, Error> {
    let mut page = Page::default();
    let mut bytes = 0;
    // One more than fits tells whether there is a next page.
    for batch in batches(file, from, (rows_max + 1).min(1024))? {
        let batch = batch.map_err(|error| Error::Corrupt(format!("the result cannot be read: {error}")))?;
        for row in 0..batch.num_rows() {
            if page.rows.len() == rows_max || (bytes > bytes_max && !page.rows.is_empty()) {
                page.next = Some(from + page.rows.len() as u64);
                return Ok(page);
            }
            let values: Vec<_> = batch.columns().iter().map(|column| crate::sql::text(column, row)).collect();
            bytes += values.iter().flatten().map(String::len).sum::<usize>();
            page.rows.push(values);
        }
    }
    Ok(page)
}
