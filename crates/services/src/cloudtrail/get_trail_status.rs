//! GetTrailStatus: whether a trail logs, and how its delivery goes.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_event::Time;
use cairn_trail::{Status, Trail};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct GetTrailStatus;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
}

/// The last six are texts from before there were times: ISO 8601 or empty.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    is_logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_logging_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_logging_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_error: Option<String>,
    latest_delivery_attempt_time: String,
    latest_notification_attempt_time: String,
    latest_notification_attempt_succeeded: String,
    latest_delivery_attempt_succeeded: String,
    time_logging_started: String,
    time_logging_stopped: String,
}

impl Output {
    fn of(trail: &Trail, status: Status) -> Self {
        let text = |time: Option<Time>| time.map(Time::iso).unwrap_or_default();
        Self {
            is_logging: trail.logging,
            latest_delivery_error: status.latest_delivery_error,
            latest_delivery_time: status.latest_delivery.map(Timestamp),
            start_logging_time: trail.started.map(Timestamp),
            stop_logging_time: trail.stopped.map(Timestamp),
            latest_digest_delivery_time: status.latest_digest_delivery.map(Timestamp),
            latest_digest_delivery_error: status.latest_digest_error,
            latest_delivery_attempt_time: text(status.latest_delivery_attempt),
            latest_notification_attempt_time: String::new(),
            latest_notification_attempt_succeeded: String::new(),
            latest_delivery_attempt_succeeded: text(status.latest_delivery),
            time_logging_started: text(trail.started),
            time_logging_stopped: text(trail.stopped),
        }
    }
}

impl Operation for GetTrailStatus {
    const NAME: &'static str = "GetTrailStatus";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.name)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let trails = &call.engines.trails;
        let trail = trails.get(trail::scope(call), &input.name).map_err(trail::fault)?;
        let status = trails.status(&trail.arn).await.map_err(trail::fault)?;
        Ok(Output::of(&trail, status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn trail() -> Trail {
        Trail {
            arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/t-1".to_owned(),
            name: "t-1".to_owned(),
            account: "111122223333".to_owned(),
            home_region: "us-east-1".to_owned(),
            bucket: "b-1".to_owned(),
            prefix: None,
            global_service_events: true,
            multi_region: false,
            validation: false,
            kms_key: None,
            organization: None,
            recursive_logging: true,
            custom_selectors: false,
            logging: false,
            started: None,
            stopped: None,
            created: Time(0),
            tags: BTreeMap::new(),
        }
    }

    fn written(trail: &Trail, status: Status) -> Value {
        serde_json::from_slice(&cairn_wire::json::encode(&Output::of(trail, status))).unwrap()
    }

    #[test]
    fn a_fresh_trail_has_empty_texts_and_no_null() {
        assert_eq!(
            written(&trail(), Status::default()),
            json!({"IsLogging": false, "LatestDeliveryAttemptTime": "", "LatestNotificationAttemptTime": "",
                "LatestNotificationAttemptSucceeded": "", "LatestDeliveryAttemptSucceeded": "",
                "TimeLoggingStarted": "", "TimeLoggingStopped": ""})
        );
    }

    #[test]
    fn times_stand_twice_as_numbers_and_as_texts() {
        let trail = Trail { logging: true, started: Some(Time(1_000)), ..trail() };
        let status = Status {
            latest_delivery: Some(Time(2_000)),
            latest_delivery_attempt: Some(Time(3_000)),
            latest_delivery_error: Some("AccessDenied".to_owned()),
            ..Status::default()
        };
        let found = written(&trail, status);
        assert_eq!(found["StartLoggingTime"], 1);
        assert_eq!(found["TimeLoggingStarted"], "1970-01-01T00:00:01Z");
        assert_eq!(found["LatestDeliveryTime"], 2);
        assert_eq!(found["LatestDeliveryAttemptSucceeded"], "1970-01-01T00:00:02Z");
        assert_eq!(found["LatestDeliveryAttemptTime"], "1970-01-01T00:00:03Z");
        assert_eq!(found["LatestDeliveryError"], "AccessDenied");
    }
}
