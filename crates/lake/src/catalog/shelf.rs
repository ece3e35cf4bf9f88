//! Where metadata files lie: beside the data, in the lake's bucket.

use crate::{Error, Parts, Tables};
use bytes::Bytes;
use cairn_bucket::Buckets;
use cairn_bucket::outside::Endpoint;

const CONTENT_TYPE: &str = "application/octet-stream";

/// The lake's bucket.
#[derive(Clone)]
pub(super) struct Shelf {
    buckets: Buckets,
    tables: Tables,
}

impl Shelf {
    pub fn open(parts: &Parts, tables: &Tables) -> Self {
        Self { buckets: parts.buckets.clone(), tables: tables.clone() }
    }

    /// Its name where it is.
    pub fn bucket(&self) -> &str {
        self.endpoint().map_or(self.tables.bucket(), |endpoint| &endpoint.bucket)
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
        self.buckets.outside().endpoint(self.tables.bucket())
    }

    /// When this returns, it is durable.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        self.tables.storage().put(key, bytes, CONTENT_TYPE).await
    }

    /// Removes for good; what is not there is no error.
    pub async fn remove(&self, key: &str) -> Result<(), Error> {
        self.tables.storage().remove(key).await
    }
}
