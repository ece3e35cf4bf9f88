//! Putting objects: from a stream, or from another object.

use crate::lock::Retention;
use crate::object::{Body, Headers, Object, Sse};
use crate::settings::Encryption;
use crate::{Buckets, Checksum, Error, Expected, Trailer};
use cairn_key::Scope;
use std::collections::BTreeMap;

/// A new object but for its bytes.
#[derive(Clone, Debug, Default)]
pub struct Put {
    pub bucket: String,
    /// At most 1024 bytes of UTF-8.
    pub key: String,
    pub headers: Headers,
    /// At most 2 KB, names and values together.
    pub metadata: BTreeMap<String, String>,
    /// At most 10.
    pub tags: BTreeMap<String, String>,
    /// From [`Buckets::sse`], after the caller was asked for; the bucket's default without.
    pub sse: Option<Sse>,
    /// The bucket's default without. Errors: InvalidRequest when the bucket has no Object Lock.
    pub retention: Option<Retention>,
    pub legal_hold: Option<bool>,
    pub condition: Option<PutCondition>,
}

/// When a put may take place; decided with the put itself, so that of two that race one fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutCondition {
    /// `If-None-Match: *`. Errors: PreconditionFailed("If-None-Match") when the newest version is an object.
    Absent,
    /// `If-Match: etag`, without quotes. Errors: PreconditionFailed("If-Match"), NoSuchKey when there is none.
    Etag(String),
}

/// What was put.
#[derive(Clone, Debug)]
pub struct Stored {
    pub etag: String,
    /// None in a bucket that was never versioned.
    pub version: Option<String>,
    pub size: u64,
    pub modified: cairn_event::Time,
    pub checksum: Option<Checksum>,
    pub sse: Sse,
}

/// A copy.
#[derive(Debug)]
pub struct CopyOf<'a> {
    /// From [`Buckets::find`], its conditions checked and its reader asked for.
    pub source: &'a Object,
    /// Its headers and metadata count when `replace_metadata`, its tags when `replace_tags`.
    pub put: Put,
    pub replace_metadata: bool,
    pub replace_tags: bool,
    /// Checksum to keep; that of the source without.
    pub algorithm: Option<crate::Algorithm>,
}

impl Buckets {
    /// How an object would be encrypted: `wanted` or else the bucket's default, the key resolved
    /// (an id or alias in `scope`, the caller's account and the bucket's region). Ask whether the
    /// caller may `kms:GenerateDataKey` with it, then put it into [`Put::sse`].
    pub async fn sse(
        &self,
        scope: Scope<'_>,
        bucket: &str,
        wanted: Option<Encryption>,
        context: cairn_key::Context,
    ) -> Result<Sse, Error> {
        unimplemented!()
    }

    /// Puts an object of at most 5 GiB. When this returns, it is durable; otherwise nothing is left
    /// of it, also when the future is dropped.
    pub async fn put(
        &self,
        put: Put,
        body: Body,
        expected: Expected,
        trailer: Option<Trailer>,
    ) -> Result<Stored, Error> {
        unimplemented!()
    }

    /// Copies an object of at most 5 GiB. Errors: InvalidRequest for a copy onto itself that changes nothing.
    pub async fn copy(&self, copy: CopyOf<'_>) -> Result<Stored, Error> {
        unimplemented!()
    }
}
