//! Putting objects: from a stream, or from another object.

use crate::change::Change;
use crate::content::Content;
use crate::lock::Retention;
use crate::object::{Body, Headers, NULL_VERSION, Object, Span, Sse};
use crate::rows::Facts;
use crate::settings::{Settings, Versioning};
use crate::{Buckets, Checksum, Error, Expected, Trailer, limit, rows};
use cairn_key::Scope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A new object but for its bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Put {
    /// What can be refused before a body is read. Errors: those of names, tags, metadata and locks.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Error> {
        limit::key(&self.key)?;
        limit::headers(&self.headers)?;
        limit::metadata(&self.metadata)?;
        limit::object_tags(&self.tags)?;
        if self.retention.is_some() || self.legal_hold.is_some() {
            settings.lockable()?;
        }
        Ok(())
    }
}

impl PutCondition {
    /// Whether a put may follow this newest version. Errors: PreconditionFailed, NoSuchKey.
    fn check(&self, put: &Put, newest: Option<&rows::Version>) -> Result<(), Error> {
        let newest = newest.and_then(|newest| newest.object.as_ref());
        match (self, newest) {
            (Self::Absent, Some(_)) => Err(Error::PreconditionFailed("If-None-Match")),
            (Self::Etag(etag), Some((facts, _))) if facts.etag != *etag => Err(Error::PreconditionFailed("If-Match")),
            (Self::Etag(_), None) => Err(Error::NoSuchKey { bucket: put.bucket.clone(), key: put.key.clone() }),
            _ => Ok(()),
        }
    }
}

impl Buckets {
    /// Puts an object of at most 5 GiB. When this returns, it is durable; otherwise nothing is left
    /// of it, also when the future is dropped before the whole body has arrived.
    pub async fn put(
        &self,
        mut put: Put,
        body: Body,
        expected: Expected,
        trailer: Option<Trailer>,
    ) -> Result<Stored, Error> {
        let sse = self.ready(&mut put).await?;
        let data_key = self.new_data_key(&put.bucket, &put.key, &sse).await?;
        let received = self.receive(body, data_key.plain, &expected, trailer).await?;
        let facts = Facts {
            size: received.size,
            etag: received.sums.etag(),
            headers: std::mem::take(&mut put.headers),
            metadata: std::mem::take(&mut put.metadata),
            checksum: Some(received.sums.checksum()),
            sse,
        };
        let content = Content { data_key: data_key.encrypted, blob: Some(received.flight.blob.clone()) };
        let buckets = self.clone();
        Self::run(async move {
            let mut change = buckets.begin().await?;
            match buckets.store(&mut change, &put, facts, content).await {
                Ok((_, stored)) => {
                    change.commit().await?;
                    drop(received.flight);
                    Ok(stored)
                }
                Err(error) => {
                    drop(change);
                    buckets.give_up(received.flight).await;
                    Err(error)
                }
            }
        })
        .await
    }

    /// Refuses early what would be refused in the end, before a body is read for nothing, and says how to encrypt.
    pub(crate) async fn ready(&self, put: &mut Put) -> Result<Sse, Error> {
        let bucket = self.bucket(&put.bucket)?;
        put.check(&bucket.settings)?;
        if let Some(condition) = &put.condition {
            let newest = rows::find(self.inner.db.read(), &put.bucket, &put.key, None).await?;
            condition.check(put, newest.as_ref())?;
        }
        if let Some(sse) = put.sse.take() {
            return Ok(sse);
        }
        let scope = Scope { account: &bucket.account, region: &bucket.region };
        self.sse(scope, &put.bucket, None, cairn_key::Context::new()).await
    }

    /// Makes a version of the key, under the condition and the locks; gives its `seq` too.
    pub(crate) async fn store(
        &self,
        change: &mut Change,
        put: &Put,
        facts: Facts,
        content: Content,
    ) -> Result<(i64, Stored), Error> {
        let settings = rows::settings(&mut change.tx, &put.bucket).await?;
        put.check(&settings)?;
        if let Some(condition) = &put.condition {
            let newest = rows::find(&mut *change.tx, &put.bucket, &put.key, None).await?;
            condition.check(put, newest.as_ref())?;
        }
        put.retention.map_or(Ok(()), |retention| retention.check(change.now))?;
        let default = settings.lock.and_then(|lock| lock.default);
        let version = if settings.versioning == Versioning::Enabled {
            self.draw_version()
        } else {
            change.remove_version(&put.bucket, &put.key, NULL_VERSION, false).await?;
            NULL_VERSION.to_owned()
        };
        let stored = Stored {
            etag: facts.etag.clone(),
            version: (settings.versioning != Versioning::Off).then(|| version.clone()),
            size: facts.size,
            modified: change.now,
            checksum: facts.checksum.clone(),
            sse: facts.sse.clone(),
        };
        let row = rows::Version {
            seq: 0,
            key: put.key.clone(),
            id: version,
            latest: true,
            modified: change.now,
            tags: put.tags.clone(),
            retention: put.retention.or_else(|| default.map(|default| default.from(change.now))),
            legal_hold: put.legal_hold,
            object: Some((facts, content)),
        };
        Ok((rows::insert(&mut change.tx, &put.bucket, &row).await?, stored))
    }

    /// Copies an object of at most 5 GiB. Errors: InvalidRequest for a copy onto itself that changes nothing.
    pub async fn copy(&self, copy: CopyOf<'_>) -> Result<Stored, Error> {
        let CopyOf { source, mut put, replace_metadata, replace_tags, algorithm } = copy;
        if source.size > limit::PUT_BYTES_MAX {
            let message = format!("the source of a copy has at most {} bytes", limit::PUT_BYTES_MAX);
            return Err(Error::InvalidRequest(message));
        }
        let changes = replace_metadata
            || put.headers.storage_class.is_some()
            || put.headers.website_redirect.is_some()
            || put.sse.as_ref().is_some_and(|sse| *sse != source.sse);
        if (&put.bucket, &put.key) == (&source.bucket, &source.key) && source.latest && !changes {
            let message = "this copies an object to itself without changing its metadata, storage class, \
                           website redirect location or encryption";
            return Err(Error::InvalidRequest(message.to_owned()));
        }
        if !replace_metadata {
            put.metadata = source.metadata.clone();
            // A redirect is never copied, and the class is the copy's own.
            let Headers { website_redirect, storage_class, .. } = put.headers;
            put.headers = Headers { website_redirect, storage_class, ..source.headers.clone() };
        }
        if !replace_tags {
            put.tags = source.tags.clone();
        }
        let algorithm = algorithm.or_else(|| source.checksum.as_ref().map(|checksum| checksum.algorithm));
        let body = self.content(source, Span { offset: 0, len: source.size }).await?;
        let expected = Expected { algorithm, size: Some(source.size), ..Expected::default() };
        self.put(put, body, expected, None).await.map_err(|error| of_source(error, source))
    }
}

/// A body that was ours and cannot be read is no fault of the caller's.
pub(crate) fn of_source(error: Error, source: &Object) -> Error {
    match error {
        Error::Body(error) => Error::Corrupt(format!("object {}/{}: {error}", source.bucket, source.key)),
        other => other,
    }
}
