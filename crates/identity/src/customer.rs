//! Managed policies that customers make, with their versions.

use crate::model::{Document, Entity, ManagedPolicy, Page, Tags, Version, arn};
use crate::state::{Edit, State};
use crate::{Error, Identity, PolicyKind, draw, limit, managed};
use std::collections::HashMap;
use std::sync::Arc;

/// What a new managed policy is to be.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    pub name: String,
    /// `/` when nothing is said.
    pub path: Option<String>,
    pub text: String,
    pub description: Option<String>,
    pub tags: Tags,
}

fn document(text: &str) -> Result<Document, Error> {
    limit::document("a managed policy", text, limit::MANAGED_CHARS_MAX)?;
    Document::read(text, PolicyKind::Identity)
}

impl Identity {
    /// A policy of the account, or one that comes with the house.
    pub fn policy(&self, account: &str, arn: &str) -> Result<Arc<ManagedPolicy>, Error> {
        self.state().visible(account, arn).cloned()
    }

    /// The policies that an account can see and `wanted` wants, in the order of their ARNs.
    pub fn policies(
        &self,
        account: &str,
        wanted: impl Fn(&ManagedPolicy) -> bool,
        after: Option<&str>,
        count_max: usize,
    ) -> Page<Arc<ManagedPolicy>> {
        let state = self.state();
        let seen = state.policies(after).filter(|policy| policy.is_visible(account) && wanted(policy));
        Page::take(seen.cloned(), count_max)
    }

    /// How many entities of an account each policy is attached to, by its ARN.
    pub fn attachment_counts(&self, account: &str) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for arn in self.state().residents(account).flat_map(|entity| &entity.attached) {
            *counts.entry(arn.clone()).or_default() += 1;
        }
        counts
    }

    /// The entities of an account that a policy is attached to: users, roles, groups.
    pub fn attached_to(&self, account: &str, arn: &str) -> Result<Vec<Arc<Entity>>, Error> {
        let state = self.state();
        state.visible(account, arn)?;
        Ok(state.residents(account).filter(|entity| entity.attached.contains(arn)).cloned().collect())
    }

    pub async fn create_policy(&self, account: &str, new: NewPolicy) -> Result<Arc<ManagedPolicy>, Error> {
        let NewPolicy { name, path, text, description, tags } = new;
        limit::name("policy", &name, 128)?;
        let path = path.unwrap_or_else(|| "/".to_owned());
        limit::path(&path)?;
        limit::description(description.as_deref())?;
        limit::tags(&tags)?;
        let document = document(&text)?;
        let account = account.to_owned();
        self.change(move |inner, state| {
            let own = || state.policies(None).filter(|policy| policy.account == account);
            if own().any(|policy| policy.name.eq_ignore_ascii_case(&name)) {
                return Err(Error::Conflict(format!(
                    "a policy called {name} already exists; duplicate names are not allowed"
                )));
            }
            limit::count("PoliciesPerAccount", own().count(), limit::POLICIES_MAX)?;
            let now = inner.world.now().to_second();
            let policy = Arc::new(ManagedPolicy {
                id: draw::id(&inner.world, "ANPA"),
                arn: arn(&account, "policy", &path, &name),
                account,
                name,
                path,
                created: now,
                updated: now,
                description,
                tags,
                versions: vec![Version { number: 1, created: now, document }],
                default: 1,
                next: 2,
            });
            Ok((vec![Edit::Policy(policy.clone())], policy))
        })
        .await
    }

    /// Deletes a policy that is attached to nobody and has one version.
    pub async fn delete_policy(&self, account: &str, arn: &str) -> Result<(), Error> {
        let (account, arn) = (account.to_owned(), arn.to_owned());
        self.change(move |_, state| {
            let policy = state.own(&account, &arn)?;
            if state.residents(&account).any(|entity| entity.attached.contains(&arn)) {
                return Err(Error::InUse("cannot delete a policy attached to entities".to_owned()));
            }
            if policy.versions.len() > 1 {
                let message =
                    "this policy has more than one version; delete the versions that are not the default first";
                return Err(Error::InUse(message.to_owned()));
            }
            Ok((vec![Edit::PolicyGone(arn)], ()))
        })
        .await
    }

    /// Adds a version; its number is returned.
    pub async fn add_version(&self, account: &str, arn: &str, text: &str, default: bool) -> Result<Version, Error> {
        let document = document(text)?;
        let now = self.now().to_second();
        self.alter_policy(account, arn, move |policy| {
            limit::count("VersionsPerPolicy", policy.versions.len(), limit::VERSIONS_MAX)?;
            let version = Version { number: policy.next, created: now, document };
            policy.versions.push(version.clone());
            policy.next += 1;
            if default {
                policy.default = version.number;
            }
            Ok(version)
        })
        .await
    }

    pub async fn delete_version(&self, account: &str, arn: &str, number: u32) -> Result<(), Error> {
        self.alter_policy(account, arn, move |policy| {
            policy.need(number)?;
            if policy.default == number {
                return Err(Error::InUse("cannot delete the default version of a policy".to_owned()));
            }
            policy.versions.retain(|version| version.number != number);
            Ok(())
        })
        .await
    }

    pub async fn set_default_version(&self, account: &str, arn: &str, number: u32) -> Result<(), Error> {
        self.alter_policy(account, arn, move |policy| {
            policy.need(number)?;
            policy.default = number;
            Ok(())
        })
        .await
    }

    async fn alter_policy<T, C>(&self, account: &str, arn: &str, change: C) -> Result<T, Error>
    where
        T: Send + 'static,
        C: FnOnce(&mut ManagedPolicy) -> Result<T, Error> + Send + 'static,
    {
        let (account, arn) = (account.to_owned(), arn.to_owned());
        self.change(move |inner, state| {
            let mut policy = ManagedPolicy::clone(state.own(&account, &arn)?);
            let value = change(&mut policy)?;
            policy.updated = inner.world.now().to_second();
            Ok((vec![Edit::Policy(Arc::new(policy))], value))
        })
        .await
    }
}

impl ManagedPolicy {
    fn is_visible(&self, account: &str) -> bool {
        self.account == account || self.account == managed::OWNER
    }

    /// A version, or that there is none of this number.
    pub fn need(&self, number: u32) -> Result<&Version, Error> {
        let missing = || Error::NotFound(format!("policy {} version v{number} does not exist", self.arn));
        self.version(number).ok_or_else(missing)
    }
}

impl State {
    pub(crate) fn visible(&self, account: &str, arn: &str) -> Result<&Arc<ManagedPolicy>, Error> {
        let policy = self.policy(arn).filter(|policy| policy.is_visible(account));
        policy.ok_or_else(|| Error::NotFound(format!("policy {arn} was not found")))
    }

    fn own(&self, account: &str, arn: &str) -> Result<&Arc<ManagedPolicy>, Error> {
        let policy = self.visible(account, arn)?;
        if policy.account == managed::OWNER {
            return Err(Error::Managed(format!("{arn} comes with the house and cannot be changed")));
        }
        Ok(policy)
    }
}
