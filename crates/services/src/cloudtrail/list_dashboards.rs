//! ListDashboards: the custom dashboards of the account in this region; there are no managed ones.

use super::trail::filled;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};

pub(super) struct ListDashboards;

const MAX: i64 = 1000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    name_prefix: Option<String>,
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    dashboards: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    dashboard_arn: String,
    #[serde(rename = "Type")]
    kind: &'static str,
}

impl Operation for ListDashboards {
    const NAME: &'static str = "ListDashboards";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let max = match input.max_results.unwrap_or(MAX) {
            max @ 1..=MAX => max as usize,
            _ => return Err(Fault::validation(format!("MaxResults is from 1 to {MAX}"))),
        };
        let custom = match input.kind.as_deref() {
            None | Some("CUSTOM") => true,
            Some("MANAGED") => false,
            Some(_) => return Err(Fault::validation("Type is MANAGED or CUSTOM")),
        };
        let after: Option<String> = match filled(input.next_token) {
            None => None,
            Some(token) => Some(page::decode(&token).ok_or_else(|| Fault::validation("NextToken is not valid"))?),
        };
        let prefix = input.name_prefix.unwrap_or_default();
        let all = call.engines.lake.dashboards.list(call.account(), call.region, &prefix);
        let mut rest =
            all.into_iter().filter(|one| custom && after.as_ref().is_none_or(|after| one.arn > *after)).peekable();
        let listed: Vec<Listed> =
            rest.by_ref().take(max).map(|one| Listed { dashboard_arn: one.arn.clone(), kind: "CUSTOM" }).collect();
        let more = rest.peek().is_some();
        let next_token = listed.last().filter(|_| more).map(|last| page::encode(&last.dashboard_arn));
        Ok(Output { dashboards: listed, next_token })
    }
}
