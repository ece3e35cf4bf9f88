//! GetTrail: the settings of one trail.

use super::trail::{self, Description};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct GetTrail;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    trail: Description,
}

impl Operation for GetTrail {
    const NAME: &'static str = "GetTrail";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.name)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let trail = call.engines.trails.get(trail::scope(call), &input.name).map_err(trail::fault)?;
        Ok(Output { trail: trail.into() })
    }
}
