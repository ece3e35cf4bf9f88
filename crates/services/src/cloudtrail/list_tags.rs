//! ListTags: the tags of trails.

use super::tags::{self, Tag};
use super::trail;
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
    // For this operation a channel that does not exist is any resource that does not.
    tags::check_taggable(&id).map_err(|fault| match &*fault.code {
        "ChannelNotFoundException" => trail::exception("ResourceNotFound", fault.message),
        _ => fault,
    })?;
    if Arn::parse(&id).is_ok_and(|arn| arn.account() != call.account()) {
        return Err(trail::exception("CloudTrailARNInvalid", format!("AccountID in ARN is wrong: {id}")));
    }
    let found = call.engines.trails.get(trail::scope(call), &id).map_err(tags::fault)?;
    let tag = |(key, value)| Tag { key, value: Some(value) };
    Ok(Resource { resource_id: id, tags_list: found.tags.into_iter().map(tag).collect() })
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
        Ok(input.resource_id_list.iter().map(|id| trail::target(call, id)).collect())
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
