//! One version of an object: what is known of it, and its bytes.

use crate::lock::Retention;
use crate::settings::Settings;
use crate::{Buckets, Checksum, Error, limit, rows};
use bytes::Bytes;
use cairn_event::Time;
use cairn_key::Context;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// The bytes of an object on their way.
pub type Body = BoxStream<'static, io::Result<Bytes>>;

/// The version id of objects put while versioning was not enabled.
pub const NULL_VERSION: &str = "null";

/// The name in an encryption context of what is encrypted.
const OBJECT_ARN: &str = "aws:s3:arn";

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
    /// The parts it was made of, ascending; none when it was put at once, nor in lists.
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
        context: Context,
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
        let size = self.size;
        let whole = Span { offset: 0, len: size };
        match range {
            Range::Whole => Ok(whole),
            Range::Part(1) if self.parts.is_empty() => Ok(whole),
            Range::Part(number) => self.part(number).ok_or(Error::InvalidPartNumber(number)),
            // A range that ends before it begins is no range; the header is ignored then.
            Range::From { first, last: Some(last) } if last < first => Ok(whole),
            Range::From { first, last } if first < size => {
                let past = last.map_or(size, |last| size.min(last.saturating_add(1)));
                Ok(Span { offset: first, len: past - first })
            }
            Range::Last(count) if count > 0 && size > 0 => {
                let len = count.min(size);
                Ok(Span { offset: size - len, len })
            }
            Range::From { .. } | Range::Last(_) => Err(Error::InvalidRange { size }),
        }
    }

    fn part(&self, number: u32) -> Option<Span> {
        let index = self.parts.iter().position(|part| part.number == number)?;
        let offset = self.parts[..index].iter().map(|part| part.size).sum();
        Some(Span { offset, len: self.parts[index].size })
    }

    /// Whether the object may be read under the conditions, with the precedence of RFC 9110.
    /// Errors: PreconditionFailed, NotModified (for a copy's source that is a PreconditionFailed too).
    pub fn check(&self, conditions: &Conditions) -> Result<(), Error> {
        let names = |etags: &[String]| etags.iter().any(|etag| etag == "*" || *etag == self.etag);
        let modified = self.modified.to_second();
        match (&conditions.if_match, conditions.if_unmodified_since) {
            (Some(etags), _) if !names(etags) => return Err(Error::PreconditionFailed("If-Match")),
            (None, Some(since)) if modified > since => return Err(Error::PreconditionFailed("If-Unmodified-Since")),
            _ => {}
        }
        match (&conditions.if_none_match, conditions.if_modified_since) {
            (Some(etags), _) if names(etags) => Err(Error::NotModified),
            (None, Some(since)) if modified <= since => Err(Error::NotModified),
            _ => Ok(()),
        }
    }
}

impl Sse {
    /// The encryption context that the key is used with, for who asks or records.
    pub fn context(&self, bucket: &str, key: &str) -> Context {
        let arn = |per_bucket: bool| {
            if per_bucket { format!("arn:aws:s3:::{bucket}") } else { format!("arn:aws:s3:::{bucket}/{key}") }
        };
        match self {
            Self::Aes256 => Context::from([(OBJECT_ARN.to_owned(), arn(false))]),
            Self::Kms { bucket_key, context, .. } => {
                let mut context = context.clone();
                context.entry(OBJECT_ARN.to_owned()).or_insert_with(|| arn(*bucket_key));
                context
            }
        }
    }
}

impl Buckets {
    /// A version of an object, the newest without `version`. Nothing is decrypted yet: ask
    /// whether the caller may use the key of [`Object::sse`] first.
    /// Errors: NoSuchBucket, NoSuchKey, NoSuchVersion, Marker.
    pub async fn find(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, Error> {
        let bucket = self.bucket(bucket)?;
        let found = rows::find(&mut *self.inner.db.lend().await?, &bucket.name, key, version).await?;
        let found = found.ok_or_else(|| missing(&bucket.name, key, version))?;
        self.whole(found.object(&bucket, version.is_some())?).await
    }

    /// The object with its parts.
    pub(crate) async fn whole(&self, mut object: Object) -> Result<Object, Error> {
        if object.content.blob.is_none() {
            let pieces = rows::pieces(self.inner.db.read(), object.seq).await?;
            object.parts = pieces.iter().map(ObjectPart::from).collect();
        }
        Ok(object)
    }

    /// Changes what can change of a version; the time is that of the change.
    pub(crate) async fn amend<F>(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        edit: F,
    ) -> Result<Object, Error>
    where
        F: FnOnce(&mut rows::Version, &Settings, Time) -> Result<(), Error> + Send + 'static,
    {
        let bucket = self.bucket(bucket)?;
        let (buckets, key, version) = (self.clone(), key.to_owned(), version.map(str::to_owned));
        Self::run(async move {
            let mut change = buckets.begin().await?;
            let settings = rows::settings(&mut change.tx, &bucket.name).await?;
            let found = rows::find(&mut *change.tx, &bucket.name, &key, version.as_deref()).await?;
            let mut found = found.ok_or_else(|| missing(&bucket.name, &key, version.as_deref()))?;
            let named = version.is_some();
            found.clone().object(&bucket, named)?;
            edit(&mut found, &settings, change.now)?;
            rows::update(&mut change.tx, &found).await?;
            change.commit().await?;
            buckets.whole(found.object(&bucket, named)?).await
        })
        .await
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
        limit::object_tags(&tags)?;
        self.amend(bucket, key, version, |found, _, _| {
            found.tags = tags;
            Ok(())
        })
        .await
    }
}

fn missing(bucket: &str, key: &str, version: Option<&str>) -> Error {
    match version {
        None => Error::NoSuchKey { bucket: bucket.to_owned(), key: key.to_owned() },
        Some(version) => Error::NoSuchVersion { key: key.to_owned(), version: version.to_owned() },
    }
}
