//! Making, changing and deleting channels, and their tags.

use super::{Channel, Channels, own};
use crate::Error;
use crate::store::check::{self, Thing};
use crate::store::register::{Edit, State};
use crate::store::{Owned, Scope};
use cairn_pattern::selector::StoreKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// In all regions of an account.
const CHANNELS_MAX: usize = 25;
const DESTINATIONS_MAX: usize = 200;

const SOURCES: &[&str] = &[
    "Custom",
    "CloudStorageSecurityConsole",
    "Clumio",
    "CrowdStrike",
    "CyberArk",
    "GitHub",
    "IBMMulticloud",
    "KongGatewayEnterprise",
    "LaunchDarkly",
    "MontyCloud",
    "NetskopeCloudExchange",
    "OktaSystemLogEvents",
    "OneLogin",
    "Shoreline",
    "Snyk",
    "WizAuditLogs",
];

/// What a new channel is to be.
#[derive(Clone, Debug, Default)]
pub struct NewChannel {
    pub name: String,
    pub source: String,
    /// ARNs or ids of event data stores.
    pub stores: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

/// What is to change; None leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct ChannelUpdate {
    pub name: Option<String>,
    pub stores: Option<Vec<String>>,
}

impl Channels {
    /// Makes a channel; what comes over it from now on goes to its stores.
    pub async fn create(&self, scope: Scope<'_>, new: NewChannel) -> Result<Arc<Channel>, Error> {
        check::name(&new.name)?;
        check::tags(&new.tags)?;
        if !SOURCES.contains(&new.source.as_str()) {
            let message = format!("The source of a channel is one of {}.", SOURCES.join(", "));
            return Err(Error::refused("InvalidSource", message));
        }
        let world = &self.register.parts().world;
        let id = uuid::Builder::from_random_bytes(world.dice.bytes()).into_uuid().to_string();
        let mut channel = Channel {
            arn: Thing::Channel.arn(scope, &id),
            name: new.name,
            account: scope.account.to_owned(),
            region: scope.region.to_owned(),
            source: new.source,
            stores: Vec::new(),
            created: world.now(),
            tags: new.tags,
        };
        let owner = Owned::of(scope);
        self.register
            .change(move |state| {
                channel.stores = destinations(state, owner.scope(), &new.stores)?;
                check_room(state, &channel)?;
                let channel = Arc::new(channel);
                Ok((vec![Edit::Channel(channel.clone())], channel))
            })
            .await
    }

    /// Changes what is given; the rest stays.
    pub async fn update(
        &self,
        scope: Scope<'_>,
        reference: &str,
        update: ChannelUpdate,
    ) -> Result<Arc<Channel>, Error> {
        update.name.as_deref().map_or(Ok(()), check::name)?;
        self.modify(scope, reference, move |state, scope, channel| {
            if let Some(stores) = &update.stores {
                channel.stores = destinations(state, scope, stores)?;
            }
            if let Some(name) = update.name {
                channel.name = name;
            }
            check_unlike(state, channel)
        })
        .await
    }

    /// Deletes a channel, and the policy on it.
    pub async fn delete(&self, scope: Scope<'_>, reference: &str) -> Result<(), Error> {
        let (owner, reference) = (Owned::of(scope), reference.to_owned());
        let arn = self
            .register
            .change(move |state| {
                let arn = own(state, owner.scope(), &reference)?.arn.clone();
                Ok((vec![Edit::NoChannel(arn.clone()), Edit::NoPolicy(arn.clone())], arn))
            })
            .await?;
        self.statuses.forget(&arn);
        Ok(())
    }

    /// Adds tags or replaces their values.
    pub async fn tag(&self, scope: Scope<'_>, arn: &str, tags: BTreeMap<String, String>) -> Result<(), Error> {
        let tagged = self.modify(scope, arn, move |_, _, channel| {
            channel.tags.extend(tags);
            check::tags(&channel.tags)
        });
        tagged.await.map(|_| ())
    }

    /// Removes tags; those that are not there are no error.
    pub async fn untag(&self, scope: Scope<'_>, arn: &str, keys: Vec<String>) -> Result<(), Error> {
        let untagged = self.modify(scope, arn, move |_, _, channel| {
            channel.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        });
        untagged.await.map(|_| ())
    }

    async fn modify<F>(&self, scope: Scope<'_>, reference: &str, change: F) -> Result<Arc<Channel>, Error>
    where
        F: FnOnce(&State, Scope<'_>, &mut Channel) -> Result<(), Error> + Send + 'static,
    {
        let (owner, reference) = (Owned::of(scope), reference.to_owned());
        self.register
            .change(move |state| {
                let before = own(state, owner.scope(), &reference)?;
                let mut channel = Channel::clone(&before);
                change(state, owner.scope(), &mut channel)?;
                let channel = Arc::new(channel);
                Ok((vec![Edit::Channel(channel.clone())], channel))
            })
            .await
    }
}

/// ARNs of the stores that a channel is to fill, if it may.
fn destinations(state: &State, scope: Scope<'_>, references: &[String]) -> Result<Vec<String>, Error> {
    let parameter = |message: String| Error::refused("InvalidParameter", message);
    if !(1..=DESTINATIONS_MAX).contains(&references.len()) {
        return Err(parameter(format!("A channel has 1 to {DESTINATIONS_MAX} destinations.")));
    }
    let mut arns: Vec<String> = Vec::new();
    for reference in references {
        let arn = Thing::Store.resolve(scope, reference)?;
        let store = state.store(&arn).filter(|store| store.account == scope.account && store.region == scope.region);
        let refused = |code: &'static str, message: &str| Err(Error::refused(code, format!("{arn} {message}.")));
        let Some(store) = store else {
            return refused("EventDataStoreNotFound", "does not exist");
        };
        if store.doomed.is_some() {
            return refused("InactiveEventDataStore", "is pending deletion");
        }
        if store.kind() != StoreKind::ActivityAuditLog {
            return refused("InvalidEventDataStoreCategory", "does not take events of eventCategory ActivityAuditLog");
        }
        if store.multi_region || store.organization.is_some() {
            return Err(parameter(format!(
                "{arn} is not a store of one region and one account, which a channel needs."
            )));
        }
        if arns.contains(&arn) {
            return Err(parameter(format!("{arn} stands twice among the destinations.")));
        }
        arns.push(arn);
    }
    Ok(arns)
}

fn check_room(state: &State, channel: &Channel) -> Result<(), Error> {
    check_unlike(state, channel)?;
    if state.channels().filter(|other| other.account == channel.account).count() >= CHANNELS_MAX {
        let message = format!("An account has at most {CHANNELS_MAX} channels.");
        return Err(Error::refused("ChannelMaxLimitExceeded", message));
    }
    Ok(())
}

/// Names and sources are not used twice.
fn check_unlike(state: &State, channel: &Channel) -> Result<(), Error> {
    let mut others = state
        .channels()
        .filter(|other| other.arn != channel.arn && other.account == channel.account && other.region == channel.region);
    match others.find(|other| other.name == channel.name || other.source == channel.source) {
        None => Ok(()),
        Some(other) => {
            let message = format!("There is a channel {} for the source {} already.", other.name, other.source);
            Err(Error::refused("ChannelAlreadyExists", message))
        }
    }
}
