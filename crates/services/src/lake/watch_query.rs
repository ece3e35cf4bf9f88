//! WatchQuery: how far a query is; waits a while for its end.

use crate::call::Call;
use crate::cloudtrail::query;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) struct WatchQuery;

/// No longer than this a call waits.
const WAIT_MAX: Duration = Duration::from_secs(10);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    id: String,
    wait_millis: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    rows: u64,
    millis: u64,
    rows_matched: u64,
    rows_scanned: u64,
    bytes_scanned: u64,
    bytes_planned: u64,
    files_scanned: u64,
    files_known: u64,
    columns: Vec<Column>,
    result_bytes: u64,
}

#[derive(Serialize)]
struct Column {
    name: String,
    kind: String,
}

impl Operation for WatchQuery {
    const NAME: &'static str = "WatchQuery";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(query::targets(call, &query::find(call, &input.id).await?.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let wait = Duration::from_millis(input.wait_millis).min(WAIT_MAX);
        call.engines.lake.queries.wait(&input.id, wait).await;
        let entry = query::find(call, &input.id).await?;
        Ok(Output {
            status: entry.status.text(),
            error: entry.error,
            rows: entry.rows,
            millis: entry.millis,
            rows_matched: entry.cost.rows_matched,
            rows_scanned: entry.cost.rows_scanned,
            bytes_scanned: entry.cost.bytes_scanned,
            bytes_planned: entry.cost.bytes_planned,
            files_scanned: entry.cost.files_scanned,
            files_known: entry.cost.files_known,
            columns: entry.columns.into_iter().map(|one| Column { name: one.name, kind: one.kind }).collect(),
            result_bytes: entry.bytes,
        })
    }
}
