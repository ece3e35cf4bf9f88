//! The protocols, and what is the same for all of them.

use crate::{Fault, iceberg, json, query};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

/// How a service's inputs, outputs and faults are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `awsJson1_0` and `awsJson1_1`; the version is `"1.0"` or `"1.1"`.
    Json { version: &'static str },
    /// `awsQuery`: forms in, XML out.
    Query { xmlns: &'static str },
    /// `restJson1`: paths, headers and JSON bodies.
    RestJson,
    /// The REST catalog of Apache Iceberg: paths and JSON bodies, with errors of its own.
    Iceberg,
}

/// An answer, ready to be sent.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Protocol {
    /// Whether the path rather than a header or the body names the operation.
    pub const fn is_rest(&self) -> bool {
        matches!(self, Self::RestJson | Self::Iceberg)
    }

    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Json { version: "1.0" } => "application/x-amz-json-1.0",
            Self::Json { .. } => "application/x-amz-json-1.1",
            Self::RestJson | Self::Iceberg => "application/json",
            Self::Query { .. } => "text/xml",
        }
    }

    /// The headers that every answer has.
    pub fn headers(&self, request_id: &str) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-amzn-requestid", id);
        }
        headers
    }

    /// The status of an answer that is no fault.
    pub const fn status(&self, body: &[u8]) -> u16 {
        if matches!(self, Self::Iceberg) && body.is_empty() { 204 } else { 200 }
    }

    /// An output as the body of an answer.
    pub fn encode<T: Serialize>(&self, operation: &str, request_id: &str, output: &T) -> Vec<u8> {
        match self {
            Self::Json { .. } | Self::RestJson => json::encode(output),
            Self::Iceberg => iceberg::encode(output),
            Self::Query { xmlns } => query::encode(operation, xmlns, request_id, output),
        }
    }

    /// A fault as an answer: its status and code are those that the protocol's clients know.
    pub fn refuse(&self, fault: &Fault, request_id: &str) -> Reply {
        let mut headers = self.headers(request_id);
        match self {
            Self::Json { .. } | Self::RestJson => {
                if let Ok(code) = HeaderValue::from_str(&fault.code) {
                    headers.insert("x-amzn-errortype", code);
                }
                Reply { status: fault.status, headers, body: json::error(fault) }
            }
            Self::Iceberg => Reply { status: iceberg::status(fault), headers, body: iceberg::error(fault) },
            Self::Query { xmlns } => {
                let body = query::error(fault, xmlns, request_id);
                Reply { status: query::spoken(fault).1, headers, body }
            }
        }
    }
}
