//! ListKeys: the keys of the account in this region.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct ListKeys;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    keys: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key_id: String,
    key_arn: String,
}

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let size = key::page_size(input.limit, 100, 1000)?;
        let after = key::place(input.marker.as_deref())?;
        let page = call.engines.keys.list(key::scope(call), after, size).await.map_err(key::fault)?;
        let next_marker = key::marker(page.more, page.items.last().map(|key| key.id));
        let entry =
            |key: &std::sync::Arc<cairn_key::Key>| Entry { key_id: key.id.to_string(), key_arn: key.arn.clone() };
        Ok(Output { keys: page.items.iter().map(entry).collect(), next_marker, truncated: page.more })
    }
}
