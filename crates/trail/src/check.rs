//! Whether a trail could be delivered as it is meant to be: bucket, key, organization.

use crate::find::View;
use crate::{Error, Scope, Trail, Trails, name};
use cairn_event::Arn;
use cairn_identity::Caller;
use cairn_key::{Key, Status};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who delivers, as policies of buckets and keys name it.
pub(crate) const SERVICE: &str = "cloudtrail.amazonaws.com";

impl Trails {
    /// The organization that an account's trail may be made for.
    pub(crate) fn organization_for(&self, account: &str) -> Result<String, Error> {
        let found = self.inner.parts.identity.organization_of(account).ok_or_else(|| {
            Error::invalid("OrganizationsNotInUse", format!("Account {account} does not belong to an organization."))
        })?;
        if found.management_account == account {
            return Ok(found.id);
        }
        let message = "Only the organization's management account can have an organization trail.";
        Err(Error::invalid("NotOrganizationMasterAccount", message))
    }

    /// Runs `look` with the view that the caller has.
    pub(crate) fn with_view<T>(&self, scope: Scope<'_>, look: impl FnOnce(View<'_>) -> T) -> T {
        let organization = self.inner.parts.identity.organization_of(scope.account).map(|organization| organization.id);
        look(View::of(scope, organization.as_deref()))
    }

    /// Whether the bucket is there and lets trails look at it and put files where this trail's go.
    pub(crate) fn check_bucket(&self, trail: &Trail) -> Result<(), Error> {
        let bucket = &trail.bucket;
        name::check_bucket(bucket)?;
        trail.prefix.as_deref().map_or(Ok(()), name::check_prefix)?;
        let buckets = &self.inner.parts.buckets;
        if buckets.is_outside(bucket, &trail.account) {
            return Ok(());
        }
        buckets.bucket(bucket).map_err(|error| bucket_error(bucket, &error))?;
        let caller = Caller::service(SERVICE);
        let lets = |key: Option<&str>, action: &str| {
            let allowed = buckets.lets(bucket, key, action, &caller, &trail.arn, &trail.account);
            allowed.map_err(|error| bucket_error(bucket, &error))
        };
        let mut allowed = lets(None, "s3:GetBucketAcl")?;
        for folder in trail.folders() {
            allowed &= lets(Some(&folder), "s3:PutObject")?;
        }
        if allowed {
            return Ok(());
        }
        let message = format!("Incorrect S3 bucket policy is detected for bucket: {bucket}");
        Err(Error::invalid("InsufficientS3BucketPolicy", message))
    }

    /// The ARN of the key that the trail's files are to be encrypted under, if trails may use it.
    pub(crate) async fn check_key(&self, trail: &Trail, reference: &str) -> Result<String, Error> {
        let key = self.key(trail, reference).await?;
        let buckets = &self.inner.parts.buckets;
        let elsewhere = |region: &str| region != key.region;
        if !buckets.outside().contains(&trail.bucket)
            && buckets.bucket(&trail.bucket).is_ok_and(|bucket| elsewhere(&bucket.region))
        {
            let message = format!("The KMS key {} is not in the region of the S3 bucket {}.", key.arn, trail.bucket);
            return Err(Error::invalid("KmsKeyNotFound", message));
        }
        match key.status {
            Status::Enabled => {}
            Status::Disabled => return Err(Error::invalid("Kms", format!("The KMS key {} is disabled.", key.arn))),
            Status::PendingDeletion(_) => {
                return Err(Error::invalid("Kms", format!("The KMS key {} is pending deletion.", key.arn)));
            }
        }
        if self.may_encrypt(trail, &key) {
            return Ok(key.arn.clone());
        }
        let bucket = &trail.bucket;
        let message = format!("Insufficient permissions to access S3 bucket {bucket} or KMS key {}.", key.arn);
        Err(Error::invalid("InsufficientEncryptionPolicy", message))
    }

    async fn key(&self, trail: &Trail, reference: &str) -> Result<Arc<Key>, Error> {
        let missing = || Error::invalid("KmsKeyNotFound", format!("The KMS key {reference} does not exist."));
        let elsewhere = Arn::parse(reference)
            .is_ok_and(|arn| arn.service() == "kms" && !arn.region().is_empty() && arn.region() != trail.home_region);
        if elsewhere {
            return Err(missing());
        }
        let scope = cairn_key::Scope { account: &trail.account, region: &trail.home_region };
        self.inner.parts.keys.resolve(scope, reference).await.map_err(|error| match error {
            cairn_key::Error::NotFound(_) | cairn_key::Error::AliasNotFound(_) => missing(),
            cairn_key::Error::InvalidReference(_) => {
                Error::invalid("InvalidKmsKeyId", format!("{reference:?} is not the id, ARN or alias of a KMS key."))
            }
            error => Error::Unavailable(error.to_string()),
        })
    }

    /// As every delivery asks again, with the names of its files.
    fn may_encrypt(&self, trail: &Trail, key: &Key) -> bool {
        let context = BTreeMap::from([("aws:cloudtrail:arn".to_owned(), trail.arn.clone())]);
        let service = Caller::service(SERVICE);
        self.inner.parts.buckets.lets_encrypt(key, &context, &service, &trail.arn, &trail.account)
    }
}

impl Trail {
    /// Keys such as its files will have, to ask the bucket's policy about.
    fn folders(&self) -> Vec<String> {
        let prefix = self.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let (account, region) = (&self.account, &self.home_region);
        let mut folders = vec![format!("{prefix}AWSLogs/{account}/CloudTrail/{region}/")];
        folders
            .extend(self.organization.iter().map(|id| format!("{prefix}AWSLogs/{id}/{account}/CloudTrail/{region}/")));
        folders
    }
}

fn bucket_error(bucket: &str, error: &cairn_bucket::Error) -> Error {
    match error {
        cairn_bucket::Error::NoSuchBucket(_) => {
            Error::invalid("S3BucketDoesNotExist", format!("S3 bucket {bucket} does not exist!"))
        }
        error => Error::Unavailable(error.to_string()),
    }
}
