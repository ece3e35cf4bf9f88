//! Objects under keys of KMS: who may, and what KMS records of it.

use crate::house::{ACCOUNT, House, REGION};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cairn_key::{NewKey, Scope};
use cairn_services::Outcome;
use serde_json::json;

const S3: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const S3_AND_KMS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","kms:GenerateDataKey"],"Resource":"*"}]}"#;

async fn key(house: &House) -> String {
    let scope = Scope { account: ACCOUNT, region: REGION };
    house.engines.keys.create(scope, NewKey::default()).await.unwrap().arn.clone()
}

#[tokio::test]
async fn the_use_of_a_key_is_recorded_with_the_object_it_was_for() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let key = key(&house).await;
    let headers =
        [("x-amz-server-side-encryption", "aws:kms"), ("x-amz-server-side-encryption-aws-kms-key-id", key.as_str())];
    let put = house.ask("PUT /logs/a", &headers, b"x").await.is(200);
    assert_eq!(put.header("x-amz-server-side-encryption-aws-kms-key-id"), Some(key.as_str()));
    assert_eq!(put.outcome.additional["SSEApplied"], "SSE_KMS");
    let made = put.also();
    assert_eq!((made.event_source.as_str(), made.event_name.as_str()), ("kms.amazonaws.com", "GenerateDataKey"));
    assert_eq!(made.source_ip_address, "AWS Internal");
    assert_eq!(made.user_identity["type"], "Root");
    assert_eq!(made.user_identity["invokedBy"], "AWS Internal");
    let expected =
        json!({"keyId": key, "keySpec": "AES_256", "encryptionContext": {"aws:s3:arn": "arn:aws:s3:::logs/a"}});
    assert_eq!(made.request_parameters, expected);
    assert_eq!(made.resources[0].arn, key);
    let got = house.ask("GET /logs/a", &[], b"").await.is(200);
    assert_eq!(got.also().event_name, "Decrypt");
    assert_eq!(got.also().request_parameters["encryptionContext"]["aws:s3:arn"], "arn:aws:s3:::logs/a");
    assert!(house.ask("HEAD /logs/a", &[], b"").await.is(200).outcome.also.is_empty());
}

#[tokio::test]
async fn whoever_may_not_use_the_key_may_not_use_the_object() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let key = key(&house).await;
    let headers =
        [("x-amz-server-side-encryption", "aws:kms"), ("x-amz-server-side-encryption-aws-kms-key-id", key.as_str())];
    house.ask("PUT /logs/a", &headers, b"x").await.is(200);
    let user = house.user("s3", S3).await;
    let denied = |outcome: &Outcome, action: &str| {
        let record = &outcome.also[0];
        assert_eq!(record.error_code.as_deref(), Some("AccessDenied"));
        assert!(record.error_message.as_ref().unwrap().contains(action));
    };
    let put = house.ask_as(Some(&user), "PUT /logs/b", &headers, b"x").await.fails(403, "AccessDenied");
    denied(&put.outcome, "kms:GenerateDataKey");
    let get = house.ask_as(Some(&user), "GET /logs/a", &[], b"").await.fails(403, "AccessDenied");
    denied(&get.outcome, "kms:Decrypt");
    let writer = house.user("writer", S3_AND_KMS).await;
    house.ask_as(Some(&writer), "PUT /logs/b", &headers, b"x").await.is(200);
    house.ask_as(Some(&writer), "GET /logs/b", &[], b"").await.fails(403, "AccessDenied");
    house.ask("PUT /logs/c", &[("x-amz-copy-source", "/logs/a")], b"").await.is(200);
    house.ask_as(Some(&user), "PUT /logs/d", &[("x-amz-copy-source", "/logs/a")], b"").await.fails(403, "AccessDenied");
}

#[tokio::test]
async fn reading_a_log_file_shows_the_trail_it_is_of() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let policy = br#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*"}]}"#;
    house.ask("PUT /logs?policy", &[], policy).await.is(204);
    let trail = format!("arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/t");
    let context = [("aws:cloudtrail:arn".to_owned(), trail.clone())].into();
    let key = key(&house).await;
    let admins: serde_json::Value = serde_json::from_str(&cairn_key::default_policy(ACCOUNT)).unwrap();
    let encrypts = json!({"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "kms:GenerateDataKey*", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [admins["Statement"][0], encrypts]}).to_string();
    house.engines.keys.put_policy(Scope { account: ACCOUNT, region: REGION }, &key, &policy).await.unwrap();
    let caller = cairn_identity::Caller::service("cloudtrail.amazonaws.com");
    let delivery = cairn_bucket::Delivery {
        bucket: "logs".to_owned(),
        key: "file.json.gz".to_owned(),
        body: bytes::Bytes::from_static(b"x"),
        content_type: "application/json".to_owned(),
        content_encoding: "gzip".to_owned(),
        metadata: std::collections::BTreeMap::new(),
        kms: Some(cairn_bucket::DeliveryKey {
            reference: key.clone(),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            context,
        }),
        caller,
        source_arn: trail.clone(),
        source_account: ACCOUNT.to_owned(),
    };
    house.engines.buckets.deliver(delivery).await.unwrap();
    let head = house.ask("HEAD /logs/file.json.gz", &[], b"").await.is(200);
    assert_eq!(head.header("x-amz-server-side-encryption"), Some("aws:kms"));
    assert_eq!(head.header("x-amz-server-side-encryption-aws-kms-key-id"), Some(key.as_str()));
    let got = house.ask("GET /logs/file.json.gz", &[], b"").await.is(200);
    let expected = json!({"aws:cloudtrail:arn": trail, "aws:s3:arn": "arn:aws:s3:::logs/file.json.gz"});
    assert_eq!(got.also().request_parameters["encryptionContext"], expected);
}

#[tokio::test]
async fn a_bucket_encrypts_as_it_is_told() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let body = b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>";
    house.ask("PUT /logs?encryption", &[], body).await.is(200);
    let got = house.ask("GET /logs?encryption", &[], b"").await.is(200);
    assert!(got.text().contains("<SSEAlgorithm>aws:kms</SSEAlgorithm>"), "{}", got.text());
    let user = house.user("s3", S3).await;
    let put = house.ask_as(Some(&user), "PUT /logs/a", &[], b"x").await.is(200);
    assert_eq!(put.header("x-amz-server-side-encryption"), Some("aws:kms"));
    assert_eq!(put.outcome.additional["SSEApplied"], "Default_SSE_KMS");
    assert_eq!(put.also().request_parameters["encryptionContext"]["aws:s3:arn"], "arn:aws:s3:::logs");
    house.ask_as(Some(&user), "GET /logs/a", &[], b"").await.is(200);
}

#[tokio::test]
async fn what_is_not_offered_is_refused() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    for (headers, status, code) in [
        (&[("x-amz-server-side-encryption-customer-algorithm", "AES256")][..], 501, "NotImplemented"),
        (&[("x-amz-server-side-encryption", "aws:kms:dsse")][..], 501, "NotImplemented"),
        (&[("x-amz-server-side-encryption", "rot13")][..], 400, "InvalidEncryptionAlgorithmError"),
        (&[("x-amz-server-side-encryption-aws-kms-key-id", "k")][..], 400, "InvalidArgument"),
    ] {
        house.ask("PUT /logs/a", headers, b"x").await.fails(status, code);
    }
    let absent =
        [("x-amz-server-side-encryption", "aws:kms"), ("x-amz-server-side-encryption-aws-kms-key-id", "alias/none")];
    house.ask("PUT /logs/a", &absent, b"x").await.fails(400, "KMS.NotFoundException");
}

#[tokio::test]
async fn a_context_cannot_pass_an_object_off_as_another() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let key = key(&house).await;
    let put = async |context: serde_json::Value, bucket_key: &str| {
        let context = BASE64_STANDARD.encode(context.to_string());
        let headers = [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", key.as_str()),
            ("x-amz-server-side-encryption-bucket-key-enabled", bucket_key),
            ("x-amz-server-side-encryption-context", context.as_str()),
        ];
        house.ask("PUT /logs/a", &headers, b"x").await
    };
    for (name, value) in [
        ("aws:s3:arn", "arn:aws:s3:::logs/b"),
        ("aws:s3:arn", "arn:aws:s3:::logs"),
        ("AWS:S3:arn", "arn:aws:s3:::logs/a"),
    ] {
        put(json!({name: value}), "false").await.fails(400, "InvalidArgument");
    }
    put(json!({"aws:s3:arn": "arn:aws:s3:::logs/a"}), "true").await.fails(400, "InvalidArgument");
    put(json!({"long": "x".repeat(9 << 10)}), "false").await.fails(400, "InvalidArgument");
    house.ask("HEAD /logs/a", &[], b"").await.is(404);
    put(json!({"aws:s3:arn": "arn:aws:s3:::logs"}), "true").await.is(200);
    put(json!({"aws:s3:arn": "arn:aws:s3:::logs/a", "team": "sec"}), "false").await.is(200);
    let got = house.ask("GET /logs/a", &[], b"").await.is(200);
    let expected = json!({"aws:s3:arn": "arn:aws:s3:::logs/a", "team": "sec"});
    assert_eq!(got.also().request_parameters["encryptionContext"], expected);
}
