//! CreateGroup, GetGroup, ListGroups, UpdateGroup and DeleteGroup.

use super::entity::{self, User, fault};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::{Entity, NewEntity, Sort, Tags};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct CreateGroup;
pub(super) struct GetGroup;
pub(super) struct ListGroups;
pub(super) struct UpdateGroup;
pub(super) struct DeleteGroup;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    group_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    group: Group,
}

/// A group, as every answer shows one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: Timestamp,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    group_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Got {
    group: Group,
    users: Vec<User>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub groups: Vec<Group>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    group_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_group_name: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    group_name: String,
}

impl Group {
    pub fn of(group: &Entity) -> Self {
        Self {
            path: group.path.clone(),
            group_name: group.name.clone(),
            group_id: group.id.clone(),
            arn: group.arn(),
            create_date: group.created.into(),
        }
    }
}

fn target(call: &Call<'_>, name: &str) -> Vec<Target> {
    entity::entity_target(call, Sort::Group, name, None, Vec::new())
}

impl Operation for CreateGroup {
    const NAME: &'static str = "CreateGroup";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        Ok(entity::entity_target(call, Sort::Group, &input.group_name, input.path.as_deref(), Vec::new()))
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<One, Fault> {
        let tags = Tags::new();
        let new = NewEntity { sort: Sort::Group, name: input.group_name, path: input.path, tags, role: None };
        let group = call.engines.identity.create(call.account(), new).await.map_err(fault)?;
        Ok(One { group: Group::of(&group) })
    }
}

impl Operation for GetGroup {
    const NAME: &'static str = "GetGroup";
    const ACCESS: Access = Access::Read;
    type Input = Get;
    type Output = Got;

    async fn targets(call: &Call<'_>, input: &Get) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.group_name))
    }

    async fn call(call: &Call<'_>, input: Get) -> Result<Got, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let identity = &call.engines.identity;
        let group = identity.entity(call.account(), Sort::Group, &input.group_name).map_err(fault)?;
        let page = identity.members(call.account(), &group.name, after.as_deref(), size).map_err(fault)?;
        let marker = entity::marker(page.more, page.items.last().map(|user| user.name.as_str()));
        let users = page.items.iter().map(|user| User::listed(user)).collect();
        Ok(Got { group: Group::of(&group), users, is_truncated: page.more, marker })
    }
}

impl Operation for ListGroups {
    const NAME: &'static str = "ListGroups";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = call.engines.identity.entities(call.account(), Sort::Group, prefix, after.as_deref(), size);
        let marker = entity::marker(page.more, page.items.last().map(|group| group.name.as_str()));
        let groups = page.items.iter().map(|group| Group::of(group)).collect();
        Ok(Listed { groups, is_truncated: page.more, marker })
    }
}

impl Operation for UpdateGroup {
    const NAME: &'static str = "UpdateGroup";
    const ACCESS: Access = Access::Write;
    type Input = Update;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Update) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.group_name))
    }

    async fn call(call: &Call<'_>, input: Update) -> Result<(), Fault> {
        let Update { group_name, new_path, new_group_name } = input;
        let identity = &call.engines.identity;
        identity.rename(call.account(), Sort::Group, &group_name, new_group_name, new_path).await.map_err(fault)
    }
}

impl Operation for DeleteGroup {
    const NAME: &'static str = "DeleteGroup";
    const ACCESS: Access = Access::Write;
    type Input = Delete;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Delete) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.group_name))
    }

    async fn call(call: &Call<'_>, input: Delete) -> Result<(), Fault> {
        call.engines.identity.delete(call.account(), Sort::Group, &input.group_name).await.map_err(fault)
    }
}
