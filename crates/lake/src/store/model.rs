//! What an event data store is, as its API, the queries and the tables share it.

use crate::sql::Shape;
use cairn_event::Time;
use cairn_pattern::selector::{AdvancedSelector, StoreKind, StoreSelectors};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who asks and where: an id alone means a store of this account in this region.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub account: &'a str,
    pub region: &'a str,
}

/// One event data store as it stands now. The serialized form stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// A UUID; its table has the same.
    pub id: String,
    pub arn: String,
    pub name: String,
    pub account: String,
    pub region: String,
    pub selectors: StoreSelectors,
    pub multi_region: bool,
    /// `o-…`, when it takes events of all accounts of an organization.
    pub organization: Option<String>,
    pub retention_days: u32,
    pub billing: Billing,
    pub protected: bool,
    /// Whether it takes what is recorded, as long as it is not doomed.
    pub ingesting: bool,
    /// The role through which query engines elsewhere read it.
    pub federation: Option<String>,
    pub event_size: EventSize,
    /// When it will be removed for good.
    pub doomed: Option<Time>,
    pub created: Time,
    pub updated: Time,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    #[serde(rename = "ENABLED")]
    Enabled,
    #[serde(rename = "STOPPED_INGESTION")]
    Stopped,
    #[serde(rename = "PENDING_DELETION")]
    Doomed,
}

/// How long a store may keep events; nobody pays here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Billing {
    #[default]
    #[serde(rename = "EXTENDABLE_RETENTION_PRICING")]
    Extendable,
    #[serde(rename = "FIXED_RETENTION_PRICING")]
    Fixed,
}

/// Up to which size AWS keeps an event whole. Here no event is ever cut, so both are kept to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventSize {
    #[default]
    Standard,
    Large,
}

/// What a new store is to be; what is None has the default.
#[derive(Clone, Debug, Default)]
pub struct NewStore {
    pub name: String,
    pub selectors: Option<Vec<AdvancedSelector>>,
    pub multi_region: Option<bool>,
    pub organization: Option<bool>,
    pub retention_days: Option<u32>,
    pub billing: Option<Billing>,
    pub protected: Option<bool>,
    pub start_ingestion: Option<bool>,
    pub kms_key: Option<String>,
    pub tags: BTreeMap<String, String>,
}

/// What is to change; None leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct StoreUpdate {
    pub name: Option<String>,
    pub selectors: Option<Vec<AdvancedSelector>>,
    pub multi_region: Option<bool>,
    pub organization: Option<bool>,
    pub retention_days: Option<u32>,
    pub billing: Option<Billing>,
    pub protected: Option<bool>,
    pub kms_key: Option<String>,
}

impl Store {
    /// What its events are; it never changes.
    pub const fn kind(&self) -> StoreKind {
        self.selectors.kind()
    }

    pub const fn shape(&self) -> Shape {
        match self.kind() {
            StoreKind::Trail => Shape::Trail,
            StoreKind::Insight => Shape::Insight,
            StoreKind::ConfigurationItem | StoreKind::Evidence | StoreKind::ActivityAuditLog => Shape::Activity,
        }
    }

    pub const fn status(&self) -> Status {
        match (self.doomed, self.ingesting) {
            (Some(_), _) => Status::Doomed,
            (None, true) => Status::Enabled,
            (None, false) => Status::Stopped,
        }
    }
}

impl Billing {
    pub(crate) const fn days_default(self) -> u32 {
        match self {
            Self::Extendable => 366,
            Self::Fixed => 2557,
        }
    }

    pub(crate) const fn days_max(self) -> u32 {
        match self {
            Self::Extendable => 3653,
            Self::Fixed => 2557,
        }
    }
}
