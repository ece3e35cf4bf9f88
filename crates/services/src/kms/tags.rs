//! TagResource, UntagResource and ListResourceTags.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;

pub(super) struct TagResource;
pub(super) struct UntagResource;
pub(super) struct ListResourceTags;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    tag_key: String,
    tag_value: String,
}

/// Tags by key; AWS refuses one that stands twice.
pub(super) fn unique(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Fault> {
    let mut unique = BTreeMap::new();
    for Tag { tag_key, tag_value } in tags {
        if unique.contains_key(&tag_key) {
            return Err(Fault::new("TagException", 400, format!("Duplicate tag key: {tag_key}")));
        }
        unique.insert(tag_key, tag_value);
    }
    Ok(unique)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Add {
    key_id: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    key_id: String,
    tag_keys: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Done {}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const ACCESS: Access = Access::Write;
    type Input = Add;
    type Output = Done;

    async fn targets(call: &Call<'_>, input: &Add) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Add) -> Result<Done, Fault> {
        let tags = unique(input.tags)?;
        call.engines.keys.tag(key::scope(call), &input.key_id, tags).await.map_err(key::fault)?;
        Ok(Done {})
    }
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const ACCESS: Access = Access::Write;
    type Input = Remove;
    type Output = Done;

    async fn targets(call: &Call<'_>, input: &Remove) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Remove) -> Result<Done, Fault> {
        call.engines.keys.untag(key::scope(call), &input.key_id, input.tag_keys).await.map_err(key::fault)?;
        Ok(Done {})
    }
}

impl Operation for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = key::page_size(input.limit, 50, 50)?;
        let after: Option<String> = key::place(input.marker.as_deref())?;
        let key = key::find_own(call, &input.key_id).await?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = key.tags.range((from, Bound::Unbounded));
        let tag = |(name, value): (&String, &String)| Tag { tag_key: name.clone(), tag_value: value.clone() };
        let tags: Vec<Tag> = rest.by_ref().take(size).map(tag).collect();
        let truncated = rest.next().is_some();
        let next_marker = key::marker(truncated, tags.last().map(|tag| &tag.tag_key));
        Ok(Listed { tags, next_marker, truncated })
    }
}
