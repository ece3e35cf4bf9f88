//! What services of the house put and read for themselves, here or outside.

use crate::checksum::{Algorithm, Digests};
use crate::object::{Headers, Range, Sse};
use crate::outside::{self, Outside};
use crate::{Bucket, Buckets, Error, Expected, Put};
use bytes::Bytes;
use cairn_identity::{Caller, Context, Decision, Policy, PolicyKind, Request};
use cairn_key::{Key, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;

const ACL: &str = "bucket-owner-full-control";

/// An object that a service of the house puts, as `cloudtrail.amazonaws.com` does.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub bucket: String,
    pub key: String,
    pub body: Bytes,
    pub content_type: String,
    pub content_encoding: String,
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// SSE-KMS: reference of the key, the account and region it is resolved in, and the encryption context.
    /// The bucket's default encryption without. Either way the key's policy must let the service use it.
    pub kms: Option<DeliveryKey>,
    pub caller: Caller,
    /// `aws:SourceArn` and `aws:SourceAccount` for the bucket's policy.
    pub source_arn: String,
    pub source_account: String,
}

#[derive(Clone, Debug)]
pub struct DeliveryKey {
    pub reference: String,
    pub account: String,
    pub region: String,
    pub context: cairn_key::Context,
}

/// What came of a delivery.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub etag: String,
    pub version: Option<String>,
    /// The account that owns the bucket; None for one outside.
    pub owner: Option<String>,
}

impl Buckets {
    /// The mapped buckets outside.
    pub fn outside(&self) -> &Outside {
        &self.inner.outside
    }

    /// Whether the name means a bucket outside for this account: only the house's home account has them.
    pub fn is_outside(&self, bucket: &str, account: &str) -> bool {
        self.inner.outside.contains(bucket) && self.inner.identity.home_account().as_deref() == Some(account)
    }

    /// Whether the bucket's policy lets a service do `action` (`s3:GetBucketAcl`, `s3:PutObject`) there, with
    /// `s3:x-amz-acl: bucket-owner-full-control` and the source given. Always true for outside buckets of
    /// the source's account. Errors: NoSuchBucket.
    pub fn lets(
        &self,
        bucket: &str,
        key: Option<&str>,
        action: &str,
        caller: &Caller,
        source_arn: &str,
        source_account: &str,
    ) -> Result<bool, Error> {
        if self.is_outside(bucket, source_account) {
            return Ok(true);
        }
        let bucket = self.bucket(bucket)?;
        if bucket.settings.house {
            return Ok(false);
        }
        let mut context = Context::default();
        context.insert("s3:x-amz-acl", ACL);
        context.insert("aws:SourceArn", source_arn);
        context.insert("aws:SourceAccount", source_account);
        let resource = key.map_or_else(|| bucket.arn(), |key| bucket.object_arn(key));
        let request = Request {
            caller,
            action,
            resource: &resource,
            resource_account: &bucket.account,
            resource_policy: bucket.policy.as_deref(),
            policy_required: true,
            context: &context,
        };
        Ok(self.inner.identity.decide(&request) == Decision::Allowed)
    }

    /// Whether the key's policy lets a service encrypt with it under this encryption context, for the
    /// source given.
    pub fn lets_encrypt(
        &self,
        key: &Key,
        encryption: &cairn_key::Context,
        caller: &Caller,
        source_arn: &str,
        source_account: &str,
    ) -> bool {
        let Ok(policy) = Policy::parse(&key.policy, PolicyKind::Resource) else { return false };
        let mut context = Context::default();
        context.insert("aws:SourceArn", source_arn);
        context.insert("aws:SourceAccount", source_account);
        context.insert("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
        for (name, value) in encryption {
            context.insert(&format!("kms:EncryptionContext:{name}"), value);
            context.insert("kms:EncryptionContextKeys", name);
        }
        let request = Request {
            caller,
            action: "kms:GenerateDataKey",
            resource: &key.arn,
            resource_account: &key.account,
            resource_policy: Some(&policy),
            policy_required: true,
            context: &context,
        };
        self.inner.identity.decide(&request) == Decision::Allowed
    }

    /// How a delivery is to be encrypted. Errors: Key, KeyDenied.
    async fn delivery_sse(&self, bucket: &Bucket, delivery: &Delivery) -> Result<Sse, Error> {
        let (key, sse) = if let Some(DeliveryKey { reference, account, region, context }) = &delivery.kms {
            let key = self.inner.keys.resolve(Scope { account, region }, reference).await?;
            let sse = Sse::Kms { key_arn: key.arn.clone(), bucket_key: false, context: context.clone() };
            (key, sse)
        } else {
            let scope = Scope { account: &bucket.account, region: &bucket.region };
            let sse = self.sse(scope, &bucket.name, None, cairn_key::Context::new()).await?;
            let Sse::Kms { key_arn, .. } = &sse else { return Ok(sse) };
            let key = self.inner.keys.resolve(scope, key_arn).await?;
            // S3's own key in an account serves all that S3 keeps for the account.
            if key.managed_for.as_deref() == Some("s3") && key.account == bucket.account {
                return Ok(sse);
            }
            (key, sse)
        };
        let Delivery { caller, source_arn, source_account, .. } = delivery;
        let context = sse.context(&bucket.name, &delivery.key);
        if self.lets_encrypt(&key, &context, caller, source_arn, source_account) {
            return Ok(sse);
        }
        let (key, service, name) = (&key.arn, caller.arn(), &bucket.name);
        Err(Error::KeyDenied(format!("the policy of key {key} does not let {service} encrypt for bucket {name}")))
    }

    /// Puts an object for a service: the policies of the bucket and of the key must allow it; same
    /// key again makes a new version (or replaces). When this returns, it is durable. Outside buckets
    /// too. Errors: NoSuchBucket, Denied, Key, KeyDenied, those of a put.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, Error> {
        if self.is_outside(&delivery.bucket, &delivery.source_account) {
            return self.deliver_outside(delivery).await;
        }
        let Delivery { bucket, key, caller, source_arn, source_account, .. } = &delivery;
        if !self.lets(bucket, Some(key), "s3:PutObject", caller, source_arn, source_account)? {
            let message = format!("the policy of bucket {bucket} does not let {} put {key}", caller.arn());
            return Err(Error::Denied(message));
        }
        let bucket = self.bucket(bucket)?;
        let sse = Some(self.delivery_sse(&bucket, &delivery).await?);
        let owner = bucket.account.clone();
        let put = Put {
            bucket: delivery.bucket,
            key: delivery.key,
            headers: Headers {
                content_type: some(delivery.content_type),
                content_encoding: some(delivery.content_encoding),
                ..Headers::default()
            },
            metadata: delivery.metadata,
            sse,
            ..Put::default()
        };
        let expected = Expected { size: Some(delivery.body.len() as u64), ..Expected::default() };
        let stored = self.put(put, stream::iter([Ok(delivery.body)]).boxed(), expected, None).await?;
        Ok(Delivered { etag: stored.etag, version: stored.version, owner: Some(owner) })
    }

    async fn deliver_outside(&self, delivery: Delivery) -> Result<Delivered, Error> {
        let mut digests = Digests::new(Algorithm::Crc64Nvme);
        digests.update(&delivery.body);
        let put = outside::Put {
            key: delivery.key,
            body: delivery.body,
            content_type: some(delivery.content_type),
            content_encoding: some(delivery.content_encoding),
            metadata: delivery.metadata,
            kms_key: delivery.kms.map(|key| key.reference),
        };
        self.inner.outside.put(&delivery.bucket, put).await?;
        Ok(Delivered { etag: digests.finish().etag(), version: None, owner: None })
    }

    /// The bytes of the newest version, decrypted, for the house itself; buckets outside too, if `account` has
    /// them. With them the user metadata. Errors: as `find`, TooLarge for more than `bytes_max`.
    pub async fn read(
        &self,
        account: &str,
        bucket: &str,
        key: &str,
        bytes_max: u64,
    ) -> Result<(BTreeMap<String, String>, Bytes), Error> {
        if self.is_outside(bucket, account) {
            return match self.inner.outside.get(bucket, key, bytes_max).await {
                Ok((object, bytes)) => Ok((object.metadata, bytes)),
                Err(outside::Error::NotFound { bucket, key }) => Err(Error::NoSuchKey { bucket, key }),
                Err(error) => Err(error.into()),
            };
        }
        let object = self.find(bucket, key, None).await?;
        if object.size > bytes_max {
            let size = object.size;
            return Err(Error::TooLarge(format!(
                "object {key} has {size} bytes, more than the {bytes_max} that are read"
            )));
        }
        let mut bytes = Vec::with_capacity(object.size as usize);
        let mut body = self.content(&object, object.span(Range::Whole)?).await?;
        let corrupt = |error: std::io::Error| Error::Corrupt(format!("object {bucket}/{key}: {error}"));
        while let Some(chunk) = body.try_next().await.map_err(corrupt)? {
            bytes.extend_from_slice(&chunk);
        }
        Ok((object.metadata, bytes.into()))
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
