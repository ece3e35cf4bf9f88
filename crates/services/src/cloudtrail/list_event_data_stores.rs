//! ListEventDataStores: the event data stores of the account in the region. As AWS does, only their ARNs and
//! names; GetEventDataStore tells the rest.

use super::store;
use super::trail::{exception, filled};
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};

pub(super) struct ListEventDataStores;

const PAGE_MAX: i64 = 1000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    event_data_stores: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    event_data_store_arn: String,
    name: String,
}

/// Where a list of things by ARN goes on, and how many at most.
pub(super) fn place(token: Option<String>, max: Option<i64>, too_many: &str) -> Result<(String, usize), Fault> {
    let after = match filled(token) {
        None => String::new(),
        Some(token) => page::decode(&token).ok_or_else(|| exception("InvalidNextToken", "NextToken is not valid."))?,
    };
    match max.unwrap_or(PAGE_MAX) {
        max @ 1..=PAGE_MAX => Ok((after, max as usize)),
        _ => Err(exception(too_many, format!("MaxResults is 1 to {PAGE_MAX}."))),
    }
}

impl Operation for ListEventDataStores {
    const NAME: &'static str = "ListEventDataStores";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let (after, max) = place(input.next_token, input.max_results, "InvalidMaxResults")?;
        let all = call.engines.lake.stores.list(store::scope(call));
        // A store that went away meanwhile does not stop the list: ARNs are in order.
        let mut rest = all.iter().filter(|store| store.arn > after);
        let shown: Vec<_> = rest.by_ref().take(max).collect();
        let next_token = shown.last().filter(|_| rest.next().is_some()).map(|last| page::encode(&last.arn));
        let entry = |store: &&std::sync::Arc<cairn_lake::store::Store>| Entry {
            event_data_store_arn: store.arn.clone(),
            name: store.name.clone(),
        };
        Ok(Output { event_data_stores: shown.iter().map(entry).collect(), next_token })
    }
}
