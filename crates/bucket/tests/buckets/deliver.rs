//! What services of the house put: only where the bucket's policy lets them.

use crate::house::{ACCOUNT, BUCKET, House, OTHER, REGION, tags};
use bytes::Bytes;
use cairn_bucket::{
    DefaultRetention, Delivery, DeliveryKey, Encryption, Error, LockMode, LockSettings, Period, Sse, Versioning,
};
use cairn_identity::Caller;
use cairn_key::{Context, NewKey, Scope};

pub const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main";
pub const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/24/file.json.gz";

pub fn delivery() -> Delivery {
    Delivery {
        bucket: BUCKET.to_owned(),
        key: KEY.to_owned(),
        body: Bytes::from_static(b"log file"),
        content_type: "application/json".to_owned(),
        content_encoding: "gzip".to_owned(),
        metadata: tags(&[("signature", "ab")]),
        kms: None,
        caller: Caller::service("cloudtrail.amazonaws.com"),
        source_arn: TRAIL.to_owned(),
        source_account: ACCOUNT.to_owned(),
    }
}

/// The policy that AWS documents for buckets of trails.
fn policy() -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [
        {{"Sid": "AWSCloudTrailAclCheck20150319", "Effect": "Allow",
          "Principal": {{"Service": "cloudtrail.amazonaws.com"}},
          "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::{BUCKET}",
          "Condition": {{"StringEquals": {{"aws:SourceArn": "{TRAIL}"}}}}}},
        {{"Sid": "AWSCloudTrailWrite20150319", "Effect": "Allow",
          "Principal": {{"Service": "cloudtrail.amazonaws.com"}},
          "Action": "s3:PutObject", "Resource": "arn:aws:s3:::{BUCKET}/AWSLogs/{ACCOUNT}/*",
          "Condition": {{"StringEquals": {{"s3:x-amz-acl": "bucket-owner-full-control",
            "aws:SourceArn": "{TRAIL}"}}}}}}]}}"#
    )
}

/// Lets the service encrypt files of this account's trails and of nobody else's.
fn key_policy(account: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [
        {{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::{ACCOUNT}:root"}}, "Action": "kms:*", "Resource": "*"}},
        {{"Effect": "Allow", "Principal": {{"Service": "cloudtrail.amazonaws.com"}},
          "Action": "kms:GenerateDataKey*", "Resource": "*",
          "Condition": {{"StringEquals": {{"aws:SourceAccount": "{account}"}},
            "StringLike": {{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::{BUCKET}*"}}}}}}]}}"#
    )
}

impl House {
    fn lets(&self, key: Option<&str>, action: &str, caller: &Caller, source: &str) -> bool {
        self.buckets.lets(BUCKET, key, action, caller, source, ACCOUNT).unwrap()
    }
}

#[tokio::test]
async fn the_policy_of_the_bucket_decides_what_a_service_may_put() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    assert!(matches!(house.buckets.deliver(delivery()).await, Err(Error::Denied(_))), "without a policy nothing");
    house.buckets.set_policy(BUCKET, &policy()).await.unwrap();
    let delivered = house.buckets.deliver(delivery()).await.unwrap();
    assert_eq!(delivered.owner.as_deref(), Some(ACCOUNT));
    assert!(delivered.version.is_some());
    let (metadata, bytes) = house.buckets.read(ACCOUNT, BUCKET, KEY, 100).await.unwrap();
    assert_eq!((metadata, bytes.as_ref()), (tags(&[("signature", "ab")]), b"log file".as_slice()));
    assert!(matches!(house.buckets.read(ACCOUNT, BUCKET, KEY, 7).await, Err(Error::TooLarge(_))));
    assert!(matches!(house.buckets.read(ACCOUNT, BUCKET, "none", 7).await, Err(Error::NoSuchKey { .. })));
    let object = house.find(KEY).await.unwrap();
    assert_eq!(object.headers.content_encoding.as_deref(), Some("gzip"));

    let trail = Caller::service("cloudtrail.amazonaws.com");
    assert!(house.lets(None, "s3:GetBucketAcl", &trail, TRAIL));
    assert!(!house.lets(None, "s3:GetBucketAcl", &trail, "arn:aws:cloudtrail:eu-central-1:444455556666:trail/other"));
    assert!(!house.lets(Some(KEY), "s3:DeleteObject", &trail, TRAIL));
    assert!(!house.lets(Some(KEY), "s3:PutObject", &Caller::service("config.amazonaws.com"), TRAIL));
    let elsewhere = Delivery { key: format!("AWSLogs/{OTHER}/file"), ..delivery() };
    assert!(matches!(house.buckets.deliver(elsewhere).await, Err(Error::Denied(_))));
    let nowhere = Delivery { bucket: "nowhere".to_owned(), ..delivery() };
    assert!(matches!(house.buckets.deliver(nowhere).await, Err(Error::NoSuchBucket(_))));
}

#[tokio::test]
async fn a_delivery_is_encrypted_under_the_trails_key_and_locked_by_default() {
    let house = House::lockable().await;
    house.buckets.set_policy(BUCKET, &policy()).await.unwrap();
    let default = Some(DefaultRetention { mode: LockMode::Compliance, period: Period::Years(7) });
    house.buckets.set_lock(BUCKET, LockSettings { default }).await.unwrap();
    let scope = Scope { account: ACCOUNT, region: REGION };
    let key =
        house.keys.create(scope, NewKey { policy: Some(key_policy(ACCOUNT)), ..NewKey::default() }).await.unwrap();
    let context = Context::from([("aws:cloudtrail:arn".to_owned(), TRAIL.to_owned())]);
    let kms = DeliveryKey {
        reference: key.id.to_string(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        context: context.clone(),
    };
    let delivered = house.buckets.deliver(Delivery { kms: Some(kms), ..delivery() }).await.unwrap();
    let object = house.find(KEY).await.unwrap();
    assert_eq!(object.sse, Sse::Kms { key_arn: key.arn.clone(), bucket_key: false, context });
    let context = object.sse.context(BUCKET, KEY);
    assert_eq!(context["aws:cloudtrail:arn"], TRAIL);
    assert_eq!(context["aws:s3:arn"], format!("arn:aws:s3:::{BUCKET}/{KEY}"));
    assert_eq!(object.retention().unwrap().mode, LockMode::Compliance);
    let deleted = house.delete_version(KEY, &delivered.version.unwrap(), true).await;
    assert!(matches!(deleted, Err(Error::Locked(_))));
}

#[tokio::test]
async fn the_policy_of_the_key_decides_what_a_delivery_is_encrypted_under() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    house.buckets.set_policy(BUCKET, &policy()).await.unwrap();
    let scope = Scope { account: ACCOUNT, region: REGION };
    let key =
        house.keys.create(scope, NewKey { policy: Some(key_policy(ACCOUNT)), ..NewKey::default() }).await.unwrap();
    let trails_own = || DeliveryKey {
        reference: key.arn.clone(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        context: Context::from([("aws:cloudtrail:arn".to_owned(), TRAIL.to_owned())]),
    };
    for default in [true, false] {
        let kms = (!default).then(trails_own);
        let deliver = || house.buckets.deliver(Delivery { kms: kms.clone(), ..delivery() });
        let encryption =
            if default { Encryption::Kms { key: Some(key.arn.clone()), bucket_key: true } } else { Encryption::Aes256 };
        house.buckets.set_encryption(BUCKET, encryption).await.unwrap();
        for (policy, allowed) in [
            (key_policy(ACCOUNT), true),
            (key_policy(OTHER), false),
            (cairn_key::default_policy(ACCOUNT), false),
            (key_policy(ACCOUNT), true),
        ] {
            house.keys.put_policy(scope, &key.arn, &policy).await.unwrap();
            match deliver().await {
                Ok(_) => assert!(allowed, "{default} {policy}"),
                Err(Error::KeyDenied(message)) => {
                    assert!(!allowed && message.contains(&key.arn), "{default} {message}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    house.buckets.set_encryption(BUCKET, Encryption::Kms { key: None, bucket_key: false }).await.unwrap();
    house.buckets.deliver(delivery()).await.unwrap();
}
