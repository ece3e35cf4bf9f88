//! May the caller do it? Asked before an operation reads its input.
//!
//! Condition keys: Service Authorization Reference, "Condition keys for Amazon S3".

use super::call::Call;
use super::operations::{Level, Row};
use super::parameters::query;
use super::refusal;
use crate::dispatch::denial;
use crate::operation::Access;
use cairn_bucket::Bucket;
use cairn_event::Time;
use cairn_identity::{Context, Decision, Policy, Request};
use http::{HeaderMap, Uri};
use s3s::{S3ErrorCode, S3Result};

/// Headers that are condition keys under their own name; `x-amz-grant-` stands for all
/// that begin so.
const HEADERS: &[&str] = &[
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];
const QUERY: &[(&str, &str)] = &[
    ("prefix", "s3:prefix"),
    ("delimiter", "s3:delimiter"),
    ("max-keys", "s3:max-keys"),
    ("versionId", "s3:VersionId"),
];
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

pub(super) type Conditions = Vec<(String, String)>;

/// One question.
pub(super) struct Ask<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    pub account: &'a str,
    pub policy: Option<&'a Policy>,
    /// Whether the policy on the resource must allow, as that of a key.
    pub policy_required: bool,
    pub conditions: &'a [(String, String)],
}

/// Asks for the operation that a request names, on what it names; then, before a write
/// has any effect, lets the recorder note that it will.
pub(super) async fn admit(call: &Call, row: &'static Row, uri: &Uri, headers: &HeaderMap) -> S3Result<()> {
    call.set_conditions(conditions(call, uri, headers));
    match row.level {
        Level::Account => call.authorize_own("*", row.action)?,
        Level::Bucket if row.name == "CreateBucket" => {
            let arn = format!("arn:aws:s3:::{}", call.address.bucket.as_deref().unwrap_or_default());
            call.authorize_own(&arn, row.action)?;
        }
        Level::Bucket | Level::Object => ask_bucket(call, row, uri, headers).await?,
    }
    if row.access == Access::Write {
        let so_far = call.so_far();
        let before = call.services.before();
        before.before_effect(&call.arrival, &so_far).await.map_err(|fault| refusal::of_fault(&fault))?;
    }
    Ok(())
}

async fn ask_bucket(call: &Call, row: &Row, uri: &Uri, headers: &HeaderMap) -> S3Result<()> {
    let bucket = call.bucket()?;
    call.name_resources(bucket);
    let expected = headers.get("x-amz-expected-bucket-owner");
    if expected.is_some_and(|account| account.as_bytes() != bucket.account.as_bytes()) {
        return Err(refusal::access_denied());
    }
    if row.action.is_empty() {
        return Ok(());
    }
    let version = query(uri.query().unwrap_or_default()).find(|(name, _)| name == "versionId").map(|(_, value)| value);
    let action = if version.is_some() { row.version_action } else { row.action };
    let key = call.address.key.as_deref();
    if let Some(key) = key.filter(|_| row.asks_tags) {
        call.look_up(key, version.as_deref()).await;
    }
    call.authorize_on(bucket, key, action)
}

/// The condition keys that the request brings.
fn conditions(call: &Call, uri: &Uri, headers: &HeaderMap) -> Conditions {
    let mut found = Conditions::new();
    for (name, value) in query(uri.query().unwrap_or_default()) {
        if let Some((_, key)) = QUERY.iter().find(|(known, _)| *known == name) {
            found.push(((*key).to_owned(), value));
        }
    }
    for (name, value) in headers {
        let (name, Ok(value)) = (name.as_str(), value.to_str()) else { continue };
        if HEADERS.iter().any(|known| *known == name || known.ends_with('-') && name.starts_with(known)) {
            found.push((format!("s3:{name}"), value.to_owned()));
        }
        let lock = match name {
            "x-amz-object-lock-mode" => "s3:object-lock-mode",
            "x-amz-object-lock-legal-hold" => "s3:object-lock-legal-hold",
            "x-amz-object-lock-retain-until-date" => "s3:object-lock-retain-until-date",
            _ => continue,
        };
        found.push((lock.to_owned(), value.to_owned()));
        if name == "x-amz-object-lock-retain-until-date" {
            found.extend(remaining_days(value, call.now()));
        }
    }
    for (name, value) in headers.get("x-amz-tagging").and_then(|tags| tags.to_str().ok()).into_iter().flat_map(query) {
        found.push(("s3:RequestObjectTagKeys".to_owned(), name.clone()));
        found.push((format!("s3:RequestObjectTag/{name}"), value));
    }
    found.extend(signature(call));
    found
}

pub(super) fn remaining_days(until: &str, now: Time) -> Option<(String, String)> {
    let until = Time::parse(until).ok()?;
    let days = (until.0 - now.0).div_euclid(DAY_MILLIS);
    Some(("s3:object-lock-remaining-retention-days".to_owned(), days.to_string()))
}

fn signature(call: &Call) -> Conditions {
    let identified = call.identified();
    if identified.secret.is_none() {
        return Conditions::new();
    }
    let kind = if identified.presigned { "REST-QUERY-STRING" } else { "REST-HEADER" };
    vec![("s3:authType".to_owned(), kind.to_owned()), ("s3:signatureversion".to_owned(), "AWS4-HMAC-SHA256".to_owned())]
}

impl Call {
    /// Whether the caller may do `action` in its own account. Nobody may.
    pub fn authorize_own(&self, resource: &str, action: &str) -> S3Result<()> {
        if self.identified().secret.is_none() {
            return Err(refusal::access_denied());
        }
        let (account, conditions) = (self.caller().account(), self.conditions());
        self.authorize(&Ask { action, resource, account, policy: None, policy_required: false, conditions })
    }

    /// Whether the caller may do `action` in a bucket, on an object of it or on itself.
    pub fn authorize_on(&self, bucket: &Bucket, key: Option<&str>, action: &str) -> S3Result<()> {
        self.authorize_with(bucket, key, action, &[])
    }

    /// The same with condition keys beside those of the request.
    pub fn authorize_with(
        &self,
        bucket: &Bucket,
        key: Option<&str>,
        action: &str,
        more: &[(String, String)],
    ) -> S3Result<()> {
        if is_restricted(bucket) && self.caller().account() != bucket.account {
            return Err(refusal::access_denied());
        }
        let resource = key.map_or_else(|| bucket.arn(), |key| bucket.object_arn(key));
        let mut conditions = [self.conditions(), more].concat();
        conditions.push(("s3:ResourceAccount".to_owned(), bucket.account.clone()));
        if let Some(object) = self.object().filter(|object| key == Some(object.key.as_str())) {
            let tags = object.tags.iter();
            conditions.extend(tags.map(|(name, value)| (format!("s3:ExistingObjectTag/{name}"), value.clone())));
        }
        self.authorize(&Ask {
            action,
            resource: &resource,
            account: &bucket.account,
            policy: bucket.policy.as_deref(),
            policy_required: false,
            conditions: &conditions,
        })
    }

    /// Errors: AccessDenied.
    pub fn authorize(&self, ask: &Ask<'_>) -> S3Result<()> {
        let mut context: Context = self.services.context(&self.arrival, self.region());
        for (key, value) in ask.conditions {
            context.insert(key, value);
        }
        let caller = self.caller();
        let decision = self.engines().identity.decide(&Request {
            caller,
            action: ask.action,
            resource: ask.resource,
            resource_account: ask.account,
            resource_policy: ask.policy,
            policy_required: ask.policy_required,
            context: &context,
        });
        match decision {
            Decision::Allowed => Ok(()),
            _ if self.identified().secret.is_none() => Err(refusal::access_denied()),
            refused => {
                let message = denial(caller, ask.action, ask.resource, refused);
                Err(refusal::error(S3ErrorCode::AccessDenied, message))
            }
        }
    }
}

/// Whether Block Public Access keeps a bucket with a public policy to its own account.
fn is_restricted(bucket: &Bucket) -> bool {
    bucket.settings.public_access_block.is_some_and(|block| block.restrict_public_buckets) && bucket.is_public()
}
