//! Destinations beside the bucket: topics and log groups. None exists here, so whoever asks
//! for one learns that it cannot be delivered to, as AWS says of one that is missing.

use super::trail::exception;
use crate::call::Call;
use cairn_event::Arn;
use cairn_wire::Fault;

const TOPIC_CHARS_MAX: usize = 256;

pub(super) fn check_topic(topic: Option<&str>) -> Result<(), Fault> {
    let Some(topic) = topic else { return Ok(()) };
    let arn = Arn::parse(topic).ok().filter(|arn| arn.service() == "sns" && !arn.region().is_empty());
    let name = arn.as_ref().map_or(topic, Arn::resource);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    if topic.len() > TOPIC_CHARS_MAX || stem.is_empty() || !stem.bytes().all(plain) {
        return Err(exception("InvalidSnsTopicName", format!("{topic:?} is not the name or ARN of an SNS topic.")));
    }
    Err(exception("InsufficientSnsTopicPolicy", "SNS Topic does not exist or the topic policy is incorrect!"))
}

pub(super) fn check_log_group(call: &Call<'_>, group: Option<&str>, role: Option<&str>) -> Result<(), Fault> {
    let bad_group = |message: &str| Err(exception("InvalidCloudWatchLogsLogGroupArn", message));
    let bad_role = |message: &str| Err(exception("InvalidCloudWatchLogsRoleArn", message));
    let (group, role) = match (group, role) {
        (None, None) => return Ok(()),
        (Some(_), None) => return bad_role("You must specify a role ARN as well as a log group."),
        (None, Some(_)) => return bad_group("You must specify a log group as well as a role ARN."),
        (Some(group), Some(role)) => (Arn::parse(group), Arn::parse(role)),
    };
    match group {
        Ok(arn) if arn.service() == "logs" && arn.resource().starts_with("log-group:") => {
            if arn.account() != call.account() {
                return bad_group("The log group belongs to another account.");
            }
        }
        _ => return bad_group("CloudTrail cannot validate the log group ARN."),
    }
    if !role.is_ok_and(|arn| arn.service() == "iam" && arn.resource().starts_with("role/")) {
        return bad_role("CloudTrail cannot validate the role ARN.");
    }
    Err(exception("CloudWatchLogsDeliveryUnavailable", "Cannot set a CloudWatch Logs delivery for this Region."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_refused_for_its_name_or_because_there_is_none() {
        let code = |topic: &str| check_topic(Some(topic)).unwrap_err().code.into_owned();
        for topic in ["t-1", "arn:aws:sns:us-east-1:111122223333:t_1", "t.fifo"] {
            assert_eq!(code(topic), "InsufficientSnsTopicPolicyException", "{topic}");
        }
        for topic in ["a b", "arn:aws:sqs:us-east-1:111122223333:t", ".fifo", &*"t".repeat(257)] {
            assert_eq!(code(topic), "InvalidSnsTopicNameException", "{topic}");
        }
        assert_eq!(check_topic(None), Ok(()));
    }
}
