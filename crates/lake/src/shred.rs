//! Events become rows of columns, and rows become the same bytes again.
//!
//! The column `form` holds an event's JSON in which every value that stands in a column, and would be
//! written the same from it, is replaced by the column's mark, which JSON cannot contain ([`form`]).
//! Filling the marks in again gives the original, byte for byte. Few forms are in use at a time, so that
//! they take next to nothing in a file.
//!
//! What a column holds: a text with escapes is decoded, and stays in the form as it was written. A value of
//! another type than its column's is null there and stays in the form. Of a key that stands twice in an
//! object the first one counts, whatever its value is, and the other stays in the form. `eventtime` is when
//! the event was received if its own time cannot be read or lies outside the years 1 to 9999.

mod columns;
mod form;
mod found;
mod keys;
mod pass;
#[cfg(test)]
mod tests;
mod time;

use arrow::array::RecordBatch;
use cairn_event::json::{Scanner, Why};
use cairn_event::{NotAnEvent, Origin, Time};
use columns::Columns;
pub use form::originals;
use found::{Found, Parameters};
use keys::Keys;
use pass::Pass;

/// The column of forms.
pub const FORM: &str = "form";
/// The largest event that can be a row.
pub const EVENT_BYTES_MAX: usize = 256 << 20;
/// A batch with so many bytes takes no more: places in a column are counted with 31 bits.
pub const BATCH_BYTES_MAX: usize = 1 << 30;

/// Makes batches of rows from events.
#[derive(Debug)]
pub struct Shredder {
    keys: Keys,
    parameters: Parameters,
    columns: Columns,
    found: Found,
    rows: usize,
    taken: usize,
}

impl Default for Shredder {
    fn default() -> Self {
        Self::new()
    }
}

impl Shredder {
    pub fn new() -> Self {
        Self {
            keys: Keys::new(),
            parameters: Parameters::new(),
            columns: Columns::new(),
            found: Found::default(),
            rows: 0,
            taken: 0,
        }
    }

    /// Adds one event: one JSON object. What is not an object, or does not fit, is refused and adds nothing.
    pub fn push(&mut self, event: &str, origin: Origin, received: Time) -> Result<(), NotAnEvent> {
        if event.len() > EVENT_BYTES_MAX {
            return Err(NotAnEvent::new(format!("it is larger than {EVENT_BYTES_MAX} bytes")));
        }
        if self.is_full() {
            return Err(NotAnEvent::new("the batch is full"));
        }
        self.found.clear();
        let mut pass = Pass {
            raw: event,
            scan: Scanner::new(event.as_bytes()),
            row: self.rows,
            keys: &self.keys,
            parameters: &self.parameters,
            columns: &mut self.columns,
            found: &mut self.found,
            copied: 0,
            met: 0,
            met_objects: 0,
            time: None,
        };
        if let Err(bad) = pass.run(origin, received) {
            self.columns.cut(self.rows);
            let why = match bad.why {
                Why::End => "the text ends inside it".to_owned(),
                Why::Deep => "it is nested too deeply".to_owned(),
                Why::Syntax(expected) => format!("expected {expected} at byte {}", bad.at),
            };
            return Err(NotAnEvent::new(why));
        }
        self.rows += 1;
        self.taken += event.len();
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// About what the rows take in memory.
    pub fn bytes(&self) -> usize {
        self.columns.size(self.rows)
    }

    /// Whether [`Shredder::finish`] must come before the next event.
    pub fn is_full(&self) -> bool {
        self.taken >= BATCH_BYTES_MAX
    }

    /// The rows so far, with the schema of [`crate::schema::arrow`]; begins afresh.
    pub fn finish(&mut self) -> RecordBatch {
        self.taken = 0;
        self.columns.finish(std::mem::take(&mut self.rows))
    }
}
