//! Where the files are: a bucket of the house's account, or a mapped one outside.

use crate::{Error, Parts};
use bytes::Bytes;
use cairn_bucket::{Bucket, Buckets, Delete, Expected, Headers, NewBucket, Opened, Put, outside};
use futures::{StreamExt, stream};
use object_store::ObjectStoreExt;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files held open for reading; the one not read for the longest time is closed first.
const OPEN_MAX: usize = 256;

pub(crate) struct Storage {
    buckets: Buckets,
    bucket: String,
    account: String,
    region: String,
    open: Mutex<Open>,
    /// Whether the bucket is there as it should be.
    founded: tokio::sync::Mutex<bool>,
}

#[derive(Default)]
struct Open {
    files: HashMap<String, (Opened, u64)>,
    /// Counts readings, so that the oldest is known.
    turn: u64,
}

impl Open {
    fn get(&mut self, key: &str) -> Option<Opened> {
        self.turn += 1;
        let (opened, used) = self.files.get_mut(key)?;
        *used = self.turn;
        Some(opened.clone())
    }

    fn add(&mut self, key: &str, opened: &Opened) {
        self.turn += 1;
        self.files.insert(key.to_owned(), (opened.clone(), self.turn));
        if self.files.len() > OPEN_MAX
            && let Some(oldest) = self.files.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone())
        {
            self.files.remove(&oldest);
        }
    }
}

impl Storage {
    pub fn new(parts: &Parts) -> Self {
        let bucket = parts.settings.bucket.clone().unwrap_or_else(|| format!("cairn-lake-{}", parts.account));
        Self {
            buckets: parts.buckets.clone(),
            bucket,
            account: parts.account.clone(),
            region: parts.region.clone(),
            open: Mutex::default(),
            founded: tokio::sync::Mutex::default(),
        }
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    fn is_outside(&self) -> bool {
        self.buckets.is_outside(&self.bucket, &self.account)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Errors: Unavailable when somebody else made a bucket of this name, who would govern the lake's files.
    pub fn check(&self) -> Result<(), Error> {
        match self.buckets.bucket(&self.bucket) {
            Ok(bucket) if !self.is_outside() => self.check_own(&bucket),
            _ => Ok(()),
        }
    }

    fn check_own(&self, bucket: &Bucket) -> Result<(), Error> {
        if bucket.settings.house && bucket.account == self.account {
            return Ok(());
        }
        let (name, account) = (&self.bucket, &bucket.account);
        Err(Error::Unavailable(format!(
            "the lake keeps its files in bucket {name}, but one of this name was made through S3 by account {account}: \
             remove that bucket, or name another one in the setting lake.bucket"
        )))
    }

    /// Makes the bucket where there is none, with a policy that lets nobody write: what the house itself
    /// puts there asks no policy.
    async fn found(&self) -> Result<(), Error> {
        let mut founded = self.founded.lock().await;
        if *founded {
            return Ok(());
        }
        let bucket = match self.buckets.bucket(&self.bucket) {
            Ok(bucket) => bucket,
            Err(_) => match self.buckets.create_for_house(self.new_bucket()).await {
                Err(cairn_bucket::Error::AlreadyYours(_)) => self.buckets.bucket(&self.bucket),
                created => created,
            }
            .map_err(|error| unavailable(&error))?,
        };
        self.check_own(&bucket)?;
        if bucket.policy_text.is_none() {
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Sid": "OnlyTheLakeWrites", "Effect": "Deny", "Principal": "*",
                "Action": ["s3:PutObject*", "s3:DeleteObject*"], "Resource": format!("arn:aws:s3:::{}/*", self.bucket),
            }]});
            let set = self.buckets.set_policy(&self.bucket, &policy.to_string()).await;
            set.map_err(|error| unavailable(&error))?;
        }
        *founded = true;
        Ok(())
    }

    fn new_bucket(&self) -> NewBucket {
        NewBucket {
            name: self.bucket.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            object_lock: false,
            ownership: None,
            tags: BTreeMap::new(),
        }
    }

    /// Puts a file; when this returns, it is durable.
    pub async fn put(&self, key: &str, bytes: Bytes, content_type: &str) -> Result<(), Error> {
        if self.is_outside() {
            let put = outside::Put {
                key: key.to_owned(),
                body: bytes,
                content_type: Some(content_type.to_owned()),
                ..outside::Put::default()
            };
            let put = self.buckets.outside().put(&self.bucket, put).await;
            return put.map_err(|error| Error::Unavailable(error.to_string()));
        }
        self.found().await?;
        let put = Put {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            headers: Headers { content_type: Some(content_type.to_owned()), ..Headers::default() },
            ..Put::default()
        };
        let expected = Expected { size: Some(bytes.len() as u64), ..Expected::default() };
        let put = self.buckets.put(put, stream::iter([Ok(bytes)]).boxed(), expected, None).await;
        put.map(|_| ()).map_err(|error| unavailable(&error))
    }

    /// Bytes of a file, verified. Errors: Corrupt when they are not what was put, or gone.
    pub async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
        if self.is_outside() {
            return self.read_outside(key, range).await;
        }
        let known = self.open().get(key);
        let opened = if let Some(opened) = known {
            opened
        } else {
            let opened = self.buckets.open_object(&self.bucket, key).await.map_err(|error| unread(key, &error))?;
            self.open().add(key, &opened);
            opened
        };
        opened.read(range).await.map_err(|error| unread(key, &error))
    }

    /// What others keep is theirs to verify; whoever reads checks the file's own marks.
    async fn read_outside(&self, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let wanted = range.end.saturating_sub(range.start);
        let client = self.buckets.outside().client(&self.bucket);
        let client = client.ok_or_else(|| Error::Unavailable(format!("bucket {} is not mapped", self.bucket)))?;
        let path = object_store::path::Path::parse(key).map_err(|error| Error::Invalid(error.to_string()))?;
        match client.get_range(&path, range).await {
            Ok(bytes) if bytes.len() as u64 == wanted => Ok(bytes),
            Ok(_) => Err(Error::Corrupt(format!("file {key} is shorter than it was"))),
            Err(object_store::Error::NotFound { .. }) => match client.list(None).next().await {
                Some(Ok(_)) => Err(Error::Corrupt(format!("file {key} is not there"))),
                // The bucket is not there, or another one is.
                _ => Err(Error::Unavailable(format!("bucket {} shows no objects", self.bucket))),
            },
            Err(error) => Err(Error::Unavailable(format!("file {key}: {error}"))),
        }
    }

    /// Removes a file; one that is not there is no error. Whoever has it open reads on.
    pub async fn remove(&self, key: &str) -> Result<(), Error> {
        self.open().files.remove(key);
        if self.is_outside() {
            let client = self.buckets.outside().client(&self.bucket);
            let client = client.ok_or_else(|| Error::Unavailable(format!("bucket {} is not mapped", self.bucket)))?;
            let path = object_store::path::Path::parse(key).map_err(|error| Error::Invalid(error.to_string()))?;
            return match client.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(Error::Unavailable(format!("file {key}: {error}"))),
            };
        }
        // The version itself, so that a bucket that somebody has versioned gives the bytes back too.
        let version = match self.buckets.find(&self.bucket, key, None).await {
            Ok(object) => object.version,
            Err(
                cairn_bucket::Error::NoSuchKey { .. }
                | cairn_bucket::Error::NoSuchBucket(_)
                | cairn_bucket::Error::Marker { .. },
            ) => return Ok(()),
            Err(error) => return Err(unavailable(&error)),
        };
        let delete = Delete { key: key.to_owned(), version: Some(version), ..Delete::default() };
        self.buckets.delete(&self.bucket, delete).await.map(|_| ()).map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &cairn_bucket::Error) -> Error {
    Error::Unavailable(format!("the lake's bucket: {error}"))
}

/// What of an object's errors says that the file is lost, and what that it cannot be had now.
fn unread(key: &str, error: &cairn_bucket::Error) -> Error {
    use cairn_bucket::Error as E;
    match error {
        E::Corrupt(_) | E::NoSuchKey { .. } | E::Marker { .. } | E::InvalidRange { .. } => {
            Error::Corrupt(format!("file {key}: {error}"))
        }
        _ => Error::Unavailable(format!("file {key}: {error}")),
    }
}
