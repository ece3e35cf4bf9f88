//! An archive in a bucket, over any S3 endpoint.

use super::Error;
use super::source::{Object, Source, Unread};
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{Attribute, GetOptions, ObjectStore};
use std::sync::Arc;

/// A bucket, or what is below a prefix of it.
pub struct Remote {
    store: Arc<dyn ObjectStore>,
    bucket: String,
    /// Empty, or ending in `/`.
    top: String,
}

impl Remote {
    /// `store` is a client of the bucket; `prefix` is a folder, with or without its last `/`.
    pub fn new(store: Arc<dyn ObjectStore>, bucket: &str, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let top = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { store, bucket: bucket.to_owned(), top }
    }

    fn unavailable(&self, folder: &str, error: &object_store::Error) -> Error {
        Error::Unavailable(format!("s3://{}/{folder}: {error}", self.bucket))
    }
}

#[async_trait::async_trait]
impl Source for Remote {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.top)
    }

    fn bucket(&self) -> Option<&str> {
        Some(&self.bucket)
    }

    fn top(&self) -> String {
        self.top.clone()
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, Error> {
        let path = path(folder).map_err(Error::Unavailable)?;
        let found = self.store.list_with_delimiter(Some(&path)).await;
        let found = found.map_err(|error| self.unavailable(folder, &error))?;
        Ok(found.common_prefixes.iter().map(|path| format!("{path}/")).collect())
    }

    fn keys(&self, folder: &str) -> BoxStream<'static, Result<String, Error>> {
        let place = format!("s3://{}/{folder}", self.bucket);
        match path(folder) {
            Ok(path) => {
                let found = self.store.list(Some(&path));
                found
                    .map(move |meta| match meta {
                        Ok(meta) => Ok(meta.location.to_string()),
                        Err(error) => Err(Error::Unavailable(format!("{place}: {error}"))),
                    })
                    .boxed()
            }
            Err(reason) => futures::stream::once(async { Err(Error::Unavailable(reason)) }).boxed(),
        }
    }

    async fn get(&self, key: &str, bytes_max: u64) -> Result<Object, Unread> {
        let path = path(key).map_err(Unread::Failed)?;
        let result = self.store.get_opts(&path, GetOptions::default()).await.map_err(unread)?;
        if result.meta.size > bytes_max {
            let reason = format!("it has {} bytes, more than the {bytes_max} that are read", result.meta.size);
            return Err(Unread::Failed(reason));
        }
        let own = result.attributes.iter().filter_map(|(attribute, value)| match attribute {
            Attribute::Metadata(name) => Some((name.to_ascii_lowercase(), value.to_string())),
            _ => None,
        });
        let metadata = Some(own.collect());
        Ok(Object { bytes: result.bytes().await.map_err(unread)?, metadata })
    }
}

/// A key as this client takes it: no part of it is empty, `.` or `..`.
fn path(key: &str) -> Result<Path, String> {
    let key = key.trim_end_matches('/');
    let parsed = Path::parse(key).ok().filter(|path| path.as_ref() == key);
    parsed.ok_or_else(|| format!("{key:?} is not a key that can be asked for"))
}

fn unread(error: object_store::Error) -> Unread {
    match error {
        object_store::Error::NotFound { .. } => Unread::Missing,
        other => Unread::Failed(other.to_string()),
    }
}
