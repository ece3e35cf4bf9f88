//! Channels: events that applications send.
//!
//! A channel belongs to one source and fills event data stores. What comes over it is checked event by event
//! and goes into the journal, from which the tables of its stores take it by the channel's ARN.

mod event;
mod manage;
mod put;
mod status;

pub use manage::{ChannelUpdate, NewChannel};
pub use put::{AuditEvent, Failure, Taken};
pub use status::Ingestion;

use crate::Error;
use crate::store::check::Thing;
use crate::store::register::{Register, State};
use crate::store::{Scope, Stores};
use cairn_event::Time;
use serde::{Deserialize, Serialize};
use status::Statuses;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All channels. Cheap to clone.
#[derive(Clone)]
pub struct Channels {
    register: Register,
    statuses: Arc<Statuses>,
}

/// One channel as it stands now. The serialized form stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub arn: String,
    pub name: String,
    pub account: String,
    pub region: String,
    /// `Custom`, or the name of a partner.
    pub source: String,
    /// ARNs of the event data stores that it fills.
    pub stores: Vec<String>,
    pub created: Time,
    pub tags: BTreeMap<String, String>,
}

fn missing(arn: &str) -> Error {
    Error::refused("ChannelNotFound", format!("The channel {arn} does not exist."))
}

/// The account's channel that an ARN or an id means.
fn own(state: &State, scope: Scope<'_>, reference: &str) -> Result<Arc<Channel>, Error> {
    let arn = Thing::Channel.resolve(scope, reference)?;
    let found =
        state.channel(&arn).filter(|channel| channel.account == scope.account && channel.region == scope.region);
    found.cloned().ok_or_else(|| missing(&arn))
}

impl Channels {
    pub async fn open(stores: &Stores) -> Result<Self, Error> {
        let register = stores.register.clone();
        let statuses = Arc::new(Statuses::open(&register.parts().db).await?);
        Ok(Self { register, statuses })
    }

    /// Keeps for the next start how channels stand, until `shutdown` and once more then.
    pub async fn run(&self, shutdown: CancellationToken) {
        self.statuses.run(self.register.parts(), shutdown).await;
    }

    /// The ARN that an ARN or an id means, whether or not the channel exists.
    pub fn arn(&self, scope: Scope<'_>, reference: &str) -> Result<String, Error> {
        Thing::Channel.resolve(scope, reference)
    }

    /// The account's channel that an ARN or an id means.
    pub fn get(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Channel>, Error> {
        own(&self.register.state(), scope, reference)
    }

    /// How the channel of this ARN stands; None when nothing has come over it.
    pub fn ingestion(&self, arn: &str) -> Option<Ingestion> {
        self.statuses.of(arn)
    }

    /// The channels of an account in a region, by ARN.
    pub fn list(&self, scope: Scope<'_>) -> Vec<Arc<Channel>> {
        let state = self.register.state();
        let own = |channel: &&Arc<Channel>| channel.account == scope.account && channel.region == scope.region;
        state.channels().filter(own).cloned().collect()
    }
}
