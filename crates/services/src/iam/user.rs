//! CreateUser, GetUser, ListUsers, UpdateUser and DeleteUser.

use super::entity::{self, Tag, User, fault};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::{NewEntity, Sort};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CreateUser;
pub(super) struct GetUser;
pub(super) struct ListUsers;
pub(super) struct UpdateUser;
pub(super) struct DeleteUser;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    user_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    user: User,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
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
    users: Vec<User>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    user_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_user_name: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    user_name: String,
}

impl Operation for CreateUser {
    const NAME: &'static str = "CreateUser";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        let context = entity::tag_context(input.tags.as_ref());
        Ok(entity::entity_target(call, Sort::User, &input.user_name, input.path.as_deref(), context))
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<One, Fault> {
        entity::refuse("PermissionsBoundary", input.permissions_boundary.as_ref())?;
        let tags = entity::tags(input.tags.as_ref())?;
        let new = NewEntity { sort: Sort::User, name: input.user_name, path: input.path, tags, role: None };
        let user = call.engines.identity.create(call.account(), new).await.map_err(fault)?;
        Ok(One { user: User::of(&user) })
    }
}

impl Operation for GetUser {
    const NAME: &'static str = "GetUser";
    const ACCESS: Access = Access::Read;
    type Input = Get;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Get) -> Result<Vec<Target>, Fault> {
        if input.user_name.is_none() && call.caller.is_root() {
            return Ok(entity::target(call, call.caller.arn().to_owned(), Vec::new()));
        }
        let name = entity::user_name(call, input.user_name.as_ref())?;
        Ok(entity::entity_target(call, Sort::User, &name, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: Get) -> Result<One, Fault> {
        let identity = &call.engines.identity;
        if input.user_name.is_none()
            && call.caller.is_root()
            && let Some(account) = identity.account(call.account())
        {
            let user = User {
                path: "/".to_owned(),
                user_name: account.alias.clone(),
                user_id: account.id.clone(),
                arn: call.caller.arn().to_owned(),
                create_date: account.created.to_second().into(),
                tags: None,
            };
            return Ok(One { user });
        }
        let name = entity::user_name(call, input.user_name.as_ref())?;
        let user = identity.entity(call.account(), Sort::User, &name).map_err(fault)?;
        Ok(One { user: User::of(&user) })
    }
}

impl Operation for ListUsers {
    const NAME: &'static str = "ListUsers";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = call.engines.identity.entities(call.account(), Sort::User, prefix, after.as_deref(), size);
        let marker = entity::marker(page.more, page.items.last().map(|user| user.name.as_str()));
        let users = page.items.iter().map(|user| User::listed(user)).collect();
        Ok(Listed { users, is_truncated: page.more, marker })
    }
}

impl Operation for UpdateUser {
    const NAME: &'static str = "UpdateUser";
    const ACCESS: Access = Access::Write;
    type Input = Update;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Update) -> Result<Vec<Target>, Fault> {
        let mut targets = entity::entity_target(call, Sort::User, &input.user_name, None, Vec::new());
        // Whoever renames must be allowed on the new name as on the old.
        if let Ok(user) = call.engines.identity.entity(call.account(), Sort::User, &input.user_name) {
            let path = input.new_path.as_ref().unwrap_or(&user.path);
            let name = input.new_user_name.as_ref().unwrap_or(&user.name);
            targets.extend(entity::target(call, cairn_identity::arn(call.account(), "user", path, name), Vec::new()));
        }
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Update) -> Result<(), Fault> {
        let Update { user_name, new_path, new_user_name } = input;
        let identity = &call.engines.identity;
        identity.rename(call.account(), Sort::User, &user_name, new_user_name, new_path).await.map_err(fault)
    }
}

impl Operation for DeleteUser {
    const NAME: &'static str = "DeleteUser";
    const ACCESS: Access = Access::Write;
    type Input = Delete;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Delete) -> Result<Vec<Target>, Fault> {
        Ok(entity::entity_target(call, Sort::User, &input.user_name, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: Delete) -> Result<(), Fault> {
        call.engines.identity.delete(call.account(), Sort::User, &input.user_name).await.map_err(fault)
    }
}
