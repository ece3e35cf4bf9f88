//! The house's own API: log files come in, events are looked up, and what its commands ask of the lake.

mod import_events;
mod list_complete_files;
mod look_up_events;

use crate::Service;
use crate::lake::{explain_query, get_query_result, list_past_queries, list_tables, watch_query};
use crate::operation::row;
use cairn_wire::{Fault, Protocol};
use http::Method;
use http::request::Parts;

pub static SERVICE: Service = Service {
    name: "cairn",
    source: "cairn.internal",
    target: "",
    protocol: Protocol::RestJson,
    api_version: "2026-11-24",
    global: false,
    operations: &[
        &import_events::ImportEvents,
        row::<list_complete_files::ListCompleteFiles>(),
        row::<look_up_events::LookUpEvents>(),
        row::<list_tables::ListTables>(),
        row::<list_tables::DescribeTable>(),
        row::<explain_query::ExplainQuery>(),
        row::<list_past_queries::ListPastQueries>(),
        row::<watch_query::WatchQuery>(),
        row::<get_query_result::GetQueryResultFile>(),
    ],
    unsupported: &[],
};

/// Where its paths begin.
const PATHS: [&str; 2] = ["/intake/", "/history/"];

/// Whether a path is one of its own.
pub fn owns(path: &str) -> bool {
    PATHS.iter().any(|own| path.starts_with(own))
}

/// The operation that a request asks for.
pub fn operation(parts: &Parts) -> Option<&'static str> {
    match (&parts.method, parts.uri.path()) {
        (&Method::POST, "/intake/cloudtrail") => Some("ImportEvents"),
        (&Method::POST, "/intake/cloudtrail/files") => Some("ListCompleteFiles"),
        (&Method::POST, "/history/events") => Some("LookUpEvents"),
        (&Method::POST, path) => crate::lake::operation(path),
        _ => None,
    }
}

/// `name` is the file's, as its sender calls it.
fn fault(name: &str, error: &cairn_intake::Error) -> Fault {
    use cairn_intake::Error as E;
    let named = |message: String| if name.is_empty() { message } else { format!("{name}: {message}") };
    match error {
        E::Invalid { .. } => Fault::new("InvalidLogFileException", 400, named(error.to_string())),
        E::TooMany { .. } => Fault::validation(error.to_string()),
        E::TooLarge { .. } => Fault::too_large(named(error.to_string())),
        E::Unavailable(_) | E::Index(_) => {
            let message = "events cannot be kept now; nothing that was not acknowledged counts as taken, send it again";
            Fault::unavailable(named(message.to_owned())).because(error)
        }
    }
}
