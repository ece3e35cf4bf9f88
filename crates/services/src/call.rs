//! One call while it is being answered.

use cairn_bucket::Buckets;
use cairn_event::{Record, Resource, Time};
use cairn_identity::{Caller, Identity};
use cairn_intake::Intake;
use cairn_key::Keys;
use cairn_lake::Lake;
use cairn_trail::Trails;
use cairn_world::World;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The engines that operations work with.
#[derive(Clone)]
pub struct Engines {
    pub world: World,
    /// The account that the house was made with; calls of nobody are recorded there.
    pub account: String,
    /// The house's home region, where global services record.
    pub region: String,
    pub identity: Identity,
    pub keys: Keys,
    pub buckets: Buckets,
    pub trails: Trails,
    pub intake: Intake,
    pub lake: Lake,
}

/// What the door knows of a call before anything of it is understood.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub request_id: Uuid,
    /// The `eventID` that the call's record will have.
    pub event_id: Uuid,
    pub received: Time,
    pub source_ip: IpAddr,
    pub user_agent: Option<String>,
    /// The Host header as the client sent it.
    pub host: Option<String>,
    /// `tlsDetails`, when the connection was encrypted.
    pub tls: Option<Value>,
}

/// One authorized call, handed to its operation.
pub struct Call<'a> {
    pub engines: &'a Engines,
    pub arrival: &'a Arrival,
    pub caller: &'a Caller,
    /// The region that was called, from the signature's scope.
    pub region: &'a str,
    notes: Mutex<Notes>,
}

/// What an operation has to say for the record beyond its input and output.
#[derive(Default)]
pub(crate) struct Notes {
    pub resources: Vec<Resource>,
    pub also: Vec<Record>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(engines: &'a Engines, arrival: &'a Arrival, caller: &'a Caller, region: &'a str) -> Self {
        Self { engines, arrival, caller, region, notes: Mutex::default() }
    }

    /// The account that called.
    pub fn account(&self) -> &str {
        self.caller.account()
    }

    pub fn now(&self) -> Time {
        self.engines.world.now()
    }

    fn note(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Names a resource in the record that is known only after the call, such as one just made.
    pub fn note_resource(&self, arn: &str, kind: &str, account: &str) {
        let resource = Resource { account_id: Some(account.to_owned()), kind: kind.to_owned(), arn: arn.to_owned() };
        self.note(|notes| {
            if !notes.resources.contains(&resource) {
                notes.resources.push(resource);
            }
        });
    }

    /// Adds the record of what another service did because of this call.
    pub fn note_also(&self, record: Record) {
        self.note(|notes| notes.also.push(record));
    }

    pub(crate) fn take_notes(&self) -> Notes {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engines {
    /// A random (version 4) UUID from the world's dice.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.world.dice.bytes()).into_uuid()
    }
}

/// Engines are shared by every call.
pub(crate) type SharedEngines = Arc<Engines>;
