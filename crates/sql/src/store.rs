//! Where rows come from: the lake's tables.

use bytes::Bytes;
use cairn_lake::table::{File, Snapshot};
use cairn_lake::{Error, Tables};
use std::ops::Range;

/// What the engine needs of the tables.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    async fn snapshot(&self, table: &str) -> Result<Snapshot, Error>;
    async fn read(&self, file: &File, range: Range<u64>) -> Result<Bytes, Error>;
    /// A file whose bytes are whole, but are not what the writer of files writes.
    async fn set_aside(&self, file: &File, why: &str);
}

#[async_trait::async_trait]
impl Store for Tables {
    async fn snapshot(&self, table: &str) -> Result<Snapshot, Error> {
        Self::snapshot(self, table).await
    }

    async fn read(&self, file: &File, range: Range<u64>) -> Result<Bytes, Error> {
        Self::read(self, file, range).await
    }

    async fn set_aside(&self, file: &File, why: &str) {
        Self::set_aside(self, file, why).await;
    }
}
