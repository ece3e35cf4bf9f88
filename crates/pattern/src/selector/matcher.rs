//! How one advanced selector matches: which fields its category has, and what each may be asked.

use super::advanced::{AdvancedSelector, FieldSelector, allowed_only};
use super::condition::Condition;
use super::look::{Category, Look, Resource};
use super::{Holder, invalid};
use crate::Error;

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
    holder: Holder,
    category: Category,
    conditions: Vec<(Field, Condition)>,
    /// The type of resource, and what its ARN must be.
    resource: Option<(String, Option<Condition>)>,
}

impl Matcher {
    pub fn of(selector: &AdvancedSelector, holder: Holder) -> Result<Self, Error> {
        selector.check()?;
        let category = category(selector.field("eventCategory")?.one()?, holder)?;
        let mut matcher = Self { holder, category, conditions: Vec::new(), resource: None };
        match category {
            Category::Data => {
                let kind = selector.field("resources.type")?.one()?;
                check_kind(kind)?;
                matcher.resource = Some((kind.to_owned(), None));
            }
            Category::NetworkActivity => check_source(selector.field("eventSource")?.one()?)?,
            _ => {}
        }
        selector.field_selectors.iter().try_for_each(|field| matcher.add(field))?;
        matcher.conditions.sort_by_key(|(field, _)| *field);
        Ok(matcher)
    }

    pub const fn category(&self) -> Category {
        self.category
    }

    fn add(&mut self, selector: &FieldSelector) -> Result<(), Error> {
        use Category::Data;
        match (self.category, selector.field.as_str()) {
            (_, "eventCategory") | (Data, "resources.type") => {}
            (Data, "resources.ARN") => {
                check_arns(selector)?;
                self.resource.iter_mut().for_each(|(_, arn)| *arn = Some(Condition::of(selector)));
            }
            _ => self.conditions.push((self.field(selector)?, Condition::of(selector))),
        }
        Ok(())
    }

    /// The field that a condition is about, if the category has it and the operators may be used on it.
    fn field(&self, selector: &FieldSelector) -> Result<Field, Error> {
        use Category::{Data, Management, NetworkActivity};
        let store = self.holder == Holder::Store;
        match (self.category, selector.field.as_str()) {
            (Management | Data, "readOnly") => selector.one_of(&["true", "false"]).map(|()| Field::ReadOnly),
            (Management, "eventSource") if !store => check_excluded(selector).map(|()| Field::EventSource),
            (Management | Data | NetworkActivity, "eventSource") => Ok(Field::EventSource),
            (NetworkActivity, "errorCode") => selector.one_of(&["VpceAccessDenied"]).map(|()| Field::ErrorCode),
            (NetworkActivity, "vpcEndpointId") => Ok(Field::VpcEndpointId),
            (Data | NetworkActivity, "eventName") => Ok(Field::EventName),
            (Data, field) => self.rich(field, selector),
            (Management, field) if store => self.rich(field, selector),
            (_, field) => Err(self.unknown(field)),
        }
    }

    /// What can be asked of data events, and in event data stores of management events.
    fn rich(&self, field: &str, selector: &FieldSelector) -> Result<Field, Error> {
        match field {
            "eventName" => Ok(Field::EventName),
            "eventType" => Ok(Field::EventType),
            "userIdentity.arn" => Ok(Field::UserArn),
            "sessionCredentialFromConsole" => check_flag(selector).map(|()| Field::FromConsole),
            field => Err(self.unknown(field)),
        }
    }

    fn unknown(&self, field: &str) -> Error {
        let (category, holder) = (self.category.name(), self.holder.name());
        invalid(format!("Field {field:?} cannot be used with eventCategory {category} on {holder}."))
    }

    pub fn matches(&self, look: &Look<'_, '_>) -> bool {
        self.category == look.category
            && self.conditions.iter().all(|(field, condition)| condition.holds(field.of(look)))
            && self.resource.as_ref().is_none_or(|(kind, arn)| names_resource(look, kind, arn.as_ref()))
    }
}

fn category(name: &str, holder: Holder) -> Result<Category, Error> {
    use Category::{Data, Management, NetworkActivity};
    match (Category::named(name), holder) {
        (Some(category @ (Management | Data | NetworkActivity)), _) | (Some(category), Holder::Store) => Ok(category),
        _ => Err(invalid(format!("There are no events of eventCategory {name:?} on {}.", holder.name()))),
    }
}

/// Whether a resource of this type is in the event, with such an ARN.
fn names_resource(look: &Look<'_, '_>, kind: &str, arn: Option<&Condition>) -> bool {
    let wanted = |resource: &Resource<'_>| {
        resource.kind() == Some(kind) && arn.is_none_or(|condition| condition.holds(resource.arn()))
    };
    look.resources().iter().any(wanted)
}

impl Field {
    /// The field's text in an event. One that does not say whether it only reads counts as a write.
    fn of<'l>(self, look: &'l Look<'_, '_>) -> Option<&'l str> {
        let event = look.event;
        match self {
            Self::ReadOnly => Some(if event.read_only == Some(true) { "true" } else { "false" }),
            Self::EventSource => event.event_source.as_deref(),
            Self::EventName => event.event_name.as_deref(),
            Self::EventType => event.event_type.as_deref(),
            Self::ErrorCode => event.error_code.as_deref(),
            Self::VpcEndpointId => event.vpc_endpoint_id.as_deref(),
            Self::FromConsole => event.session_credential_from_console.then_some("true"),
            Self::UserArn => look.user_arn(),
        }
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

/// Management events of a trail: two busy sources can be left out, and no others.
fn check_excluded(selector: &FieldSelector) -> Result<(), Error> {
    let sources = selector.only("NotEquals")?.iter().map(String::as_str);
    allowed_only("eventSource", sources, &["kms.amazonaws.com", "rdsdata.amazonaws.com"])
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
