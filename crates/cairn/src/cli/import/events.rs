//! What the stages of an import tell one another.

use super::source::Item;
use cairn_intake::Report;

/// Of one thing that was met.
pub enum Event {
    /// A file that looks like a log file.
    Found { bytes: u64 },
    /// Something whose name does not end as log files' names do, or that is no file.
    Skipped,
    /// A place that could not be looked at.
    Unreadable { name: String, reason: String },
    /// Known to be complete: not sent.
    Complete { bytes: u64 },
    /// Would be sent, were this not a dry run.
    Due { bytes: u64 },
    /// Sent and answered.
    Taken { item: Item, report: Box<Report> },
    /// Read or sent in vain.
    Failed { item: Item, reason: String },
    /// Given up, because the import stops.
    Left,
    /// The import stops: nothing else can succeed either.
    Stopped { reason: String },
}
