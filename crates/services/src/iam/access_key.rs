//! CreateAccessKey, ListAccessKeys, UpdateAccessKey and DeleteAccessKey: of the user that is
//! named, or of the caller, root among them.

use super::entity::{self, fault};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::{Owner, Sort};
use cairn_wire::{Fault, Secret, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct CreateAccessKey;
pub(super) struct ListAccessKeys;
pub(super) struct UpdateAccessKey;
pub(super) struct DeleteAccessKey;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Created {
    access_key: AccessKey,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    access_key_id: String,
    status: &'static str,
    secret_access_key: Secret,
    create_date: Timestamp,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    access_key_metadata: Vec<Metadata>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    access_key_id: String,
    status: &'static str,
    create_date: Timestamp,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    access_key_id: String,
    status: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    access_key_id: String,
}

/// Whose keys: the owner, and the user's name if it is one.
fn owner(call: &Call<'_>, named: Option<&String>) -> Result<(Owner, Option<String>), Fault> {
    if named.is_none() && call.caller.is_root() {
        return Ok((Owner::Root, None));
    }
    let name = entity::user_name(call, named)?;
    let user = call.engines.identity.entity(call.account(), Sort::User, &name).map_err(fault)?;
    Ok((Owner::User(user.id.clone()), Some(user.name.clone())))
}

fn target(call: &Call<'_>, named: Option<&String>) -> Result<Vec<Target>, Fault> {
    if named.is_none() && call.caller.is_root() {
        return Ok(entity::target(call, call.caller.arn().to_owned(), Vec::new()));
    }
    let name = entity::user_name(call, named)?;
    Ok(entity::entity_target(call, Sort::User, &name, None, Vec::new()))
}

const fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

impl Operation for CreateAccessKey {
    const NAME: &'static str = "CreateAccessKey";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = Created;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        target(call, input.user_name.as_ref())
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<Created, Fault> {
        let (owner, user_name) = owner(call, input.user_name.as_ref())?;
        let key = call.engines.identity.create_key(call.account(), &owner).await.map_err(fault)?;
        let access_key = AccessKey {
            user_name,
            access_key_id: key.id.clone(),
            status: status(key.active),
            secret_access_key: key.secret().clone(),
            create_date: key.created.into(),
        };
        Ok(Created { access_key })
    }
}

impl Operation for ListAccessKeys {
    const NAME: &'static str = "ListAccessKeys";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        target(call, input.user_name.as_ref())
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let (owner, user_name) = owner(call, input.user_name.as_ref())?;
        let keys = call.engines.identity.keys(call.account(), &owner);
        let page = entity::cut(keys.iter().map(|key| &key.id), after, size);
        let marker = entity::marker(page.more, page.items.last().map(|id| id.as_str()));
        let shown = keys.iter().filter(|key| page.items.contains(&&key.id)).map(|key| Metadata {
            user_name: user_name.clone(),
            access_key_id: key.id.clone(),
            status: status(key.active),
            create_date: key.created.to_second().into(),
        });
        Ok(Listed { access_key_metadata: shown.collect(), is_truncated: page.more, marker })
    }
}

impl Operation for UpdateAccessKey {
    const NAME: &'static str = "UpdateAccessKey";
    const ACCESS: Access = Access::Write;
    type Input = Update;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Update) -> Result<Vec<Target>, Fault> {
        target(call, input.user_name.as_ref())
    }

    async fn call(call: &Call<'_>, input: Update) -> Result<(), Fault> {
        let active = match &*input.status {
            "Active" => true,
            "Inactive" => false,
            other => {
                return Err(Fault::validation(format!(
                    "1 validation error detected: Value '{other}' at 'status' failed to satisfy constraint: \
                     Member must satisfy enum value set: [Active, Inactive]"
                )));
            }
        };
        let (owner, _) = owner(call, input.user_name.as_ref())?;
        let identity = &call.engines.identity;
        identity.set_key_active(call.account(), &owner, &input.access_key_id, active).await.map_err(fault)
    }
}

impl Operation for DeleteAccessKey {
    const NAME: &'static str = "DeleteAccessKey";
    const ACCESS: Access = Access::Write;
    type Input = Delete;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Delete) -> Result<Vec<Target>, Fault> {
        target(call, input.user_name.as_ref())
    }

    async fn call(call: &Call<'_>, input: Delete) -> Result<(), Fault> {
        let (owner, _) = owner(call, input.user_name.as_ref())?;
        call.engines.identity.delete_key(call.account(), &owner, &input.access_key_id).await.map_err(fault)
    }
}
