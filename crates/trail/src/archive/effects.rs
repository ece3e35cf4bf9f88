//! What a delivery did in the bucket's and the key's account, as records.
//!
//! AWS records each PutObject of a log or digest file as a data event of the bucket's owner,
//! and with a KMS key the GenerateDataKey before it as a management event of the key's
//! owner. Source of the shapes: AWS CloudTrail user guide, "KMS key policies for CloudTrail",
//! and published records of log deliveries.

use super::rows::Staged;
use crate::check::SERVICE;
use cairn_event::{Arn, Category, EventType, Record, Resource, Time};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A bucket of the house.
pub(crate) struct Landing<'a> {
    pub owner: &'a str,
    pub region: &'a str,
    pub version: Option<&'a str>,
    pub bytes: usize,
}

/// The records of one delivery. Their IDs follow from the file, so that a delivery that is
/// recorded again after a crash has the same.
pub(crate) fn records(file: &Staged, landing: &Landing<'_>, at: Time) -> Vec<Record> {
    let data_key = file.kms_key.as_ref().and_then(|key| generate_data_key(file, key, at));
    data_key.into_iter().chain([put_object(file, landing, at)]).collect()
}

/// A UUID that is always the same for one file and label.
fn derived(file: &Staged, label: &str) -> Uuid {
    let text = format!("{label}\n{}\n{}\n{}", file.bucket, file.key, file.cut.millis());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn by_service(file: &Staged, source: &str, name: &str, account: &str, region: &str, at: Time) -> Record {
    let mut record = Record::service_event(source, name, account, region, at, derived(file, name));
    record.event_type = EventType::ApiCall;
    record.user_identity = json!({"type": "AWSService", "invokedBy": SERVICE});
    SERVICE.clone_into(&mut record.source_ip_address);
    record.user_agent = Some(SERVICE.to_owned());
    record.request_id = Some(derived(file, &format!("{name}/request")).to_string());
    record.shared_event_id = Some(derived(file, &format!("{name}/shared")));
    record
}

fn generate_data_key(file: &Staged, key: &str, at: Time) -> Option<Record> {
    let arn = Arn::parse(key).ok()?;
    let mut record = by_service(file, "kms.amazonaws.com", "GenerateDataKey", arn.account(), arn.region(), at);
    record.read_only = true;
    record.request_parameters = json!({
        "keySpec": "AES_256",
        "keyId": key,
        "encryptionContext": super::publish::encryption_context(file),
    });
    record.resources = vec![Resource {
        account_id: Some(arn.account().to_owned()),
        kind: "AWS::KMS::Key".to_owned(),
        arn: key.to_owned(),
    }];
    Some(record)
}

fn put_object(file: &Staged, landing: &Landing<'_>, at: Time) -> Record {
    let Landing { owner, region, version, bytes } = *landing;
    let mut record = by_service(file, "s3.amazonaws.com", "PutObject", owner, region, at);
    record.category = Category::Data;
    let mut encryption = Map::new();
    let method = if file.kms_key.is_some() { "aws:kms" } else { "AES256" };
    encryption.insert("x-amz-server-side-encryption".to_owned(), method.into());
    if let Some(key) = &file.kms_key {
        encryption.insert("x-amz-server-side-encryption-aws-kms-key-id".to_owned(), key.as_str().into());
    }
    let mut parameters = Map::new();
    parameters.insert("bucketName".to_owned(), file.bucket.as_str().into());
    parameters.insert("Host".to_owned(), format!("{}.s3.{region}.amazonaws.com", file.bucket).into());
    parameters.insert("x-amz-acl".to_owned(), "bucket-owner-full-control".into());
    parameters.extend(encryption.clone());
    parameters.insert("key".to_owned(), file.key.as_str().into());
    record.request_parameters = Value::Object(parameters);
    if let Some(version) = version {
        encryption.insert("x-amz-version-id".to_owned(), version.into());
    }
    record.response_elements = Value::Object(encryption);
    record.additional_event_data = Some(json!({"bytesTransferredIn": bytes, "bytesTransferredOut": 0}));
    record.resources = vec![
        Resource {
            account_id: None,
            kind: "AWS::S3::Object".to_owned(),
            arn: format!("arn:aws:s3:::{}/{}", file.bucket, file.key),
        },
        Resource {
            account_id: Some(owner.to_owned()),
            kind: "AWS::S3::Bucket".to_owned(),
            arn: format!("arn:aws:s3:::{}", file.bucket),
        },
    ];
    record
}
