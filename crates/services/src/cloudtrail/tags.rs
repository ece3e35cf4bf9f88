//! AddTags and RemoveTags.

use super::{channel, dashboard, store, trail};
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

/// What can have tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Trail,
    Store,
    Channel,
    Dashboard,
}

/// What an ARN names, whether or not it exists.
pub(super) fn kind(resource: &str) -> Result<Kind, Fault> {
    let arn = Arn::parse(resource).ok().filter(|arn| arn.service() == "cloudtrail");
    let invalid =
        || trail::exception("CloudTrailARNInvalid", format!("{resource} is not the ARN of a CloudTrail resource."));
    let arn = arn.ok_or_else(invalid)?;
    match arn.resource().split_once('/') {
        Some(("trail", _)) => Ok(Kind::Trail),
        Some(("eventdatastore", _)) => Ok(Kind::Store),
        Some(("channel", _)) => Ok(Kind::Channel),
        Some(("dashboard", _)) => Ok(Kind::Dashboard),
        Some(_) => Err(trail::exception("ResourceTypeNotSupported", format!("{resource} cannot have tags."))),
        None => Err(invalid()),
    }
}

/// A resource with tags, to be authorized on.
pub(super) fn target(call: &Call<'_>, resource: &str) -> Result<Target, Fault> {
    match kind(resource)? {
        Kind::Trail => Ok(trail::target(call, resource)),
        Kind::Store => store::target(call, resource),
        Kind::Channel => channel::target(call, resource),
        Kind::Dashboard => Ok(dashboard::target(call, resource)),
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

fn tagged(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
    let mut target = target(call, &input.resource_id)?;
    target.context.extend(input.tags_list.iter().flat_map(Tag::request_context));
    Ok(vec![target])
}

impl Operation for AddTags {
    const NAME: &'static str = "AddTags";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        tagged(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let Input { resource_id: id, tags_list } = input;
        let tags = unique(tags_list)?;
        let lake = &call.engines.lake;
        match kind(&id)? {
            Kind::Trail => call.engines.trails.tag(trail::scope(call), &id, tags).await.map_err(fault)?,
            Kind::Store => lake.stores.tag(store::scope(call), &id, tags).await.map_err(store::fault)?,
            Kind::Channel => lake.channels.tag(store::scope(call), &id, tags).await.map_err(store::fault)?,
            Kind::Dashboard => {
                let tagged = lake.dashboards.retag(call.account(), call.region, &id, |all| all.extend(tags)).await;
                tagged.map_err(store::fault)?;
            }
        }
        Ok(Output {})
    }
}

impl Operation for RemoveTags {
    const NAME: &'static str = "RemoveTags";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        tagged(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let Input { resource_id: id, tags_list } = input;
        let keys: Vec<String> = unique(tags_list)?.into_keys().collect();
        let lake = &call.engines.lake;
        match kind(&id)? {
            Kind::Trail => call.engines.trails.untag(trail::scope(call), &id, keys).await.map_err(fault)?,
            Kind::Store => lake.stores.untag(store::scope(call), &id, keys).await.map_err(store::fault)?,
            Kind::Channel => lake.channels.untag(store::scope(call), &id, keys).await.map_err(store::fault)?,
            Kind::Dashboard => {
                let without = |all: &mut BTreeMap<String, String>| all.retain(|key, _| !keys.contains(key));
                let untagged = lake.dashboards.retag(call.account(), call.region, &id, without).await;
                untagged.map_err(store::fault)?;
            }
        }
        Ok(Output {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_tags_is_told_apart() {
        let code = |resource: &str| {
            let arn = format!("arn:aws:cloudtrail:us-east-1:111122223333:{resource}");
            kind(&arn).map_err(|fault| fault.code.into_owned())
        };
        let refused = |code: &str| Err(format!("{code}Exception"));
        for (resource, expected) in [
            ("trail/t-1", Ok(Kind::Trail)),
            ("eventdatastore/x", Ok(Kind::Store)),
            ("channel/x", Ok(Kind::Channel)),
            ("dashboard/x", Ok(Kind::Dashboard)),
            ("table/x", refused("ResourceTypeNotSupported")),
            ("trail", refused("CloudTrailARNInvalid")),
        ] {
            assert_eq!(code(resource), expected, "{resource}");
        }
        for text in ["t-1", "arn:aws:s3:::b-1", ""] {
            assert_eq!(kind(text).unwrap_err().code, "CloudTrailARNInvalidException", "{text}");
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
