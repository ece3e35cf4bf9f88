//! Files of the table as the Parquet reader reads them, with footers that are read once.

use crate::table::File;
use crate::{Error, Tables};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Footers that are kept; past it all are let go, and those in use come again.
const FOOTERS_MAX: usize = 512;

#[derive(Default)]
pub(super) struct Footers {
    known: Mutex<HashMap<i64, ArrowReaderMetadata>>,
}

/// One file, read through the table.
pub(super) struct Input {
    pub tables: Tables,
    pub file: Arc<File>,
    /// As it was read before.
    pub footer: Option<Arc<ParquetMetaData>>,
}

impl AsyncFileReader for Input {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move { self.tables.read(&self.file, range).await.map_err(|error| ParquetError::External(error.into())) }
            .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            if let Some(footer) = &self.footer {
                return Ok(footer.clone());
            }
            let bytes = self.file.bytes;
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            Ok(Arc::new(reader.load_and_finish(self, bytes).await?))
        }
        .boxed()
    }
}

impl Footers {
    /// The footer of a file, with the places of its pages where it has them.
    pub async fn of(&self, tables: &Tables, file: &Arc<File>) -> Result<ArrowReaderMetadata, Error> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&file.id) {
            return Ok(known.clone());
        }
        // Types follow from the file itself, whatever the writer's hints say.
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let mut input = Input { tables: tables.clone(), file: file.clone(), footer: None };
        let footer = ArrowReaderMetadata::load_async(&mut input, options).await;
        let footer = footer.map_err(|error| failed(file, error))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= FOOTERS_MAX {
            known.clear();
        }
        known.insert(file.id, footer.clone());
        Ok(footer)
    }
}

/// What the table said, or what the Parquet reader says of the bytes.
pub(super) fn failed(file: &File, error: ParquetError) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<Error>() {
            Ok(error) => *error,
            Err(cause) => Error::Unavailable(format!("file {}: {cause}", file.key)),
        },
        other => Error::Corrupt(format!("file {}: {other}", file.key)),
    }
}
