//! Making, changing, deleting and restoring event data stores, and their tags.

use super::check::{self, Thing};
use super::model::{Billing, NewStore, Scope, Status, Store, StoreUpdate};
use super::register::{Edit, State};
use super::{Owned, Stores, inactive, missing};
use crate::Error;
use cairn_event::Time;
use cairn_pattern::selector::{AdvancedSelector, StoreKind, StoreSelectors};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// In an account and region, in whatever state they are.
const STORES_MAX: usize = 10;
/// How long a deleted store can be restored.
const WAIT: Duration = Duration::from_hours(24 * 7);

fn checked(given: Vec<AdvancedSelector>) -> Result<StoreSelectors, Error> {
    let selectors = StoreSelectors::try_from(given);
    let selectors = selectors.map_err(|error| Error::refused("InvalidEventSelectors", error.to_string()))?;
    if matches!(selectors.kind(), StoreKind::ConfigurationItem | StoreKind::Evidence) {
        let message = "Nothing here makes configuration items or evidence, so no event data store can take them.";
        return Err(Error::refused("UnsupportedOperation", message));
    }
    Ok(selectors)
}

fn parameter(message: impl Into<String>) -> Error {
    Error::refused("InvalidParameter", message)
}

impl Stores {
    fn now(&self) -> Time {
        self.register.parts().world.now()
    }

    /// Makes a store, which takes what is recorded from now on.
    pub async fn create(&self, scope: Scope<'_>, new: NewStore) -> Result<Arc<Store>, Error> {
        check::name(&new.name)?;
        check::tags(&new.tags)?;
        let store = self.draft(scope, new).await?;
        self.register
            .change(move |state| {
                check_name_free(state, &store)?;
                let scope = Scope { account: &store.account, region: &store.region };
                if of_scope(state, scope).count() >= STORES_MAX {
                    let message = format!("There can be at most {STORES_MAX} event data stores in a region.");
                    return Err(Error::refused("EventDataStoreMaxLimitExceeded", message));
                }
                Ok((vec![Edit::Store(Arc::new(store.clone()))], Arc::new(store)))
            })
            .await
    }

    async fn draft(&self, scope: Scope<'_>, new: NewStore) -> Result<Store, Error> {
        let billing = new.billing.unwrap_or_default();
        let retention_days = new.retention_days.unwrap_or(billing.days_default());
        check::retention(retention_days, billing)?;
        let selectors = new.selectors.map_or_else(|| Ok(StoreSelectors::default()), checked)?;
        let ingesting = new.start_ingestion.unwrap_or(true);
        if !ingesting && selectors.kind() != StoreKind::Trail {
            return Err(parameter(
                "StartIngestion can be false only for management, data and network activity events.",
            ));
        }
        let organization =
            new.organization.unwrap_or(false).then(|| self.organization_for(scope.account)).transpose()?;
        self.check_key(scope, new.kms_key.as_deref()).await?;
        let world = &self.register.parts().world;
        let id = uuid::Builder::from_random_bytes(world.dice.bytes()).into_uuid().to_string();
        let now = world.now();
        Ok(Store {
            arn: Thing::Store.arn(scope, &id),
            id,
            name: new.name,
            account: scope.account.to_owned(),
            region: scope.region.to_owned(),
            selectors,
            multi_region: new.multi_region.unwrap_or(true),
            organization,
            retention_days,
            billing,
            protected: new.protected.unwrap_or(true),
            ingesting,
            federation: None,
            event_size: super::EventSize::default(),
            doomed: None,
            created: now,
            updated: now,
            tags: new.tags,
        })
    }

    /// Changes what is given; the rest stays.
    pub async fn update(&self, scope: Scope<'_>, reference: &str, update: StoreUpdate) -> Result<Arc<Store>, Error> {
        let before = self.own(scope, reference)?;
        if before.doomed.is_some() {
            return Err(inactive(&before.arn));
        }
        update.name.as_deref().map_or(Ok(()), check::name)?;
        let selectors = update.selectors.clone().map(checked).transpose()?;
        if selectors.as_ref().is_some_and(|selectors| selectors.kind() != before.kind()) {
            let message = "The selectors choose another kind of events than the event data store has.";
            return Err(Error::refused("InvalidEventSelectors", message));
        }
        let organization = match update.organization {
            Some(true) => Some(Some(self.organization_for(scope.account)?)),
            Some(false) => Some(None),
            None => None,
        };
        self.check_key(scope, update.kms_key.as_deref()).await?;
        let now = self.now();
        self.modify(scope, &before.arn, move |state, store| {
            active(store)?;
            store.selectors = selectors.unwrap_or_else(|| store.selectors.clone());
            apply(store, update)?;
            store.organization = organization.unwrap_or_else(|| store.organization.take());
            let filled = state.channels_of(&store.arn).next().is_some();
            if filled && (store.multi_region || store.organization.is_some()) {
                return Err(parameter("A store that a channel fills is of one account and one region."));
            }
            store.updated = now;
            check_name_free(state, store)
        })
        .await
    }

    /// Takes nothing any more, and is removed in seven days. `busy` says whether something is being imported into
    /// the store of an ARN.
    pub async fn delete<B>(&self, scope: Scope<'_>, reference: &str, busy: B) -> Result<Arc<Store>, Error>
    where
        B: FnOnce(&Store) -> bool + Send + 'static,
    {
        let now = self.now();
        self.modify(scope, reference, move |state, store| {
            active(store)?;
            check_deletable(state, store, busy(store))?;
            (store.doomed, store.updated) = (Some(now + WAIT), now);
            Ok(())
        })
        .await
    }

    /// Takes a store back that is pending deletion.
    pub async fn restore(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Store>, Error> {
        let now = self.now();
        self.modify(scope, reference, move |_, store| {
            // One that is due is as good as removed, also when nobody came to it yet.
            if store.doomed.take().is_none_or(|time| time <= now) {
                return Err(wrong_status(store, "restored", "PENDING_DELETION"));
            }
            store.updated = now;
            Ok(())
        })
        .await
    }

    /// Takes what is recorded again, or no longer.
    pub async fn ingest(&self, scope: Scope<'_>, reference: &str, on: bool) -> Result<Arc<Store>, Error> {
        let now = self.now();
        self.modify(scope, reference, move |_, store| {
            if store.kind() != StoreKind::Trail {
                let message = "Ingestion is started and stopped only for management, data and network activity events.";
                return Err(Error::refused("InvalidEventDataStoreCategory", message));
            }
            match (store.status(), on) {
                (Status::Stopped, true) | (Status::Enabled, false) => {}
                (_, true) => return Err(wrong_status(store, "started", "STOPPED_INGESTION")),
                (_, false) => return Err(wrong_status(store, "stopped", "ENABLED")),
            }
            (store.ingesting, store.updated) = (on, now);
            Ok(())
        })
        .await
    }

    /// Adds tags or replaces their values.
    pub async fn tag(&self, scope: Scope<'_>, arn: &str, tags: BTreeMap<String, String>) -> Result<(), Error> {
        let tagged = self.modify(scope, arn, move |_, store| {
            active(store)?;
            store.tags.extend(tags);
            check::tags(&store.tags)
        });
        tagged.await.map(|_| ())
    }

    /// Removes tags; those that are not there are no error.
    pub async fn untag(&self, scope: Scope<'_>, arn: &str, keys: Vec<String>) -> Result<(), Error> {
        let untagged = self.modify(scope, arn, move |_, store| {
            active(store)?;
            store.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        });
        untagged.await.map(|_| ())
    }

    fn own(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Store>, Error> {
        own(&self.register.state(), scope, reference)
    }

    /// Changes one of the account's own stores in its region.
    pub(super) async fn modify<F>(&self, scope: Scope<'_>, reference: &str, change: F) -> Result<Arc<Store>, Error>
    where
        F: FnOnce(&State, &mut Store) -> Result<(), Error> + Send + 'static,
    {
        let (owner, reference) = (Owned::of(scope), reference.to_owned());
        self.register
            .change(move |state| {
                let before = own(state, owner.scope(), &reference)?;
                let mut store = Store::clone(&before);
                change(state, &mut store)?;
                if store == *before {
                    return Ok((Vec::new(), before));
                }
                let store = Arc::new(store);
                Ok((vec![Edit::Store(store.clone())], store))
            })
            .await
    }

    /// The organization that an account's store may be made for.
    fn organization_for(&self, account: &str) -> Result<String, Error> {
        let found = self.register.parts().identity.organization_of(account).ok_or_else(|| {
            Error::refused("OrganizationsNotInUse", format!("Account {account} does not belong to an organization."))
        })?;
        if found.management_account == account {
            return Ok(found.id);
        }
        let message = "Only the organization's management account can have an organization event data store.";
        Err(Error::refused("NotOrganizationMasterAccount", message))
    }

    /// Whether the store's files could be encrypted under this key.
    async fn check_key(&self, scope: Scope<'_>, reference: Option<&str>) -> Result<(), Error> {
        let Some(reference) = reference else { return Ok(()) };
        let scope = cairn_key::Scope { account: scope.account, region: scope.region };
        let key = self.register.parts().keys.resolve(scope, reference).await.map_err(|error| match error {
            cairn_key::Error::NotFound(_) | cairn_key::Error::AliasNotFound(_) => {
                Error::refused("KmsKeyNotFound", format!("The KMS key {reference} does not exist."))
            }
            cairn_key::Error::InvalidReference(_) => {
                Error::refused("InvalidKmsKeyId", format!("{reference:?} is not the id, ARN or alias of a KMS key."))
            }
            error => Error::Unavailable(error.to_string()),
        })?;
        if key.status != cairn_key::Status::Enabled {
            return Err(Error::refused("Kms", format!("The KMS key {} is not enabled.", key.arn)));
        }
        let message = "Event data stores have no keys of their own here: their files lie in the bucket of the lake and \
                       are encrypted as it is.";
        Err(Error::refused("UnsupportedOperation", message))
    }
}

pub(super) fn own(state: &State, scope: Scope<'_>, reference: &str) -> Result<Arc<Store>, Error> {
    let arn = Thing::Store.resolve(scope, reference)?;
    let found = state.store(&arn).filter(|store| store.account == scope.account && store.region == scope.region);
    found.cloned().ok_or_else(|| missing(&arn))
}

pub(super) fn active(store: &Store) -> Result<(), Error> {
    if store.doomed.is_some() { Err(inactive(&store.arn)) } else { Ok(()) }
}

fn of_scope<'a>(state: &'a State, scope: Scope<'a>) -> impl Iterator<Item = &'a Arc<Store>> {
    state.stores().filter(move |store| store.account == scope.account && store.region == scope.region)
}

fn check_name_free(state: &State, store: &Store) -> Result<(), Error> {
    let scope = Scope { account: &store.account, region: &store.region };
    if of_scope(state, scope).any(|other| other.name == store.name && other.id != store.id) {
        let message = format!("An event data store with the name {} exists already.", store.name);
        return Err(Error::refused("EventDataStoreAlreadyExists", message));
    }
    Ok(())
}

fn apply(store: &mut Store, update: StoreUpdate) -> Result<(), Error> {
    fn set<T>(field: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *field = value;
        }
    }
    if store.billing == Billing::Extendable && update.billing == Some(Billing::Fixed) {
        let message = "BillingMode cannot change from EXTENDABLE_RETENTION_PRICING to FIXED_RETENTION_PRICING.";
        return Err(parameter(message));
    }
    set(&mut store.name, update.name);
    set(&mut store.multi_region, update.multi_region);
    set(&mut store.billing, update.billing);
    set(&mut store.retention_days, update.retention_days);
    set(&mut store.protected, update.protected);
    check::retention(store.retention_days, store.billing)
}

fn check_deletable(state: &State, store: &Store, importing: bool) -> Result<(), Error> {
    let refused = |code: &'static str, message: &str| Err(Error::refused(code, format!("{} {message}.", store.arn)));
    if store.protected {
        return refused("EventDataStoreTerminationProtected", "is protected against deletion");
    }
    if store.federation.is_some() {
        return refused("EventDataStoreFederationEnabled", "is federated; disable its federation first");
    }
    if state.channels_of(&store.arn).next().is_some() {
        return refused("ChannelExistsForEDS", "is filled by a channel; delete the channel first");
    }
    if importing {
        return refused("EventDataStoreHasOngoingImport", "is being imported into");
    }
    Ok(())
}

fn wrong_status(store: &Store, what: &str, needed: &str) -> Error {
    let message = format!("The event data store {} can be {what} only when it is {needed}.", store.arn);
    Error::refused("InvalidEventDataStoreStatus", message)
}
