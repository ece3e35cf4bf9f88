//! PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy: what other accounts may do with an event data
//! store, a channel or a dashboard.

use super::store;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::Policies;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct PutResourcePolicy;
pub(super) struct GetResourcePolicy;
pub(super) struct DeleteResourcePolicy;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    resource_arn: String,
    resource_policy: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    resource_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    resource_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegated_admin_resource_policy: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Deleted {}

impl Output {
    fn of(resource_arn: String, policies: Policies) -> Self {
        let Policies { own, delegated } = policies;
        Self { resource_arn, resource_policy: own, delegated_admin_resource_policy: delegated }
    }
}

/// Only the account that owns a resource governs its policy, so the policy itself has no say.
fn target(call: &Call<'_>, arn: &str) -> Target {
    store::of(call, arn.to_owned(), std::collections::BTreeMap::new())
}

/// Whether there is a dashboard of this ARN.
fn is_dashboard(call: &Call<'_>, arn: &str) -> bool {
    call.engines.lake.dashboards.get(call.account(), call.region, arn).is_ok()
}

impl Operation for PutResourcePolicy {
    const NAME: &'static str = "PutResourcePolicy";
    const ACCESS: Access = Access::Write;
    type Input = Put;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Put) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, &input.resource_arn)])
    }

    async fn call(call: &Call<'_>, input: Put) -> Result<Output, Fault> {
        let (stores, arn) = (&call.engines.lake.stores, input.resource_arn);
        let there = is_dashboard(call, &arn);
        let put = stores.put_policy(store::scope(call), &arn, &input.resource_policy, there).await;
        Ok(Output::of(arn, put.map_err(store::fault)?))
    }
}

impl Operation for GetResourcePolicy {
    const NAME: &'static str = "GetResourcePolicy";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, &input.resource_arn)])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Output, Fault> {
        let arn = input.resource_arn;
        let found = call.engines.lake.stores.get_policy(store::scope(call), &arn, is_dashboard(call, &arn));
        Ok(Output::of(arn, found.map_err(store::fault)?))
    }
}

impl Operation for DeleteResourcePolicy {
    const NAME: &'static str = "DeleteResourcePolicy";
    const ACCESS: Access = Access::Write;
    type Input = Named;
    type Output = Deleted;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, &input.resource_arn)])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Deleted, Fault> {
        let (stores, arn) = (&call.engines.lake.stores, &input.resource_arn);
        let deleted = stores.delete_policy(store::scope(call), arn, is_dashboard(call, arn)).await;
        deleted.map(|()| Deleted {}).map_err(store::fault)
    }
}
