//! GenerateRandom: random bytes.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) struct GenerateRandom;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    number_of_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_key_store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    plaintext: Blob,
}

impl Operation for GenerateRandom {
    const NAME: &'static str = "GenerateRandom";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        if input.custom_key_store_id.is_some() || input.recipient.is_some() {
            return Err(key::unsupported(
                "Custom key stores and attested recipients are not supported by this version of Cairn.",
            ));
        }
        let Some(bytes) = input.number_of_bytes else {
            return Err(Fault::validation("Please specify the number of bytes."));
        };
        let random = call.engines.keys.random(usize::try_from(bytes).unwrap_or(usize::MAX)).map_err(key::fault)?;
        Ok(Output { plaintext: Blob(random.to_vec()) })
    }
}
