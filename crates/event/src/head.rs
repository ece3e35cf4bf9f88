//! A borrowed look at one recorded event: the fields that readers choose by.

use serde::Deserialize;
use std::borrow::Cow;

/// The top-level fields of one event that readers select by, borrowed from its JSON.
///
/// Nested parts (`userIdentity`, `resources`) stay unparsed until they are asked for.
/// Every field may be missing or of another type in foreign logs, so each is lenient:
/// what is not a string reads as absent.
#[derive(Debug, Default)]
pub struct Head<'a> {
    pub event_id: Option<Cow<'a, str>>,
    pub event_time: Option<Cow<'a, str>>,
    pub event_source: Option<Cow<'a, str>>,
    pub event_name: Option<Cow<'a, str>>,
    pub event_type: Option<Cow<'a, str>>,
    pub event_category: Option<Cow<'a, str>>,
    pub aws_region: Option<Cow<'a, str>>,
    pub recipient_account_id: Option<Cow<'a, str>>,
    pub error_code: Option<Cow<'a, str>>,
    pub vpc_endpoint_id: Option<Cow<'a, str>>,
    pub read_only: Option<bool>,
    pub management_event: Option<bool>,
    pub session_credential_from_console: bool,
    raw: &'a str,
}

/// Bytes that are not one JSON object.
#[derive(Debug, thiserror::Error)]
#[error("not a JSON object: {0}")]
pub struct NotAnEvent(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, rename = "eventID", default)]
    event_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_source: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_category: Option<Text<'a>>,
    #[serde(borrow, default)]
    aws_region: Option<Text<'a>>,
    #[serde(borrow, default)]
    recipient_account_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    error_code: Option<Text<'a>>,
    #[serde(borrow, default)]
    vpc_endpoint_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    read_only: Option<Text<'a>>,
    #[serde(borrow, default)]
    management_event: Option<Text<'a>>,
    #[serde(borrow, default)]
    session_credential_from_console: Option<Text<'a>>,
}

/// A value of any JSON type, kept as its text until it is known to be wanted.
type Text<'a> = sonic_rs::LazyValue<'a>;

fn text(value: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    let raw = value?.as_raw_cow();
    match raw {
        Cow::Borrowed(raw) => sonic_rs::from_str::<Plain<'_>>(raw).ok().map(|plain| plain.0),
        Cow::Owned(raw) => sonic_rs::from_str::<String>(&raw).ok().map(Cow::Owned),
    }
}

#[derive(Deserialize)]
struct Plain<'a>(#[serde(borrow)] Cow<'a, str>);

fn flag(value: Option<&Text<'_>>) -> Option<bool> {
    match value?.as_raw_str() {
        "true" | "\"true\"" => Some(true),
        "false" | "\"false\"" => Some(false),
        _ => None,
    }
}

impl<'a> Head<'a> {
    /// Reads the head of one event. Fails only when `raw` is not one JSON object.
    pub fn parse(raw: &'a str) -> Result<Self, NotAnEvent> {
        if !raw.trim_start().starts_with('{') {
            return Err(NotAnEvent("it does not begin with '{'".to_owned()));
        }
        let fields: Fields<'a> =
            sonic_rs::from_str(raw).map_err(|error| NotAnEvent(error.to_string().lines().next().unwrap_or("").to_owned()))?;
        Ok(Self {
            read_only: flag(fields.read_only.as_ref()),
            management_event: flag(fields.management_event.as_ref()),
            session_credential_from_console: flag(fields.session_credential_from_console.as_ref()) == Some(true),
            event_id: text(fields.event_id),
            event_time: text(fields.event_time),
            event_source: text(fields.event_source),
            event_name: text(fields.event_name),
            event_type: text(fields.event_type),
            event_category: text(fields.event_category),
            aws_region: text(fields.aws_region),
            recipient_account_id: text(fields.recipient_account_id),
            error_code: text(fields.error_code),
            vpc_endpoint_id: text(fields.vpc_endpoint_id),
            raw,
        })
    }

    /// The event's JSON, byte for byte.
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The string at a path of object keys, for example `["userIdentity", "arn"]`.
    pub fn string_at(&self, path: &[&str]) -> Option<String> {
        let value = sonic_rs::get(self.raw, path).ok()?;
        sonic_rs::from_str(value.as_raw_str()).ok()
    }

    /// `ARN` and `type` of every resource that the event names.
    pub fn resources(&self) -> Vec<(Option<String>, Option<String>)> {
        #[derive(Deserialize)]
        struct Resource {
            #[serde(rename = "ARN")]
            arn: Option<String>,
            #[serde(rename = "type")]
            kind: Option<String>,
        }
        let Ok(value) = sonic_rs::get(self.raw, &["resources"]) else { return Vec::new() };
        let resources: Vec<Resource> = sonic_rs::from_str(value.as_raw_str()).unwrap_or_default();
        resources.into_iter().map(|resource| (resource.arn, resource.kind)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_an_event_is_read_without_its_body() {
        let raw = r#"{"eventID":"e-1","userIdentity":{"arn":"arn:x"},"readOnly":true,"managementEvent":false,
            "resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"},{"accountId":"1"}],"eventName":"a\u0062c"}"#;
        let head = Head::parse(raw).unwrap();
        assert_eq!(head.event_id.as_deref(), Some("e-1"));
        assert_eq!(head.event_name.as_deref(), Some("abc"));
        assert_eq!((head.read_only, head.management_event), (Some(true), Some(false)));
        assert_eq!(head.string_at(&["userIdentity", "arn"]).as_deref(), Some("arn:x"));
        assert_eq!(head.resources()[0], (Some("arn:aws:s3:::b".into()), Some("AWS::S3::Bucket".into())));
        assert_eq!(head.resources()[1], (None, None));
        assert_eq!(head.raw(), raw);
    }

    #[test]
    fn wrong_types_read_as_absent() {
        let head = Head::parse(r#"{"eventID":7,"readOnly":"true","awsRegion":null,"resources":{}}"#).unwrap();
        assert_eq!(head.event_id, None);
        assert_eq!(head.aws_region, None);
        assert_eq!(head.read_only, Some(true));
        assert!(head.resources().is_empty());
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for raw in ["", "[]", "7", "{", "{\"a\":}", "\"x\""] {
            assert!(Head::parse(raw).is_err(), "{raw}");
        }
    }
}
