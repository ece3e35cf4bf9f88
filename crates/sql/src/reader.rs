//! Bytes of files for the Parquet reader, and their footers, which are kept between queries.

use crate::store::Store;
use bytes::Bytes;
use cairn_lake::sql::{Error, Statistics};
use cairn_lake::table::File;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, MetadataFetch};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Footers kept in memory, of all tables.
const FOOTERS_BYTES_MAX: usize = 128 << 20;
/// Read at once from a file's end: most footers with their page indices are smaller.
const FOOTER_BYTES: u64 = 64 << 10;
/// What is so near to one another is read at once.
const GAP_BYTES: u64 = 64 << 10;

/// Footers of files, which never change; the least used go first.
#[derive(Default)]
pub struct Footers {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    footers: HashMap<i64, (Arc<ParquetMetaData>, u64)>,
    bytes: usize,
    clock: u64,
}

impl Footers {
    fn get(&self, file: i64) -> Option<Arc<ParquetMetaData>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let clock = kept.clock;
        let (footer, used) = kept.footers.get_mut(&file)?;
        *used = clock;
        Some(footer.clone())
    }

    fn put(&self, file: i64, footer: &Arc<ParquetMetaData>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let clock = kept.clock;
        if kept.footers.insert(file, (footer.clone(), clock)).is_none() {
            kept.bytes += footer.memory_size();
        }
        if kept.bytes > FOOTERS_BYTES_MAX {
            kept.halve();
        }
    }
}

impl Kept {
    fn halve(&mut self) {
        let mut uses: Vec<_> = self.footers.values().map(|(_, used)| *used).collect();
        uses.sort_unstable();
        let middle = uses.get(uses.len() / 2).copied().unwrap_or_default();
        self.footers.retain(|_, (_, used)| *used > middle);
        self.bytes = self.footers.values().map(|(footer, _)| footer.memory_size()).sum();
    }
}

/// Opens files of one query.
pub struct Readers {
    pub store: Arc<dyn Store>,
    pub footers: Arc<Footers>,
    pub costs: Arc<Statistics>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str("Readers")
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::common::Result<Box<dyn AsyncFileReader + Send>> {
        let Some(file) = file.extension::<Opened>() else {
            return datafusion::common::internal_err!("{} is no file of the lake", file.object_meta.location);
        };
        let (store, footers) = (self.store.clone(), self.footers.clone());
        Ok(Box::new(Reader { store, footers, costs: self.costs.clone(), file: file.clone() }))
    }
}

/// A file of a query; it may be opened several times, for parts of it.
#[derive(Clone)]
pub struct Opened {
    pub file: Arc<File>,
    counted: Arc<AtomicBool>,
}

impl Opened {
    pub fn new(file: Arc<File>) -> Self {
        Self { file, counted: Arc::new(AtomicBool::new(false)) }
    }
}

struct Reader {
    store: Arc<dyn Store>,
    footers: Arc<Footers>,
    costs: Arc<Statistics>,
    file: Opened,
}

impl Reader {
    async fn read(&self, range: Range<u64>) -> Result<Bytes, ParquetError> {
        self.costs.bytes_scanned.fetch_add(range.end - range.start, Ordering::Relaxed);
        let read = self.store.read(&self.file.file, range).await;
        read.map_err(|error| ParquetError::External(Box::new(failed(error))))
    }

    /// Counts the file, once.
    fn count(&self) {
        if !self.file.counted.swap(true, Ordering::Relaxed) {
            self.costs.files_scanned.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn footer(&self) -> Result<Arc<ParquetMetaData>, ParquetError> {
        let file = &self.file.file;
        if let Some(footer) = self.footers.get(file.id) {
            return Ok(footer);
        }
        let reader = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(Some(file.bytes.min(FOOTER_BYTES) as usize));
        match reader.load_and_finish(Fetch(self), file.bytes).await {
            Ok(footer) => {
                let footer = Arc::new(footer);
                self.footers.put(file.id, &footer);
                Ok(footer)
            }
            Err(error @ ParquetError::External(_)) => Err(error),
            Err(error) => {
                let why = format!("the footer of {} is damaged: {error}", file.key);
                self.store.set_aside(file, &why).await;
                Err(ParquetError::External(Box::new(Error::Corrupt(why))))
            }
        }
    }
}

struct Fetch<'a>(&'a Reader);

impl MetadataFetch for Fetch<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.0.read(range).boxed()
    }
}

fn failed(error: cairn_lake::Error) -> Error {
    match error {
        cairn_lake::Error::Corrupt(why) => Error::Corrupt(why),
        cairn_lake::Error::NotFound(what) => Error::NoTable(what),
        other => Error::Failed(other.to_string()),
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.count();
        self.read(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        self.count();
        let reader = &*self;
        async move { object_store::coalesce_ranges(&ranges, |range| reader.read(range), GAP_BYTES).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        self.footer().boxed()
    }
}
