//! Where metadata files lie: beside the data, in the lake's bucket.

use crate::{Error, Parts, Tables};
use bytes::Bytes;
use cairn_bucket::outside::{self, Endpoint};
use cairn_bucket::{Body, Buckets, Delete, Expected, Headers, Put};
use futures::{StreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;

const CONTENT_TYPE: &str = "application/octet-stream";

/// The lake's bucket.
#[derive(Clone)]
pub(super) struct Shelf {
    buckets: Buckets,
    account: String,
    bucket: String,
    tables: Tables,
}

impl Shelf {
    pub fn open(parts: &Parts, tables: &Tables) -> Self {
        let (account, bucket) = (parts.account.clone(), tables.bucket().to_owned());
        Self { buckets: parts.buckets.clone(), account, bucket, tables: tables.clone() }
    }

    /// Its name where it is.
    pub fn bucket(&self) -> &str {
        self.endpoint().map_or(&self.bucket, |endpoint| &endpoint.bucket)
    }

    /// What stands before a key in the address of an object.
    pub fn location(&self) -> String {
        format!("s3://{}/", self.bucket())
    }

    /// URL and region of the S3 that has it, when it is not this house.
    pub fn outside(&self) -> Option<(String, String)> {
        self.endpoint().map(|endpoint| (endpoint.url.clone(), endpoint.region.clone()))
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.buckets.outside().endpoint(&self.bucket)
    }

    /// When this returns, it is durable.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        if self.buckets.is_outside(&self.bucket, &self.account) {
            let put = outside::Put {
                key: key.to_owned(),
                body: bytes,
                content_type: Some(CONTENT_TYPE.to_owned()),
                ..outside::Put::default()
            };
            return self.buckets.outside().put(&self.bucket, put).await.map_err(unavailable);
        }
        self.tables.found_bucket().await?;
        let headers = Headers { content_type: Some(CONTENT_TYPE.to_owned()), ..Headers::default() };
        let put = Put { bucket: self.bucket.clone(), key: key.to_owned(), headers, ..Put::default() };
        let expected = Expected { size: Some(bytes.len() as u64), ..Expected::default() };
        let body: Body = stream::iter([Ok(bytes)]).boxed();
        self.buckets.put(put, body, expected, None).await.map_err(unavailable)?;
        Ok(())
    }

    /// Removes for good; what is not there is no error.
    pub async fn remove(&self, key: &str) -> Result<(), Error> {
        if self.buckets.is_outside(&self.bucket, &self.account) {
            let Some(client) = self.buckets.outside().client(&self.bucket) else { return Ok(()) };
            return match client.delete(&Path::from(key)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(unavailable(error)),
            };
        }
        let delete = Delete { key: key.to_owned(), ..Delete::default() };
        match self.buckets.delete(&self.bucket, delete).await {
            Ok(_) | Err(cairn_bucket::Error::NoSuchBucket(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("the lake's bucket: {error}"))
}
