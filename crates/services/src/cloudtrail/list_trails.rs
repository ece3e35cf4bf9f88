//! ListTrails: the trails of the account, of all regions.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};

pub(super) struct ListTrails;

const PAGE: usize = 100;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    trails: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(rename = "TrailARN")]
    arn: String,
    name: String,
    home_region: String,
}

impl Operation for ListTrails {
    const NAME: &'static str = "ListTrails";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let after: Option<String> = match trail::filled(input.next_token) {
            None => None,
            Some(token) => Some(page::decode(&token).ok_or_else(|| Fault::validation("NextToken is not valid"))?),
        };
        let all = call.engines.trails.of_account(trail::scope(call));
        // A trail that went away meanwhile does not stop the list: ARNs are in order.
        let mut rest = all.into_iter().filter(|trail| after.as_ref().is_none_or(|after| trail.arn > *after));
        let entry =
            |trail: cairn_trail::Trail| Entry { arn: trail.arn, name: trail.name, home_region: trail.home_region };
        let trails: Vec<Entry> = rest.by_ref().take(PAGE).map(entry).collect();
        let next_token = trails.last().filter(|_| rest.next().is_some()).map(|last| page::encode(&last.arn));
        Ok(Output { trails, next_token })
    }
}
