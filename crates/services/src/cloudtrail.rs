//! AWS CloudTrail: trails, their selectors and their keys.

use crate::Service;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "cloudtrail",
    source: "cloudtrail.amazonaws.com",
    target: "CloudTrail_20131101",
    protocol: Protocol::Json { version: "1.1" },
    api_version: "2013-11-01",
    global: false,
    operations: &[],
    unsupported: &[],
};
