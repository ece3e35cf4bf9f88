//! Advanced event selectors: conditions over an event's fields.

use super::condition::Condition;
use super::{Category, Resource, invalid, resources};
use crate::Error;
use cairn_event::Head;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Over all conditions of a trail.
const VALUES_MAX: usize = 500;
const VALUE_CHARS_MAX: usize = 2048;
const NAME_CHARS_MAX: usize = 1000;
const FIELD_CHARS_MAX: usize = 1000;

/// One advanced event selector as AWS writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdvancedSelector {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub field_selectors: Vec<FieldSelector>,
}

/// What one field must be and must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldSelector {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_ends_with: Option<Vec<String>>,
}

/// Cheap fields first: conditions are tried in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    ReadOnly,
    EventSource,
    EventName,
    EventType,
    ErrorCode,
    VpcEndpointId,
    FromConsole,
    UserArn,
}

#[derive(Clone, Debug)]
pub(super) struct Matcher {
    category: Category,
    conditions: Vec<(Field, Condition)>,
    /// The type of resource, and what its ARN must be.
    resource: Option<(String, Option<Condition>)>,
}

impl FieldSelector {
    pub(super) fn equals(field: &str, values: &[&str]) -> Self {
        let equals = Some(values.iter().map(|value| (*value).to_owned()).collect());
        Self { field: field.to_owned(), equals, ..Self::default() }
    }

    fn operators(&self) -> [(&'static str, Option<&Vec<String>>); 6] {
        [
            ("Equals", self.equals.as_ref()),
            ("StartsWith", self.starts_with.as_ref()),
            ("EndsWith", self.ends_with.as_ref()),
            ("NotEquals", self.not_equals.as_ref()),
            ("NotStartsWith", self.not_starts_with.as_ref()),
            ("NotEndsWith", self.not_ends_with.as_ref()),
        ]
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &String> {
        self.operators().into_iter().filter_map(|(_, values)| values).flatten()
    }

    /// Lists and values of sizes that any field may have.
    fn check(&self) -> Result<(), Error> {
        let given: Vec<_> = self.operators().into_iter().filter_map(|(name, values)| Some((name, values?))).collect();
        if given.is_empty() {
            return Err(invalid(format!("Field {} has no operator.", self.field)));
        }
        for (name, values) in given {
            if values.is_empty() {
                return Err(invalid(format!("{name} of field {} has no values.", self.field)));
            }
        }
        if self.values().any(|value| value.is_empty() || value.chars().count() > VALUE_CHARS_MAX) {
            return Err(invalid(format!("A value of field {} has 1 to {VALUE_CHARS_MAX} characters.", self.field)));
        }
        Ok(())
    }

    /// The values of `allowed`, the one operator that may be there.
    fn only(&self, allowed: &str) -> Result<&Vec<String>, Error> {
        let mut found = None;
        for (name, values) in self.operators() {
            if name == allowed {
                found = values;
            } else if values.is_some() {
                return Err(invalid(format!("Field {} takes the operator {allowed}, not {name}.", self.field)));
            }
        }
        found.ok_or_else(|| invalid(format!("Field {} needs the operator {allowed}.", self.field)))
    }

    /// The one value that must be equalled.
    fn one(&self) -> Result<&str, Error> {
        match self.only("Equals")?.as_slice() {
            [value] => Ok(value),
            values => Err(invalid(format!("Field {} equals one value, not {}.", self.field, values.len()))),
        }
    }

    fn one_of(&self, allowed: &[&str]) -> Result<(), Error> {
        allowed_only(&self.field, std::iter::once(self.one()?), allowed)
    }
}

fn allowed_only<'a>(field: &str, values: impl Iterator<Item = &'a str>, allowed: &[&str]) -> Result<(), Error> {
    for value in values {
        if !allowed.contains(&value) {
            return Err(invalid(format!("Field {field} has the value {value:?}; it may have {}.", allowed.join(", "))));
        }
    }
    Ok(())
}

/// How the selectors match, if they are within the grammar for trails.
pub(super) fn check(selectors: &[AdvancedSelector]) -> Result<Vec<Matcher>, Error> {
    if selectors.is_empty() {
        return Err(invalid("A trail has at least one event selector."));
    }
    let values =
        selectors.iter().flat_map(|selector| &selector.field_selectors).flat_map(FieldSelector::values).count();
    if values > VALUES_MAX {
        return Err(invalid(format!(
            "The conditions of a trail have at most {VALUES_MAX} values, {values} were given."
        )));
    }
    selectors.iter().map(Matcher::of).collect()
}

impl AdvancedSelector {
    fn field(&self, name: &str) -> Result<&FieldSelector, Error> {
        let found = self.field_selectors.iter().find(|field| field.field == name);
        found.ok_or_else(|| invalid(format!("An advanced event selector needs the field {name}.")))
    }

    fn check(&self) -> Result<(), Error> {
        if self.name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
            return Err(invalid(format!("The name of a selector has at most {NAME_CHARS_MAX} characters.")));
        }
        for (index, field) in self.field_selectors.iter().enumerate() {
            if field.field.chars().count() > FIELD_CHARS_MAX {
                return Err(invalid(format!("The name of a field has at most {FIELD_CHARS_MAX} characters.")));
            }
            if self.field_selectors[..index].iter().any(|other| other.field == field.field) {
                return Err(invalid(format!("Field {} stands twice in one selector.", field.field)));
            }
            field.check()?;
        }
        Ok(())
    }
}

impl Category {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "Management" => Ok(Self::Management),
            "Data" => Ok(Self::Data),
            "NetworkActivity" => Ok(Self::NetworkActivity),
            _ => Err(invalid(format!("A trail has no events of eventCategory {text:?}."))),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::NetworkActivity => "NetworkActivity",
        }
    }
}

impl Matcher {
    fn of(selector: &AdvancedSelector) -> Result<Self, Error> {
        selector.check()?;
        let category = Category::parse(selector.field("eventCategory")?.one()?)?;
        let mut matcher = Self { category, conditions: Vec::new(), resource: None };
        match category {
            Category::Management => {}
            Category::Data => {
                let kind = selector.field("resources.type")?.one()?;
                check_kind(kind)?;
                matcher.resource = Some((kind.to_owned(), None));
            }
            Category::NetworkActivity => check_source(selector.field("eventSource")?.one()?)?,
        }
        selector.field_selectors.iter().try_for_each(|field| matcher.add(field))?;
        matcher.conditions.sort_by_key(|(field, _)| *field);
        Ok(matcher)
    }

    fn add(&mut self, selector: &FieldSelector) -> Result<(), Error> {
        use Category::{Data, Management, NetworkActivity};
        let field = match (self.category, selector.field.as_str()) {
            (_, "eventCategory") | (Data, "resources.type") => return Ok(()),
            (Data, "resources.ARN") => {
                check_arns(selector)?;
                self.resource.iter_mut().for_each(|(_, arn)| *arn = Some(Condition::of(selector)));
                return Ok(());
            }
            (Management | Data, "readOnly") => {
                selector.one_of(&["true", "false"])?;
                Field::ReadOnly
            }
            (Management, "eventSource") => {
                let sources = selector.only("NotEquals")?.iter().map(String::as_str);
                allowed_only("eventSource", sources, &["kms.amazonaws.com", "rdsdata.amazonaws.com"])?;
                Field::EventSource
            }
            (NetworkActivity | Data, "eventSource") => Field::EventSource,
            (NetworkActivity, "errorCode") => {
                selector.one_of(&["VpceAccessDenied"])?;
                Field::ErrorCode
            }
            (Data, "sessionCredentialFromConsole") => {
                check_flag(selector)?;
                Field::FromConsole
            }
            (Data | NetworkActivity, "eventName") => Field::EventName,
            (Data, "eventType") => Field::EventType,
            (Data, "userIdentity.arn") => Field::UserArn,
            (NetworkActivity, "vpcEndpointId") => Field::VpcEndpointId,
            (category, field) => {
                let message =
                    format!("Field {field:?} cannot be used with eventCategory {} on a trail.", category.name());
                return Err(invalid(message));
            }
        };
        self.conditions.push((field, Condition::of(selector)));
        Ok(())
    }

    pub fn matches(&self, category: Category, event: &Head<'_>) -> bool {
        self.category == category
            && self.conditions.iter().all(|(field, condition)| condition.holds(field.of(event).as_deref()))
            && self.resource.as_ref().is_none_or(|(kind, arn)| names_resource(event, kind, arn.as_ref()))
    }
}

/// Whether a resource of this type is in the event, with such an ARN.
fn names_resource(event: &Head<'_>, kind: &str, arn: Option<&Condition>) -> bool {
    let wanted = |resource: &Resource<'_>| {
        resource.kind() == Some(kind) && arn.is_none_or(|condition| condition.holds(resource.arn()))
    };
    resources(event).iter().any(wanted)
}

impl Field {
    /// The field's text in an event. One that does not say whether it only reads counts as a write.
    fn of<'a>(self, event: &'a Head<'_>) -> Option<Cow<'a, str>> {
        let text = match self {
            Self::ReadOnly => Some(if event.read_only == Some(true) { "true" } else { "false" }),
            Self::EventSource => event.event_source.as_deref(),
            Self::EventName => event.event_name.as_deref(),
            Self::EventType => event.event_type.as_deref(),
            Self::ErrorCode => event.error_code.as_deref(),
            Self::VpcEndpointId => event.vpc_endpoint_id.as_deref(),
            Self::FromConsole => event.session_credential_from_console.then_some("true"),
            Self::UserArn => return event.string_at(&["userIdentity", "arn"]).map(Cow::Owned),
        };
        text.map(Cow::Borrowed)
    }
}

/// `AWS::service::kind`; AWS adds some every month, so any is taken.
fn check_kind(kind: &str) -> Result<(), Error> {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match kind.split("::").collect::<Vec<_>>().as_slice() {
        ["AWS", service, kind] if plain(service) && plain(kind) => Ok(()),
        _ => Err(invalid(format!("Field resources.type has the value {kind:?}, which is no type of resource."))),
    }
}

fn check_source(source: &str) -> Result<(), Error> {
    if source.strip_suffix(".amazonaws.com").is_some_and(|name| !name.is_empty()) {
        return Ok(());
    }
    Err(invalid(format!("Field eventSource has the value {source:?}, which is no source of network activity events.")))
}

fn check_arns(selector: &FieldSelector) -> Result<(), Error> {
    let whole = selector.equals.iter().chain(&selector.not_equals).flatten();
    for value in whole {
        cairn_event::Arn::parse(value)
            .map_err(|_| invalid(format!("Field resources.ARN has the value {value:?}, which is no ARN.")))?;
    }
    Ok(())
}

fn check_flag(selector: &FieldSelector) -> Result<(), Error> {
    for (name, values) in selector.operators() {
        let Some(values) = values else { continue };
        if !name.ends_with("Equals") {
            return Err(invalid(format!(
                "Field {} takes the operators Equals and NotEquals, not {name}.",
                selector.field
            )));
        }
        allowed_only(&selector.field, values.iter().map(String::as_str), &["true"])?;
    }
    Ok(())
}
