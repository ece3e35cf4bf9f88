//! ReEncrypt: a ciphertext under another key or context, without its plaintext leaving the house.

use super::{decrypt, key};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_key::Context;
use cairn_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};

pub(super) struct ReEncrypt;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    ciphertext_blob: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_encryption_context: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_key_id: Option<String>,
    destination_key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_encryption_context: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_encryption_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_encryption_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    ciphertext_blob: Blob,
    source_key_id: String,
    key_id: String,
    source_encryption_algorithm: &'static str,
    destination_encryption_algorithm: &'static str,
}

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let from = decrypt::source(call, &input.ciphertext_blob, input.source_key_id.as_deref()).await?;
        let to = key::find(call, &input.destination_key_id).await?;
        let from = key::target_with(call, &from, input.source_encryption_context.as_ref())?;
        let to = key::target_with(call, &to, input.destination_encryption_context.as_ref())?;
        Ok(vec![Target { action: Some("ReEncryptFrom"), ..from }, Target { action: Some("ReEncryptTo"), ..to }])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        for algorithm in [&input.source_encryption_algorithm, &input.destination_encryption_algorithm] {
            key::check_use(algorithm.as_deref(), input.grant_tokens.as_ref())?;
        }
        let (keys, scope) = (&call.engines.keys, key::scope(call));
        let from = input.source_encryption_context.unwrap_or_default();
        let to = input.destination_encryption_context.unwrap_or_default();
        let decrypted = keys.decrypt(&input.ciphertext_blob.0, &from).await.map_err(key::fault)?;
        let encrypted = keys.encrypt(scope, &input.destination_key_id, &decrypted.plaintext, &to).await;
        let encrypted = encrypted.map_err(key::fault)?;
        key::check_dry_run(input.dry_run)?;
        Ok(Output {
            ciphertext_blob: Blob(encrypted.ciphertext),
            source_key_id: decrypted.key_arn,
            key_id: encrypted.key_arn,
            source_encryption_algorithm: key::ALGORITHM,
            destination_encryption_algorithm: key::ALGORITHM,
        })
    }
}
