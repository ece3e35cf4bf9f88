//! DeleteTrail: no trail any more; what it delivered stays in its bucket.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct DeleteTrail;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
}

#[derive(Serialize)]
pub(super) struct Output {}

impl Operation for DeleteTrail {
    const NAME: &'static str = "DeleteTrail";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.name)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        call.engines.trails.delete(trail::scope(call), &input.name).await.map_err(trail::fault)?;
        Ok(Output {})
    }
}
