//! Results delivered into a bucket: CSV files and a signed list of their hashes.
//!
//! ```text
//! [PREFIX/]AWSLogs/<account>/CloudTrail-Lake/Query/YYYY/MM/DD/<query>/result_1.csv.gz, result_2.csv.gz, …
//!                                                                     result_sign.json
//! ```
//! Signed are the SHA-256 of the compressed files in hex, joined by one space.

use super::{Entry, Queries, csv, result, rows};
use crate::Error;
use aws_lc_rs::digest;
use bytes::Bytes;
use cairn_bucket::Error as BucketError;
use cairn_event::Time;
use cairn_identity::Caller;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;

const SERVICE: &str = "cloudtrail.amazonaws.com";
/// Compressed; a result of more has several files.
const FILE_BYTES_MAX: usize = 128 << 20;
/// What may pass by itself is tried so often …
const ATTEMPTS_MAX: u32 = 3;
/// … with this pause.
const PAUSE: Duration = Duration::from_secs(2);
/// Results delivered at a time; each has a file in memory. Others wait.
pub(super) const AT_A_TIME: usize = 4;

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `s3://bucket/prefix`, as it was given.
    pub uri: String,
    pub bucket: String,
    /// Without a slash at its end; empty when there is none.
    pub prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    #[serde(flatten)]
    pub place: Place,
    pub status: DeliveryStatus,
    /// Why it is not there.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    Success,
    Failed,
    FailedSigningFile,
    Pending,
    ResourceNotFound,
    AccessDenied,
    AccessDeniedSigningFile,
    Cancelled,
}

impl DeliveryStatus {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::FailedSigningFile => "FAILED_SIGNING_FILE",
            Self::Pending => "PENDING",
            Self::ResourceNotFound => "RESOURCE_NOT_FOUND",
            Self::AccessDenied => "ACCESS_DENIED",
            Self::AccessDeniedSigningFile => "ACCESS_DENIED_SIGNING_FILE",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// Why a delivery did not succeed.
struct Undelivered {
    status: DeliveryStatus,
    cause: String,
}

impl From<Error> for Undelivered {
    fn from(error: Error) -> Self {
        Self { status: DeliveryStatus::Failed, cause: error.to_string() }
    }
}

impl From<BucketError> for Undelivered {
    fn from(error: BucketError) -> Self {
        let status = match &error {
            BucketError::NoSuchBucket(_) => DeliveryStatus::ResourceNotFound,
            BucketError::Denied(_) | BucketError::KeyDenied(_) | BucketError::Locked(_) => DeliveryStatus::AccessDenied,
            _ => DeliveryStatus::Failed,
        };
        Self { status, cause: error.to_string() }
    }
}

impl Undelivered {
    fn of_signing_file(self) -> Self {
        let status = match self.status {
            DeliveryStatus::AccessDenied => DeliveryStatus::AccessDeniedSigningFile,
            DeliveryStatus::Failed => DeliveryStatus::FailedSigningFile,
            other => other,
        };
        Self { status, ..self }
    }
}

impl Queries {
    /// Delivers the result of a query that finished, if it is to be, and writes down what came of it.
    pub(super) async fn deliver(self, mut entry: Entry) {
        let Some(place) = entry.delivery.as_ref().map(|delivery| delivery.place.clone()) else { return };
        let done = tokio::select! {
            done = self.put_in_turn(&entry, &place) => done,
            // It stays PENDING and is done at the next start.
            () = self.inner.stopping.cancelled() => return,
        };
        let (status, error) = match done {
            Ok(()) => (DeliveryStatus::Success, None),
            Err(error) => {
                tracing::warn!(query = entry.id, bucket = place.bucket, cause = error.cause, "result not delivered");
                (error.status, Some(error.cause))
            }
        };
        entry.delivery = Some(Delivery { place, status, error });
        if let Err(error) = rows::deliver(&self.inner.parts.db, &entry).await {
            tracing::error!(query = entry.id, %error, "what came of a delivery cannot be written down");
        }
        self.inner.ended.notify_waiters();
    }

    async fn put_in_turn(&self, entry: &Entry, place: &Place) -> Result<(), Undelivered> {
        let turn = self.inner.deliveries.acquire().await;
        let _turn = turn.map_err(|error| Error::Unavailable(error.to_string()))?;
        self.put_all(entry, place).await
    }

    async fn put_all(&self, entry: &Entry, place: &Place) -> Result<(), Undelivered> {
        let folder = folder(entry, place);
        let mut files = self.files(entry);
        let mut listed = Vec::new();
        while let Some(body) = files.recv().await {
            let body = body?;
            let name = format!("result_{}.csv.gz", listed.len() + 1);
            let hash = hex::encode(digest::digest(&digest::SHA256, &body));
            self.put(entry, place, format!("{folder}/{name}"), body, "application/x-gzip").await?;
            listed.push((name, hash));
        }
        let manifest =
            self.manifest(entry, &listed).await.map_err(|error| Undelivered::from(error).of_signing_file())?;
        let key = format!("{folder}/result_sign.json");
        let put = self.put(entry, place, key, manifest, "application/json").await;
        put.map_err(Undelivered::of_signing_file)
    }

    /// The files of a result, one after another.
    fn files(&self, entry: &Entry) -> mpsc::Receiver<Result<Bytes, Error>> {
        let (sender, receiver) = mpsc::channel(1);
        let (blobs, blob, columns) = (self.inner.parts.results.clone(), entry.blob.clone(), entry.columns.clone());
        tokio::task::spawn_blocking(move || {
            let give = |body| {
                sender.blocking_send(Ok(body)).map_err(|_| Error::Unavailable("nobody takes the file".to_owned()))
            };
            let blob = blob.ok_or_else(|| Error::NotFound("the query has no result".to_owned()));
            let made = blob
                .and_then(|blob| result::file(&blobs, &blob))
                .and_then(|file| csv::files(file, &columns, FILE_BYTES_MAX, give));
            if let Err(error) = made {
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    async fn manifest(&self, entry: &Entry, files: &[(String, String)]) -> Result<Bytes, Error> {
        let complete = completed(entry);
        let hashes: Vec<&str> = files.iter().map(|(_, hash)| hash.as_str()).collect();
        let signed = self.inner.parts.signer.sign(&entry.region, complete, &hashes.join(" ")).await?;
        let file = |(name, hash): &(String, String)| json!({"fileHashValue": hash, "fileName": name});
        let manifest = json!({
            "version": "1.0",
            "region": entry.region,
            "files": files.iter().map(file).collect::<Vec<_>>(),
            "hashAlgorithm": "SHA-256",
            "signatureAlgorithm": "SHA256withRSA",
            "queryCompleteTime": complete.iso(),
            "hashSignature": signed.signature,
            "publicKeyFingerprint": signed.fingerprint,
        });
        Ok(manifest.to_string().into())
    }

    async fn put(
        &self,
        entry: &Entry,
        place: &Place,
        key: String,
        body: Bytes,
        content_type: &str,
    ) -> Result<(), Undelivered> {
        let mut attempt = 1;
        loop {
            let delivery = cairn_bucket::Delivery {
                bucket: place.bucket.clone(),
                key: key.clone(),
                body: body.clone(),
                content_type: content_type.to_owned(),
                content_encoding: String::new(),
                metadata: BTreeMap::new(),
                kms: None,
                caller: Caller::service(SERVICE),
                source_arn: entry.sources.first().map(|source| source.arn.clone()).unwrap_or_default(),
                source_account: entry.account.clone(),
            };
            match self.inner.parts.buckets.deliver(delivery).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let passing = matches!(error, BucketError::Unavailable(_) | BucketError::Outside(_));
                    if !passing || attempt == ATTEMPTS_MAX {
                        return Err(error.into());
                    }
                }
            }
            attempt += 1;
            self.inner.parts.world.clock.sleep(PAUSE).await;
        }
    }
}

/// To the second, as the file says it.
fn completed(entry: &Entry) -> Time {
    entry.ended.unwrap_or(entry.created).to_second()
}

fn folder(entry: &Entry, place: &Place) -> String {
    let day = completed(entry).day_path();
    let folder = format!("AWSLogs/{}/CloudTrail-Lake/Query/{day}/{}", entry.account, entry.id);
    if place.prefix.is_empty() { folder } else { format!("{}/{folder}", place.prefix) }
}
