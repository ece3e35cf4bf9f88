//! AWS Security Token Service.

use crate::Service;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "sts",
    source: "sts.amazonaws.com",
    target: "",
    protocol: Protocol::Query { xmlns: "https://sts.amazonaws.com/doc/2011-06-15/" },
    api_version: "2011-06-15",
    global: false,
    operations: &[],
    unsupported: &[],
};
