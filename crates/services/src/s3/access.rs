//! May the caller do it? Asked before an operation reads its input.
//!
//! Condition keys: Service Authorization Reference, "Condition keys for Amazon S3".

use super::call::Call;
use super::operations::{Level, Row};
use super::parameters::query;
use super::refusal;
use crate::dispatch::denial;
use crate::operation::Access;
use cairn_bucket::{Bucket, Object};
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
/// Query parameters of lists that are condition keys.
const QUERY: &[(&str, &str)] = &[("prefix", "s3:prefix"), ("delimiter", "s3:delimiter"), ("max-keys", "s3:max-keys")];
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

pub(super) type Conditions = Vec<(String, String)>;

/// One question.
pub(super) struct Ask<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    pub account: &'a str,
    /// Where the resource is, or will be: the signature's scope is for the caller to choose.
    pub region: &'a str,
    pub policy: Option<&'a Policy>,
    /// Whether the policy on the resource must allow, as that of a key.
    pub policy_required: bool,
    pub conditions: &'a [(String, String)],
}

/// Asks for the operation that a request names, on what it names, unless the operation
/// itself does; then, before a write has any effect, lets the recorder note that it will.
pub(super) async fn admit(call: &Call, row: &'static Row, uri: &Uri, headers: &HeaderMap) -> S3Result<()> {
    call.set_conditions(conditions(call, row, uri, headers));
    match row.level {
        Level::Account => call.authorize_own("*", row.action, call.region())?,
        Level::Bucket if row.name == "CreateBucket" => call.expect_somebody()?,
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
    // Whoever asks, and whatever policies say: what the house keeps for itself only the house changes.
    if row.access == Access::Write && bucket.settings.house {
        return Err(refusal::access_denied());
    }
    let version = version(row, uri);
    let key = call.address.key.as_deref();
    if let Some(key) = key.filter(|_| row.asks_tags) {
        call.look_up(key, version.as_deref()).await;
    }
    if row.asks_itself {
        return Ok(());
    }
    let action = if version.is_some() { row.version_action } else { row.action };
    call.authorize_on(bucket, key, action)
}

/// The version that is acted on. An empty one names none, here as in the operations.
fn version(row: &Row, uri: &Uri) -> Option<String> {
    let mut given = query(uri.query().unwrap_or_default()).filter(|_| row.takes_version);
    given.find(|(name, _)| name == "versionId").map(|(_, id)| id).filter(|id| !id.is_empty())
}

/// The condition keys that the request brings: only what the operation will act on, or a
/// header could say one thing to a policy and the body another to the engine.
fn conditions(call: &Call, row: &Row, uri: &Uri, headers: &HeaderMap) -> Conditions {
    let mut found = Conditions::new();
    found.extend(version(row, uri).map(|id| ("s3:VersionId".to_owned(), id)));
    for (name, value) in query(uri.query().unwrap_or_default()).filter(|_| row.level == Level::Bucket) {
        if let Some((_, key)) = QUERY.iter().find(|(known, _)| *known == name) {
            found.push(((*key).to_owned(), value));
        }
    }
    for (name, value) in headers {
        let (name, Ok(value)) = (name.as_str(), value.to_str()) else { continue };
        if HEADERS.iter().any(|known| *known == name || known.ends_with('-') && name.starts_with(known)) {
            found.push((format!("s3:{name}"), value.to_owned()));
        }
    }
    if row.makes_object() {
        found.extend(of_new_object(call, row, headers));
    }
    found.extend(signature(call));
    found
}

/// The lock and the tags that a new object brings. A copy takes over its source's tags
/// unless it says that it brings its own.
fn of_new_object(call: &Call, row: &Row, headers: &HeaderMap) -> Conditions {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut found = Conditions::new();
    for (header, key) in [
        ("x-amz-object-lock-mode", "s3:object-lock-mode"),
        ("x-amz-object-lock-legal-hold", "s3:object-lock-legal-hold"),
        ("x-amz-object-lock-retain-until-date", "s3:object-lock-retain-until-date"),
    ] {
        found.extend(text(header).map(|value| (key.to_owned(), value.to_owned())));
    }
    found.extend(text("x-amz-object-lock-retain-until-date").and_then(|until| remaining_days(until, call.now())));
    if row.name != "CopyObject" || text("x-amz-tagging-directive") == Some("REPLACE") {
        found.extend(requested_tags(text("x-amz-tagging").into_iter().flat_map(query)));
    }
    found
}

/// Tags that an object is to get, as condition keys.
pub(super) fn requested_tags(tags: impl Iterator<Item = (String, String)>) -> Conditions {
    let keys = |(name, value): (String, String)| {
        [(format!("s3:RequestObjectTag/{name}"), value), ("s3:RequestObjectTagKeys".to_owned(), name)]
    };
    tags.flat_map(keys).collect()
}

/// Tags that an object has, as condition keys.
pub(super) fn existing_tags(object: &Object) -> impl Iterator<Item = (String, String)> + '_ {
    object.tags.iter().map(|(name, value)| (format!("s3:ExistingObjectTag/{name}"), value.clone()))
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
    /// Errors: AccessDenied, where nobody calls.
    pub fn expect_somebody(&self) -> S3Result<()> {
        self.identified().secret.as_ref().map(|_| ()).ok_or_else(refusal::access_denied)
    }

    /// Whether the caller may do `action` in its own account. Nobody may.
    pub fn authorize_own(&self, resource: &str, action: &str, region: &str) -> S3Result<()> {
        self.expect_somebody()?;
        let (account, conditions) = (self.caller().account(), self.conditions());
        self.authorize(&Ask { action, resource, account, region, policy: None, policy_required: false, conditions })
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
        let mut conditions = [self.conditions(), self.copied_tags(), more].concat();
        conditions.push(("s3:ResourceAccount".to_owned(), bucket.account.clone()));
        if let Some(object) = self.object().filter(|object| key == Some(object.key.as_str())) {
            conditions.extend(existing_tags(object));
        }
        self.authorize(&Ask {
            action,
            resource: &resource,
            account: &bucket.account,
            region: &bucket.region,
            policy: bucket.policy.as_deref(),
            policy_required: false,
            conditions: &conditions,
        })
    }

    /// Errors: AccessDenied.
    pub fn authorize(&self, ask: &Ask<'_>) -> S3Result<()> {
        let mut context: Context = self.services.context(&self.arrival, ask.region);
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
