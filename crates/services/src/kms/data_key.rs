//! GenerateDataKey and GenerateDataKeyWithoutPlaintext: keys for use outside the house.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_key::{Context, DataKey};
use cairn_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) struct GenerateDataKey;
pub(super) struct GenerateDataKeyWithoutPlaintext;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_of_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WithPlaintext {
    ciphertext_blob: Blob,
    plaintext: Blob,
    key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WithoutPlaintext {
    ciphertext_blob: Blob,
    key_id: String,
}

impl Input {
    fn bytes(&self) -> Result<usize, Fault> {
        match (self.number_of_bytes, self.key_spec.as_deref()) {
            (Some(bytes), None) => Ok(usize::try_from(bytes).unwrap_or(usize::MAX)),
            (None, Some("AES_256")) => Ok(32),
            (None, Some("AES_128")) => Ok(16),
            (None, Some(other)) => Err(key::not_in("keySpec", other, "AES_256, AES_128")),
            _ => Err(Fault::validation("Please specify either number of bytes or key spec.")),
        }
    }

    async fn targets(&self, call: &Call<'_>) -> Result<Vec<Target>, Fault> {
        let key = key::find(call, &self.key_id).await?;
        Ok(vec![key::target_with(call, &key, self.encryption_context.as_ref())?])
    }

    async fn generate(self, call: &Call<'_>) -> Result<DataKey, Fault> {
        key::check_use(None, self.grant_tokens.as_ref())?;
        if self.recipient.is_some() {
            return Err(key::unsupported("Attested recipients are not supported by this version of Cairn."));
        }
        let bytes = self.bytes()?;
        let context = self.encryption_context.unwrap_or_default();
        let data = call.engines.keys.generate_data_key(key::scope(call), &self.key_id, &context, bytes).await;
        let data = data.map_err(key::fault)?;
        key::check_dry_run(self.dry_run)?;
        Ok(data)
    }
}

impl Operation for GenerateDataKey {
    const NAME: &'static str = "GenerateDataKey";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = WithPlaintext;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        input.targets(call).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<WithPlaintext, Fault> {
        let data = input.generate(call).await?;
        let plaintext = Blob(data.plaintext.to_vec());
        Ok(WithPlaintext { ciphertext_blob: Blob(data.ciphertext), plaintext, key_id: data.key_arn })
    }
}

impl Operation for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = WithoutPlaintext;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        input.targets(call).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<WithoutPlaintext, Fault> {
        let data = input.generate(call).await?;
        Ok(WithoutPlaintext { ciphertext_blob: Blob(data.ciphertext), key_id: data.key_arn })
    }
}
