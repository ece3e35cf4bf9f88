//! What services of the house put and read for themselves, here or outside.

use crate::checksum::{Algorithm, Digests};
use crate::object::{Headers, Range, Sse};
use crate::outside::{self, Outside};
use crate::{Buckets, Error, Expected, Put};
use bytes::Bytes;
use cairn_identity::{Caller, Context, Decision, Request};
use cairn_key::Scope;
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

    /// Whether the bucket's policy lets a service do `action` (`s3:GetBucketAcl`, `s3:PutObject`) there, with
    /// `s3:x-amz-acl: bucket-owner-full-control` and the source given. Always true for outside buckets.
    /// Errors: NoSuchBucket.
    pub fn lets(
        &self,
        bucket: &str,
        key: Option<&str>,
        action: &str,
        caller: &Caller,
        source_arn: &str,
        source_account: &str,
    ) -> Result<bool, Error> {
        if self.inner.outside.contains(bucket) {
            return Ok(true);
        }
        let bucket = self.bucket(bucket)?;
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

    /// Puts an object for a service: the bucket's policy must allow it; same key again makes
    /// a new version (or replaces). When this returns, it is durable. Outside buckets too.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, Error> {
        if self.inner.outside.contains(&delivery.bucket) {
            return self.deliver_outside(delivery).await;
        }
        let Delivery { bucket, key, caller, source_arn, source_account, .. } = &delivery;
        if !self.lets(bucket, Some(key), "s3:PutObject", caller, source_arn, source_account)? {
            let message = format!("the policy of bucket {bucket} does not let {} put {key}", caller.arn());
            return Err(Error::Denied(message));
        }
        let sse = match &delivery.kms {
            None => None,
            Some(DeliveryKey { reference, account, region, context }) => {
                let key = self.inner.keys.resolve(Scope { account, region }, reference).await?;
                Some(Sse::Kms { key_arn: key.arn.clone(), bucket_key: false, context: context.clone() })
            }
        };
        let owner = self.bucket(bucket)?.account.clone();
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

    /// The bytes of the newest version, decrypted, for the house itself; outside buckets too. With them the
    /// user metadata. Errors: as `find`, TooLarge for more than `bytes_max`.
    pub async fn read(
        &self,
        bucket: &str,
        key: &str,
        bytes_max: u64,
    ) -> Result<(BTreeMap<String, String>, Bytes), Error> {
        if self.inner.outside.contains(bucket) {
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
