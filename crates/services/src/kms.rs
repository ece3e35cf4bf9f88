//! AWS Key Management Service.

use crate::Service;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "kms",
    source: "kms.amazonaws.com",
    target: "TrentService",
    protocol: Protocol::Json { version: "1.1" },
    api_version: "2014-11-01",
    global: false,
    operations: &[],
    unsupported: &[],
};
