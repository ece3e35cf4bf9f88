//! Where an archive is read from.

use super::Error;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::collections::BTreeMap;

/// A file of the archive.
#[derive(Clone, Debug)]
pub struct Object {
    pub bytes: Bytes,
    /// User metadata, lower-case names without `x-amz-meta-`; None where the source
    /// does not keep any for this file.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Why one file could not be had. The rest of the archive is verified all the same.
#[derive(Debug)]
pub enum Unread {
    Missing,
    Failed(String),
}

/// A tree of files by key. Folders end in `/`; the top is the empty string.
#[async_trait::async_trait]
pub trait Source: Send + Sync {
    /// What the report calls it.
    fn name(&self) -> String;

    /// The bucket whose keys these are; None when only the digests can tell, and then keys
    /// may lack what stands before this tree's top.
    fn bucket(&self) -> Option<&str>;

    /// Where to begin.
    fn top(&self) -> String;

    /// The folders right below a folder, with their whole names.
    async fn folders(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// Keys of all files below a folder, however deep. None for a folder that is not there.
    fn keys(&self, folder: &str) -> BoxStream<'static, Result<String, Error>>;

    /// One file.
    async fn get(&self, key: &str, bytes_max: u64) -> Result<Object, Unread>;

    /// The same for sources that keep a thread waiting: whoever reads many small files then
    /// does so from one thread. None for sources that need not.
    fn get_blocking(&self, _key: &str, _bytes_max: u64) -> Option<Result<Object, Unread>> {
        None
    }

    /// Whether `get_blocking` is the way to read.
    fn blocks(&self) -> bool {
        false
    }
}
