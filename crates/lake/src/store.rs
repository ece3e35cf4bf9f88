//! Event data stores: tables that people make, with what each takes and for how long.
//!
//! Each store is a table of the lake with the same id ([`crate::table`]); what it takes follows from its
//! selectors, its accounts and regions, and from the channels that fill it. A store that is deleted takes
//! nothing, waits seven days, in which it can be restored, and is then removed with all that it holds.
//! Policies on stores, channels and dashboards are kept here too.

pub(crate) mod check;
mod configuration;
mod federation;
mod manage;
mod model;
mod policy;
pub(crate) mod register;
mod rows;
#[cfg(test)]
mod tests;

pub use model::{Billing, EventSize, NewStore, Scope, Status, Store, StoreUpdate};
pub use policy::{Policies, ResourcePolicy};

use crate::sql::View;
use crate::table::EVENTS;
use crate::{Error, Parts, Tables};
use cairn_identity::Policy;
use check::Thing;
use register::{Edit, Register};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked for what is due.
const TICK: Duration = Duration::from_secs(10);

/// All event data stores. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    pub(crate) register: Register,
}

/// A table that SQL can name, and who may read it.
#[derive(Clone, Debug)]
pub struct Readable {
    pub arn: String,
    /// The account that owns it.
    pub account: String,
    pub view: View,
    pub policy: Option<Arc<Policy>>,
}

/// A scope that a change can take along.
pub(crate) struct Owned {
    account: String,
    region: String,
}

impl Owned {
    pub fn of(scope: Scope<'_>) -> Self {
        Self { account: scope.account.to_owned(), region: scope.region.to_owned() }
    }

    pub fn scope(&self) -> Scope<'_> {
        Scope { account: &self.account, region: &self.region }
    }
}

/// What other accounts are told that ask for the table of all events.
const EVENTS_AT_HOME: &str = "The table events is for the account that runs the house. \
                              Create an event data store with CreateEventDataStore and name it after FROM.";

fn missing(arn: &str) -> Error {
    Error::refused("EventDataStoreNotFound", format!("The event data store {arn} does not exist."))
}

fn inactive(arn: &str) -> Error {
    Error::refused("InactiveEventDataStore", format!("The event data store {arn} is pending deletion."))
}

impl Stores {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        Ok(Self { register: Register::open(parts, tables).await? })
    }

    /// Removes stores when their time has come and keeps tables as their stores are, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let clock = self.register.parts().world.clock.clone();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = clock.sleep(TICK) => {}
            }
            for done in [self.remove_doomed().await, self.register.settle().await] {
                if let Err(error) = done {
                    tracing::warn!(%error, "event data stores could not be tended; it is tried again");
                }
            }
        }
    }

    /// To be called when an organization has other members than before: its stores take their events at once.
    pub async fn members_changed(&self) -> Result<(), Error> {
        self.register.settle().await
    }

    /// The ARN that an ARN or an id means, whether or not the store exists.
    pub fn arn(&self, scope: Scope<'_>, reference: &str) -> Result<String, Error> {
        Thing::Store.resolve(scope, reference)
    }

    /// The store that an ARN or an id means, of any account and also one that is pending deletion.
    pub fn get(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Store>, Error> {
        let arn = self.arn(scope, reference)?;
        self.register.state().store(&arn).cloned().ok_or_else(|| missing(&arn))
    }

    /// The same, unless it is pending deletion.
    pub fn active(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Store>, Error> {
        let store = self.get(scope, reference)?;
        if store.doomed.is_some() { Err(inactive(&store.arn)) } else { Ok(store) }
    }

    /// The stores of an account in a region, by ARN.
    pub fn list(&self, scope: Scope<'_>) -> Vec<Arc<Store>> {
        let state = self.register.state();
        let own = |store: &&Arc<Store>| store.account == scope.account && store.region == scope.region;
        state.stores().filter(own).cloned().collect()
    }

    /// What an ARN, an id or `events` means in a query: an active store, or the table of all events, which has the
    /// events of all accounts and is for the house's own alone.
    pub fn readable(&self, scope: Scope<'_>, reference: &str) -> Result<Readable, Error> {
        let always = Thing::Store.arn(scope, EVENTS);
        if reference.eq_ignore_ascii_case(EVENTS) || reference == always {
            if self.register.parts().account != scope.account {
                return Err(Error::refused("EventDataStoreNotFound", EVENTS_AT_HOME));
            }
            let view = View { table: EVENTS.to_owned(), shape: crate::sql::Shape::Everything };
            return Ok(Readable { arn: always, account: scope.account.to_owned(), view, policy: None });
        }
        let store = self.active(scope, reference)?;
        let view = View { table: store.id.clone(), shape: store.shape() };
        let policy = self.policy(&store.arn);
        Ok(Readable { arn: store.arn.clone(), account: store.account.clone(), view, policy })
    }

    async fn remove_doomed(&self) -> Result<(), Error> {
        let now = self.register.parts().world.now();
        let due = move |store: &&Arc<Store>| store.doomed.is_some_and(|time| time <= now);
        let arns: Vec<String> = self.register.state().stores().filter(due).map(|store| store.arn.clone()).collect();
        // One at a time: each goes with its table.
        for arn in arns {
            self.register
                .change(move |state| {
                    let edits = match state.store(&arn).filter(|store| due(store)) {
                        Some(_) => vec![Edit::NoStore(arn.clone()), Edit::NoPolicy(arn)],
                        None => Vec::new(),
                    };
                    Ok((edits, ()))
                })
                .await?;
        }
        Ok(())
    }
}
