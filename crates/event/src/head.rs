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

impl NotAnEvent {
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

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

/// Where the fields of a head stand in the JSON of one event: what is worth keeping
/// when the same event is looked at again and again, since it borrows nothing.
#[derive(Debug)]
pub struct Layout {
    texts: [Place; TEXTS],
    /// Texts that are written with escapes and so stand nowhere as they are meant.
    unescaped: Vec<Box<str>>,
    read_only: Option<bool>,
    management_event: Option<bool>,
    session_credential_from_console: bool,
}

const TEXTS: usize = 10;

#[derive(Clone, Copy, Debug)]
enum Place {
    Absent,
    /// From the first byte to behind the last.
    Inside(u32, u32),
    Unescaped(u32),
}

fn flag(value: Option<&Text<'_>>) -> Option<bool> {
    match value?.as_raw_str() {
        "true" | "\"true\"" => Some(true),
        "false" | "\"false\"" => Some(false),
        _ => None,
    }
}

impl Layout {
    /// Finds the fields of one event. Fails only when `raw` is not one JSON object (of
    /// less than 4 GiB).
    pub fn of(raw: &str) -> Result<Self, NotAnEvent> {
        if !raw.trim_start().starts_with('{') {
            return Err(NotAnEvent("it does not begin with '{'".to_owned()));
        }
        if u32::try_from(raw.len()).is_err() {
            return Err(NotAnEvent("it is larger than 4 GiB".to_owned()));
        }
        let fields: Fields<'_> = sonic_rs::from_str(raw)
            .map_err(|error| NotAnEvent(error.to_string().lines().next().unwrap_or("").to_owned()))?;
        let texts = [
            &fields.event_id,
            &fields.event_time,
            &fields.event_source,
            &fields.event_name,
            &fields.event_type,
            &fields.event_category,
            &fields.aws_region,
            &fields.recipient_account_id,
            &fields.error_code,
            &fields.vpc_endpoint_id,
        ];
        let mut unescaped = Vec::new();
        let texts = texts.map(|value| value.as_ref().map_or(Place::Absent, |value| place(raw, value, &mut unescaped)));
        Ok(Self {
            texts,
            unescaped,
            read_only: flag(fields.read_only.as_ref()),
            management_event: flag(fields.management_event.as_ref()),
            session_credential_from_console: flag(fields.session_credential_from_console.as_ref()) == Some(true),
        })
    }

    /// The head of the event that this layout was made of; `raw` must be the same text.
    pub fn head<'a>(&'a self, raw: &'a str) -> Head<'a> {
        self.head_by(raw, |index| self.unescaped.get(index).map(|text| Cow::Borrowed(&**text)))
    }

    fn into_head(mut self, raw: &str) -> Head<'_> {
        let unescaped = std::mem::take(&mut self.unescaped);
        self.head_by(raw, |index| unescaped.get(index).map(|text| Cow::Owned(text.to_string())))
    }

    fn head_by<'a>(&self, raw: &'a str, unescaped: impl Fn(usize) -> Option<Cow<'a, str>>) -> Head<'a> {
        let mut texts = self.texts.iter().map(|place| match *place {
            Place::Absent => None,
            Place::Inside(start, end) => raw.get(start as usize..end as usize).map(Cow::Borrowed),
            Place::Unescaped(index) => unescaped(index as usize),
        });
        let mut next = || texts.next().flatten();
        Head {
            event_id: next(),
            event_time: next(),
            event_source: next(),
            event_name: next(),
            event_type: next(),
            event_category: next(),
            aws_region: next(),
            recipient_account_id: next(),
            error_code: next(),
            vpc_endpoint_id: next(),
            read_only: self.read_only,
            management_event: self.management_event,
            session_credential_from_console: self.session_credential_from_console,
            raw,
        }
    }
}

fn place(raw: &str, value: &Text<'_>, unescaped: &mut Vec<Box<str>>) -> Place {
    let text = value.as_raw_str();
    let Some(inside) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return Place::Absent };
    // A value that is not a part of `raw` wraps round to an absurd start and is copied.
    let start = (inside.as_ptr() as usize).wrapping_sub(raw.as_ptr() as usize);
    if !inside.contains('\\') && raw.get(start..start.saturating_add(inside.len())) == Some(inside) {
        return Place::Inside(start as u32, (start + inside.len()) as u32);
    }
    match sonic_rs::from_str::<String>(text) {
        Ok(text) => {
            unescaped.push(text.into());
            Place::Unescaped(unescaped.len() as u32 - 1)
        }
        Err(_) => Place::Absent,
    }
}

impl<'a> Head<'a> {
    /// Reads the head of one event. Fails only when `raw` is not one JSON object.
    pub fn parse(raw: &'a str) -> Result<Self, NotAnEvent> {
        Ok(Layout::of(raw)?.into_head(raw))
    }

    /// The event's JSON, byte for byte.
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The string at a path of object keys, for example `["userIdentity", "arn"]`.
    /// Borrowed if it is written without escapes.
    pub fn string_at(&self, path: &[&str]) -> Option<Cow<'a, str>> {
        let value = sonic_rs::get(self.raw, path).ok()?;
        if let Cow::Borrowed(raw) = value.as_raw_cow()
            && let Some(inside) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'))
            && !inside.contains('\\')
        {
            return Some(Cow::Borrowed(inside));
        }
        sonic_rs::from_str::<String>(value.as_raw_str()).ok().map(Cow::Owned)
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
        assert!(matches!(head.string_at(&["userIdentity", "arn"]), Some(Cow::Borrowed("arn:x"))));
        assert_eq!(head.string_at(&["eventName"]).as_deref(), Some("abc"));
        assert_eq!((head.string_at(&["readOnly"]), head.string_at(&["userIdentity", "type"])), (None, None));
        assert_eq!(head.resources()[0], (Some("arn:aws:s3:::b".into()), Some("AWS::S3::Bucket".into())));
        assert_eq!(head.resources()[1], (None, None));
        assert_eq!(head.raw(), raw);
        let layout = Layout::of(raw).unwrap();
        assert_eq!(format!("{:?}", layout.head(raw)), format!("{head:?}"));
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
