//! DescribeQuery: a query as it stands, by its id or by its alias in a refresh of a dashboard.

use super::query;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::query::Entry;
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct DescribeQuery;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    /// Deprecated: a query knows what it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    query_id: String,
    query_string: String,
    query_status: &'static str,
    query_statistics: Statistics,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(rename = "DeliveryS3Uri", skip_serializing_if = "Option::is_none")]
    delivery_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    events_matched: u64,
    events_scanned: u64,
    bytes_scanned: u64,
    execution_time_in_millis: u64,
    creation_time: Timestamp,
}

impl Input {
    async fn find(&self, call: &Call<'_>) -> Result<Entry, Fault> {
        let owner = query::owner(call, self.event_data_store_owner_account_id.as_ref())?;
        let entry = match (self.query_id.as_deref(), self.query_alias.as_deref()) {
            (Some(id), None) => query::find(call, id).await?,
            (None, Some(alias)) => self.by_alias(call, alias).await?,
            (Some(_), Some(_)) => return Err(query::invalid("Give QueryId or QueryAlias, not both.")),
            (None, None) => return Err(query::invalid("QueryId or QueryAlias is required.")),
        };
        query::check_owner(&entry, owner)?;
        Ok(entry)
    }

    async fn by_alias(&self, call: &Call<'_>, alias: &str) -> Result<Entry, Fault> {
        query::check_alias(alias)?;
        let refresh = self.refresh_id.as_deref();
        let form = |id: &str| (10..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if refresh.is_some_and(|id| !form(id)) {
            return Err(query::invalid("RefreshId is not valid: it has 10 to 20 digits."));
        }
        let found = call.engines.lake.queries.by_alias(call.account(), call.region, refresh, alias).await;
        found.map_err(query::fault)?.ok_or_else(|| query::missing(alias))
    }
}

impl Operation for DescribeQuery {
    const NAME: &'static str = "DescribeQuery";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(query::targets(call, &input.find(call).await?.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let entry = input.find(call).await?;
        let statistics = Statistics {
            events_matched: entry.cost.rows_matched,
            events_scanned: entry.cost.rows_scanned,
            bytes_scanned: entry.cost.bytes_scanned,
            execution_time_in_millis: entry.millis,
            creation_time: Timestamp(entry.created),
        };
        Ok(Output {
            event_data_store_owner_account_id: query::other_owner(call, &entry),
            query_id: entry.id,
            query_string: entry.text,
            query_status: entry.status.text(),
            query_statistics: statistics,
            error_message: entry.error,
            delivery_status: entry.delivery.as_ref().map(|delivery| delivery.status.text()),
            delivery_uri: entry.delivery.map(|delivery| delivery.place.uri),
        })
    }
}
