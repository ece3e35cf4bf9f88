//! AWS CloudTrail Data: applications send events.

mod put_audit_events;

use crate::Service;
use cairn_wire::Protocol;
use http::Method;
use http::request::Parts;

pub static SERVICE: Service = Service {
    name: "cloudtrail-data",
    source: "cloudtrail-data.amazonaws.com",
    target: "",
    protocol: Protocol::RestJson,
    api_version: "2021-08-11",
    global: false,
    operations: &[&put_audit_events::PutAuditEvents],
    unsupported: &[],
};

/// The operation that a request asks for.
pub fn operation(parts: &Parts) -> Option<&'static str> {
    (parts.method == Method::POST && parts.uri.path() == "/PutAuditEvents").then_some("PutAuditEvents")
}
