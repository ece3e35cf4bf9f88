//! StartLogging and StopLogging: whether a trail records.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct StartLogging;
pub(super) struct StopLogging;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
}

#[derive(Serialize)]
pub(super) struct Output {}

impl Operation for StartLogging {
    const NAME: &'static str = "StartLogging";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.name)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        call.engines.trails.start(trail::scope(call), &input.name).await.map_err(trail::fault)?;
        Ok(Output {})
    }
}

impl Operation for StopLogging {
    const NAME: &'static str = "StopLogging";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.name)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        call.engines.trails.stop(trail::scope(call), &input.name).await.map_err(trail::fault)?;
        Ok(Output {})
    }
}
