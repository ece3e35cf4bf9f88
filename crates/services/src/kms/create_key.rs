//! CreateKey: a new symmetric key for encryption.

use super::describe_key::{KeyMetadata, Output};
use super::tags::{Tag, unique};
use super::{key, key_policy};
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_key::NewKey;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CreateKey;

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_master_key_spec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_key_store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xks_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass_policy_lockout_safety_check: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_region: Option<bool>,
}

const USAGES: [&str; 4] = ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"];
const ORIGINS: [&str; 4] = ["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];
const SPECS: [&str; 17] = [
    "SYMMETRIC_DEFAULT",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_NIST_EDWARDS25519",
    "ECC_SECG_P256K1",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "SM2",
];

impl Input {
    /// Refuses the kinds of keys that are not made here.
    fn check(&self) -> Result<(), Fault> {
        only("keyUsage", self.key_usage.as_deref(), &USAGES)?;
        only("keySpec", self.key_spec.as_deref(), &SPECS)?;
        only("customerMasterKeySpec", self.customer_master_key_spec.as_deref(), &SPECS)?;
        only("origin", self.origin.as_deref(), &ORIGINS)?;
        if self.multi_region == Some(true) {
            return Err(key::unsupported("Multi-Region keys are not supported by this version of Cairn."));
        }
        if self.custom_key_store_id.is_some() || self.xks_key_id.is_some() {
            return Err(key::unsupported("Custom key stores are not supported by this version of Cairn."));
        }
        Ok(())
    }
}

/// The first of AWS's values is the one that is supported.
fn only(member: &str, value: Option<&str>, values: &[&str]) -> Result<(), Fault> {
    match value {
        Some(value) if value != values[0] && values.contains(&value) => {
            Err(key::unsupported(&format!("{member} {value} is not supported by this version of Cairn.")))
        }
        Some(value) if value != values[0] => Err(key::not_in(member, value, &values.join(", "))),
        _ => Ok(()),
    }
}

impl Operation for CreateKey {
    const NAME: &'static str = "CreateKey";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        input.check()?;
        if let Some(policy) = &input.policy {
            key_policy::check(call, policy, "*", input.bypass_policy_lockout_safety_check)?;
        }
        let tags = unique(input.tags.unwrap_or_default())?;
        let new = NewKey { description: input.description.unwrap_or_default(), policy: input.policy, tags };
        let key = call.engines.keys.create(key::scope(call), new).await.map_err(key::fault)?;
        call.note_resource(&key.arn, key::KEY, &key.account);
        Ok(Output { key_metadata: KeyMetadata::of(&key) })
    }
}
