//! ListTags: the tags of trails, event data stores, channels and dashboards.

use super::tags::{self, Kind, Tag};
use super::{store, trail};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_event::Arn;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct ListTags;

/// Resources in one call, at most.
const RESOURCES_MAX: usize = 20;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_id_list: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    resource_tag_list: Vec<Resource>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    resource_id: String,
    tags_list: Vec<Tag>,
}

fn resource(call: &Call<'_>, id: String) -> Result<Resource, Fault> {
    let kind = tags::kind(&id)?;
    if Arn::parse(&id).is_ok_and(|arn| arn.account() != call.account()) {
        return Err(trail::exception("CloudTrailARNInvalid", format!("AccountID in ARN is wrong: {id}")));
    }
    let lake = &call.engines.lake;
    let found = match kind {
        Kind::Trail => call.engines.trails.get(trail::scope(call), &id).map_err(tags::fault)?.tags,
        Kind::Store => lake.stores.active(store::scope(call), &id).map_err(store::fault)?.tags.clone(),
        Kind::Channel => lake.channels.get(store::scope(call), &id).map_err(channel_fault)?.tags.clone(),
        Kind::Dashboard => {
            let found = lake.dashboards.get(call.account(), call.region, &id);
            found.map_err(store::fault)?.tags.clone()
        }
    };
    Ok(Resource { resource_id: id, tags_list: store::tags_list(&found) })
}

/// For this operation a channel that does not exist is any resource that does not.
fn channel_fault(error: cairn_lake::Error) -> Fault {
    match error {
        cairn_lake::Error::Refused { code: "ChannelNotFound", message } => {
            trail::exception("ResourceNotFound", message)
        }
        error => store::fault(error),
    }
}

impl Operation for ListTags {
    const NAME: &'static str = "ListTags";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        if input.resource_id_list.len() > RESOURCES_MAX {
            return Err(Fault::validation(format!("ResourceIdList has at most {RESOURCES_MAX} members")));
        }
        input.resource_id_list.iter().map(|id| tags::target(call, id)).collect()
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        // All tags fit into one answer, so no token was ever given out.
        if trail::filled(input.next_token).is_some() {
            return Err(trail::exception("InvalidToken", "The token is not valid."));
        }
        let resources =
            input.resource_id_list.into_iter().map(|id| resource(call, id)).collect::<Result<Vec<_>, _>>()?;
        Ok(Output { resource_tag_list: resources })
    }
}
