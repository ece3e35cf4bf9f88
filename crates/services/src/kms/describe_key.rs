//! DescribeKey: what is known of a key.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_key::{Key, Status};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct DescribeKey;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_tokens: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    pub key_metadata: KeyMetadata,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    account: String,
    key_id: String,
    arn: String,
    creation_date: Timestamp,
    enabled: bool,
    description: String,
    key_usage: &'static str,
    key_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Timestamp>,
    origin: &'static str,
    key_manager: &'static str,
    customer_master_key_spec: &'static str,
    key_spec: &'static str,
    encryption_algorithms: [&'static str; 1],
    multi_region: bool,
}

impl KeyMetadata {
    pub fn of(key: &Key) -> Self {
        let deletion_date = match key.status {
            Status::PendingDeletion(at) => Some(Timestamp(at)),
            Status::Enabled | Status::Disabled => None,
        };
        Self {
            account: key.account.clone(),
            key_id: key.id.to_string(),
            arn: key.arn.clone(),
            creation_date: Timestamp(key.created),
            enabled: key.status == Status::Enabled,
            description: key.description.clone(),
            key_usage: "ENCRYPT_DECRYPT",
            key_state: key.status.name(),
            deletion_date,
            origin: "AWS_KMS",
            key_manager: if key.managed_for.is_some() { "AWS" } else { "CUSTOMER" },
            customer_master_key_spec: key::ALGORITHM,
            key_spec: key::ALGORITHM,
            encryption_algorithms: [key::ALGORITHM],
            multi_region: false,
        }
    }
}

impl Operation for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let key = key::find(call, &input.key_id).await?;
        Ok(vec![key::target(call, &key)?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        key::check_use(None, input.grant_tokens.as_ref())?;
        let key = key::find(call, &input.key_id).await?;
        Ok(Output { key_metadata: KeyMetadata::of(&key) })
    }
}
