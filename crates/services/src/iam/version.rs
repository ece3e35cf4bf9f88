//! CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, DeletePolicyVersion and SetDefaultPolicyVersion.

use super::entity::{self, encoded, fault};
use super::policy::target;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::ManagedPolicy;
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct CreatePolicyVersion;
pub(super) struct GetPolicyVersion;
pub(super) struct ListPolicyVersions;
pub(super) struct DeletePolicyVersion;
pub(super) struct SetDefaultPolicyVersion;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    policy_arn: String,
    policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_as_default: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    policy_version: Version,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    version_id: String,
    is_default_version: bool,
    create_date: Timestamp,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    policy_arn: String,
    version_id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    policy_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    versions: Vec<Version>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

impl Version {
    fn of(policy: &ManagedPolicy, version: &cairn_identity::Version) -> Self {
        Self {
            document: None,
            version_id: format!("v{}", version.number),
            is_default_version: version.number == policy.default,
            create_date: version.created.into(),
        }
    }
}

/// `v1`, `v2`, …
fn number(id: &str) -> Result<u32, Fault> {
    let digits = id.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        Fault::validation(format!(
            "1 validation error detected: Value '{id}' at 'versionId' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: v[1-9][0-9]*"
        ))
    })
}

impl Operation for CreatePolicyVersion {
    const NAME: &'static str = "CreatePolicyVersion";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<One, Fault> {
        let (identity, default) = (&call.engines.identity, input.set_as_default == Some(true));
        let added = identity.add_version(call.account(), &input.policy_arn, &input.policy_document, default);
        let version = added.await.map_err(fault)?;
        let policy_version = Version {
            document: None,
            version_id: format!("v{}", version.number),
            is_default_version: default,
            create_date: version.created.into(),
        };
        Ok(One { policy_version })
    }
}

impl Operation for GetPolicyVersion {
    const NAME: &'static str = "GetPolicyVersion";
    const ACCESS: Access = Access::Read;
    type Input = Name;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<One, Fault> {
        let policy = call.engines.identity.policy(call.account(), &input.policy_arn).map_err(fault)?;
        let version = policy.need(number(&input.version_id)?).map_err(fault)?;
        let document = Some(encoded(&version.document.text));
        Ok(One { policy_version: Version { document, ..Version::of(&policy, version) } })
    }
}

impl Operation for ListPolicyVersions {
    const NAME: &'static str = "ListPolicyVersions";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?.as_deref().map(number).transpose()?;
        let policy = call.engines.identity.policy(call.account(), &input.policy_arn).map_err(fault)?;
        // The newest first.
        let rest = policy.versions.iter().rev().filter(|version| after.is_none_or(|after| version.number < after));
        let page = cairn_identity::Page::take(rest, size);
        let last = page.items.last().map(|version| format!("v{}", version.number));
        let marker = entity::marker(page.more, last.as_deref());
        let versions = page.items.iter().map(|version| Version::of(&policy, version)).collect();
        Ok(Listed { versions, is_truncated: page.more, marker })
    }
}

impl Operation for DeletePolicyVersion {
    const NAME: &'static str = "DeletePolicyVersion";
    const ACCESS: Access = Access::Write;
    type Input = Name;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<(), Fault> {
        let (identity, version) = (&call.engines.identity, number(&input.version_id)?);
        identity.delete_version(call.account(), &input.policy_arn, version).await.map_err(fault)
    }
}

impl Operation for SetDefaultPolicyVersion {
    const NAME: &'static str = "SetDefaultPolicyVersion";
    const ACCESS: Access = Access::Write;
    type Input = Name;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<(), Fault> {
        let (identity, version) = (&call.engines.identity, number(&input.version_id)?);
        identity.set_default_version(call.account(), &input.policy_arn, version).await.map_err(fault)
    }
}
