//! What the operations share: whose call it is, authorizing on a trail, faults, shapes.

use crate::call::Call;
use crate::operation::Target;
use cairn_trail::{Error, Scope, Trail};
use cairn_wire::Fault;
use serde::Serialize;

pub(super) fn scope<'a>(call: &'a Call<'_>) -> Scope<'a> {
    Scope { account: call.account(), region: call.region, event_id: call.arrival.event_id }
}

/// The ARN that a name or ARN means to this caller.
pub(super) fn arn(call: &Call<'_>, reference: &str) -> String {
    if reference.starts_with("arn:") {
        return reference.to_owned();
    }
    format!("arn:aws:cloudtrail:{}:{}:trail/{reference}", call.region, call.account())
}

/// A trail to be authorized on. It may not exist; then the caller is told so only if allowed.
pub(super) fn target(call: &Call<'_>, reference: &str) -> Target {
    let tags = call.engines.trails.get(scope(call), reference).map(|trail| trail.tags).unwrap_or_default();
    Target {
        arn: arn(call, reference),
        // Trails have no policies of their own: the caller's account alone decides.
        account: call.account().to_owned(),
        context: tags.into_iter().map(|(key, value)| (format!("aws:ResourceTag/{key}"), value)).collect(),
        ..Target::default()
    }
}

/// The engine's errors in the words of AWS.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::NotFound(message) => exception("TrailNotFound", message),
        Error::Conflict(message) => exception("Conflict", message),
        Error::Invalid { code, message } => exception(code, message),
        Error::Unavailable(_) | Error::Corrupt(_) => Fault::internal(error),
    }
}

/// One of the service's exceptions, named without the suffix that all of them have.
pub(super) fn exception(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(format!("{code}Exception"), 400, message)
}

/// A member that clients send empty to say that there is none.
pub(super) fn filled(member: Option<String>) -> Option<String> {
    member.filter(|text| !text.is_empty())
}

/// What CreateTrail and UpdateTrail answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Info {
    name: String,
    #[serde(rename = "S3BucketName")]
    bucket: String,
    #[serde(rename = "S3KeyPrefix", skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(rename = "TrailARN")]
    arn: String,
    log_file_validation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    is_organization_trail: bool,
    recursive_logging: bool,
}

impl From<Trail> for Info {
    fn from(trail: Trail) -> Self {
        Self {
            name: trail.name,
            bucket: trail.bucket,
            prefix: trail.prefix,
            include_global_service_events: trail.global_service_events,
            is_multi_region_trail: trail.multi_region,
            arn: trail.arn,
            log_file_validation_enabled: trail.validation,
            kms_key_id: trail.kms_key,
            is_organization_trail: trail.organization.is_some(),
            recursive_logging: trail.recursive_logging,
        }
    }
}

/// What GetTrail and DescribeTrails answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    #[serde(flatten)]
    info: Info,
    home_region: String,
    has_custom_event_selectors: bool,
    has_insight_selectors: bool,
}

impl From<Trail> for Description {
    fn from(trail: Trail) -> Self {
        Self {
            home_region: trail.home_region.clone(),
            has_custom_event_selectors: trail.custom_selectors,
            // There are no insights yet that a trail could select.
            has_insight_selectors: false,
            info: trail.into(),
        }
    }
}
