//! GetKeyPolicy, PutKeyPolicy and ListKeyPolicies: who may use a key. A key has one policy, `default`.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::{Context, Decision, Policy, PolicyKind, Request};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct GetKeyPolicy;
pub(super) struct PutKeyPolicy;
pub(super) struct ListKeyPolicies;

const NAME: &str = "default";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Got {
    policy: String,
    policy_name: &'static str,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_name: Option<String>,
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass_policy_lockout_safety_check: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Done {}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Names {
    policy_names: [&'static str; 1],
    truncated: bool,
}

fn check_name(name: Option<&str>) -> Result<(), Fault> {
    match name {
        None | Some(NAME) => Ok(()),
        Some(_) => Err(Fault::new("NotFoundException", 400, "No such policy exists")),
    }
}

/// Whether a key may have this policy: it can be read, and unless told otherwise it lets
/// its author change it again.
pub(super) fn check(call: &Call<'_>, text: &str, resource: &str, bypass: Option<bool>) -> Result<(), Fault> {
    let malformed = |message: String| Fault::new("MalformedPolicyDocumentException", 400, message);
    let policy = Policy::parse(text, PolicyKind::Resource).map_err(|error| malformed(error.to_string()))?;
    if bypass == Some(true) {
        return Ok(());
    }
    let mut context = Context::default();
    context.insert("aws:SourceIp", &call.arrival.source_ip.to_string());
    context.insert("aws:RequestedRegion", call.region);
    context.insert("kms:CallerAccount", call.account());
    let decision = call.engines.identity.decide(&Request {
        caller: call.caller,
        action: "kms:PutKeyPolicy",
        resource,
        resource_account: call.account(),
        resource_policy: Some(&policy),
        policy_required: true,
        context: &context,
    });
    match decision {
        Decision::Allowed => Ok(()),
        _ => Err(malformed("The new key policy will not allow you to update the key policy in the future.".to_owned())),
    }
}

impl Operation for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const ACCESS: Access = Access::Read;
    type Input = Get;
    type Output = Got;

    async fn targets(call: &Call<'_>, input: &Get) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Get) -> Result<Got, Fault> {
        check_name(input.policy_name.as_deref())?;
        let key = key::find_own(call, &input.key_id).await?;
        Ok(Got { policy: key.policy.clone(), policy_name: NAME })
    }
}

impl Operation for PutKeyPolicy {
    const NAME: &'static str = "PutKeyPolicy";
    const ACCESS: Access = Access::Write;
    type Input = Put;
    type Output = Done;

    async fn targets(call: &Call<'_>, input: &Put) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Put) -> Result<Done, Fault> {
        check_name(input.policy_name.as_deref())?;
        let key = key::find_own(call, &input.key_id).await?;
        check(call, &input.policy, &key.arn, input.bypass_policy_lockout_safety_check)?;
        call.engines.keys.put_policy(key::scope(call), &key.arn, &input.policy).await.map_err(key::fault)?;
        Ok(Done {})
    }
}

impl Operation for ListKeyPolicies {
    const NAME: &'static str = "ListKeyPolicies";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Names;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Names, Fault> {
        key::page_size(input.limit, 100, 1000)?;
        key::find_own(call, &input.key_id).await?;
        Ok(Names { policy_names: [NAME], truncated: false })
    }
}
