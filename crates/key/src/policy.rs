//! The policies that keys have when nobody gave them another.

use crate::Scope;
use serde_json::{Value, json};

fn text(policy: &Value) -> String {
    serde_json::to_string_pretty(policy).expect("a JSON value always serializes")
}

/// The policy of a key that was made without one: the account's own policies decide.
pub fn default_policy(account: &str) -> String {
    text(&json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    }))
}

/// The policy of a key that the house made for a service: everybody in the account may use
/// it through that service, and nobody may change it.
pub(crate) fn managed_policy(scope: Scope<'_>, service: &str) -> String {
    let Scope { account, region } = scope;
    text(&json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}-1"),
        "Statement": [
            {
                "Sid": format!("Allow use through {service} by all principals of the account"),
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": format!("{service}.{region}.amazonaws.com"),
                }},
            },
            {
                "Sid": "Allow everybody in the account to look at the key",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                "Resource": "*",
            },
        ],
    }))
}
