//! Outline of the buckets' interface as trails use it; the body follows.
#![allow(clippy::unimplemented, clippy::unused_async, unused_variables, dead_code)]

pub mod outside;

use bytes::Bytes;
use cairn_event::Time;
use cairn_identity::{Caller, Identity, Policy};
use cairn_key::Keys;
use cairn_store::{Blobs, Db};
use cairn_world::World;
use outside::Outside;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All buckets. Cheap to clone.
#[derive(Clone)]
pub struct Buckets {
    inner: Arc<()>,
}

/// What buckets are opened with.
pub struct Parts {
    pub world: World,
    pub db: Db,
    pub keys: Keys,
    pub identity: Identity,
    pub blobs: Blobs,
    pub outside: Outside,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("bucket {0} does not exist")]
    NoSuchBucket(String),
    #[error("bucket {bucket} has no object {key}")]
    NoSuchKey { bucket: String, key: String },
    #[error("access denied: {0}")]
    Denied(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Key(#[from] cairn_key::Error),
    #[error("buckets: {0}")]
    Unavailable(String),
    #[error("buckets: {0}")]
    Corrupt(String),
}

/// One bucket as it stands now.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub name: String,
    pub account: String,
    pub region: String,
    pub created: Time,
    pub policy: Option<Arc<Policy>>,
}

/// An object that a service of the house puts, as `cloudtrail.amazonaws.com` does.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub bucket: String,
    pub key: String,
    pub body: Bytes,
    pub content_type: String,
    pub content_encoding: String,
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// SSE-KMS: reference of the key, the account and region it is resolved in, and the encryption context.
    pub kms: Option<DeliveryKey>,
    pub caller: Caller,
    /// `aws:SourceArn` and `aws:SourceAccount` for the bucket's policy.
    pub source_arn: String,
    pub source_account: String,
}

#[derive(Clone, Debug)]
pub struct DeliveryKey {
    pub reference: String,
    pub account: String,
    pub region: String,
    pub context: cairn_key::Context,
}

/// What came of a delivery.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub etag: String,
    pub version: Option<String>,
    /// The account that owns the bucket; None for one outside.
    pub owner: Option<String>,
}

impl Buckets {
    pub async fn open(parts: Parts) -> Result<Self, Error> {
        unimplemented!()
    }
    /// The mapped buckets outside.
    pub fn outside(&self) -> &Outside {
        unimplemented!()
    }
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }
    /// Whether the bucket's policy lets a service do `action` (`s3:GetBucketAcl`, `s3:PutObject`) there, with
    /// `s3:x-amz-acl: bucket-owner-full-control` and the source given. Always true for outside buckets.
    pub fn lets(&self, bucket: &str, key: Option<&str>, action: &str, caller: &Caller, source_arn: &str, source_account: &str) -> Result<bool, Error> {
        unimplemented!()
    }
    /// Puts an object for a service: the bucket's policy must allow it; same key again makes
    /// a new version (or replaces). When this returns, it is durable. Outside buckets too.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, Error> {
        unimplemented!()
    }
    /// The bytes of the newest version, decrypted, for the house itself; outside buckets too.
    pub async fn read(&self, bucket: &str, key: &str, bytes_max: u64) -> Result<(BTreeMap<String, String>, Bytes), Error> {
        unimplemented!()
    }
}
