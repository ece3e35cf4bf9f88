//! Attach…Policy, Detach…Policy and ListAttached…Policies: managed policies of a user, role or group.

use super::entity::{self, Of, fault, holder, pick};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

pub(super) struct AttachPolicy<S>(PhantomData<S>);
pub(super) struct DetachPolicy<S>(PhantomData<S>);
pub(super) struct ListAttached<S>(PhantomData<S>);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<String>,
    policy_arn: String,
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
    path_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    attached_policies: Vec<Attached>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    policy_name: String,
    policy_arn: String,
}

impl Input {
    fn holder<S: Of>(&self) -> Result<&str, Fault> {
        holder(S::SORT, [&self.user_name, &self.role_name, &self.group_name])
    }

    fn targets<S: Of>(&self, call: &Call<'_>) -> Result<Vec<Target>, Fault> {
        let context = vec![("iam:PolicyARN".to_owned(), self.policy_arn.clone())];
        Ok(entity::entity_target(call, S::SORT, self.holder::<S>()?, None, context))
    }
}

impl List {
    fn holder<S: Of>(&self) -> Result<&str, Fault> {
        holder(S::SORT, [&self.user_name, &self.role_name, &self.group_name])
    }
}

impl<S: Of> Operation for AttachPolicy<S> {
    const NAME: &'static str = pick(S::SORT, ["AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy"]);
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        input.targets::<S>(call)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<(), Fault> {
        let (identity, name) = (&call.engines.identity, input.holder::<S>()?);
        identity.attach(call.account(), S::SORT, name, &input.policy_arn).await.map_err(fault)
    }
}

impl<S: Of> Operation for DetachPolicy<S> {
    const NAME: &'static str = pick(S::SORT, ["DetachUserPolicy", "DetachRolePolicy", "DetachGroupPolicy"]);
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        input.targets::<S>(call)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<(), Fault> {
        let (identity, name) = (&call.engines.identity, input.holder::<S>()?);
        identity.detach(call.account(), S::SORT, name, &input.policy_arn).await.map_err(fault)
    }
}

impl<S: Of> Operation for ListAttached<S> {
    const NAME: &'static str =
        pick(S::SORT, ["ListAttachedUserPolicies", "ListAttachedRolePolicies", "ListAttachedGroupPolicies"]);
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        Ok(entity::entity_target(call, S::SORT, input.holder::<S>()?, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let identity = &call.engines.identity;
        let found = identity.entity(call.account(), S::SORT, input.holder::<S>()?).map_err(fault)?;
        let policy = |arn: &String| identity.policy(call.account(), arn).ok();
        let under = |arn: &&String| policy(arn).is_some_and(|policy| policy.path.starts_with(prefix));
        let page = entity::cut(found.attached.iter().filter(under), after, size);
        let marker = entity::marker(page.more, page.items.last().map(|arn| arn.as_str()));
        let shown = page.items.into_iter().filter_map(policy);
        let attached =
            shown.map(|policy| Attached { policy_name: policy.name.clone(), policy_arn: policy.arn.clone() });
        Ok(Listed { attached_policies: attached.collect(), is_truncated: page.more, marker })
    }
}
