//! EnableKey and DisableKey: whether a key can be used.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct EnableKey;
pub(super) struct DisableKey;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: String,
}

#[derive(Serialize)]
pub(super) struct Output {}

impl Operation for EnableKey {
    const NAME: &'static str = "EnableKey";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        call.engines.keys.enable(key::scope(call), &input.key_id).await.map_err(key::fault)?;
        Ok(Output {})
    }
}

impl Operation for DisableKey {
    const NAME: &'static str = "DisableKey";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        call.engines.keys.disable(key::scope(call), &input.key_id).await.map_err(key::fault)?;
        Ok(Output {})
    }
}
