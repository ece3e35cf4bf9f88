//! The house's own API: log files come in.

mod import_events;
mod list_complete_files;

use crate::Service;
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
    operations: &[&import_events::ImportEvents, row::<list_complete_files::ListCompleteFiles>()],
    unsupported: &[],
};

/// Where its paths begin.
pub const PATH: &str = "/intake/";

/// The operation that a request asks for.
pub fn operation(parts: &Parts) -> Option<&'static str> {
    match (&parts.method, parts.uri.path()) {
        (&Method::POST, "/intake/cloudtrail") => Some("ImportEvents"),
        (&Method::POST, "/intake/cloudtrail/files") => Some("ListCompleteFiles"),
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
