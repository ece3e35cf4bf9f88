//! Encrypt: a small plaintext under a key.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_key::Context;
use cairn_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};

pub(super) struct Encrypt;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: String,
    plaintext: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    ciphertext_blob: Blob,
    key_id: String,
    encryption_algorithm: &'static str,
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let key = key::find(call, &input.key_id).await?;
        Ok(vec![key::target_with(call, &key, input.encryption_context.as_ref())?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        key::check_use(input.encryption_algorithm.as_deref(), input.grant_tokens.as_ref())?;
        let context = input.encryption_context.unwrap_or_default();
        let keys = &call.engines.keys;
        let encrypted = keys.encrypt(key::scope(call), &input.key_id, &input.plaintext.0, &context).await;
        let encrypted = encrypted.map_err(key::fault)?;
        key::check_dry_run(input.dry_run)?;
        Ok(Output {
            ciphertext_blob: Blob(encrypted.ciphertext),
            key_id: encrypted.key_arn,
            encryption_algorithm: key::ALGORITHM,
        })
    }
}
