//! Making, finding, setting and removing buckets.

use crate::change::Change;
use crate::settings::{
    Bucket, Encryption, LockSettings, NewBucket, Ownership, PublicAccessBlock, Settings, Versioning,
};
use crate::{Buckets, Error, limit, policy, rows};
use cairn_identity::{Policy, PolicyKind};
use cairn_store::{BlobId, sqlx};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError};

impl Buckets {
    /// A bucket as it stands now. Errors: NoSuchBucket. In memory, no waiting.
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>, Error> {
        let all = self.inner.shelf.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned().ok_or_else(|| Error::NoSuchBucket(name.to_owned()))
    }

    /// An account's buckets whose names begin so and come after, ordered by name. In memory.
    pub fn buckets(&self, account: &str, prefix: &str, after: Option<&str>, max: usize) -> Vec<Arc<Bucket>> {
        let all = self.inner.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let named = all.range::<str, _>((from, Bound::Unbounded)).take_while(|(name, _)| name.starts_with(prefix));
        named.map(|(_, bucket)| bucket).filter(|bucket| bucket.account == account).take(max).cloned().collect()
    }

    /// Makes a bucket. Errors: InvalidName, AlreadyYours, Exists, TooMany, InvalidTag.
    pub async fn create(&self, new: NewBucket) -> Result<Arc<Bucket>, Error> {
        self.make(new, false).await
    }

    /// Makes a bucket for files of the house itself, see [`Settings::house`]. Errors: as `create`.
    pub async fn create_for_house(&self, new: NewBucket) -> Result<Arc<Bucket>, Error> {
        self.make(new, true).await
    }

    async fn make(&self, new: NewBucket, house: bool) -> Result<Arc<Bucket>, Error> {
        limit::bucket_name(&new.name)?;
        limit::bucket_tags(&new.tags)?;
        if self.inner.outside.contains(&new.name) {
            return Err(Error::Exists(new.name));
        }
        let buckets = self.clone();
        Self::run(async move {
            let _turn = buckets.inner.turn.lock().await;
            buckets.room(&new)?;
            let mut change = buckets.begin().await?;
            let settings = Settings {
                versioning: if new.object_lock { Versioning::Enabled } else { Versioning::Off },
                tags: new.tags,
                ownership: new.ownership,
                lock: new.object_lock.then(LockSettings::default),
                house,
                ..Settings::default()
            };
            let NewBucket { name, account, region, .. } = new;
            let created = change.now;
            let bucket = Bucket { name, account, region, created, policy: None, policy_text: None, settings };
            rows::save_bucket(&mut change.tx, &bucket).await?;
            change.commit().await?;
            Ok(buckets.shelve(bucket))
        })
        .await
    }

    /// Whether the name is free and the account may have one more.
    fn room(&self, new: &NewBucket) -> Result<(), Error> {
        match self.bucket(&new.name) {
            Ok(found) if found.account == new.account => return Err(Error::AlreadyYours(new.name.clone())),
            Ok(_) => return Err(Error::Exists(new.name.clone())),
            Err(_) => {}
        }
        if self.buckets(&new.account, "", None, limit::BUCKETS_MAX).len() < limit::BUCKETS_MAX {
            return Ok(());
        }
        Err(Error::TooMany(format!("an account has at most {} buckets", limit::BUCKETS_MAX)))
    }

    fn shelve(&self, bucket: Bucket) -> Arc<Bucket> {
        let bucket = Arc::new(bucket);
        let mut all = self.inner.shelf.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(bucket.name.clone(), bucket.clone());
        bucket
    }

    /// Removes an empty bucket; its uploads in progress are aborted. Errors: NoSuchBucket, NotEmpty.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let (buckets, name) = (self.clone(), name.to_owned());
        Self::run(async move {
            let _turn = buckets.inner.turn.lock().await;
            buckets.bucket(&name)?;
            let mut change = buckets.begin().await?;
            change.remove_bucket(&name).await?;
            change.commit().await?;
            buckets.inner.shelf.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
            Ok(())
        })
        .await
    }

    /// Changes a bucket: in the database first, then for all to see.
    async fn modify<F>(&self, name: &str, edit: F) -> Result<Arc<Bucket>, Error>
    where
        F: FnOnce(&mut Bucket) -> Result<(), Error> + Send + 'static,
    {
        let (buckets, name) = (self.clone(), name.to_owned());
        Self::run(async move {
            let _turn = buckets.inner.turn.lock().await;
            let mut bucket = Bucket::clone(&*buckets.bucket(&name)?);
            edit(&mut bucket)?;
            let mut change = buckets.begin().await?;
            rows::save_bucket(&mut change.tx, &bucket).await?;
            change.commit().await?;
            Ok(buckets.shelve(bucket))
        })
        .await
    }

    /// Errors: InvalidState to suspend with Object Lock, Invalid for `Off`.
    pub async fn set_versioning(&self, name: &str, versioning: Versioning) -> Result<Arc<Bucket>, Error> {
        self.modify(name, move |bucket| match versioning {
            Versioning::Off => Err(Error::Invalid("versioning is enabled or suspended, never off again".to_owned())),
            Versioning::Suspended if bucket.settings.lock.is_some() => {
                let message = "an Object Lock configuration is present, so versioning cannot be suspended";
                Err(Error::InvalidState(message.to_owned()))
            }
            _ => {
                bucket.settings.versioning = versioning;
                Ok(())
            }
        })
        .await
    }

    /// Errors: MalformedPolicy, Denied for a public policy where public policies are blocked.
    pub async fn set_policy(&self, name: &str, text: &str) -> Result<Arc<Bucket>, Error> {
        limit::policy(text)?;
        let malformed = |error: cairn_identity::PolicyError| Error::MalformedPolicy(error.to_string());
        let parsed = Policy::parse(text, PolicyKind::Resource).map_err(malformed)?;
        policy::check_resources(text, name)?;
        let text: Arc<str> = text.into();
        self.modify(name, move |bucket| {
            let block = bucket.settings.public_access_block.unwrap_or_default();
            if block.block_public_policy && policy::is_public(&text) {
                let message = "public policies are blocked by the bucket's BlockPublicPolicy setting";
                return Err(Error::Denied(message.to_owned()));
            }
            bucket.policy = Some(Arc::new(parsed));
            bucket.policy_text = Some(text);
            Ok(())
        })
        .await
    }

    /// None to remove is no error.
    pub async fn remove_policy(&self, name: &str) -> Result<Arc<Bucket>, Error> {
        self.modify(name, |bucket| {
            (bucket.policy, bucket.policy_text) = (None, None);
            Ok(())
        })
        .await
    }

    /// Replaces the tags; an empty set removes them. Errors: InvalidTag.
    pub async fn set_tags(&self, name: &str, tags: BTreeMap<String, String>) -> Result<Arc<Bucket>, Error> {
        limit::bucket_tags(&tags)?;
        self.modify(name, |bucket| {
            bucket.settings.tags = tags;
            Ok(())
        })
        .await
    }

    /// `Encryption::default()` is what removing the configuration means. That its key exists is not asked
    /// before an object is put.
    pub async fn set_encryption(&self, name: &str, encryption: Encryption) -> Result<Arc<Bucket>, Error> {
        self.modify(name, |bucket| {
            bucket.settings.encryption = encryption;
            Ok(())
        })
        .await
    }

    pub async fn set_ownership(&self, name: &str, ownership: Option<Ownership>) -> Result<Arc<Bucket>, Error> {
        self.modify(name, move |bucket| {
            bucket.settings.ownership = ownership;
            Ok(())
        })
        .await
    }

    pub async fn set_public_access_block(
        &self,
        name: &str,
        block: Option<PublicAccessBlock>,
    ) -> Result<Arc<Bucket>, Error> {
        self.modify(name, move |bucket| {
            bucket.settings.public_access_block = block;
            Ok(())
        })
        .await
    }

    /// Enables Object Lock, for good, and sets or removes the default retention. Errors: InvalidState when
    /// versioning is not enabled, InvalidRetention.
    pub async fn set_lock(&self, name: &str, lock: LockSettings) -> Result<Arc<Bucket>, Error> {
        lock.default.map_or(Ok(()), crate::DefaultRetention::check)?;
        self.modify(name, move |bucket| {
            if bucket.settings.versioning != Versioning::Enabled {
                return Err(Error::InvalidState("versioning must be enabled to enable Object Lock".to_owned()));
            }
            bucket.settings.lock = Some(lock);
            Ok(())
        })
        .await
    }
}

impl Change {
    /// Errors: NotEmpty.
    async fn remove_bucket(&mut self, name: &str) -> Result<(), Error> {
        let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM bucket_version WHERE bucket = $1)")
            .bind(name)
            .fetch_one(&mut *self.tx)
            .await?;
        if taken {
            return Err(Error::NotEmpty(name.to_owned()));
        }
        let blobs: Vec<String> = sqlx::query_scalar(
            "SELECT blob FROM bucket_part WHERE upload IN (SELECT seq FROM bucket_upload WHERE bucket = $1)",
        )
        .bind(name)
        .fetch_all(&mut *self.tx)
        .await?;
        let blobs: Vec<BlobId> = blobs.iter().map(|text| rows::blob(text)).collect::<Result<_, _>>()?;
        self.doomed.extend(blobs);
        for statement in [
            "DELETE FROM bucket_part WHERE upload IN (SELECT seq FROM bucket_upload WHERE bucket = $1)",
            "DELETE FROM bucket_upload WHERE bucket = $1",
            "DELETE FROM bucket WHERE name = $1",
        ] {
            sqlx::query(statement).bind(name).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}
