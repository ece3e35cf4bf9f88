//! CreateAccountAlias, ListAccountAliases and DeleteAccountAlias. An account has one alias at
//! most; the records of its root show it.

use super::entity::{self, fault};
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CreateAccountAlias;
pub(super) struct ListAccountAliases;
pub(super) struct DeleteAccountAlias;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    account_alias: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    account_aliases: Vec<String>,
    is_truncated: bool,
}

impl Operation for CreateAccountAlias {
    const NAME: &'static str = "CreateAccountAlias";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = ();

    async fn call(call: &Call<'_>, input: Input) -> Result<(), Fault> {
        call.engines.identity.set_alias(call.account(), &input.account_alias).await.map_err(fault)
    }
}

impl Operation for ListAccountAliases {
    const NAME: &'static str = "ListAccountAliases";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let account = call.engines.identity.account(call.account());
        let alias = account.and_then(|account| account.alias.clone()).filter(|_| after.is_none());
        Ok(Listed { account_aliases: alias.into_iter().collect(), is_truncated: false })
    }
}

impl Operation for DeleteAccountAlias {
    const NAME: &'static str = "DeleteAccountAlias";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = ();

    async fn call(call: &Call<'_>, input: Input) -> Result<(), Fault> {
        call.engines.identity.remove_alias(call.account(), &input.account_alias).await.map_err(fault)
    }
}
