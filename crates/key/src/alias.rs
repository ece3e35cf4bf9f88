//! From references to keys, and the names of keys.

use crate::state::{Edit, Entry, State};
use crate::{Alias, Error, Key, Keys, Page, Scope, Status, limit};
use cairn_event::Arn;
use std::sync::Arc;
use uuid::Uuid;

impl Scope<'_> {
    /// The ARN of a key or alias here, from `key/…` or `alias/…`.
    pub fn arn(self, resource: &str) -> String {
        format!("arn:aws:kms:{}:{}:{resource}", self.region, self.account)
    }
}

impl State {
    pub(crate) fn resolve(&self, scope: Scope<'_>, reference: &str) -> Result<&Entry, Error> {
        if !reference.starts_with("arn:") {
            return self.resolve_name(scope, reference, reference);
        }
        let invalid = || Error::InvalidReference(reference.to_owned());
        let arn = Arn::parse(reference).map_err(|_| invalid())?;
        if arn.service() != "kms" || arn.region() != scope.region {
            return Err(invalid());
        }
        let there = Scope { account: arn.account(), region: arn.region() };
        match arn.resource().strip_prefix("key/") {
            Some(id) => self.resolve_name(there, id, reference),
            None if arn.resource().starts_with("alias/") => self.resolve_name(there, arn.resource(), reference),
            None => Err(invalid()),
        }
    }

    fn resolve_name(&self, scope: Scope<'_>, name: &str, reference: &str) -> Result<&Entry, Error> {
        let id = if name.starts_with("alias/") {
            let arn = scope.arn(name);
            self.alias(&arn).ok_or(Error::AliasNotFound(arn))?.key
        } else {
            let id = Uuid::try_parse(name).ok().filter(|id| id.to_string() == name);
            id.ok_or_else(|| Error::InvalidReference(reference.to_owned()))?
        };
        let entry =
            self.entry(id).filter(|entry| entry.key.account == scope.account && entry.key.region == scope.region);
        entry.ok_or_else(|| Error::NotFound(scope.arn(&format!("key/{name}"))))
    }

    fn alias_here(&self, scope: Scope<'_>, name: &str) -> Result<&Arc<Alias>, Error> {
        let arn = scope.arn(name);
        self.alias(&arn).ok_or(Error::AliasNotFound(arn))
    }

    /// The key that the alias of this name is to mean.
    fn alias_target(&self, scope: Scope<'_>, name: &str, reference: &str) -> Result<&Arc<Key>, Error> {
        let key = &self.resolve(scope, reference)?.key;
        if key.account != scope.account {
            return Err(Error::Invalid(format!("an alias and its key belong to one account: {}", key.arn)));
        }
        if let Status::PendingDeletion(_) = key.status {
            return Err(Error::PendingDeletion(key.arn.clone()));
        }
        if key.managed_for.is_some() {
            return Err(Error::Managed(key.arn.clone()));
        }
        let others = self.aliases(scope, None).filter(|alias| alias.key == key.id && alias.name != name);
        if others.count() >= limit::ALIASES_MAX {
            return Err(Error::LimitExceeded(format!("a key has at most {} aliases", limit::ALIASES_MAX)));
        }
        Ok(key)
    }
}

impl Keys {
    /// The key that an id, ARN, alias or alias ARN means.
    pub async fn resolve(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        self.sweep().await?;
        Ok(self.state().resolve(scope, reference)?.key.clone())
    }

    /// The alias of this name.
    pub async fn alias(&self, scope: Scope<'_>, name: &str) -> Result<Arc<Alias>, Error> {
        self.sweep().await?;
        Ok(self.state().alias_here(scope, name)?.clone())
    }

    /// The aliases of a scope, or of one key in it, ordered by name.
    pub async fn aliases(
        &self,
        scope: Scope<'_>,
        key: Option<Uuid>,
        after: Option<&str>,
        count_max: usize,
    ) -> Result<Page<Arc<Alias>>, Error> {
        self.sweep().await?;
        let state = self.state();
        let wanted = state.aliases(scope, after).filter(|alias| key.is_none_or(|key| alias.key == key));
        Ok(Page::take(wanted.cloned(), count_max))
    }

    /// Gives a key a name.
    pub async fn create_alias(&self, scope: Scope<'_>, name: &str, key: &str) -> Result<Arc<Alias>, Error> {
        limit::alias(name)?;
        self.sweep().await?;
        let (scope, name, key) = (Owned::of(scope), name.to_owned(), key.to_owned());
        self.change(move |inner, state| {
            let arn = scope.borrow().arn(&name);
            if state.alias(&arn).is_some() {
                return Err(Error::Conflict(arn));
            }
            let key = state.alias_target(scope.borrow(), &name, &key)?.id;
            let Owned { account, region } = scope;
            let now = inner.world.now();
            let alias = Arc::new(Alias { name, arn, account, region, key, created: now, updated: now });
            Ok((vec![Edit::Alias(alias.clone())], alias))
        })
        .await
    }

    /// Lets a name mean another key.
    pub async fn update_alias(&self, scope: Scope<'_>, name: &str, key: &str) -> Result<Arc<Alias>, Error> {
        limit::alias(name)?;
        self.sweep().await?;
        let (scope, name, key) = (Owned::of(scope), name.to_owned(), key.to_owned());
        self.change(move |inner, state| {
            let mut alias = Alias::clone(state.alias_here(scope.borrow(), &name)?);
            alias.key = state.alias_target(scope.borrow(), &name, &key)?.id;
            alias.updated = inner.world.now();
            let alias = Arc::new(alias);
            Ok((vec![Edit::Alias(alias.clone())], alias))
        })
        .await
    }

    /// Takes a name away; the key stays.
    pub async fn delete_alias(&self, scope: Scope<'_>, name: &str) -> Result<(), Error> {
        limit::alias(name)?;
        let (scope, name) = (Owned::of(scope), name.to_owned());
        self.change(move |_, state| {
            let alias = state.alias_here(scope.borrow(), &name)?;
            Ok((vec![Edit::AliasGone(alias.arn.clone())], ()))
        })
        .await
    }
}

/// A scope that a change can take with it.
pub(crate) struct Owned {
    pub account: String,
    pub region: String,
}

impl Owned {
    pub fn of(scope: Scope<'_>) -> Self {
        Self { account: scope.account.to_owned(), region: scope.region.to_owned() }
    }

    pub fn borrow(&self) -> Scope<'_> {
        Scope { account: &self.account, region: &self.region }
    }
}
