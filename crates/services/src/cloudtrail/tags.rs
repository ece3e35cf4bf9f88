//! AddTags and RemoveTags.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_event::Arn;
use cairn_trail::Error;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) struct AddTags;
pub(super) struct RemoveTags;

/// Tags in one call, at most.
const TAGS_MAX: usize = 200;

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Tag {
    /// The condition keys by which policies see a tag that a call brings.
    pub fn request_context(&self) -> [(String, String); 2] {
        let value = self.value.clone().unwrap_or_default();
        [(format!("aws:RequestTag/{}", self.key), value), ("aws:TagKeys".to_owned(), self.key.clone())]
    }
}

/// Tags by key; AWS refuses one that stands twice.
pub(super) fn unique(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Fault> {
    if tags.len() > TAGS_MAX {
        return Err(Fault::validation(format!("TagsList has at most {TAGS_MAX} members")));
    }
    let mut unique = BTreeMap::new();
    for tag in tags {
        if unique.contains_key(&tag.key) {
            return Err(trail::exception("InvalidTagParameter", format!("Duplicate tag key: {}", tag.key)));
        }
        unique.insert(tag.key, tag.value.unwrap_or_default());
    }
    Ok(unique)
}

/// Whether an ARN is a trail's. Of the other things that can have tags none exists here.
pub(super) fn check_taggable(resource: &str) -> Result<(), Fault> {
    let arn = Arn::parse(resource).ok().filter(|arn| arn.service() == "cloudtrail");
    let invalid =
        || trail::exception("CloudTrailARNInvalid", format!("{resource} is not the ARN of a CloudTrail resource."));
    let arn = arn.ok_or_else(invalid)?;
    let missing = |code: &str| Err(trail::exception(code, format!("{resource} does not exist.")));
    match arn.resource().split_once('/') {
        Some(("trail", _)) => Ok(()),
        Some(("eventdatastore", id)) if uuid::Uuid::try_parse(id).is_err() => Err(trail::exception(
            "EventDataStoreARNInvalid",
            format!("{resource} is not the ARN of an event data store."),
        )),
        Some(("eventdatastore", _)) => missing("EventDataStoreNotFound"),
        Some(("channel", _)) => missing("ChannelNotFound"),
        Some(("dashboard", _)) => missing("ResourceNotFound"),
        Some(_) => Err(trail::exception("ResourceTypeNotSupported", format!("{resource} cannot have tags."))),
        None => Err(invalid()),
    }
}

/// Operations on tags say of a trail what they say of any resource.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::NotFound(message) | Error::Invalid { code: "InvalidHomeRegion", message } => {
            trail::exception("ResourceNotFound", message)
        }
        error => trail::fault(error),
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    resource_id: String,
    tags_list: Vec<Tag>,
}

#[derive(Serialize)]
pub(super) struct Output {}

fn target(call: &Call<'_>, input: &Input) -> Target {
    let mut target = trail::target(call, &input.resource_id);
    target.context.extend(input.tags_list.iter().flat_map(Tag::request_context));
    target
}

impl Operation for AddTags {
    const NAME: &'static str = "AddTags";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, input)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        check_taggable(&input.resource_id)?;
        let tags = unique(input.tags_list)?;
        call.engines.trails.tag(trail::scope(call), &input.resource_id, tags).await.map_err(fault)?;
        Ok(Output {})
    }
}

impl Operation for RemoveTags {
    const NAME: &'static str = "RemoveTags";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, input)])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        check_taggable(&input.resource_id)?;
        let keys = unique(input.tags_list)?.into_keys().collect();
        call.engines.trails.untag(trail::scope(call), &input.resource_id, keys).await.map_err(fault)?;
        Ok(Output {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trails_have_tags_and_the_rest_is_told_apart() {
        let code = |resource: &str| {
            let arn = format!("arn:aws:cloudtrail:us-east-1:111122223333:{resource}");
            check_taggable(&arn).err().map(|fault| fault.code.into_owned())
        };
        for (resource, expected) in [
            ("trail/t-1", None),
            ("eventdatastore/0f2f6c0e-9a7f-4d0a-8f5f-1f6a4f7d2b11", Some("EventDataStoreNotFoundException")),
            ("eventdatastore/x", Some("EventDataStoreARNInvalidException")),
            ("channel/x", Some("ChannelNotFoundException")),
            ("dashboard/x", Some("ResourceNotFoundException")),
            ("table/x", Some("ResourceTypeNotSupportedException")),
            ("trail", Some("CloudTrailARNInvalidException")),
        ] {
            assert_eq!(code(resource).as_deref(), expected, "{resource}");
        }
        for text in ["t-1", "arn:aws:s3:::b-1", ""] {
            assert_eq!(check_taggable(text).unwrap_err().code, "CloudTrailARNInvalidException", "{text}");
        }
    }

    #[test]
    fn a_tag_that_stands_twice_is_refused() {
        let tag = |key: &str, value: Option<&str>| Tag { key: key.to_owned(), value: value.map(str::to_owned) };
        let tags = unique(vec![tag("a", Some("1")), tag("b", None)]).unwrap();
        assert_eq!(tags, BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]));
        let twice = unique(vec![tag("a", Some("1")), tag("a", Some("2"))]);
        assert_eq!(twice.unwrap_err().code, "InvalidTagParameterException");
    }
}
