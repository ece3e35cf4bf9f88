//! AWS Identity and Access Management.

use crate::Service;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "iam",
    source: "iam.amazonaws.com",
    target: "",
    protocol: Protocol::Query { xmlns: "https://iam.amazonaws.com/doc/2010-05-08/" },
    api_version: "2010-05-08",
    global: true,
    operations: &[],
    unsupported: &[],
};
