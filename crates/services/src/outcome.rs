//! What became of one call, said so that the door can record it.

use cairn_event::{Category, Record, Resource};
use cairn_identity::Caller;
use serde_json::{Map, Value};

/// Everything about a call that its record says and that the door does not know by itself.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub caller: Caller,
    /// For example `cloudtrail.amazonaws.com`.
    pub event_source: &'static str,
    pub event_name: String,
    pub region: String,
    pub read_only: bool,
    pub category: Category,
    pub api_version: Option<&'static str>,
    /// The input as the record shows it: an object or null, secrets already hidden.
    pub parameters: Value,
    /// The output as the record shows it; null for reads.
    pub response: Value,
    /// Code and message, when the call failed.
    pub error: Option<(String, String)>,
    pub resources: Vec<Resource>,
    pub additional: Map<String, Value>,
    /// Records of what other services did because of this call.
    pub also: Vec<Record>,
}

impl Outcome {
    /// A call of which only these things are known yet.
    pub fn of(caller: Caller, event_source: &'static str, event_name: &str, region: &str) -> Self {
        Self {
            caller,
            event_source,
            event_name: event_name.to_owned(),
            region: region.to_owned(),
            read_only: false,
            category: Category::Management,
            api_version: None,
            parameters: Value::Null,
            response: Value::Null,
            error: None,
            resources: Vec::new(),
            additional: Map::new(),
            also: Vec::new(),
        }
    }
}
