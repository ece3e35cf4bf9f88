//! From durable files into buckets: deliver, record what that did, commit, discard.

use super::Archive;
use super::effects::{self, Landing};
use super::rows::{self, Kind, Staged};
use super::status;
use crate::Error;
use crate::check::SERVICE;
use bytes::Bytes;
use cairn_bucket::outside::Error as OutsideError;
use cairn_bucket::{Delivery, DeliveryKey, Error as BucketError};
use cairn_event::{Arn, Origin, Record, Time};
use cairn_identity::Caller;
use cairn_journal::{Entry, Kind as Recorded};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

/// AWS tries for so long; then the file is given up, which an event in the trail's account tells.
const RETRY_AGE_MAX: Duration = Duration::from_hours(30 * 24);
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);

/// Files that stand or fall together: one trail's in one bucket.
pub(crate) type Group = (Uuid, String);

/// When a group that failed is tried again.
pub(crate) struct Wait {
    until: Time,
    span: Duration,
}

impl Wait {
    /// A clock turned back does not prolong it.
    fn is_over(&self, now: Time) -> bool {
        self.until <= now || self.until > now + RETRY_MAX
    }
}

/// Why a file is not in its bucket.
struct Failure {
    /// For GetTrailStatus: S3's code, with a sentence where the code alone does not help.
    shown: String,
    /// For the log.
    cause: String,
    /// Whether the group's other files will hardly fare better.
    everywhere: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { shown: format!("InternalError: {error}"), cause: error.to_string(), everywhere: true }
    }
}

impl From<BucketError> for Failure {
    fn from(error: BucketError) -> Self {
        let cause = error.to_string();
        let (shown, everywhere) = match &error {
            BucketError::NoSuchBucket(_) => ("NoSuchBucket".to_owned(), true),
            BucketError::Denied(_) | BucketError::Outside(OutsideError::Denied { .. }) => {
                ("AccessDenied".to_owned(), false)
            }
            BucketError::KeyDenied(_) => (format!("AccessDenied: {cause}"), false),
            BucketError::Key(error) => (format!("KMSException: {error}"), true),
            BucketError::Invalid(_) | BucketError::InvalidRequest(_) => (format!("InvalidRequest: {cause}"), false),
            BucketError::Unavailable(_) | BucketError::Outside(_) => (format!("ServiceUnavailable: {cause}"), true),
            _ => (format!("InternalError: {cause}"), true),
        };
        Self { shown, cause, everywhere }
    }
}

/// What SSE-KMS binds a file to.
pub(crate) fn encryption_context(file: &Staged) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("aws:cloudtrail:arn".to_owned(), file.arn.clone()),
        ("aws:s3:arn".to_owned(), format!("arn:aws:s3:::{}/{}", file.bucket, file.key)),
    ])
}

pub(crate) fn delivery(file: &Staged, body: Bytes) -> Delivery {
    let arn = Arn::parse(&file.arn);
    let (account, region) = arn.as_ref().map_or(("", ""), |arn| (arn.account(), arn.region()));
    let kms = file.kms_key.as_ref().map(|key| DeliveryKey {
        reference: key.clone(),
        account: account.to_owned(),
        region: region.to_owned(),
        context: encryption_context(file),
    });
    Delivery {
        bucket: file.bucket.clone(),
        key: file.key.clone(),
        body,
        content_type: "application/json".to_owned(),
        content_encoding: "gzip".to_owned(),
        metadata: file.metadata.clone(),
        kms,
        caller: Caller::service(SERVICE),
        source_arn: file.arn.clone(),
        source_account: account.to_owned(),
    }
}

impl Archive {
    /// The staged files by group, without those groups that are `busy` or wait.
    pub async fn groups(&self, busy: &BTreeSet<Group>) -> Result<BTreeMap<Group, Vec<Staged>>, Error> {
        let now = self.now();
        let mut groups: BTreeMap<Group, Vec<Staged>> = BTreeMap::new();
        for file in rows::staged(self.db()).await? {
            groups.entry((file.slot.trail, file.bucket.clone())).or_default().push(file);
        }
        let mut waits = self.waits();
        waits.retain(|group, _| groups.contains_key(group));
        groups.retain(|group, _| !busy.contains(group) && waits.get(group).is_none_or(|wait| wait.is_over(now)));
        Ok(groups)
    }

    /// When the first of the waiting groups is to be tried again.
    pub fn next_publish(&self, busy: &BTreeSet<Group>) -> Option<Time> {
        self.waits().iter().filter(|(group, _)| !busy.contains(group)).map(|(_, wait)| wait.until).min()
    }

    pub async fn publish_group(&self, group: Group, files: Vec<Staged>) -> Group {
        let mut failures = BTreeMap::new();
        for file in files {
            let Err(failure) = self.publish_file(&file).await else { continue };
            self.failed(&file, &failure).await;
            let stop = failure.everywhere;
            failures.insert(file.kind, failure.shown);
            if stop {
                break;
            }
        }
        // Last, so that no success beside a failure hides it.
        for (kind, shown) in &failures {
            self.show(group.0, *kind, shown).await;
        }
        self.wait(&group, !failures.is_empty());
        group
    }

    fn wait(&self, group: &Group, failed: bool) {
        let mut waits = self.waits();
        let before = waits.remove(group);
        if failed {
            let span = before.map_or(RETRY_MIN, |wait| (wait.span * 2).min(RETRY_MAX));
            waits.insert(group.clone(), Wait { until: self.now() + span, span });
        }
    }

    /// Delivered first, committed second: a crash between the two delivers the same bytes
    /// under the same key again, unless they are found there.
    async fn publish_file(&self, file: &Staged) -> Result<(), Failure> {
        // Other files are not to wait for one that is damaged here.
        let body = self.body(file).await.map_err(|error| Failure { everywhere: false, ..error.into() })?;
        let version = if self.is_there(file, &body).await {
            None
        } else {
            self.doubt(file.id);
            self.buckets().deliver(delivery(file, body.clone())).await?.version
        };
        self.record(file, version.as_deref(), body.len()).await?;
        self.settle(file).await?;
        self.trust(file.id);
        let (blobs, blob) = (self.blobs().clone(), file.blob.clone());
        // No row names it any more; what stays is removed at the next start.
        let _ = tokio::task::spawn_blocking(move || blobs.remove(&blob)).await;
        tracing::debug!(bucket = file.bucket, key = file.key, "published");
        Ok(())
    }

    /// The staged bytes.
    pub async fn body(&self, file: &Staged) -> Result<Bytes, Error> {
        let (blobs, blob) = (self.blobs().clone(), file.blob.clone());
        let read = move || {
            let file = blobs.get(&blob)?;
            let mut bytes = vec![0; file.len()? as usize];
            file.read_exact_at(&mut bytes, 0)?;
            Ok::<_, std::io::Error>(Bytes::from(bytes))
        };
        let bytes = tokio::task::spawn_blocking(read).await.map_err(|error| Error::Unavailable(error.to_string()))?;
        bytes.map_err(|error| Error::Unavailable(format!("the staged bytes of {} cannot be read: {error}", file.key)))
    }

    /// Whether an earlier attempt, whose end is not known, brought the file there. Asked only
    /// after a start or a failure.
    async fn is_there(&self, file: &Staged, body: &Bytes) -> bool {
        if !self.doubted(file.id) {
            return false;
        }
        let arn = Arn::parse(&file.arn);
        let account = arn.as_ref().map_or("", Arn::account);
        let found = self.buckets().read(account, &file.bucket, &file.key, body.len() as u64).await;
        found.is_ok_and(|(metadata, bytes)| {
            bytes == *body && file.metadata.iter().all(|(name, value)| metadata.get(name) == Some(value))
        })
    }

    /// What the delivery did in accounts of the house. Recorded before it is committed, so
    /// that none goes unrecorded; one that is recorded twice has the same `eventID`s.
    async fn record(&self, file: &Staged, version: Option<&str>, bytes: usize) -> Result<(), Error> {
        if self.buckets().outside().contains(&file.bucket) {
            return Ok(());
        }
        let Ok(bucket) = self.buckets().bucket(&file.bucket) else { return Ok(()) };
        let landing = Landing { owner: &bucket.account, region: &bucket.region, version, bytes };
        self.append(effects::records(file, &landing, self.now())).await
    }

    pub(crate) async fn append(&self, records: Vec<Record>) -> Result<(), Error> {
        let time = self.now();
        let entry =
            |record: Record| Entry { origin: Origin::Door, kind: Recorded::Event, time, body: record.to_json().into() };
        let appended = self.journal().append(records.into_iter().map(entry).collect()).await;
        appended.map(|_| ()).map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// The file is in its bucket. A log file is late when the digest of its window was made
    /// without it, or its chain has ended meanwhile: a backfill digest lists it then.
    async fn settle(&self, file: &Staged) -> Result<(), Error> {
        let _books = self.inner.books.lock().await;
        let mut tx = self.db().write().await?;
        let now = self.now();
        let chain = rows::chain(&mut tx, &file.slot, false).await?.filter(|chain| chain.open);
        match (file.kind, chain) {
            (Kind::Log, Some(chain)) => rows::await_digest(&mut tx, file.id, now, file.cut < chain.ends).await?,
            (Kind::Log, None) if file.chained => rows::await_digest(&mut tx, file.id, now, true).await?,
            _ => rows::forget(&mut tx, [file.id]).await?,
        }
        status::delivered(&mut tx, file.slot.trail, file.kind, now).await?;
        tx.commit().await?;
        self.inner.published.notify_one();
        Ok(())
    }

    async fn failed(&self, file: &Staged, failure: &Failure) {
        tracing::warn!(trail = file.arn, bucket = file.bucket, key = file.key, "not delivered: {}", failure.cause);
        if self.now().since(file.cut) > RETRY_AGE_MAX
            && let Err(error) = self.abandon(file, failure).await
        {
            tracing::warn!(key = file.key, %error, "not given up yet");
        }
    }

    /// Gives a file up, and says so where the trail's own account sees it.
    async fn abandon(&self, file: &Staged, failure: &Failure) -> Result<(), Error> {
        tracing::error!(trail = file.arn, key = file.key, "given up after 30 days");
        let arn = Arn::parse(&file.arn).map_err(|error| Error::Corrupt(error.to_string()))?;
        let id = uuid::Builder::from_random_bytes(self.world().dice.bytes()).into_uuid();
        let mut record =
            Record::service_event(SERVICE, "DeliveryAbandoned", arn.account(), arn.region(), self.now(), id);
        record.service_event_details = Some(serde_json::json!({
            "trailArn": file.arn, "bucketName": file.bucket, "key": file.key, "error": failure.shown,
        }));
        self.append(vec![record]).await?;
        let _books = self.inner.books.lock().await;
        let mut tx = self.db().write().await?;
        rows::forget(&mut tx, [file.id]).await?;
        tx.commit().await?;
        let (blobs, blob) = (self.blobs().clone(), file.blob.clone());
        let _ = tokio::task::spawn_blocking(move || blobs.remove(&blob)).await;
        Ok(())
    }

    /// Shows an error in the trail's status; where even that fails, in the log.
    pub(crate) async fn show(&self, trail: Uuid, kind: Kind, error: &str) {
        if let Err(unshown) = status::failed(self.db(), trail, kind, self.now(), error).await {
            tracing::error!(%trail, error, %unshown, "the trail's status cannot be written");
        }
    }
}
