//! CreatePolicy, GetPolicy, ListPolicies, DeletePolicy and ListEntitiesForPolicy.

use super::entity::{self, Tag, fault, tag_list};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_identity::{Entity, ManagedPolicy, NewPolicy, Sort};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) struct CreatePolicy;
pub(super) struct GetPolicy;
pub(super) struct ListPolicies;
pub(super) struct DeletePolicy;
pub(super) struct ListEntitiesForPolicy;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    policy_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    policy: Policy,
}

/// A managed policy, as every answer shows one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    policy_name: String,
    policy_id: String,
    arn: String,
    path: String,
    default_version_id: String,
    attachment_count: usize,
    permissions_boundary_usage_count: usize,
    is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    create_date: Timestamp,
    update_date: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    policy_arn: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_attached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_usage_filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    policies: Vec<Policy>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Holders {
    policy_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_usage_filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Held {
    policy_groups: Vec<Holder>,
    policy_users: Vec<Holder>,
    policy_roles: Vec<Holder>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Holder {
    #[serde(rename_all = "PascalCase")]
    User { user_name: String, user_id: String },
    #[serde(rename_all = "PascalCase")]
    Role { role_name: String, role_id: String },
    #[serde(rename_all = "PascalCase")]
    Group { group_name: String, group_id: String },
}

impl Policy {
    fn of(policy: &ManagedPolicy, attachment_count: usize) -> Self {
        Self {
            policy_name: policy.name.clone(),
            policy_id: policy.id.clone(),
            arn: policy.arn.clone(),
            path: policy.path.clone(),
            default_version_id: format!("v{}", policy.default),
            attachment_count,
            permissions_boundary_usage_count: 0,
            is_attachable: true,
            description: policy.description.clone(),
            create_date: policy.created.into(),
            update_date: policy.updated.into(),
            tags: tag_list(&policy.tags),
        }
    }

    /// As lists show one: without description and tags.
    fn listed(policy: &ManagedPolicy, attachment_count: usize) -> Self {
        Self { description: None, tags: None, ..Self::of(policy, attachment_count) }
    }
}

/// Policies are authorized on in the caller's account, those that come with the house too.
pub(super) fn target(call: &Call<'_>, arn: &str) -> Vec<Target> {
    entity::target(call, arn.to_owned(), Vec::new())
}

fn one_of(member: &str, value: Option<&String>, values: &[&str]) -> Result<(), Fault> {
    match value {
        Some(value) if !values.contains(&value.as_str()) => Err(Fault::validation(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            values.join(", ")
        ))),
        _ => Ok(()),
    }
}

const USAGES: [&str; 2] = ["PermissionsPolicy", "PermissionsBoundary"];

impl Operation for CreatePolicy {
    const NAME: &'static str = "CreatePolicy";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        let path = input.path.as_deref().unwrap_or("/");
        let arn = cairn_identity::arn(call.account(), "policy", path, &input.policy_name);
        Ok(entity::target(call, arn, entity::tag_context(input.tags.as_ref())))
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<One, Fault> {
        let tags = entity::tags(input.tags.as_ref())?;
        let Create { policy_name: name, path, policy_document: text, description, .. } = input;
        let new = NewPolicy { name, path, text, description, tags };
        let policy = call.engines.identity.create_policy(call.account(), new).await.map_err(fault)?;
        Ok(One { policy: Policy { description: None, ..Policy::of(&policy, 0) } })
    }
}

impl Operation for GetPolicy {
    const NAME: &'static str = "GetPolicy";
    const ACCESS: Access = Access::Read;
    type Input = Name;
    type Output = One;

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<One, Fault> {
        let identity = &call.engines.identity;
        let policy = identity.policy(call.account(), &input.policy_arn).map_err(fault)?;
        let holders = identity.attached_to(call.account(), &policy.arn).map_err(fault)?;
        Ok(One { policy: Policy::of(&policy, holders.len()) })
    }
}

impl Operation for ListPolicies {
    const NAME: &'static str = "ListPolicies";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        one_of("scope", input.scope.as_ref(), &["All", "AWS", "Local"])?;
        one_of("policyUsageFilter", input.policy_usage_filter.as_ref(), &USAGES)?;
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let (identity, account) = (&call.engines.identity, call.account());
        let counts = identity.attachment_counts(account);
        let count = |policy: &ManagedPolicy| counts.get(&policy.arn).copied().unwrap_or_default();
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let boundaries = input.policy_usage_filter.as_deref() == Some("PermissionsBoundary");
        let wanted = |policy: &ManagedPolicy| {
            let in_scope = match input.scope.as_deref() {
                Some("AWS") => policy.account != account,
                Some("Local") => policy.account == account,
                _ => true,
            };
            let used = input.only_attached != Some(true) || count(policy) > 0;
            // Nothing is a permissions boundary here.
            in_scope && used && !boundaries && policy.path.starts_with(prefix)
        };
        let page = identity.policies(account, wanted, after.as_deref(), size);
        let marker = entity::marker(page.more, page.items.last().map(|policy| policy.arn.as_str()));
        let policies = page.items.iter().map(|policy| Policy::listed(policy, count(policy))).collect();
        Ok(Listed { policies, is_truncated: page.more, marker })
    }
}

impl Operation for DeletePolicy {
    const NAME: &'static str = "DeletePolicy";
    const ACCESS: Access = Access::Write;
    type Input = Name;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<(), Fault> {
        call.engines.identity.delete_policy(call.account(), &input.policy_arn).await.map_err(fault)
    }
}

impl Operation for ListEntitiesForPolicy {
    const NAME: &'static str = "ListEntitiesForPolicy";
    const ACCESS: Access = Access::Read;
    type Input = Holders;
    type Output = Held;

    async fn targets(call: &Call<'_>, input: &Holders) -> Result<Vec<Target>, Fault> {
        Ok(target(call, &input.policy_arn))
    }

    async fn call(call: &Call<'_>, input: Holders) -> Result<Held, Fault> {
        let sorts = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
        one_of("entityFilter", input.entity_filter.as_ref(), &sorts)?;
        one_of("policyUsageFilter", input.policy_usage_filter.as_ref(), &USAGES)?;
        let size = entity::page_size(input.max_items)?;
        let after = entity::place(input.marker.as_ref())?;
        let mut holders = call.engines.identity.attached_to(call.account(), &input.policy_arn).map_err(fault)?;
        holders.retain(|holder| input.wants(holder));
        // In the order of their ids, which is the same whatever is renamed meanwhile.
        holders.sort_by(|one, other| one.id.cmp(&other.id));
        let page = entity::cut(holders.iter().map(|holder| &holder.id), after, size);
        let marker = entity::marker(page.more, page.items.last().map(|id| id.as_str()));
        let mut held = Held { is_truncated: page.more, marker, ..Held::default() };
        for holder in holders.iter().filter(|holder| page.items.contains(&&holder.id)) {
            held.add(holder);
        }
        Ok(held)
    }
}

impl Holders {
    fn wants(&self, holder: &Arc<Entity>) -> bool {
        let of_sort = match self.entity_filter.as_deref() {
            Some("User") => holder.sort == Sort::User,
            Some("Role") => holder.sort == Sort::Role,
            Some("Group") => holder.sort == Sort::Group,
            Some(_) => false,
            None => true,
        };
        let boundary = self.policy_usage_filter.as_deref() == Some("PermissionsBoundary");
        of_sort && !boundary && holder.path.starts_with(self.path_prefix.as_deref().unwrap_or("/"))
    }
}

impl Held {
    fn add(&mut self, holder: &Entity) {
        let (name, id) = (holder.name.clone(), holder.id.clone());
        match holder.sort {
            Sort::User => self.policy_users.push(Holder::User { user_name: name, user_id: id }),
            Sort::Role => self.policy_roles.push(Holder::Role { role_name: name, role_id: id }),
            Sort::Group => self.policy_groups.push(Holder::Group { group_name: name, group_id: id }),
        }
    }
}
