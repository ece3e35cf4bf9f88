//! PutEventSelectors and GetEventSelectors: which events a trail records.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_pattern::selector::{AdvancedSelector, BasicSelector, Given};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct PutEventSelectors;
pub(super) struct GetEventSelectors;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    trail_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_selectors: Option<Vec<BasicSelector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_event_selectors: Option<Vec<AdvancedSelector>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    trail_name: String,
}

/// A trail has selectors of one kind; the member of the other is absent.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    #[serde(rename = "TrailARN")]
    arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_selectors: Option<Vec<BasicSelector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_event_selectors: Option<Vec<AdvancedSelector>>,
}

impl Output {
    fn of(arn: String, given: &Given) -> Self {
        let (event_selectors, advanced_event_selectors) = match given.clone() {
            Given::Basic(selectors) => (Some(selectors), None),
            Given::Advanced(selectors) => (None, Some(selectors)),
        };
        Self { arn, event_selectors, advanced_event_selectors }
    }
}

impl Put {
    fn given(&mut self) -> Result<Given, Fault> {
        let basic = self.event_selectors.take().filter(|selectors| !selectors.is_empty());
        let advanced = self.advanced_event_selectors.take().filter(|selectors| !selectors.is_empty());
        match (basic, advanced) {
            (Some(selectors), None) => Ok(Given::Basic(selectors)),
            (None, Some(selectors)) => Ok(Given::Advanced(selectors)),
            (None, None) => Err(invalid("Give event selectors or advanced event selectors, at least one.")),
            (Some(_), Some(_)) => Err(invalid("Give either event selectors or advanced event selectors, not both.")),
        }
    }
}

fn invalid(message: &str) -> Fault {
    trail::exception("InvalidEventSelectors", message)
}

impl Operation for PutEventSelectors {
    const NAME: &'static str = "PutEventSelectors";
    const ACCESS: Access = Access::Write;
    type Input = Put;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Put) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.trail_name)])
    }

    async fn call(call: &Call<'_>, mut input: Put) -> Result<Output, Fault> {
        let trails = &call.engines.trails;
        let arn = trails.own(trail::scope(call), &input.trail_name).map_err(trail::fault)?.arn;
        let put = trails.put_selectors(trail::scope(call), &arn, input.given()?).await;
        let (trail, selectors) = put.map_err(trail::fault)?;
        Ok(Output::of(trail.arn, selectors.given()))
    }
}

impl Operation for GetEventSelectors {
    const NAME: &'static str = "GetEventSelectors";
    const ACCESS: Access = Access::Read;
    type Input = Get;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Get) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.trail_name)])
    }

    async fn call(call: &Call<'_>, input: Get) -> Result<Output, Fault> {
        let found = call.engines.trails.selectors(trail::scope(call), &input.trail_name);
        let (trail, selectors) = found.map_err(trail::fault)?;
        Ok(Output::of(trail.arn, selectors.given()))
    }
}
