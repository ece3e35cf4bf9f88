//! DescribeTrails: the settings of trails that the region sees, shadows included.

use super::trail::{self, Description};
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_trail::{Error, Trail};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct DescribeTrails;

/// Names asked for in one call, at most; AWS publishes no limit.
const NAMES_MAX: usize = 1000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_name_list: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_shadow_trails: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    trail_list: Vec<Description>,
}

/// The trails of these names and ARNs; those that do not exist are left out, as in AWS.
fn named(call: &Call<'_>, names: &[String]) -> Result<Vec<Trail>, Fault> {
    let mut found: Vec<Trail> = Vec::new();
    for name in names {
        match call.engines.trails.get(trail::scope(call), name) {
            Ok(trail) if found.iter().any(|other| other.arn == trail.arn) => {}
            Ok(trail) => found.push(trail),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(trail::fault(error)),
        }
    }
    Ok(found)
}

impl Operation for DescribeTrails {
    const NAME: &'static str = "DescribeTrails";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let names = input.trail_name_list.unwrap_or_default();
        if names.len() > NAMES_MAX {
            return Err(Fault::validation(format!("trailNameList has at most {NAMES_MAX} members")));
        }
        let trails = if names.is_empty() {
            call.engines.trails.in_region(trail::scope(call), input.include_shadow_trails.unwrap_or(true))
        } else {
            named(call, &names)?
        };
        Ok(Output { trail_list: trails.into_iter().map(Into::into).collect() })
    }
}
