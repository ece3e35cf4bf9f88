//! LookupEvents: recorded management or insight events of the last 90 days, newest first.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_event::Time;
use cairn_lake::history::{Attribute, Found, Look, Place, Scope};
use cairn_wire::{Fault, Timestamp, page};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

pub(super) struct LookupEvents;

const PAGE: i64 = 50;
/// `_`, space, comma and newline count twice.
const VALUE_CHARS_MAX: usize = 2000;
/// Where several attributes are allowed: one of each.
const ATTRIBUTES_MAX: usize = 8;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup_attributes: Option<Vec<LookupAttribute>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LookupAttribute {
    attribute_key: String,
    attribute_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    events: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    event_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    resources: Vec<Resource>,
    cloud_trail_event: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
}

impl From<Found> for Shown {
    fn from(found: Found) -> Self {
        let resource = |(resource_type, resource_name)| Resource { resource_type, resource_name };
        Self {
            event_id: found.id,
            event_name: found.name,
            read_only: found.read_only.map(|read_only| if read_only { "true" } else { "false" }),
            access_key_id: found.access_key,
            event_time: Timestamp(found.time),
            event_source: found.source,
            username: found.username,
            resources: found.resources.into_iter().map(resource).collect(),
            cloud_trail_event: found.event,
        }
    }
}

impl Input {
    fn scope(&self) -> Result<Scope, Fault> {
        match trail::filled(self.event_category.clone()).as_deref() {
            None => Ok(Scope::Management),
            Some("insight") => Ok(Scope::Insight),
            Some(other) => {
                let message = format!("EventCategory {other:?} is not valid; the only category to ask for is insight.");
                Err(trail::exception("InvalidEventCategory", message))
            }
        }
    }

    fn attributes(&self, scope: Scope, several: bool) -> Result<Vec<(Attribute, String)>, Fault> {
        let given = self.lookup_attributes.as_deref().unwrap_or_default();
        let invalid = |message: String| Err(trail::exception("InvalidLookupAttributes", message));
        let count_max = if several { ATTRIBUTES_MAX } else { 1 };
        if given.len() > count_max {
            return invalid(format!("You can specify {count_max} lookup attribute(s), not {}.", given.len()));
        }
        let mut found = Vec::new();
        for LookupAttribute { attribute_key: key, attribute_value: value } in given {
            let Some(attribute) = attribute(key, scope) else {
                return invalid(format!("AttributeKey {key:?} is not valid for this event category."));
            };
            if value.is_empty() || weight(value) > VALUE_CHARS_MAX {
                return invalid(format!("The AttributeValue of {key} must have 1 to {VALUE_CHARS_MAX} characters."));
            }
            if attribute == Attribute::ReadOnly && !matches!(value.as_str(), "true" | "false") {
                return invalid(format!("The AttributeValue of ReadOnly is true or false, not {value:?}."));
            }
            found.push((attribute, value.clone()));
        }
        Ok(found)
    }

    fn span(&self) -> Result<(Option<Time>, Option<Time>), Fault> {
        let (from, to) = (self.start_time.map(|time| time.0), self.end_time.map(|time| time.0));
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(trail::exception("InvalidTimeRange", "The start time is after the end time."));
        }
        Ok((from, to))
    }

    fn max(&self) -> Result<usize, Fault> {
        let max = self.max_results.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&max) {
            let message = format!("MaxResults {max} is not between 1 and {PAGE}.");
            return Err(trail::exception("InvalidMaxResults", message));
        }
        Ok(max as usize)
    }

    /// What a token is bound to: who asks where, and for what. How many at a time may change.
    fn fingerprint(&self, account: &str, region: &str) -> String {
        let attributes: Vec<(&str, &str)> = self
            .lookup_attributes
            .as_deref()
            .unwrap_or_default()
            .iter()
            .map(|attribute| (attribute.attribute_key.as_str(), attribute.attribute_value.as_str()))
            .collect();
        let (from, to) = (self.start_time.map(|time| time.0), self.end_time.map(|time| time.0));
        let category = self.event_category.as_deref().unwrap_or_default();
        hex::encode(Md5::digest(page::encode(&(account, region, attributes, from, to, category))))
    }

    fn after(&self, fingerprint: &str) -> Result<Option<Place>, Fault> {
        let Some(token) = trail::filled(self.next_token.clone()) else { return Ok(None) };
        match page::decode::<(String, Place)>(&token) {
            Some((bound, place)) if bound == fingerprint => Ok(Some(place)),
            _ => Err(trail::exception("InvalidNextToken", "The token is not valid, or not for these parameters.")),
        }
    }
}

fn attribute(key: &str, scope: Scope) -> Option<Attribute> {
    let attribute = match key {
        "EventId" => Attribute::EventId,
        "EventName" => Attribute::EventName,
        "ReadOnly" => Attribute::ReadOnly,
        "Username" => Attribute::Username,
        "ResourceType" => Attribute::ResourceType,
        "ResourceName" => Attribute::ResourceName,
        "EventSource" => Attribute::EventSource,
        "AccessKeyId" => Attribute::AccessKeyId,
        _ => return None,
    };
    let of_insights = matches!(attribute, Attribute::EventId | Attribute::EventName | Attribute::EventSource);
    (scope != Scope::Insight || of_insights).then_some(attribute)
}

fn weight(value: &str) -> usize {
    value.chars().map(|char| if matches!(char, '_' | ' ' | ',' | '\n') { 2 } else { 1 }).sum()
}

impl Operation for LookupEvents {
    const NAME: &'static str = "LookupEvents";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let history = &call.engines.lake.history;
        let (account, region) = (call.account(), call.region);
        if !history.admit(account, region) {
            return Err(Fault::new("ThrottlingException", 400, "Rate exceeded"));
        }
        let max = input.max()?;
        let scope = input.scope()?;
        let attributes = input.attributes(scope, history.is_open())?;
        let (from, to) = input.span()?;
        let fingerprint = input.fingerprint(account, region);
        let after = input.after(&fingerprint)?;
        let (account, region) = (Some(account.to_owned()), Some(region.to_owned()));
        let look = Look { account, region, scope, attributes, from, to, after, max };
        let page = history.look(&look).await.map_err(Fault::internal)?;
        Ok(Output {
            events: page.events.into_iter().map(Shown::from).collect(),
            next_token: page.next.map(|place| page::encode(&(fingerprint, place))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn input(value: Value) -> Input {
        serde_json::from_value(value).unwrap()
    }

    fn code<T>(result: Result<T, Fault>) -> String {
        result.err().unwrap().code.into_owned()
    }

    fn by(pairs: &[(&str, &str)]) -> Input {
        let attributes: Vec<Value> =
            pairs.iter().map(|(key, value)| json!({"AttributeKey": key, "AttributeValue": value})).collect();
        input(json!({"LookupAttributes": attributes}))
    }

    #[test]
    fn one_attribute_is_allowed_and_more_where_the_history_is_open() {
        let two = by(&[("EventName", "CreateTrail"), ("Username", "alice")]);
        assert_eq!(code(two.attributes(Scope::Management, false)), "InvalidLookupAttributesException");
        let found = two.attributes(Scope::Management, true).unwrap();
        assert_eq!(found[1], (Attribute::Username, "alice".to_owned()));
    }

    #[test]
    fn attributes_are_checked_by_key_and_value() {
        for (key, value) in [("UserName", "a"), ("Username", ""), ("ReadOnly", "True"), ("eventName", "x")] {
            let refused = by(&[(key, value)]).attributes(Scope::Management, false);
            assert_eq!(code(refused), "InvalidLookupAttributesException", "{key}={value}");
        }
        assert!(by(&[("Username", &"x".repeat(2000))]).attributes(Scope::Management, false).is_ok());
        assert!(by(&[("Username", &"_".repeat(1001))]).attributes(Scope::Management, false).is_err());
        assert!(by(&[("EventSource", "s3.amazonaws.com")]).attributes(Scope::Insight, false).is_ok());
        assert_eq!(
            code(by(&[("Username", "a")]).attributes(Scope::Insight, false)),
            "InvalidLookupAttributesException"
        );
    }

    #[test]
    fn pages_spans_and_categories_have_bounds() {
        for max in [0, 51, -1] {
            assert_eq!(code(input(json!({"MaxResults": max})).max()), "InvalidMaxResultsException");
        }
        assert_eq!(input(json!({})).max(), Ok(50));
        assert_eq!(code(input(json!({"StartTime": 6, "EndTime": 5})).span()), "InvalidTimeRangeException");
        assert!(input(json!({"StartTime": 5, "EndTime": 5})).span().is_ok());
        assert_eq!(code(input(json!({"EventCategory": "Insight"})).scope()), "InvalidEventCategoryException");
        assert_eq!(input(json!({"EventCategory": "insight"})).scope(), Ok(Scope::Insight));
    }

    #[test]
    fn a_token_holds_for_its_caller_and_parameters_only() {
        let place: Place = serde_json::from_value(json!({"time": 5, "id": "e", "received": 6, "given": 1})).unwrap();
        let one = by(&[("EventName", "A")]);
        let bound = one.fingerprint("1", "r");
        let token = page::encode(&(&bound, &place));
        let with = |mut input: Input, token: &str| {
            input.next_token = Some(token.to_owned());
            input.after(&input.fingerprint("1", "r"))
        };
        assert_eq!(with(by(&[("EventName", "A")]), &token), Ok(Some(place)));
        assert_eq!(with(by(&[("EventName", "A")]), ""), Ok(None));
        assert_eq!(code(with(by(&[("EventName", "B")]), &token)), "InvalidNextTokenException");
        assert_eq!(code(with(by(&[("EventName", "A")]), "nonsense")), "InvalidNextTokenException");
        assert_ne!(one.fingerprint("2", "r"), bound);
        assert_ne!(one.fingerprint("1", "s"), bound);
    }
}
