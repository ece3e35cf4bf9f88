//! Buckets that live elsewhere: names of ours mapped to any S3 endpoint.
//!
//! What the `object_store` crate can say to S3 can be said here: bytes, content type and
//! encoding, user metadata and the KMS key to encrypt under. It cannot send an ACL, an
//! object lock or an encryption context, so those are the outside bucket's own to default.
//!
//! Keys are those that are paths: no empty, `.` or `..` segment. Others are refused here
//! and a listing that meets one fails, rather than to pass it over.

use bytes::Bytes;
use cairn_event::Time;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Attribute, AttributeValue, Attributes, ClientOptions, GetOptions, GetResult, ObjectMeta};
use object_store::{ObjectStore, PutOptions, RetryConfig};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For one request, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(3);
/// Few and soon: whoever delivers tries again for much longer by itself.
const RETRIES_MAX: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
/// Clients kept for buckets with a KMS key; past it one is made for each put.
const KMS_CLIENTS_MAX: usize = 64;

/// Where a bucket really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://host[:port]`; the bucket's name follows as the first part of the path.
    pub url: String,
    pub region: String,
    /// The bucket's name there.
    pub bucket: String,
    /// Requests are not signed without.
    pub credentials: Option<Credentials>,
    /// Whether `url` may be plain `http://`.
    pub allow_http: bool,
}

/// An access key. Its secrets are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key: String,
    pub secret: String,
    pub token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Why the outside did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no outside bucket is configured under the name {0}")]
    Unknown(String),
    #[error("outside bucket {bucket}: there is no {key}")]
    NotFound { bucket: String, key: String },
    #[error("outside bucket {bucket}: access denied: {message}")]
    Denied { bucket: String, message: String },
    #[error("outside bucket {bucket}: {message}")]
    Invalid { bucket: String, message: String },
    #[error("outside bucket {bucket}: {message}")]
    Unavailable { bucket: String, message: String },
}

/// An object to be put.
#[derive(Clone, Debug, Default)]
pub struct Put {
    pub key: String,
    pub body: Bytes,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    /// Sent as `x-amz-meta-…`; the names without that.
    pub metadata: BTreeMap<String, String>,
    /// The KMS key that the outside is to encrypt under; its own default without.
    pub kms_key: Option<String>,
}

/// What is known of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    pub size: u64,
    pub modified: Time,
    pub etag: Option<String>,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// The mapped buckets. Cheap to clone.
#[derive(Clone, Default)]
pub struct Outside {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    buckets: BTreeMap<String, Bucket>,
    /// Clients by bucket and KMS key: `object_store` sets the key for all of a client's puts.
    with_kms_key: Mutex<HashMap<(String, String), Arc<AmazonS3>>>,
}

struct Bucket {
    endpoint: Endpoint,
    client: Arc<AmazonS3>,
}

impl Endpoint {
    /// Whether requests could be sent there; no connection is made.
    fn check(&self) -> Result<(), String> {
        let host = match self.url.split_once("://") {
            Some(("https", host)) => host,
            Some(("http", host)) if self.allow_http => host,
            Some(("http", _)) => return Err("its URL is plain http, which must be allowed explicitly".to_owned()),
            _ => return Err("its URL does not begin with https://".to_owned()),
        };
        let host = host.strip_suffix('/').unwrap_or(host);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '/' | '_');
        if host.is_empty() || host.starts_with('/') || !host.chars().all(plain) {
            return Err("its URL is not https://host[:port], without user, query or fragment".to_owned());
        }
        if self.region.is_empty() || self.bucket.is_empty() {
            return Err("it needs a region and the bucket's name there".to_owned());
        }
        Ok(())
    }

    fn builder(&self) -> AmazonS3Builder {
        let client = ClientOptions::new()
            .with_allow_http(self.allow_http)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout(REQUEST_TIMEOUT);
        let retry = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let builder = AmazonS3Builder::new()
            .with_endpoint(self.url.trim_end_matches('/'))
            .with_virtual_hosted_style_request(false)
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_client_options(client)
            .with_retry(retry);
        match &self.credentials {
            None => builder.with_skip_signature(true),
            Some(Credentials { access_key, secret, token }) => {
                let builder = builder.with_access_key_id(access_key).with_secret_access_key(secret);
                match token {
                    Some(token) => builder.with_token(token),
                    None => builder,
                }
            }
        }
    }
}

impl Outside {
    /// Maps names of buckets to where they are.
    pub fn new(endpoints: BTreeMap<String, Endpoint>) -> Result<Self, Error> {
        let mut buckets = BTreeMap::new();
        for (name, endpoint) in endpoints {
            let invalid = |message| Error::Invalid { bucket: name.clone(), message };
            endpoint.check().map_err(invalid)?;
            let client = endpoint.builder().build().map_err(|error| invalid(error.to_string()))?;
            buckets.insert(name, Bucket { endpoint, client: Arc::new(client) });
        }
        Ok(Self { inner: Arc::new(Inner { buckets, with_kms_key: Mutex::default() }) })
    }

    /// Whether a bucket of this name is outside.
    pub fn contains(&self, bucket: &str) -> bool {
        self.inner.buckets.contains_key(bucket)
    }

    /// Where a mapped bucket is.
    pub fn endpoint(&self, bucket: &str) -> Option<&Endpoint> {
        Some(&self.inner.buckets.get(bucket)?.endpoint)
    }

    /// The bare client of a mapped bucket, for readers that walk whole trees.
    pub fn client(&self, bucket: &str) -> Option<Arc<dyn ObjectStore>> {
        Some(self.inner.buckets.get(bucket)?.client.clone())
    }

    fn bucket(&self, name: &str) -> Result<&Bucket, Error> {
        self.inner.buckets.get(name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    fn client_with(&self, name: &str, kms_key: &str) -> Result<Arc<AmazonS3>, Error> {
        let bucket = self.bucket(name)?;
        let mut clients = self.inner.with_kms_key.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (name.to_owned(), kms_key.to_owned());
        if let Some(client) = clients.get(&place) {
            return Ok(client.clone());
        }
        let client = bucket.endpoint.builder().with_sse_kms_encryption(kms_key).build();
        let client = Arc::new(client.map_err(|error| failed(name, "", &error))?);
        if clients.len() < KMS_CLIENTS_MAX {
            clients.insert(place, client.clone());
        }
        Ok(client)
    }

    /// Puts an object; when this returns, the outside has it.
    pub async fn put(&self, bucket: &str, put: Put) -> Result<(), Error> {
        let client = match &put.kms_key {
            Some(key) => self.client_with(bucket, key)?,
            None => self.bucket(bucket)?.client.clone(),
        };
        let path = path(bucket, &put.key)?;
        let mut attributes = Attributes::new();
        let mut set = |attribute, value: Option<String>| {
            if let Some(value) = value {
                attributes.insert(attribute, AttributeValue::from(value));
            }
        };
        set(Attribute::ContentType, put.content_type);
        set(Attribute::ContentEncoding, put.content_encoding);
        for (name, value) in put.metadata {
            set(Attribute::Metadata(name.into()), Some(value));
        }
        let options = PutOptions { attributes, ..PutOptions::default() };
        client.put_opts(&path, put.body.into(), options).await.map_err(|error| failed(bucket, &put.key, &error))?;
        Ok(())
    }

    /// What is known of an object.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Object, Error> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        Ok(object(&self.request(bucket, key, options).await?))
    }

    /// An object and its bytes; one of more than `bytes_max` is refused.
    pub async fn get(&self, bucket: &str, key: &str, bytes_max: u64) -> Result<(Object, Bytes), Error> {
        let result = self.request(bucket, key, GetOptions::default()).await?;
        let object = object(&result);
        if object.size > bytes_max {
            let message = format!("{key} has {} bytes, more than the {bytes_max} that are read", object.size);
            return Err(Error::Invalid { bucket: bucket.to_owned(), message });
        }
        let bytes = result.bytes().await.map_err(|error| failed(bucket, key, &error))?;
        Ok((object, bytes))
    }

    async fn request(&self, bucket: &str, key: &str, options: GetOptions) -> Result<GetResult, Error> {
        let client = &self.bucket(bucket)?.client;
        client.get_opts(&path(bucket, key)?, options).await.map_err(|error| failed(bucket, key, &error))
    }

    /// At most `count_max` objects below a folder, ordered by key, those after `after` only.
    /// Of their attributes it knows none.
    pub async fn list(
        &self,
        bucket: &str,
        folder: &str,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Vec<Object>, Error> {
        let client = &self.bucket(bucket)?.client;
        let folder = path(bucket, folder.trim_end_matches('/'))?;
        let mut found = match after {
            Some(after) => client.list_with_offset(Some(&folder), &path(bucket, after)?),
            None => client.list(Some(&folder)),
        };
        let mut objects = Vec::new();
        while objects.len() < count_max {
            let next = found.try_next().await.map_err(|error| failed(bucket, folder.as_ref(), &error))?;
            let Some(meta) = next else { break };
            objects.push(bare(&meta));
        }
        Ok(objects)
    }
}

fn path(bucket: &str, key: &str) -> Result<Path, Error> {
    let parsed = Path::parse(key).ok().filter(|path| path.as_ref() == key);
    parsed.ok_or_else(|| {
        let message = format!("{key:?} is not a key that can be named outside");
        Error::Invalid { bucket: bucket.to_owned(), message }
    })
}

fn bare(meta: &ObjectMeta) -> Object {
    Object {
        key: meta.location.to_string(),
        size: meta.size,
        modified: Time(meta.last_modified.timestamp_millis()),
        etag: meta.e_tag.clone(),
        content_type: None,
        content_encoding: None,
        metadata: BTreeMap::new(),
    }
}

fn object(result: &GetResult) -> Object {
    let mut object = bare(&result.meta);
    for (attribute, value) in &result.attributes {
        let value = value.to_string();
        match attribute {
            Attribute::ContentType => object.content_type = Some(value),
            Attribute::ContentEncoding => object.content_encoding = Some(value),
            Attribute::Metadata(name) => _ = object.metadata.insert(name.to_string(), value),
            _ => {}
        }
    }
    object
}

fn failed(bucket: &str, key: &str, error: &object_store::Error) -> Error {
    use object_store::Error as E;
    let (bucket, message) = (bucket.to_owned(), error.to_string());
    match error {
        E::NotFound { .. } => Error::NotFound { bucket, key: key.to_owned() },
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => Error::Denied { bucket, message },
        E::InvalidPath { .. } | E::NotSupported { .. } | E::NotImplemented { .. } => Error::Invalid { bucket, message },
        _ => Error::Unavailable { bucket, message },
    }
}
