//! One API activity as a CloudTrail 1.11 record.
//!
//! Source of the field list, order and size rules: AWS CloudTrail user guide,
//! "CloudTrail record contents". Sizes are of the serialized JSON of a field.

use crate::Time;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

const TEXT_BYTES_MAX: usize = 1024;
const PARAMETERS_BYTES_MAX: usize = 100 * 1024;
const ADDITIONAL_BYTES_MAX: usize = 28 * 1024;
const RECORD_BYTES_MAX: usize = 256 * 1024;

/// `eventCategory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    Management,
    Data,
    NetworkActivity,
}

impl Category {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::NetworkActivity => "NetworkActivity",
        }
    }
}

/// `eventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    ApiCall,
    ServiceEvent,
}

impl EventType {
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiCall => "AwsApiCall",
            Self::ServiceEvent => "AwsServiceEvent",
        }
    }
}

/// One entry of `resources`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resource {
    #[serde(rename = "accountId", skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(rename = "ARN")]
    pub arn: String,
}

/// Everything that one record says. `to_json` applies the size rules.
#[derive(Clone, Debug)]
pub struct Record {
    pub user_identity: Value,
    /// When the request was completed.
    pub event_time: Time,
    /// For example `cloudtrail.amazonaws.com`.
    pub event_source: String,
    pub event_name: String,
    pub aws_region: String,
    pub source_ip_address: String,
    pub user_agent: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// An object, or null.
    pub request_parameters: Value,
    /// An object, or null.
    pub response_elements: Value,
    pub additional_event_data: Option<Value>,
    pub request_id: Option<String>,
    pub event_id: Uuid,
    pub read_only: bool,
    pub resources: Vec<Resource>,
    pub event_type: EventType,
    pub api_version: Option<String>,
    pub category: Category,
    pub recipient_account_id: String,
    pub shared_event_id: Option<Uuid>,
    pub service_event_details: Option<Value>,
    pub tls_details: Option<Value>,
}

impl Record {
    /// An event that the house itself raises in an account, such as an account of lost records.
    pub fn service_event(source: &str, name: &str, account: &str, region: &str, at: Time, id: Uuid) -> Self {
        let mut identity = Map::new();
        identity.insert("accountId".into(), account.into());
        identity.insert("invokedBy".into(), "AWS Internal".into());
        Self {
            user_identity: Value::Object(identity),
            event_time: at,
            event_source: source.into(),
            event_name: name.into(),
            aws_region: region.into(),
            source_ip_address: "AWS Internal".into(),
            user_agent: Some("AWS Internal".into()),
            error_code: None,
            error_message: None,
            request_parameters: Value::Null,
            response_elements: Value::Null,
            additional_event_data: None,
            request_id: None,
            event_id: id,
            read_only: false,
            resources: Vec::new(),
            event_type: EventType::ServiceEvent,
            api_version: None,
            category: Category::Management,
            recipient_account_id: account.into(),
            shared_event_id: None,
            service_event_details: None,
            tls_details: None,
        }
    }

    /// The record as JSON, at most 256 KiB, in the key order that AWS uses.
    pub fn to_json(&self) -> Vec<u8> {
        let json = self.serialize(true);
        if json.len() <= RECORD_BYTES_MAX {
            return json;
        }
        self.serialize(false)
    }

    /// `with_bodies`: whether request, response and additional data may stand at all.
    /// Without them a record is a few KiB at most, since every other field is bounded.
    fn serialize(&self, with_bodies: bool) -> Vec<u8> {
        let mut record = Map::new();
        let mut omitted = !with_bodies;
        record.insert("eventVersion".into(), "1.11".into());
        record.insert("userIdentity".into(), self.user_identity.clone());
        record.insert("eventTime".into(), self.event_time.iso().into());
        record.insert("eventSource".into(), self.event_source.as_str().into());
        record.insert("eventName".into(), truncated(&self.event_name).into());
        record.insert("awsRegion".into(), truncated(&self.aws_region).into());
        record.insert("sourceIPAddress".into(), self.source_ip_address.as_str().into());
        for (key, text) in
            [("userAgent", &self.user_agent), ("errorCode", &self.error_code), ("errorMessage", &self.error_message)]
        {
            if let Some(text) = text {
                record.insert(key.into(), truncated(text).into());
            }
        }
        let mut bodies: Vec<(&str, &Value, usize)> = vec![
            ("requestParameters", &self.request_parameters, PARAMETERS_BYTES_MAX),
            ("responseElements", &self.response_elements, PARAMETERS_BYTES_MAX),
        ];
        if let Some(additional) = &self.additional_event_data {
            bodies.push(("additionalEventData", additional, ADDITIONAL_BYTES_MAX));
        }
        for (key, body, bytes_max) in bodies {
            if with_bodies && fits(body, bytes_max) {
                record.insert(key.into(), body.clone());
            } else {
                omitted = true;
            }
        }
        if let Some(id) = &self.request_id {
            record.insert("requestID".into(), truncated(id).into());
        }
        record.insert("eventID".into(), self.event_id.to_string().into());
        record.insert("readOnly".into(), self.read_only.into());
        if !self.resources.is_empty() {
            let resources = serde_json::to_value(&self.resources).unwrap_or(Value::Null);
            if fits(&resources, PARAMETERS_BYTES_MAX) {
                record.insert("resources".into(), resources);
            } else {
                omitted = true;
            }
        }
        record.insert("eventType".into(), self.event_type.name().into());
        if let Some(version) = &self.api_version {
            record.insert("apiVersion".into(), version.as_str().into());
        }
        record.insert("managementEvent".into(), (self.category == Category::Management).into());
        record.insert("recipientAccountId".into(), self.recipient_account_id.as_str().into());
        if let Some(id) = self.shared_event_id {
            record.insert("sharedEventID".into(), id.to_string().into());
        }
        if let Some(details) = &self.service_event_details {
            if fits(details, PARAMETERS_BYTES_MAX) {
                record.insert("serviceEventDetails".into(), details.clone());
            } else {
                omitted = true;
            }
        }
        record.insert("eventCategory".into(), self.category.name().into());
        if let Some(tls) = &self.tls_details {
            record.insert("tlsDetails".into(), tls.clone());
        }
        if omitted {
            record.insert("omitted".into(), true.into());
        }
        serde_json::to_vec(&record).expect("a map of JSON values always serializes")
    }
}

fn truncated(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX.min(text.len()))]
}

/// Whether a value's JSON has at most `bytes_max` bytes, without keeping that JSON.
fn fits(value: &Value, bytes_max: usize) -> bool {
    struct Count(usize, usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            if self.0 > self.1 { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    matches!(value, Value::Null | Value::Bool(_)) || serde_json::to_writer(Count(0, bytes_max), value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> Record {
        let mut record = Record::service_event(
            "cloudtrail.amazonaws.com",
            "CreateTrail",
            "111122223333",
            "us-east-1",
            Time(1_688_989_320_000),
            Uuid::nil(),
        );
        record.event_type = EventType::ApiCall;
        record
    }

    fn check(change: impl FnOnce(&mut Record), expected: impl FnOnce(&Value)) {
        let mut record = record();
        change(&mut record);
        let json = record.to_json();
        assert!(json.len() <= RECORD_BYTES_MAX);
        expected(&serde_json::from_slice(&json).unwrap());
    }

    #[test]
    fn the_required_fields_stand_in_every_record() {
        check(
            |_| {},
            |json| {
                for key in [
                    "eventVersion",
                    "userIdentity",
                    "eventTime",
                    "eventSource",
                    "eventName",
                    "awsRegion",
                    "sourceIPAddress",
                    "requestParameters",
                    "responseElements",
                    "eventID",
                    "eventType",
                    "eventCategory",
                    "managementEvent",
                    "readOnly",
                    "recipientAccountId",
                ] {
                    assert!(json.get(key).is_some(), "{key}");
                }
                assert_eq!(json["eventVersion"], "1.11");
                assert!(json.get("omitted").is_none());
            },
        );
    }

    #[test]
    fn large_parameters_are_omitted_and_said_to_be() {
        check(
            |record| record.request_parameters = json!({"blob": "x".repeat(101 * 1024)}),
            |json| {
                assert!(json.get("requestParameters").is_none());
                assert_eq!(json["omitted"], true);
            },
        );
        check(
            |record| record.additional_event_data = Some(json!({"blob": "x".repeat(29 * 1024)})),
            |json| assert!(json.get("additionalEventData").is_none()),
        );
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        check(
            |record| record.user_agent = Some("é".repeat(1000)),
            |json| assert_eq!(json["userAgent"].as_str().unwrap().len(), 1024),
        );
        check(
            |record| record.user_agent = Some(format!("a{}", "é".repeat(1000))),
            |json| assert_eq!(json["userAgent"].as_str().unwrap().len(), 1023),
        );
    }

    #[test]
    fn a_record_over_the_limit_loses_its_bodies_only() {
        check(
            |record| {
                record.request_parameters = json!({"blob": "x".repeat(99 * 1024)});
                record.response_elements = json!({"blob": "x".repeat(99 * 1024)});
                record.service_event_details = Some(json!({"blob": "x".repeat(90 * 1024)}));
            },
            |json| {
                assert_eq!(json["omitted"], true);
                assert!(json.get("serviceEventDetails").is_some());
                assert!(json.get("requestParameters").is_none());
            },
        );
    }
}
