//! AssumeRole: a session as a role. The role's trust policy must allow the caller, or
//! delegate to its account.

use super::credentials::{Credentials, check_mfa};
use crate::call::Call;
use crate::iam::{Tag, fault, tag_context, unique_tags};
use crate::operation::{Access, Operation, Target};
use cairn_event::Arn;
use cairn_identity::NewSession;
use cairn_wire::{Fault, Secret};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) struct AssumeRole;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_arn: String,
    role_session_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_arns: Option<Vec<PolicyArn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transitive_tag_keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_code: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provided_contexts: Option<Vec<ProvidedContext>>,
}

#[derive(Deserialize, Serialize)]
struct PolicyArn {
    arn: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProvidedContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

impl Input {
    /// The condition keys that the trust policy can ask for.
    fn context(&self) -> Vec<(String, String)> {
        let mut context = tag_context(self.tags.as_ref());
        let mut add = |key: &str, value: &str| context.push((key.to_owned(), value.to_owned()));
        add("sts:RoleSessionName", &self.role_session_name);
        if let Some(id) = &self.external_id {
            add("sts:ExternalId", id);
        }
        if let Some(source) = &self.source_identity {
            add("sts:SourceIdentity", source);
        }
        for key in self.transitive_tag_keys.iter().flatten() {
            add("sts:TransitiveTagKeys", key);
        }
        context
    }

    fn check(&self) -> Result<(), Fault> {
        check_mfa(self.serial_number.as_ref(), self.token_code.as_ref().map(|code| &code.0))?;
        if self.provided_contexts.as_ref().is_some_and(|contexts| !contexts.is_empty()) {
            return Err(Fault::validation("ProvidedContexts are not supported by this version of Cairn."));
        }
        let fits = |id: &String| (2..=1224).contains(&id.len());
        if self.external_id.as_ref().is_some_and(|id| !fits(id)) {
            return Err(Fault::validation(
                "1 validation error detected: Value at 'externalId' failed to satisfy constraint: \
                 Member must have length between 2 and 1224",
            ));
        }
        Ok(())
    }
}

impl Operation for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    // As in AWS's records: it changes nothing, and yet they show its answer.
    const ACCESS: Access = Access::Read;
    const ANSWER_RECORDED: bool = true;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let invalid = || Fault::validation(format!("{:.200} is invalid", input.role_arn));
        let arn = Arn::parse(&input.role_arn).map_err(|_| invalid())?;
        let role = call.engines.identity.role(&input.role_arn);
        let mut context = input.context();
        for (key, value) in role.iter().flat_map(|role| &role.tags) {
            context.push((format!("aws:ResourceTag/{key}"), value.clone()));
        }
        // A role that is not there has no policy that could allow anything, and is not told from one that forbids.
        let policy = role.as_ref().and_then(|role| role.role.as_ref()).map(|part| Arc::new(part.trust.policy.clone()));
        let role = Target {
            arn: input.role_arn.clone(),
            kind: Some("AWS::IAM::Role"),
            account: arn.account().to_owned(),
            policy,
            policy_required: true,
            action: None,
            refused_as: None,
            context,
        };
        let beside = |action| Target { kind: None, action: Some(action), ..role.clone() };
        let mut targets = vec![role.clone()];
        targets.extend(input.source_identity.iter().map(|_| beside("SetSourceIdentity")));
        targets.extend(input.tags.iter().filter(|tags| !tags.is_empty()).map(|_| beside("TagSession")));
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        if call.caller.is_root() {
            return Err(Fault::access_denied("Roles may not be assumed by root accounts."));
        }
        input.check()?;
        let identity = &call.engines.identity;
        let role = identity.role(&input.role_arn);
        let role = role.ok_or_else(|| Fault::access_denied(format!("{} is gone", input.role_arn)))?;
        let new = NewSession {
            name: input.role_session_name,
            seconds: input.duration_seconds,
            policy: input.policy,
            policy_arns: input.policy_arns.into_iter().flatten().map(|policy| policy.arn).collect(),
            tags: unique_tags(input.tags.as_ref())?,
            transitive: input.transitive_tag_keys.unwrap_or_default(),
            source_identity: input.source_identity,
        };
        let issued = identity.assume(call.caller, &role, new).map_err(fault)?;
        let name = &issued.session.name;
        let assumed_role_user = AssumedRoleUser {
            assumed_role_id: format!("{}:{name}", role.id),
            arn: format!("arn:aws:sts::{}:assumed-role/{}/{name}", role.account, role.name),
        };
        Ok(Output {
            credentials: Credentials::from(&issued),
            assumed_role_user,
            packed_policy_size: issued.packed_percent,
            source_identity: issued.session.source_identity.clone(),
        })
    }
}
