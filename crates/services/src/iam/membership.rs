//! AddUserToGroup, RemoveUserFromGroup and ListGroupsForUser.

use super::entity::{self, fault};
use super::group::{Group, Listed};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::Sort;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct AddUserToGroup;
pub(super) struct RemoveUserFromGroup;
pub(super) struct ListGroupsForUser;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    group_name: String,
    user_name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    user_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

impl Operation for AddUserToGroup {
    const NAME: &'static str = "AddUserToGroup";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(entity::entity_target(call, Sort::Group, &input.group_name, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<(), Fault> {
        call.engines.identity.join(call.account(), &input.user_name, &input.group_name).await.map_err(fault)
    }
}

impl Operation for RemoveUserFromGroup {
    const NAME: &'static str = "RemoveUserFromGroup";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(entity::entity_target(call, Sort::Group, &input.group_name, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<(), Fault> {
        call.engines.identity.leave(call.account(), &input.user_name, &input.group_name).await.map_err(fault)
    }
}

impl Operation for ListGroupsForUser {
    const NAME: &'static str = "ListGroupsForUser";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        Ok(entity::entity_target(call, Sort::User, &input.user_name, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let identity = &call.engines.identity;
        let page = identity.groups_of(call.account(), &input.user_name, after.as_deref(), size).map_err(fault)?;
        let marker = entity::marker(page.more, page.items.last().map(|group| group.name.as_str()));
        let groups = page.items.iter().map(|group| Group::of(group)).collect();
        Ok(Listed { groups, is_truncated: page.more, marker })
    }
}
