//! Deleting: markers, versions, and what locks do not let go.

use crate::change::Change;
use crate::object::NULL_VERSION;
use crate::settings::Versioning;
use crate::{Buckets, Error, limit, rows};
use std::collections::BTreeMap;

/// One thing to delete.
#[derive(Clone, Debug, Default)]
pub struct Delete {
    pub key: String,
    /// The version to remove for good; without one a versioned bucket gets a delete marker.
    pub version: Option<String>,
    /// `x-amz-bypass-governance-retention`, given by a caller who may. It never opens a compliance
    /// lock or a legal hold.
    pub bypass_governance: bool,
    /// `If-Match`, without quotes; `*` for any.
    pub if_match: Option<String>,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The version that was removed or the marker that was made; None in a bucket that was never versioned.
    pub version: Option<String>,
    /// Whether that is a delete marker.
    pub marker: bool,
}

impl Buckets {
    /// Deletes; what is not there is no error. Errors: Locked, PreconditionFailed.
    pub async fn delete(&self, bucket: &str, delete: Delete) -> Result<Deleted, Error> {
        let mut results = self.delete_many(bucket, vec![delete]).await?;
        results.pop().unwrap_or_else(|| Err(Error::Unavailable("a delete has no result".to_owned())))
    }

    /// Deletes up to 1000, together and durably; each has its own result, in their order.
    pub async fn delete_many(&self, bucket: &str, deletes: Vec<Delete>) -> Result<Vec<Result<Deleted, Error>>, Error> {
        if deletes.len() > limit::PAGE_MAX {
            return Err(Error::InvalidRequest(format!("at most {} objects are deleted at once", limit::PAGE_MAX)));
        }
        let (buckets, bucket) = (self.clone(), self.bucket(bucket)?.name.clone());
        Self::run(async move {
            let mut change = buckets.begin().await?;
            let versioning = rows::settings(&mut change.tx, &bucket).await?.versioning;
            let mut results = Vec::with_capacity(deletes.len());
            for delete in deletes {
                results.push(match buckets.delete_in(&mut change, &bucket, versioning, delete).await {
                    // Not this object's doing: nothing of the call may be half done.
                    Err(error @ (Error::Unavailable(_) | Error::Corrupt(_))) => return Err(error),
                    result => result,
                });
            }
            change.commit().await?;
            Ok(results)
        })
        .await
    }

    async fn delete_in(
        &self,
        change: &mut Change,
        bucket: &str,
        versioning: Versioning,
        delete: Delete,
    ) -> Result<Deleted, Error> {
        limit::key(&delete.key)?;
        if let Some(etag) = &delete.if_match {
            let newest = rows::find(&mut *change.tx, bucket, &delete.key, delete.version.as_deref()).await?;
            let object = newest.and_then(|newest| newest.object);
            if !object.is_some_and(|(facts, _)| etag == "*" || facts.etag == *etag) {
                return Err(Error::PreconditionFailed("If-Match"));
            }
        }
        let Delete { key, version, bypass_governance, .. } = delete;
        match (version, versioning) {
            (Some(version), _) => {
                let marker = change.remove_version(bucket, &key, &version, bypass_governance).await?;
                let shown = versioning != Versioning::Off || version != NULL_VERSION;
                Ok(Deleted { version: shown.then_some(version), marker })
            }
            (None, Versioning::Off) => {
                change.remove_version(bucket, &key, NULL_VERSION, bypass_governance).await?;
                Ok(Deleted { version: None, marker: false })
            }
            (None, Versioning::Enabled) => self.mark(change, bucket, key, self.draw_version()).await,
            (None, Versioning::Suspended) => {
                change.remove_version(bucket, &key, NULL_VERSION, bypass_governance).await?;
                self.mark(change, bucket, key, NULL_VERSION.to_owned()).await
            }
        }
    }

    /// A new version id.
    pub(crate) fn draw_version(&self) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
        self.inner.world.dice.text(ALPHABET, 32)
    }

    async fn mark(&self, change: &mut Change, bucket: &str, key: String, version: String) -> Result<Deleted, Error> {
        let marker = rows::Version {
            seq: 0,
            key,
            id: version.clone(),
            latest: true,
            modified: change.now,
            tags: BTreeMap::new(),
            retention: None,
            legal_hold: None,
            object: None,
        };
        rows::insert(&mut change.tx, bucket, &marker).await?;
        Ok(Deleted { version: Some(version), marker: true })
    }
}

impl Change {
    /// Removes a version for good, where there is one; says whether it was a delete marker. Errors: Locked.
    pub(crate) async fn remove_version(
        &mut self,
        bucket: &str,
        key: &str,
        version: &str,
        bypass_governance: bool,
    ) -> Result<bool, Error> {
        let Some(found) = rows::find(&mut *self.tx, bucket, key, Some(version)).await? else { return Ok(false) };
        found.unlocked(self.now, bypass_governance)?;
        let blobs = rows::remove(&mut self.tx, bucket, &found).await?;
        self.removed.push((found.seq, blobs));
        Ok(found.object.is_none())
    }
}
