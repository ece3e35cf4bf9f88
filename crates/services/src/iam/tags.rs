//! TagUser, UntagUser, ListUserTags and the same for roles.

use super::entity::{self, Of, Tag, fault, holder, pick};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

pub(super) struct TagEntity<S>(PhantomData<S>);
pub(super) struct UntagEntity<S>(PhantomData<S>);
pub(super) struct ListTags<S>(PhantomData<S>);

/// Groups have no tags.
const NONE: &str = "";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    tags: Vec<Tag>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    tag_keys: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    tags: Vec<Tag>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

impl<S: Of> Operation for TagEntity<S> {
    const NAME: &'static str = pick(S::SORT, ["TagUser", "TagRole", NONE]);
    const ACCESS: Access = Access::Write;
    type Input = Put;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Put) -> Result<Vec<Target>, Fault> {
        let name = holder(S::SORT, [&input.user_name, &input.role_name, &None])?;
        Ok(entity::entity_target(call, S::SORT, name, None, entity::tag_context(Some(&input.tags))))
    }

    async fn call(call: &Call<'_>, input: Put) -> Result<(), Fault> {
        let tags = entity::tags(Some(&input.tags))?;
        let name = holder(S::SORT, [&input.user_name, &input.role_name, &None])?;
        call.engines.identity.tag(call.account(), S::SORT, name, tags).await.map_err(fault)
    }
}

impl<S: Of> Operation for UntagEntity<S> {
    const NAME: &'static str = pick(S::SORT, ["UntagUser", "UntagRole", NONE]);
    const ACCESS: Access = Access::Write;
    type Input = Remove;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Remove) -> Result<Vec<Target>, Fault> {
        let name = holder(S::SORT, [&input.user_name, &input.role_name, &None])?;
        let context = input.tag_keys.iter().map(|key| ("aws:TagKeys".to_owned(), key.clone())).collect();
        Ok(entity::entity_target(call, S::SORT, name, None, context))
    }

    async fn call(call: &Call<'_>, input: Remove) -> Result<(), Fault> {
        let name = holder(S::SORT, [&input.user_name, &input.role_name, &None])?.to_owned();
        call.engines.identity.untag(call.account(), S::SORT, &name, input.tag_keys).await.map_err(fault)
    }
}

impl<S: Of> Operation for ListTags<S> {
    const NAME: &'static str = pick(S::SORT, ["ListUserTags", "ListRoleTags", NONE]);
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn targets(call: &Call<'_>, input: &List) -> Result<Vec<Target>, Fault> {
        let name = holder(S::SORT, [&input.user_name, &input.role_name, &None])?;
        Ok(entity::entity_target(call, S::SORT, name, None, Vec::new()))
    }

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let name = holder(S::SORT, [&input.user_name, &input.role_name, &None])?;
        let found = call.engines.identity.entity(call.account(), S::SORT, name).map_err(fault)?;
        let page = entity::cut(found.tags.keys(), after, size);
        let marker = entity::marker(page.more, page.items.last().map(|key| key.as_str()));
        let tag = |key: &String| Some(Tag { key: key.clone(), value: found.tags.get(key)?.clone() });
        Ok(Listed { tags: page.items.into_iter().filter_map(tag).collect(), is_truncated: page.more, marker })
    }
}
