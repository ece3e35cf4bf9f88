//! From a key's making to its deletion.

use crate::alias::Owned;
use crate::material::Material;
use crate::policy::managed_policy;
use crate::state::{Edit, State};
use crate::{Alias, Error, Inner, Key, Keys, NewKey, Page, Rotation, Scope, Status, default_policy, limit};
use cairn_event::Time;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const WINDOW_DAYS_MIN: u32 = 7;
const WINDOW_DAYS_MAX: u32 = 30;

impl Keys {
    /// Makes a key.
    pub async fn create(&self, scope: Scope<'_>, new: NewKey) -> Result<Arc<Key>, Error> {
        limit::description(&new.description)?;
        limit::tags(&new.tags)?;
        new.policy.as_deref().map_or(Ok(()), limit::policy)?;
        let scope = Owned::of(scope);
        self.change(move |inner, state| {
            room(state, scope.borrow())?;
            let key = Arc::new(inner.draw_key(scope.borrow(), new));
            let material = Material::draw(inner, key.id, 1);
            Ok((vec![Edit::Key(key.clone()), Edit::Material(Arc::new(material))], key))
        })
        .await
    }

    /// The house's own key for a service (`alias/aws/s3` for `s3`), made when first asked for.
    pub async fn managed(&self, scope: Scope<'_>, service: &str) -> Result<Arc<Key>, Error> {
        let name = format!("alias/aws/{service}");
        match self.resolve(scope, &name).await {
            Err(Error::AliasNotFound(_)) => {}
            found => return found,
        }
        let (scope, service) = (Owned::of(scope), service.to_owned());
        self.change(move |inner, state| {
            // Another caller may have been here first.
            if let Ok(entry) = state.resolve(scope.borrow(), &name) {
                return Ok((Vec::new(), entry.key.clone()));
            }
            room(state, scope.borrow())?;
            let key = Arc::new(inner.draw_managed(scope.borrow(), service));
            let material = Material::draw(inner, key.id, 1);
            let arn = scope.borrow().arn(&name);
            let Owned { account, region } = scope;
            let alias = Alias { name, arn, account, region, key: key.id, created: key.created, updated: key.created };
            let edits = vec![Edit::Key(key.clone()), Edit::Material(Arc::new(material)), Edit::Alias(Arc::new(alias))];
            Ok((edits, key))
        })
        .await
    }

    /// The keys of a scope, ordered by id.
    pub async fn list(&self, scope: Scope<'_>, after: Option<Uuid>, count_max: usize) -> Result<Page<Arc<Key>>, Error> {
        self.sweep().await?;
        Ok(Page::take(self.state().keys(scope, after).cloned(), count_max))
    }

    /// The key that a reference means, if it is a customer's to change.
    pub(crate) async fn customers(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        let key = self.resolve(scope, reference).await?;
        if key.managed_for.is_some() { Err(Error::Managed(key.arn.clone())) } else { Ok(key) }
    }

    /// Changes what is said of a key.
    pub(crate) async fn modify<F>(&self, scope: Scope<'_>, reference: &str, change: F) -> Result<Arc<Key>, Error>
    where
        F: FnOnce(&mut Key, Time) -> Result<(), Error> + Send + 'static,
    {
        let id = self.customers(scope, reference).await?.id;
        self.change(move |inner, state| {
            let mut key = state.key(id)?;
            change(&mut key, inner.world.now())?;
            let key = Arc::new(key);
            Ok((vec![Edit::Key(key.clone())], key))
        })
        .await
    }

    pub async fn describe(&self, scope: Scope<'_>, reference: &str, description: String) -> Result<Arc<Key>, Error> {
        limit::description(&description)?;
        self.modify(scope, reference, move |key, _| {
            key.not_pending()?;
            key.description = description;
            Ok(())
        })
        .await
    }

    pub async fn enable(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        self.modify(scope, reference, |key, _| {
            key.not_pending()?;
            key.status = Status::Enabled;
            Ok(())
        })
        .await
    }

    pub async fn disable(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        self.modify(scope, reference, |key, _| {
            key.not_pending()?;
            key.status = Status::Disabled;
            Ok(())
        })
        .await
    }

    /// Makes a key unusable now and deletes it after 7 to 30 days.
    pub async fn schedule_deletion(&self, scope: Scope<'_>, reference: &str, days: u32) -> Result<Arc<Key>, Error> {
        if !(WINDOW_DAYS_MIN..=WINDOW_DAYS_MAX).contains(&days) {
            let bounds = format!("{WINDOW_DAYS_MIN} to {WINDOW_DAYS_MAX}");
            return Err(Error::Invalid(format!("a key is deleted after {bounds} days, not {days}")));
        }
        let window = Duration::from_hours(u64::from(days) * 24);
        self.modify(scope, reference, move |key, now| {
            key.not_pending()?;
            key.status = Status::PendingDeletion(now + window);
            Ok(())
        })
        .await
    }

    /// Keeps a key that was to be deleted; it is disabled then.
    pub async fn cancel_deletion(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        self.modify(scope, reference, |key, _| match key.status {
            Status::PendingDeletion(_) => {
                key.status = Status::Disabled;
                Ok(())
            }
            _ => Err(Error::NotPendingDeletion(key.arn.clone())),
        })
        .await
    }

    /// Replaces the key policy. That it can be parsed and leaves the caller in is for the caller to know.
    pub async fn put_policy(&self, scope: Scope<'_>, reference: &str, policy: &str) -> Result<Arc<Key>, Error> {
        limit::policy(policy)?;
        let policy = policy.to_owned();
        self.modify(scope, reference, move |key, _| {
            key.policy = policy;
            Ok(())
        })
        .await
    }

    /// Adds tags or replaces their values.
    pub async fn tag(
        &self,
        scope: Scope<'_>,
        reference: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Key>, Error> {
        self.modify(scope, reference, move |key, _| {
            key.not_pending()?;
            key.tags.extend(tags);
            limit::tags(&key.tags)
        })
        .await
    }

    /// Removes tags; those that are not there are no error.
    pub async fn untag(&self, scope: Scope<'_>, reference: &str, names: Vec<String>) -> Result<Arc<Key>, Error> {
        self.modify(scope, reference, move |key, _| {
            key.not_pending()?;
            key.tags.retain(|name, _| !names.contains(name));
            Ok(())
        })
        .await
    }
}

impl Key {
    fn not_pending(&self) -> Result<(), Error> {
        match self.status {
            Status::PendingDeletion(_) => Err(Error::PendingDeletion(self.arn.clone())),
            Status::Enabled | Status::Disabled => Ok(()),
        }
    }
}

impl Inner {
    fn draw_key(&self, scope: Scope<'_>, new: NewKey) -> Key {
        let id = uuid::Builder::from_random_bytes(self.world.dice.bytes()).into_uuid();
        Key {
            id,
            arn: scope.arn(&format!("key/{id}")),
            account: scope.account.to_owned(),
            region: scope.region.to_owned(),
            created: self.world.now(),
            description: new.description,
            status: Status::Enabled,
            policy: new.policy.unwrap_or_else(|| default_policy(scope.account)),
            tags: new.tags,
            managed_for: None,
            rotation: None,
            rotations_on_demand: 0,
        }
    }

    fn draw_managed(&self, scope: Scope<'_>, service: String) -> Key {
        let description = format!("Default key that protects my data in {service} when no other key is given");
        let policy = Some(managed_policy(scope, &service));
        let mut key = self.draw_key(scope, NewKey { description, policy, tags: BTreeMap::new() });
        key.managed_for = Some(service);
        key.rotation = Some(Rotation::yearly(key.created));
        key
    }
}

/// Whether a scope can take one more key.
fn room(state: &State, scope: Scope<'_>) -> Result<(), Error> {
    if state.keys(scope, None).count() < limit::KEYS_MAX {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!("an account has at most {} keys in a region", limit::KEYS_MAX)))
}
