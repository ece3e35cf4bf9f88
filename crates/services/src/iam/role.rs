//! CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy and DeleteRole.

use super::entity::{self, Tag, encoded, fault, tag_list};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::{Entity, NewEntity, NewRole, Sort};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct CreateRole;
pub(super) struct GetRole;
pub(super) struct ListRoles;
pub(super) struct UpdateRole;
pub(super) struct UpdateRoleDescription;
pub(super) struct UpdateAssumeRolePolicy;
pub(super) struct DeleteRole;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    role_name: String,
    assume_role_policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_session_duration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    role: Role,
}

/// A role, as every answer shows one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Timestamp,
    assume_role_policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    role_name: String,
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
    roles: Vec<Role>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    role_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_session_duration: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Done {}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    role_name: String,
    description: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Trust {
    role_name: String,
    policy_document: String,
}

impl Role {
    fn of(role: &Entity) -> Self {
        let part = role.role.as_ref();
        Self {
            path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            arn: role.arn(),
            create_date: role.created.into(),
            assume_role_policy_document: part.map(|part| encoded(&part.trust.text)).unwrap_or_default(),
            description: part.and_then(|part| part.description.clone()).filter(|text| !text.is_empty()),
            max_session_duration: part.map_or(0, |part| part.session_seconds_max),
            tags: tag_list(&role.tags),
        }
    }
}

fn target(call: &Call<'_>, name: &str) -> Vec<Target> {
    entity::entity_target(call, Sort::Role, name, None, Vec::new())
}

impl Operation for CreateRole {
    const NAME: &'static str = "CreateRole";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        let context = entity::tag_context(input.tags.as_ref());
        Ok(entity::entity_target(call, Sort::Role, &input.role_name, input.path.as_deref(), context))
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<One, Fault> {
        entity::refuse("PermissionsBoundary", input.permissions_boundary.as_ref())?;
        let tags = entity::tags(input.tags.as_ref())?;
        let role = NewRole {
            trust: input.assume_role_policy_document,
            description: input.description,
            session_seconds_max: input.max_session_duration,
        };
        let new = NewEntity { sort: Sort::Role, name: input.role_name, path: input.path, tags, role: Some(role) };
        let role = call.engines.identity.create(call.account(), new).await.map_err(fault)?;
        Ok(One { role: Role::of(&role) })
    }
}

impl Operation for GetRole {
    const NAME: &'static str = "GetRole";
    const ACCESS: Access = Access::Read;
    type Input = Name;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.role_name))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<One, Fault> {
        let role = call.engines.identity.entity(call.account(), Sort::Role, &input.role_name).map_err(fault)?;
        Ok(One { role: Role::of(&role) })
    }
}

impl Operation for ListRoles {
    const NAME: &'static str = "ListRoles";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = call.engines.identity.entities(call.account(), Sort::Role, prefix, after.as_deref(), size);
        let marker = entity::marker(page.more, page.items.last().map(|role| role.name.as_str()));
        let roles = page.items.iter().map(|role| Role { tags: None, ..Role::of(role) }).collect();
        Ok(Listed { roles, is_truncated: page.more, marker })
    }
}

impl Operation for UpdateRole {
    const NAME: &'static str = "UpdateRole";
    const ACCESS: Access = Access::Write;
    type Input = Update;
    type Output = Done;

    async fn targets(call: &Call<'_>, input: &Update) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.role_name))
    }

    async fn call(call: &Call<'_>, input: Update) -> Result<Done, Fault> {
        let Update { role_name, description, max_session_duration } = input;
        let identity = &call.engines.identity;
        identity.describe_role(call.account(), &role_name, description, max_session_duration).await.map_err(fault)?;
        Ok(Done {})
    }
}

impl Operation for UpdateRoleDescription {
    const NAME: &'static str = "UpdateRoleDescription";
    const ACCESS: Access = Access::Write;
    type Input = Describe;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Describe) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.role_name))
    }

    async fn call(call: &Call<'_>, input: Describe) -> Result<One, Fault> {
        let identity = &call.engines.identity;
        let described = identity.describe_role(call.account(), &input.role_name, Some(input.description), None);
        let role = described.await.map_err(fault)?;
        Ok(One { role: Role::of(&role) })
    }
}

impl Operation for UpdateAssumeRolePolicy {
    const NAME: &'static str = "UpdateAssumeRolePolicy";
    const ACCESS: Access = Access::Write;
    type Input = Trust;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Trust) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.role_name))
    }

    async fn call(call: &Call<'_>, input: Trust) -> Result<(), Fault> {
        let identity = &call.engines.identity;
        identity.set_trust(call.account(), &input.role_name, &input.policy_document).await.map_err(fault)
    }
}

impl Operation for DeleteRole {
    const NAME: &'static str = "DeleteRole";
    const ACCESS: Access = Access::Write;
    type Input = Name;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.role_name))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<(), Fault> {
        call.engines.identity.delete(call.account(), Sort::Role, &input.role_name).await.map_err(fault)
    }
}
