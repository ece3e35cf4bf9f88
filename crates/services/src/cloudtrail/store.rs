//! What the operations on event data stores share: whose call it is, authorizing on a store, faults, shapes.

use super::tags::Tag;
use super::trail::exception;
use crate::call::Call;
use crate::operation::Target;
use cairn_lake::Error;
use cairn_lake::store::{Billing, Scope, Status, Store};
use cairn_pattern::selector::AdvancedSelector;
use cairn_wire::{Fault, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn scope<'a>(call: &'a Call<'_>) -> Scope<'a> {
    Scope { account: call.account(), region: call.region }
}

/// A store to be authorized on, of whichever account its ARN says, with the policy that stands on it. It may
/// not exist; then the caller is told so only if allowed.
pub(super) fn target(call: &Call<'_>, reference: &str) -> Result<Target, Fault> {
    let arn = call.engines.lake.stores.arn(scope(call), reference).map_err(fault)?;
    let store = call.engines.lake.stores.get(scope(call), &arn).ok();
    let tags = store.map(|store| store.tags.clone()).unwrap_or_default();
    Ok(Target { policy: call.engines.lake.stores.policy(&arn), ..of(call, arn, tags) })
}

/// A resource with an ARN and tags.
pub(super) fn of(call: &Call<'_>, arn: String, tags: BTreeMap<String, String>) -> Target {
    let account =
        cairn_event::Arn::parse(&arn).map_or_else(|_| call.account().to_owned(), |arn| arn.account().to_owned());
    let context = tags.into_iter().map(|(key, value)| (format!("aws:ResourceTag/{key}"), value)).collect();
    Target { arn, account, context, ..Target::default() }
}

/// A resource that is to be made, by the kind of its ARN, with the tags that it is to have.
pub(super) fn new_target(call: &Call<'_>, folder: &str, tags: Option<&Vec<Tag>>) -> Target {
    let arn = format!("arn:aws:cloudtrail:{}:{}:{folder}/*", call.region, call.account());
    let context = tags.into_iter().flatten().flat_map(Tag::request_context).collect();
    Target { arn, account: call.account().to_owned(), context, ..Target::default() }
}

/// The lake's errors in the words of AWS.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Refused { code, message } => exception(code, message),
        Error::NotFound(message) => exception("ResourceNotFound", message),
        Error::Conflict(message) => exception("Conflict", message),
        Error::Limit(message) => exception("ServiceQuotaExceeded", message),
        Error::Invalid(message) => Fault::validation(message),
        Error::Unavailable(_) | Error::Corrupt(_) => Fault::internal(error),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    exception("InvalidParameter", message)
}

pub(super) fn days(days: Option<i64>) -> Result<Option<u32>, Fault> {
    let wrong = |_| invalid("RetentionPeriod is not a number of days.");
    days.map(|days| u32::try_from(days).map_err(wrong)).transpose()
}

pub(super) fn billing(mode: Option<&str>) -> Result<Option<Billing>, Fault> {
    match mode {
        None => Ok(None),
        Some("EXTENDABLE_RETENTION_PRICING") => Ok(Some(Billing::Extendable)),
        Some("FIXED_RETENTION_PRICING") => Ok(Some(Billing::Fixed)),
        Some(_) => Err(invalid("BillingMode is EXTENDABLE_RETENTION_PRICING or FIXED_RETENTION_PRICING.")),
    }
}

pub(super) fn tags_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: Some(value.clone()) }).collect()
}

/// What operations answer that show a store.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    event_data_store_arn: String,
    name: String,
    status: Status,
    advanced_event_selectors: Vec<AdvancedSelector>,
    multi_region_enabled: bool,
    organization_enabled: bool,
    retention_period: u32,
    termination_protection_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_list: Option<Vec<Tag>>,
    created_timestamp: Timestamp,
    updated_timestamp: Timestamp,
    billing_mode: Billing,
    #[serde(skip_serializing_if = "Option::is_none")]
    federation_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    federation_role_arn: Option<String>,
}

impl From<&Store> for Description {
    fn from(store: &Store) -> Self {
        Self {
            event_data_store_arn: store.arn.clone(),
            name: store.name.clone(),
            status: store.status(),
            advanced_event_selectors: store.selectors.given().to_vec(),
            multi_region_enabled: store.multi_region,
            organization_enabled: store.organization.is_some(),
            retention_period: store.retention_days,
            termination_protection_enabled: store.protected,
            tags_list: None,
            created_timestamp: store.created.into(),
            updated_timestamp: store.updated.into(),
            billing_mode: store.billing,
            federation_status: None,
            federation_role_arn: None,
        }
    }
}

impl Description {
    /// As CreateEventDataStore answers.
    pub fn with_tags(store: &Store) -> Self {
        Self { tags_list: Some(tags_list(&store.tags)), ..store.into() }
    }

    /// As GetEventDataStore and UpdateEventDataStore answer.
    pub fn with_federation(store: &Store) -> Self {
        Self {
            federation_status: Some(federation_status(store)),
            federation_role_arn: store.federation.clone(),
            ..store.into()
        }
    }
}

/// Nothing takes time here, so there is nothing between the two.
pub(super) const fn federation_status(store: &Store) -> &'static str {
    if store.federation.is_some() { "ENABLED" } else { "DISABLED" }
}
