//! Where metadata files lie: beside the data, in the lake's bucket.

use crate::{Error, Parts};
use bytes::Bytes;
use cairn_bucket::outside::{self, Endpoint};
use cairn_bucket::{Body, Buckets, Delete, Expected, Headers, NewBucket, Put};
use futures::{StreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use std::collections::BTreeMap;

const CONTENT_TYPE: &str = "application/octet-stream";

/// The lake's bucket.
#[derive(Clone)]
pub(super) struct Shelf {
    buckets: Buckets,
    account: String,
    region: String,
    bucket: String,
}

impl Shelf {
    pub fn open(parts: &Parts) -> Self {
        let own = || format!("cairn-lake-{}", parts.account);
        let bucket = parts.settings.bucket.clone().unwrap_or_else(own);
        let (account, region) = (parts.account.clone(), parts.region.clone());
        Self { buckets: parts.buckets.clone(), account, region, bucket }
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
        self.found().await?;
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

    /// Makes the bucket where it is not yet.
    async fn found(&self) -> Result<(), Error> {
        if self.buckets.bucket(&self.bucket).is_ok() {
            return Ok(());
        }
        let new = NewBucket {
            name: self.bucket.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            object_lock: false,
            ownership: None,
            tags: BTreeMap::new(),
        };
        match self.buckets.create(new).await {
            Ok(_) | Err(cairn_bucket::Error::AlreadyYours(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("the lake's bucket: {error}"))
}
