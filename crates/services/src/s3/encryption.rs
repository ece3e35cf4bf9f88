//! SSE-KMS: may the caller use the key, and the records of its use.
//!
//! S3 asks KMS in the caller's name. The records of that show the caller, invoked by AWS,
//! and the encryption context of the object.

use super::access::Ask;
use super::call::Call;
use super::refusal::{self, error, invalid_argument, not_implemented};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cairn_bucket::{Bucket, Encryption, Sse};
use cairn_event::{Category, EventType, Record, Resource};
use cairn_identity::{Policy, PolicyKind};
use cairn_key::{Context, Key, Scope};
use http::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde_json::{Map, Value, json};

/// The name in an encryption context of what is encrypted.
const OBJECT_ARN: &str = "aws:s3:arn";
/// Names and values together, as keys take them.
const CONTEXT_BYTES_MAX: usize = 8192;

/// What S3 does with a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// For a new object.
    GenerateDataKey,
    /// To read an object, or to go on with an upload.
    Decrypt,
}

impl Use {
    const fn name(self) -> &'static str {
        match self {
            Self::GenerateDataKey => "GenerateDataKey",
            Self::Decrypt => "Decrypt",
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::GenerateDataKey => "kms:GenerateDataKey",
            Self::Decrypt => "kms:Decrypt",
        }
    }
}

impl Call {
    /// How a new object will be encrypted, by its headers or the bucket's default; the
    /// caller may use the key.
    pub async fn encrypt(&self, bucket: &Bucket, key: &str, headers: &HeaderMap) -> S3Result<Sse> {
        let (wanted, context) = wanted(headers)?;
        let scope = Scope { account: self.caller().account(), region: &bucket.region };
        let sse = self.buckets().sse(scope, &bucket.name, wanted, context).await.map_err(refusal::of)?;
        check_context(bucket, key, &sse)?;
        self.use_key(bucket, key, &sse, Use::GenerateDataKey).await?;
        Ok(sse)
    }

    /// Whether the caller may use the key that an object is encrypted under; nothing to
    /// ask where the house keeps the key itself. Recorded either way.
    pub async fn use_key(&self, bucket: &Bucket, key: &str, sse: &Sse, used: Use) -> S3Result<()> {
        let Sse::Kms { key_arn, .. } = sse else { return Ok(()) };
        let context = sse.context(&bucket.name, key);
        let scope = Scope { account: &bucket.account, region: &bucket.region };
        let found = self.engines().keys.resolve(scope, key_arn).await.map_err(refusal::of_key)?;
        let allowed = self.ask_key(bucket, &found, &context, used);
        let record = self.record_of_use(bucket, &found, &context, used, allowed.as_ref().err());
        self.record(|outcome| outcome.also.extend(record));
        allowed
    }

    fn ask_key(&self, bucket: &Bucket, key: &Key, context: &Context, used: Use) -> S3Result<()> {
        let policy = Policy::parse(&key.policy, PolicyKind::Resource)
            .map_err(|error| refusal::internal(&format!("the policy of {} cannot be read: {error}", key.arn)))?;
        let mut conditions = vec![
            ("kms:CallerAccount".to_owned(), self.caller().account().to_owned()),
            ("kms:ViaService".to_owned(), format!("s3.{}.amazonaws.com", bucket.region)),
            ("kms:EncryptionAlgorithm".to_owned(), "SYMMETRIC_DEFAULT".to_owned()),
        ];
        for (name, value) in context {
            conditions.push((format!("kms:EncryptionContext:{name}"), value.clone()));
            conditions.push(("kms:EncryptionContextKeys".to_owned(), name.clone()));
        }
        conditions.extend(key.tags.iter().map(|(name, value)| (format!("aws:ResourceTag/{name}"), value.clone())));
        self.authorize(&Ask {
            action: used.action(),
            resource: &key.arn,
            account: &key.account,
            region: &bucket.region,
            policy: Some(&policy),
            policy_required: true,
            conditions: &conditions,
        })
    }

    /// One record for the caller's account and, tied to it, one for that of the key.
    fn record_of_use(
        &self,
        bucket: &Bucket,
        key: &Key,
        context: &Context,
        used: Use,
        refused: Option<&S3Error>,
    ) -> Vec<Record> {
        let caller = self.caller().account();
        let recipient = if caller.is_empty() { &self.engines().account } else { caller };
        let mut identity = self.caller().user_identity();
        if let Value::Object(identity) = &mut identity {
            identity.insert("invokedBy".into(), "AWS Internal".into());
        }
        let shared = (recipient != key.account && refused.is_none()).then(|| self.engines().uuid());
        let own = Record {
            user_identity: identity,
            event_time: self.now(),
            event_source: "kms.amazonaws.com".to_owned(),
            event_name: used.name().to_owned(),
            aws_region: bucket.region.clone(),
            source_ip_address: "AWS Internal".to_owned(),
            user_agent: Some("AWS Internal".to_owned()),
            error_code: refused.map(|error| error.code().as_str().to_owned()),
            error_message: refused.and_then(|error| Some(error.message()?.to_owned())),
            request_parameters: parameters(key, context, used),
            response_elements: Value::Null,
            additional_event_data: None,
            request_id: Some(self.engines().uuid().to_string()),
            event_id: self.engines().uuid(),
            read_only: true,
            resources: vec![Resource {
                account_id: Some(key.account.clone()),
                kind: "AWS::KMS::Key".to_owned(),
                arn: key.arn.clone(),
            }],
            event_type: EventType::ApiCall,
            api_version: None,
            category: Category::Management,
            recipient_account_id: recipient.to_owned(),
            shared_event_id: shared,
            service_event_details: None,
            tls_details: None,
        };
        let owner = shared.map(|_| Record {
            event_id: self.engines().uuid(),
            recipient_account_id: key.account.clone(),
            user_identity: json!({
                "type": "AWSAccount", "principalId": self.caller().principal_id(), "accountId": caller,
                "invokedBy": "AWS Internal",
            }),
            ..own.clone()
        });
        std::iter::once(own).chain(owner).collect()
    }
}

fn parameters(key: &Key, context: &Context, used: Use) -> Value {
    let mut shown = Map::new();
    match used {
        Use::GenerateDataKey => {
            shown.insert("keyId".into(), key.arn.as_str().into());
            shown.insert("keySpec".into(), "AES_256".into());
        }
        Use::Decrypt => _ = shown.insert("encryptionAlgorithm".into(), "SYMMETRIC_DEFAULT".into()),
    }
    shown.insert("encryptionContext".into(), json!(context));
    Value::Object(shown)
}

/// What the headers of a request want, with the encryption context that they give.
fn wanted(headers: &HeaderMap) -> S3Result<(Option<Encryption>, Context)> {
    refuse_customer_keys(headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let key = text("x-amz-server-side-encryption-aws-kms-key-id").map(str::to_owned);
    let bucket_key = text("x-amz-server-side-encryption-bucket-key-enabled") == Some("true");
    let context = text("x-amz-server-side-encryption-context");
    let wanted = match text("x-amz-server-side-encryption") {
        Some("aws:kms") => Some(Encryption::Kms { key, bucket_key }),
        None | Some("AES256") if key.is_some() || context.is_some() => {
            let message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
            return Err(invalid_argument(message));
        }
        None => None,
        Some("AES256") => Some(Encryption::Aes256),
        Some("aws:kms:dsse") => return Err(not_implemented("Dual-layer encryption is not implemented")),
        Some(_) => {
            let message = "The encryption method specified is not supported";
            return Err(error(S3ErrorCode::InvalidEncryptionAlgorithmError, message));
        }
    };
    Ok((wanted, context.map(read_context).transpose()?.unwrap_or_default()))
}

/// Policies of keys go by the context, so that nobody may pass an object off as another;
/// names of conditions are the same in capitals. Errors: InvalidArgument, also where the
/// context with what is added to it is longer than keys take.
fn check_context(bucket: &Bucket, key: &str, sse: &Sse) -> S3Result<()> {
    let Sse::Kms { bucket_key, context, .. } = sse else { return Ok(()) };
    let arn = if *bucket_key { bucket.arn() } else { bucket.object_arn(key) };
    let is_other = |(name, value): (&String, &String)| {
        name.eq_ignore_ascii_case(OBJECT_ARN) && (name != OBJECT_ARN || *value != arn)
    };
    if context.iter().any(is_other) {
        let message = format!("The encryption context may name '{OBJECT_ARN}' only as the ARN of what is encrypted");
        return Err(invalid_argument(message));
    }
    let full = sse.context(&bucket.name, key);
    if full.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > CONTEXT_BYTES_MAX {
        let message = format!("The encryption context must not be longer than {CONTEXT_BYTES_MAX} bytes");
        return Err(invalid_argument(message));
    }
    Ok(())
}

/// Keys that a customer brings with each request are not kept, and so not supported.
pub(super) fn refuse_customer_keys(headers: &HeaderMap) -> S3Result<()> {
    let brings = |name: &http::HeaderName| name.as_str().contains("server-side-encryption-customer-");
    if headers.keys().any(brings) {
        return Err(not_implemented("Server-side encryption with customer-provided keys (SSE-C) is not implemented"));
    }
    Ok(())
}

fn read_context(encoded: &str) -> S3Result<Context> {
    let json = BASE64_STANDARD.decode(encoded).ok();
    json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| {
        invalid_argument(
            "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON \
             which represents a string-string map",
        )
    })
}
