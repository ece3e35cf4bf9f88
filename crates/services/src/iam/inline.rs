//! Put…Policy, Get…Policy, List…Policies and Delete…Policy: policies that a user, role or
//! group has of its own.

use super::entity::{self, Of, encoded, fault, holder, pick};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

pub(super) struct PutPolicy<S>(PhantomData<S>);
pub(super) struct GetPolicy<S>(PhantomData<S>);
pub(super) struct ListPolicies<S>(PhantomData<S>);
pub(super) struct DeletePolicy<S>(PhantomData<S>);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<String>,
    policy_name: String,
    policy_document: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<String>,
    policy_name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    policy_names: Vec<String>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

impl Put {
    fn holder<S: Of>(&self) -> Result<&str, Fault> {
        holder(S::SORT, [&self.user_name, &self.role_name, &self.group_name])
    }
}

impl Name {
    fn holder<S: Of>(&self) -> Result<&str, Fault> {
        holder(S::SORT, [&self.user_name, &self.role_name, &self.group_name])
    }
}

impl List {
    fn holder<S: Of>(&self) -> Result<&str, Fault> {
        holder(S::SORT, [&self.user_name, &self.role_name, &self.group_name])
    }
}

fn target<S: Of>(call: &Call<'_>, name: &str) -> Vec<Target> {
    entity::entity_target(call, S::SORT, name, None, Vec::new())
}

impl<S: Of> Operation for PutPolicy<S> {
    const NAME: &'static str = pick(S::SORT, ["PutUserPolicy", "PutRolePolicy", "PutGroupPolicy"]);
    const ACCESS: Access = Access::Write;
    type Input = Put;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Put) -> Result<Vec<Target>, Fault> {
        Ok(target::<S>(call, input.holder::<S>()?))
    }

    async fn call(call: &Call<'_>, input: Put) -> Result<(), Fault> {
        let (identity, name) = (&call.engines.identity, input.holder::<S>()?);
        let put = identity.put_inline(call.account(), S::SORT, name, &input.policy_name, &input.policy_document);
        put.await.map_err(fault)
    }
}

impl<S: Of> Operation for GetPolicy<S> {
    const NAME: &'static str = pick(S::SORT, ["GetUserPolicy", "GetRolePolicy", "GetGroupPolicy"]);
    const ACCESS: Access = Access::Read;
    type Input = Name;
    type Output = Put;

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target::<S>(call, input.holder::<S>()?))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<Put, Fault> {
        let (identity, name) = (&call.engines.identity, input.holder::<S>()?);
        let text = identity.inline(call.account(), S::SORT, name, &input.policy_name).map_err(fault)?;
        let Name { user_name, role_name, group_name, policy_name } = input;
        Ok(Put { user_name, role_name, group_name, policy_name, policy_document: encoded(&text) })
    }
}

impl<S: Of> Operation for ListPolicies<S> {
    const NAME: &'static str = pick(S::SORT, ["ListUserPolicies", "ListRolePolicies", "ListGroupPolicies"]);
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        Ok(target::<S>(call, input.holder::<S>()?))
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let found = call.engines.identity.entity(call.account(), S::SORT, input.holder::<S>()?).map_err(fault)?;
        let page = entity::cut(found.inline.keys(), after, size);
        let marker = entity::marker(page.more, page.items.last().map(|name| name.as_str()));
        Ok(Listed { policy_names: page.items.into_iter().cloned().collect(), is_truncated: page.more, marker })
    }
}

impl<S: Of> Operation for DeletePolicy<S> {
    const NAME: &'static str = pick(S::SORT, ["DeleteUserPolicy", "DeleteRolePolicy", "DeleteGroupPolicy"]);
    const ACCESS: Access = Access::Write;
    type Input = Name;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target::<S>(call, input.holder::<S>()?))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<(), Fault> {
        let (identity, name) = (&call.engines.identity, input.holder::<S>()?);
        identity.delete_inline(call.account(), S::SORT, name, &input.policy_name).await.map_err(fault)
    }
}
