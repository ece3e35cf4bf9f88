//! GetQueryResults: the rows of a query by pages, every value a text.

use super::query;
use super::trail::{exception, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::query::Entry;
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) struct GetQueryResults;

const ROWS_MAX: i64 = 1000;
/// About so much text makes a page, however few rows that are.
const PAGE_BYTES_MAX: usize = 4 << 20;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    /// Deprecated: a query knows what it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store: Option<String>,
    query_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_query_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    query_status: &'static str,
    query_statistics: Statistics,
    query_result_rows: Vec<Vec<BTreeMap<String, String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    results_count: usize,
    total_results_count: u64,
    bytes_scanned: u64,
}

impl Input {
    async fn find(&self, call: &Call<'_>) -> Result<Entry, Fault> {
        let owner = query::owner(call, self.event_data_store_owner_account_id.as_ref())?;
        let entry = query::find(call, &self.query_id).await?;
        query::check_owner(&entry, owner)?;
        Ok(entry)
    }

    /// A token goes on in one query only.
    fn place(&self) -> Result<u64, Fault> {
        let Some(token) = filled(self.next_token.clone()) else { return Ok(0) };
        match page::decode::<(String, u64)>(&token) {
            Some((id, from)) if id == self.query_id => Ok(from),
            _ => Err(exception("InvalidNextToken", "The token is not one of this query.")),
        }
    }

    fn rows_max(&self) -> Result<usize, Fault> {
        match self.max_query_results.unwrap_or(ROWS_MAX) {
            max @ 1..=ROWS_MAX => Ok(max as usize),
            _ => Err(exception("InvalidMaxResults", format!("MaxQueryResults is from 1 to {ROWS_MAX}."))),
        }
    }
}

impl Operation for GetQueryResults {
    const NAME: &'static str = "GetQueryResults";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(query::targets(call, &input.find(call).await?.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let (from, rows_max) = (input.place()?, input.rows_max()?);
        let entry = input.find(call).await?;
        let page = call.engines.lake.queries.page(&entry, from, rows_max, PAGE_BYTES_MAX).await;
        let page = page.map_err(query::fault)?;
        let row = |values: Vec<Option<String>>| {
            let named = entry.columns.iter().zip(values);
            named.map(|(column, value)| BTreeMap::from([(column.name.clone(), value.unwrap_or_default())])).collect()
        };
        let rows: Vec<Vec<_>> = page.rows.into_iter().map(row).collect();
        Ok(Output {
            query_status: entry.status.text(),
            query_statistics: Statistics {
                results_count: rows.len(),
                total_results_count: entry.rows,
                bytes_scanned: entry.cost.bytes_scanned,
            },
            query_result_rows: rows,
            next_token: page.next.map(|next| page::encode(&(&entry.id, next))),
            error_message: entry.error,
        })
    }
}
