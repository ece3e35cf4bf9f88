//! Making, finding, setting and removing buckets.

use crate::settings::{Bucket, Encryption, LockSettings, NewBucket, Ownership, PublicAccessBlock, Versioning};
use crate::{Buckets, Error};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Buckets {
    /// A bucket as it stands now. Errors: NoSuchBucket. In memory, no waiting.
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// An account's buckets whose names begin so and come after, ordered by name. In memory.
    pub fn buckets(&self, account: &str, prefix: &str, after: Option<&str>, max: usize) -> Vec<Arc<Bucket>> {
        unimplemented!()
    }

    /// Makes a bucket. Errors: InvalidName, AlreadyYours, Exists, TooMany, InvalidTag.
    pub async fn create(&self, new: NewBucket) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// Removes an empty bucket; its uploads in progress are aborted. Errors: NoSuchBucket, NotEmpty.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        unimplemented!()
    }

    /// Errors: InvalidState to suspend with Object Lock, Invalid for `Off`.
    pub async fn set_versioning(&self, name: &str, versioning: Versioning) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// Errors: MalformedPolicy, Denied for a public policy where public policies are blocked.
    pub async fn set_policy(&self, name: &str, text: &str) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// None to remove is no error.
    pub async fn remove_policy(&self, name: &str) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// Replaces the tags; an empty set removes them. Errors: InvalidTag.
    pub async fn set_tags(&self, name: &str, tags: BTreeMap<String, String>) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// `Encryption::default()` is what removing the configuration means. Errors: Key.
    pub async fn set_encryption(&self, name: &str, encryption: Encryption) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    pub async fn set_ownership(&self, name: &str, ownership: Option<Ownership>) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    pub async fn set_public_access_block(
        &self,
        name: &str,
        block: Option<PublicAccessBlock>,
    ) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }

    /// Enables Object Lock, for good, and sets or removes the default retention. Errors: InvalidState when
    /// versioning is not enabled, InvalidRetention.
    pub async fn set_lock(&self, name: &str, lock: LockSettings) -> Result<Arc<Bucket>, Error> {
        unimplemented!()
    }
}
