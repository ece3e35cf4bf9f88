//! What answers SQL over snapshots of tables. Implemented by `cairn_sql`.

mod text;

pub use text::text;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Answers queries. One for the whole house; queries run side by side and fail alone.
#[async_trait::async_trait]
pub trait Sql: Send + Sync {
    /// Reads a query without running it. Errors: those of [`Error`] that its text alone can cause.
    async fn check(&self, query: &Query) -> Result<Checked, Error>;
    /// Runs one SELECT. Dropping the rows cancels it.
    async fn run(&self, query: Query) -> Result<Rows, Error>;
    /// The plan in words, for `--explain`; with what it cost when `analyze`.
    async fn explain(&self, query: Query, analyze: bool) -> Result<String, Error>;
}

/// One SELECT, in Trino's dialect.
#[derive(Clone, Debug)]
pub struct Query {
    pub text: String,
    /// For the `?` in the text, in order; as literals, so `'x'` or `5`.
    pub parameters: Vec<String>,
    /// What the names after FROM mean, in lower case. Any other name is an error.
    pub tables: BTreeMap<String, View>,
    pub limits: Limits,
    pub cancel: CancellationToken,
}

/// A table as one query may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Of [`crate::table::Table`].
    pub table: String,
    pub shape: Shape,
}

/// Which columns a view shows, as CloudTrail Lake does for each kind of event data store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// All that there are: those of the trail, `eventdata`, `metadata`, `origin` and `received`.
    Everything,
    Trail,
    Insight,
    /// Configuration items, evidence and what applications send: `eventdata` and `metadata`.
    Activity,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Beyond it operators spill to disk; those that cannot fail the query alone.
    pub memory_bytes_max: u64,
    pub time_max: Duration,
}

/// What a query is, before it runs.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Names after FROM that are tables, as in [`Query::tables`].
    pub tables: Vec<String>,
    pub columns: Vec<Column>,
}

/// A column of a result. The name is as the query wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// Trino's name of the type: `varchar`, `bigint`, `timestamp(3)`, `array(varchar)`, …
    pub kind: String,
}

/// A result as it comes.
pub struct Rows {
    pub columns: Vec<Column>,
    /// Columns in the order of `columns`.
    pub batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// Counts on while batches come.
    pub statistics: Arc<Statistics>,
}

/// What a query has cost so far.
#[derive(Debug, Default)]
pub struct Statistics {
    pub rows_matched: AtomicU64,
    pub rows_scanned: AtomicU64,
    pub bytes_scanned: AtomicU64,
    pub files_scanned: AtomicU64,
    /// Files that the tables have, read or not.
    pub files_known: AtomicU64,
    /// Bytes that it will read at most, for progress.
    pub bytes_planned: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    pub rows_matched: u64,
    pub rows_scanned: u64,
    pub bytes_scanned: u64,
    pub files_scanned: u64,
    pub files_known: u64,
    pub bytes_planned: u64,
}

impl Statistics {
    pub fn cost(&self) -> Cost {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Cost {
            rows_matched: of(&self.rows_matched),
            rows_scanned: of(&self.rows_scanned),
            bytes_scanned: of(&self.bytes_scanned),
            files_scanned: of(&self.files_scanned),
            files_known: of(&self.files_known),
            bytes_planned: of(&self.bytes_planned),
        }
    }
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not one SELECT. Line and column count from 1.
    #[error("line {line}:{column}: {message}")]
    Syntax { line: u64, column: u64, message: String },
    /// It is SQL, but it names what is not there, or mixes types; says what is near.
    #[error("{0}")]
    Invalid(String),
    /// Something other than a query: DML, DDL, several statements.
    #[error("{0}")]
    Refused(String),
    #[error("no such table: {0}")]
    NoTable(String),
    #[error("the query needs more memory than the {0} bytes it may take")]
    Memory(u64),
    #[error("the query took longer than the {} s it may", .0.as_secs())]
    Time(Duration),
    #[error("the query was cancelled")]
    Cancelled,
    /// Stored bytes are not what was written; names the file.
    #[error("{0}")]
    Corrupt(String),
    #[error("{0}")]
    Failed(String),
}
