//! AWS Organizations.

use crate::Service;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "organizations",
    source: "organizations.amazonaws.com",
    target: "AWSOrganizationsV20161128",
    protocol: Protocol::Json { version: "1.1" },
    api_version: "2016-11-28",
    global: true,
    operations: &[],
    unsupported: &[],
};
