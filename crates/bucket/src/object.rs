//! One version of an object: what is known of it, and its bytes.

use crate::lock::Retention;
use crate::{Buckets, Checksum, Error};
use bytes::Bytes;
use cairn_event::Time;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// The bytes of an object on their way.
pub type Body = BoxStream<'static, io::Result<Bytes>>;

/// The version id of objects put while versioning was not enabled.
pub const NULL_VERSION: &str = "null";

/// One version of an object. A delete marker is never one of these.
#[derive(Clone, Debug)]
pub struct Object {
    pub bucket: String,
    pub key: String,
    /// The version id; [`NULL_VERSION`] for the null version.
    pub version: String,
    /// Whether the bucket was ever versioned, so that answers show the version id.
    pub versioned: bool,
    pub latest: bool,
    pub size: u64,
    /// Without quotes; `md5-N` for one of N parts.
    pub etag: String,
    pub modified: Time,
    pub headers: Headers,
    /// User metadata, names without `x-amz-meta-`, in lower case.
    pub metadata: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub checksum: Option<Checksum>,
    pub retention: Option<Retention>,
    /// None when it was never set.
    pub legal_hold: Option<bool>,
    pub sse: Sse,
    /// The parts it was made of, ascending; none when it was put at once.
    pub parts: Vec<ObjectPart>,
    pub(crate) seq: i64,
    pub(crate) content: crate::content::Content,
}

/// System headers, given back as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_disposition: Option<String>,
    pub cache_control: Option<String>,
    pub expires: Option<String>,
    pub website_redirect: Option<String>,
    /// As asked for; all classes are kept alike. None is STANDARD.
    pub storage_class: Option<String>,
}

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sse {
    Aes256,
    Kms {
        key_arn: String,
        bucket_key: bool,
        /// What the caller gave; `aws:s3:arn` is added where it has none.
        context: cairn_key::Context,
    },
}

/// One part of an object that was put in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectPart {
    pub number: u32,
    pub size: u64,
    /// The part's own checksum, base64, of the object's algorithm.
    pub checksum: Option<String>,
}

/// Which bytes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    Whole,
    /// `bytes=first-[last]`, both counted from 0 and included.
    From {
        first: u64,
        last: Option<u64>,
    },
    /// `bytes=-n`
    Last(u64),
    /// `partNumber=n`, from 1.
    Part(u32),
}

/// Which bytes these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub offset: u64,
    pub len: u64,
}

/// Conditions on reading, each as its header says; etags without quotes, `*` for any.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    pub if_match: Option<Vec<String>>,
    pub if_none_match: Option<Vec<String>>,
    pub if_modified_since: Option<Time>,
    pub if_unmodified_since: Option<Time>,
}

impl Object {
    /// The version id that answers show; None in a bucket that was never versioned.
    pub fn shown_version(&self) -> Option<&str> {
        self.versioned.then_some(self.version.as_str())
    }

    /// Errors: NotSet.
    pub fn retention(&self) -> Result<Retention, Error> {
        self.retention.ok_or(Error::NotSet(crate::Setting::Retention))
    }

    /// Errors: NotSet.
    pub fn legal_hold(&self) -> Result<bool, Error> {
        self.legal_hold.ok_or(Error::NotSet(crate::Setting::LegalHold))
    }

    /// Where a range lies in the object. Errors: InvalidRange, InvalidPartNumber.
    /// Part 1 of an object that was put at once is the whole of it.
    pub fn span(&self, range: Range) -> Result<Span, Error> {
        unimplemented!()
    }

    /// Whether the object may be read under the conditions, with the precedence of RFC 9110.
    /// Errors: PreconditionFailed, NotModified (for a copy's source that is a PreconditionFailed too).
    pub fn check(&self, conditions: &Conditions) -> Result<(), Error> {
        unimplemented!()
    }
}

impl Buckets {
    /// A version of an object, the newest without `version`. Nothing is decrypted yet: ask
    /// whether the caller may use the key of [`Object::sse`] first.
    /// Errors: NoSuchBucket, NoSuchKey, NoSuchVersion, Marker.
    pub async fn find(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, Error> {
        unimplemented!()
    }

    /// Bytes of an object, decrypted and verified as they flow, in chunks of at most 1 MiB. An object
    /// that is deleted meanwhile is still read to its end when it is of one part.
    /// Errors: NoSuchKey when it was deleted before, Key; in the stream: an `io::Error` of kind
    /// `InvalidData` where the stored bytes were tampered with.
    pub async fn content(&self, object: &Object, span: Span) -> Result<Body, Error> {
        unimplemented!()
    }

    /// Replaces an object's tags; an empty set removes them. Gives the version that has them.
    /// Errors: as `find`, InvalidTag.
    pub async fn set_object_tags(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        tags: BTreeMap<String, String>,
    ) -> Result<Object, Error> {
        unimplemented!()
    }
}
