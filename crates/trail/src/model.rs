//! What a trail is, as the API, the reader and the archive share it.

use cairn_event::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who asks and where: a name without a region means a trail of this account in this region.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub account: &'a str,
    pub region: &'a str,
    /// `eventID` of the call's own record: what the call changes is not yet in force for it.
    pub event_id: uuid::Uuid,
}

/// How trails are delivered.
#[derive(Clone, Debug)]
pub struct Settings {
    pub delivery_interval: Duration,
    pub digest_interval: Duration,
    /// How long one key signs digests.
    pub key_rotation: Duration,
    /// Events that wait for delivery in memory; beyond it files are cut early.
    pub memory_bytes_max: u64,
}

/// One trail as it stands now. The serialized form stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    pub arn: String,
    pub name: String,
    pub account: String,
    pub home_region: String,
    pub bucket: String,
    pub prefix: Option<String>,
    pub global_service_events: bool,
    pub multi_region: bool,
    pub validation: bool,
    /// ARN of the key.
    pub kms_key: Option<String>,
    /// `o-…`, when it is an organization's trail.
    pub organization: Option<String>,
    /// Whether the trail records the events that its own delivery causes.
    pub recursive_logging: bool,
    /// Whether somebody chose its selectors.
    pub custom_selectors: bool,
    pub logging: bool,
    pub started: Option<Time>,
    pub stopped: Option<Time>,
    pub created: Time,
    pub tags: BTreeMap<String, String>,
}

/// What a new trail is to be.
#[derive(Clone, Debug)]
pub struct NewTrail {
    pub name: String,
    pub bucket: String,
    pub prefix: Option<String>,
    pub global_service_events: bool,
    pub multi_region: bool,
    pub validation: bool,
    /// Any reference to a key: id, ARN, alias or alias ARN.
    pub kms_key: Option<String>,
    pub organization: bool,
    pub recursive_logging: bool,
    pub tags: BTreeMap<String, String>,
}

/// What is to change; None leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct TrailUpdate {
    pub bucket: Option<String>,
    /// `Some(None)` takes the prefix away.
    pub prefix: Option<Option<String>>,
    pub global_service_events: Option<bool>,
    pub multi_region: Option<bool>,
    pub validation: Option<bool>,
    /// `Some(None)` takes the key away.
    pub kms_key: Option<Option<String>>,
    pub organization: Option<bool>,
    pub recursive_logging: Option<bool>,
}

/// How delivery stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub latest_delivery: Option<Time>,
    pub latest_delivery_attempt: Option<Time>,
    pub latest_delivery_error: Option<String>,
    pub latest_digest_delivery: Option<Time>,
    pub latest_digest_error: Option<String>,
}

/// A key that signed digests, as ListPublicKeys shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// PKCS#1 RSAPublicKey, DER.
    pub der: Vec<u8>,
    pub valid_from: Time,
    pub valid_to: Time,
    /// Hex MD5 of `der`.
    pub fingerprint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
    /// AWS's name for what is wrong without its suffix `Exception`, and a sentence for the caller.
    #[error("{message}")]
    Invalid { code: &'static str, message: String },
    #[error("trails: {0}")]
    Unavailable(String),
    #[error("trails: {0}")]
    Corrupt(String),
}

impl Error {
    pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { code, message: message.into() }
    }
}

impl From<cairn_pattern::Error> for Error {
    fn from(error: cairn_pattern::Error) -> Self {
        Self::invalid("InvalidEventSelectors", error.to_string())
    }
}

impl From<cairn_store::Error> for Error {
    fn from(error: cairn_store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<cairn_store::sqlx::Error> for Error {
    fn from(error: cairn_store::sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
