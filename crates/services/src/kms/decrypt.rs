//! Decrypt: a ciphertext that any key of the region made.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_key::{Context, Key};
use cairn_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

pub(super) struct Decrypt;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    ciphertext_blob: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    key_id: String,
    plaintext: Blob,
    encryption_algorithm: &'static str,
}

/// The key that made a ciphertext, which must be the one that is named, if one is.
pub(super) async fn source(call: &Call<'_>, ciphertext: &Blob, named: Option<&str>) -> Result<Arc<Key>, Fault> {
    let source = key::key_of(call, ciphertext).await?;
    if let Some(named) = named
        && key::find(call, named).await?.id != source.id
    {
        let message = "The key ID in the request does not identify a CMK that can perform this operation.";
        return Err(Fault::new("IncorrectKeyException", 400, message));
    }
    Ok(source)
}

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let key = source(call, &input.ciphertext_blob, input.key_id.as_deref()).await?;
        Ok(vec![key::target_with(call, &key, input.encryption_context.as_ref())?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        key::check_use(input.encryption_algorithm.as_deref(), input.grant_tokens.as_ref())?;
        if input.recipient.is_some() {
            return Err(key::unsupported("Attested recipients are not supported by this version of Cairn."));
        }
        let context = input.encryption_context.unwrap_or_default();
        let decrypted = call.engines.keys.decrypt(&input.ciphertext_blob.0, &context).await.map_err(key::fault)?;
        key::check_dry_run(input.dry_run)?;
        Ok(Output {
            key_id: decrypted.key_arn,
            plaintext: Blob(decrypted.plaintext.to_vec()),
            encryption_algorithm: key::ALGORITHM,
        })
    }
}
