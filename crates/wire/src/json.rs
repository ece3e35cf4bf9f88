//! The JSON protocols: bodies in, bodies out, faults.

use crate::Fault;
use crate::node::Node;
use crate::tree::Tree;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Longer bodies are refused unread. AWS's own JSON services take 1 MiB and less; a body
/// of single digits takes some sixteen times its size in memory while it is read.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads an input. No body at all is an input without members.
///
/// What is not JSON, nested deeper than 128 levels or of a wrong type is a
/// SerializationException that names the member; a required member that is missing or
/// null is a ValidationException in AWS's words.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Fault::too_large(format!("the body is longer than {BODY_BYTES_MAX} bytes")));
    }
    let value = if body.trim_ascii().is_empty() { json!({}) } else { parse(body)? };
    Node::Json(&value).read()
}

fn parse(body: &[u8]) -> Result<Value, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| Fault::serialization("the body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| Fault::serialization(format!("the body is not JSON: {error}")))
}

/// Writes an output. Members that are absent are not written: there is no null in an
/// answer unless an output has an explicit JSON null in it.
pub fn encode<T: Serialize + ?Sized>(output: &T) -> Vec<u8> {
    let tree = match Tree::of(output) {
        Tree::Absent | Tree::Null => Tree::Struct(Vec::new()),
        tree => tree,
    };
    serde_json::to_vec(&tree).expect("a tree has only texts as keys, and nothing else can fail in memory")
}

/// The body that tells of a fault. The code stands in the header `x-amzn-errortype` too.
pub fn error(fault: &Fault) -> Vec<u8> {
    json!({"__type": fault.code, "message": fault.message}).to_string().into_bytes()
}
