//! GetImport and StopImport: how far an import is, and that it goes no further.

use super::imports::{self, Shown};
use super::store;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct GetImport;
pub(super) struct StopImport;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    import_id: String,
}

impl Operation for GetImport {
    const NAME: &'static str = "GetImport";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Shown;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![imports::target(call, &input.import_id).await?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Shown, Fault> {
        let import = call.engines.lake.imports.get(call.account(), call.region, &input.import_id).await;
        Ok(Shown::counted(import.map_err(store::fault)?))
    }
}

impl Operation for StopImport {
    const NAME: &'static str = "StopImport";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Shown;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![imports::target(call, &input.import_id).await?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Shown, Fault> {
        let import = call.engines.lake.imports.stop(call.account(), call.region, &input.import_id).await;
        Ok(Shown::counted(import.map_err(store::fault)?))
    }
}
