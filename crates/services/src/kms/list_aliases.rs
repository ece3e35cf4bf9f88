//! ListAliases: the aliases of the account in this region, or of one key.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_key::Alias;
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct ListAliases;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    aliases: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    alias_name: String,
    alias_arn: String,
    target_key_id: String,
    creation_date: Timestamp,
    last_updated_date: Timestamp,
}

impl From<&Alias> for Entry {
    fn from(alias: &Alias) -> Self {
        Self {
            alias_name: alias.name.clone(),
            alias_arn: alias.arn.clone(),
            target_key_id: alias.key.to_string(),
            creation_date: Timestamp(alias.created),
            last_updated_date: Timestamp(alias.updated),
        }
    }
}

impl Operation for ListAliases {
    const NAME: &'static str = "ListAliases";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let size = key::page_size(input.limit, 50, 100)?;
        let after: Option<String> = key::place(input.marker.as_deref())?;
        let of = match &input.key_id {
            Some(reference) => Some(key::find_own(call, reference).await?.id),
            None => None,
        };
        let keys = &call.engines.keys;
        let page = keys.aliases(key::scope(call), of, after.as_deref(), size).await.map_err(key::fault)?;
        let next_marker = key::marker(page.more, page.items.last().map(|alias| &alias.name));
        let aliases = page.items.iter().map(|alias| Entry::from(&**alias)).collect();
        Ok(Output { aliases, next_marker, truncated: page.more })
    }
}
