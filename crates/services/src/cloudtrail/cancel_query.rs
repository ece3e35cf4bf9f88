//! CancelQuery: ends a query that waits or runs.

use super::query;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::query::Entry;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CancelQuery;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    /// Deprecated: a query knows what it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store: Option<String>,
    query_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    query_id: String,
    query_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

impl Input {
    async fn find(&self, call: &Call<'_>) -> Result<Entry, Fault> {
        let owner = query::owner(call, self.event_data_store_owner_account_id.as_ref())?;
        let entry = query::find(call, &self.query_id).await?;
        query::check_owner(&entry, owner)?;
        Ok(entry)
    }
}

impl Operation for CancelQuery {
    const NAME: &'static str = "CancelQuery";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(query::targets(call, &input.find(call).await?.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let entry = input.find(call).await?;
        let entry = call.engines.lake.queries.cancel(&entry.id).await.map_err(query::fault)?;
        Ok(Output {
            event_data_store_owner_account_id: query::other_owner(call, &entry),
            query_id: entry.id,
            query_status: entry.status.text(),
        })
    }
}
