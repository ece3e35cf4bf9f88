//! UpdateKeyDescription: what a key is for, in its owner's words.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct UpdateKeyDescription;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: String,
    description: String,
}

#[derive(Serialize)]
pub(super) struct Output {}

impl Operation for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let keys = &call.engines.keys;
        keys.describe(key::scope(call), &input.key_id, input.description).await.map_err(key::fault)?;
        Ok(Output {})
    }
}
