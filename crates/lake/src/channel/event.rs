//! One event of an application: checked, and wrapped as it is recorded.
//!
//! What the application says stands in `eventData`, byte for byte.

use super::Channel;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_event::Time;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const KB: usize = 1024;

/// AWS's code, and a sentence for the caller.
type Refusal = (&'static str, String);

/// What is known of `eventData`. A member that stands twice is an error, so that no reader sees another one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    version: Option<Value>,
    user_identity: Option<Value>,
    user_agent: Option<Value>,
    event_source: Option<Value>,
    event_name: Option<Value>,
    event_time: Option<Value>,
    #[serde(rename = "UID")]
    uid: Option<Value>,
    request_parameters: Option<Value>,
    response_elements: Option<Value>,
    error_code: Option<Value>,
    error_message: Option<Value>,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<Value>,
    recipient_account_id: Option<Value>,
    additional_event_data: Option<Value>,
}

/// The event as it is recorded.
pub(super) fn wrap(
    channel: &Channel,
    now: Time,
    event_id: &str,
    data: &str,
    checksum: Option<&str>,
) -> Result<String, Refusal> {
    if checksum.is_some_and(|checksum| checksum != STANDARD.encode(digest::digest(&digest::SHA256, data.as_bytes()))) {
        return Err(("InvalidChecksum", "eventDataChecksum is not that of eventData.".to_owned()));
    }
    if !data.trim_start().starts_with('{') {
        return Err(invalid("eventData is not a JSON object."));
    }
    let read: Given =
        serde_json::from_str(data).map_err(|error| invalid(format!("eventData cannot be read: {error}.")))?;
    let time = read.check(channel)?;
    let about = json!({
        "eventVersion": "1.0",
        "eventCategory": "ActivityAuditLog",
        "eventType": "ActivityLog",
        "eventID": event_id,
        "eventTime": time.iso(),
        "awsRegion": channel.region,
        "recipientAccountId": channel.account,
        "metadata": {"ingestionTime": now.iso(), "channelARN": channel.arn},
    });
    let about = about.to_string();
    let open = about.strip_suffix('}').unwrap_or(&about);
    Ok(format!("{open},\"eventData\":{}}}", data.trim()))
}

fn invalid(message: impl Into<String>) -> Refusal {
    ("InvalidData", message.into())
}

impl Given {
    /// Whether it is all that an event is to be; when it happened.
    fn check(&self, channel: &Channel) -> Result<Time, Refusal> {
        text("version", self.version.as_ref(), 256)?;
        check_identity(self.user_identity.as_ref())?;
        let source = text("eventSource", self.event_source.as_ref(), 1024)?;
        text("eventName", self.event_name.as_ref(), 1024)?;
        let time = time(text("eventTime", self.event_time.as_ref(), 64)?)?;
        text("UID", self.uid.as_ref(), 1024)?;
        let recipient = text("recipientAccountId", self.recipient_account_id.as_ref(), 64)?;
        for (name, value, chars_max) in [
            ("userAgent", &self.user_agent, 1024),
            ("errorCode", &self.error_code, 256),
            ("errorMessage", &self.error_message, 256),
            ("sourceIPAddress", &self.source_ip_address, 256),
        ] {
            if filled(value.as_ref()).is_some() {
                text(name, value.as_ref(), chars_max)?;
            }
        }
        object("requestParameters", self.request_parameters.as_ref(), 100 * KB)?;
        object("responseElements", self.response_elements.as_ref(), 100 * KB)?;
        object("additionalEventData", self.additional_event_data.as_ref(), 28 * KB)?;
        if recipient != channel.account {
            return Err((
                "InvalidRecipient",
                "recipientAccountId is not the account that owns the channel.".to_owned(),
            ));
        }
        if source.ends_with(".amazonaws.com") {
            return Err((
                "InvalidEventSource",
                format!("{source} is a service of AWS and not the source of this channel."),
            ));
        }
        Ok(time)
    }
}

fn filled(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// A text that must be there.
fn text<'a>(name: &str, value: Option<&'a Value>, chars_max: usize) -> Result<&'a str, Refusal> {
    let value = filled(value).ok_or_else(|| ("FieldNotFound", format!("eventData has no {name}.")))?;
    let text = value.as_str().ok_or_else(|| invalid(format!("{name} is not a string.")))?;
    if text.is_empty() {
        return Err(invalid(format!("{name} is empty.")));
    }
    if text.chars().count() > chars_max {
        return Err(("FieldTooLong", format!("{name} has more than {chars_max} characters.")));
    }
    Ok(text)
}

/// An object that may be there.
fn object<'a>(
    name: &str,
    value: Option<&'a Value>,
    bytes_max: usize,
) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    let Some(value) = filled(value) else { return Ok(None) };
    let object = value.as_object().ok_or_else(|| invalid(format!("{name} is not an object.")))?;
    if value.to_string().len() > bytes_max {
        return Err(("FieldTooLong", format!("{name} has more than {bytes_max} bytes.")));
    }
    Ok(Some(object))
}

fn check_identity(value: Option<&Value>) -> Result<(), Refusal> {
    let identity = object("userIdentity", value, 100 * KB)?;
    let identity = identity.ok_or_else(|| ("FieldNotFound", "eventData has no userIdentity.".to_owned()))?;
    text("userIdentity.type", identity.get("type"), 128)?;
    text("userIdentity.principalId", identity.get("principalId"), 1024)?;
    object("userIdentity.details", identity.get("details"), 100 * KB)?;
    Ok(())
}

/// `2026-11-25T08:00:00`, in UTC whether or not it says so.
fn time(text: &str) -> Result<Time, Refusal> {
    let parsed = if text.len() == 19 { Time::parse(&format!("{text}Z")) } else { Time::parse(text) };
    parsed
        .ok()
        .filter(|_| text.contains('T'))
        .ok_or_else(|| invalid("eventTime is not of the form yyyy-MM-ddTHH:mm:ss."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn channel() -> Channel {
        Channel {
            arn: "arn:aws:cloudtrail:eu-west-1:111122223333:channel/c".to_owned(),
            name: "c-1".to_owned(),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            source: "Custom".to_owned(),
            stores: Vec::new(),
            created: Time(0),
            tags: BTreeMap::new(),
        }
    }

    fn good() -> Value {
        json!({
            "version": "1", "userIdentity": {"type": "app", "principalId": "p-1", "details": {"a": 1}},
            "eventSource": "door.example.com", "eventName": "Opened", "eventTime": "2026-11-25T08:00:00",
            "UID": "u-1", "recipientAccountId": "111122223333", "userAgent": null,
        })
    }

    fn code(data: &str, checksum: Option<&str>) -> Option<&'static str> {
        wrap(&channel(), Time(0), "e-1", data, checksum).err().map(|(code, _)| code)
    }

    #[test]
    fn an_event_is_wrapped_and_its_data_stay_as_they_came() {
        let data = good().to_string().replace("\"Opened\"", "\"Op\\u0065ned\" ");
        let body = wrap(&channel(), Time(1000), "e-1", &format!(" {data}\n"), None).unwrap();
        assert!(body.ends_with(&format!(",\"eventData\":{data}}}")), "{body}");
        let event: Value = serde_json::from_str(&body).unwrap();
        for (name, value) in [
            ("eventCategory", "ActivityAuditLog"),
            ("eventType", "ActivityLog"),
            ("eventID", "e-1"),
            ("eventTime", "2026-11-25T08:00:00Z"),
            ("awsRegion", "eu-west-1"),
            ("recipientAccountId", "111122223333"),
        ] {
            assert_eq!(event[name], value, "{name}");
        }
        assert_eq!(event["metadata"], json!({"ingestionTime": "1970-01-01T00:00:01Z", "channelARN": channel().arn}));
        assert_eq!(event["eventData"]["eventName"], "Opened");
    }

    #[test]
    fn a_checksum_must_fit() {
        let data = good().to_string();
        let sum = STANDARD.encode(digest::digest(&digest::SHA256, data.as_bytes()));
        assert_eq!(code(&data, Some(&sum)), None);
        assert_eq!(code(&format!("{data} "), Some(&sum)), Some("InvalidChecksum"));
        assert_eq!(code(&data, Some("")), Some("InvalidChecksum"));
    }

    #[test]
    fn what_is_wrong_with_an_event_has_a_code() {
        let long = |chars: usize| json!("x".repeat(chars));
        let large = |bytes: usize| json!({"k": "x".repeat(bytes)});
        let check = |name: &str, value: Value, expected: Option<&str>| {
            let mut data = good();
            data[name] = value;
            assert_eq!(code(&data.to_string(), None), expected, "{name}");
        };
        for name in ["version", "userIdentity", "eventSource", "eventName", "eventTime", "UID", "recipientAccountId"] {
            check(name, Value::Null, Some("FieldNotFound"));
            check(name, json!(7), Some("InvalidData"));
        }
        for (name, max) in
            [("version", 256), ("eventName", 1024), ("UID", 1024), ("userAgent", 1024), ("errorMessage", 256)]
        {
            check(name, long(max), None);
            check(name, long(max + 1), Some("FieldTooLong"));
        }
        check("requestParameters", large(100 * KB - 8), None);
        check("requestParameters", large(100 * KB), Some("FieldTooLong"));
        check("additionalEventData", large(28 * KB), Some("FieldTooLong"));
        check("additionalEventData", json!("x"), Some("InvalidData"));
        check("userIdentity", json!({"type": "app"}), Some("FieldNotFound"));
        check("userIdentity", json!({"type": "x".repeat(129), "principalId": "p"}), Some("FieldTooLong"));
        check("eventTime", json!("yesterday"), Some("InvalidData"));
        check("eventTime", json!("2026-11-25T08:00:00Z"), None);
        check("recipientAccountId", json!("444455556666"), Some("InvalidRecipient"));
        check("eventSource", json!("s3.amazonaws.com"), Some("InvalidEventSource"));
        check("somethingElse", json!([1, 2]), None);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        let twice = good().to_string().replacen('{', "{\"UID\":\"other\",", 1);
        for data in ["", "[]", "7", "{", "{}{}", "null", &twice, &"[".repeat(300)] {
            assert_eq!(code(data, None), Some("InvalidData"), "{data}");
        }
        assert_eq!(code("{}", None), Some("FieldNotFound"));
    }
}
