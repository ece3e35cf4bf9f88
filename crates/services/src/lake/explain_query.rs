//! ExplainQuery: how a query would be run, or what running it cost.

use crate::call::Call;
use crate::cloudtrail::query;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(crate) struct ExplainQuery;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    statement: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analyze: Option<bool>,
}

#[derive(Serialize)]
pub(crate) struct Output {
    plan: String,
}

impl Operation for ExplainQuery {
    const NAME: &'static str = "ExplainQuery";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let parameters = input.parameters.as_deref().unwrap_or_default();
        let plan = query::plan(call, None, &input.statement, parameters).await?;
        Ok(query::targets(call, &plan.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let parameters = input.parameters.unwrap_or_default();
        let plan = query::plan(call, None, &input.statement, &parameters).await?;
        let text = cairn_lake::query::filled(&input.statement, &parameters).map_err(query::fault)?;
        let analyze = input.analyze.unwrap_or(false);
        let plan = call.engines.lake.queries.explain(&plan, &text, analyze).await;
        Ok(Output { plan: plan.map_err(|error| query::refused(error.into()))? })
    }
}
