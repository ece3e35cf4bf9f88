//! Outline of the buckets' interface as trails use it; the body follows.
#![allow(clippy::unimplemented, clippy::unused_async, unused_variables, dead_code)]

mod checksum;
mod content;
mod delete;
mod error;
mod list;
mod lock;
mod multipart;
mod object;
pub mod outside;
mod public;
mod put;
mod settings;
mod shelf;

pub use checksum::{Algorithm, Checksum, ChecksumKind, Expected, Trailer};
pub use delete::{Delete, Deleted};
pub use error::{Error, Setting};
pub use list::{List, Listing, Version};
pub use lock::{DefaultRetention, LockMode, Period, Retention};
pub use multipart::{Complete, CompletedPart, NewUpload, Part, Upload};
pub use object::{Body, Conditions, Headers, NULL_VERSION, Object, ObjectPart, Range, Span, Sse};
pub use put::{CopyOf, Put, PutCondition, Stored};
pub use settings::{Bucket, Encryption, LockSettings, NewBucket, Ownership, PublicAccessBlock, Settings, Versioning};

use bytes::Bytes;
use cairn_identity::{Caller, Identity};
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
    /// Whether the bucket's policy lets a service do `action` (`s3:GetBucketAcl`, `s3:PutObject`) there, with
    /// `s3:x-amz-acl: bucket-owner-full-control` and the source given. Always true for outside buckets.
    pub fn lets(
        &self,
        bucket: &str,
        key: Option<&str>,
        action: &str,
        caller: &Caller,
        source_arn: &str,
        source_account: &str,
    ) -> Result<bool, Error> {
        unimplemented!()
    }
    /// Puts an object for a service: the bucket's policy must allow it; same key again makes
    /// a new version (or replaces). When this returns, it is durable. Outside buckets too.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, Error> {
        unimplemented!()
    }
    /// The bytes of the newest version, decrypted, for the house itself; outside buckets too.
    pub async fn read(
        &self,
        bucket: &str,
        key: &str,
        bytes_max: u64,
    ) -> Result<(BTreeMap<String, String>, Bytes), Error> {
        unimplemented!()
    }
}
