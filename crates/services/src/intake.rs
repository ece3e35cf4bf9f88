//! The house's own API: log files come in.

use crate::Service;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "cairn",
    source: "cairn.internal",
    target: "",
    protocol: Protocol::RestJson,
    api_version: "2026-11-24",
    global: false,
    operations: &[],
    unsupported: &[],
};

/// Where its paths begin.
pub const PATH: &str = "/intake/";

/// The operation that a request asks for.
pub fn operation(_parts: &http::request::Parts) -> Option<&'static str> {
    None
}
