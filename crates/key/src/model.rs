//! What is known of a key and of an alias.

use cairn_event::Time;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a reference is resolved: in one account's region.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub account: &'a str,
    pub region: &'a str,
}

/// What a key can be used for just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Enabled,
    Disabled,
    /// Unusable; gone for good, its material with it, from this time on.
    PendingDeletion(Time),
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion(_) => "PendingDeletion",
        }
    }
}

/// Automatic rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub period_days: u32,
    pub next: Time,
}

/// One key as it stands at the moment of asking. Its material is not in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: Uuid,
    pub arn: String,
    pub account: String,
    pub region: String,
    pub created: Time,
    pub description: String,
    pub status: Status,
    /// The key policy as it was given. Whoever lets a caller use the key evaluates it.
    pub policy: String,
    pub tags: BTreeMap<String, String>,
    /// The service that the house made it for; `None` for a customer's key.
    pub managed_for: Option<String>,
    pub rotation: Option<Rotation>,
    /// How often it was rotated on demand.
    pub rotations_on_demand: u32,
}

/// A name for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// `alias/…`
    pub name: String,
    pub arn: String,
    pub account: String,
    pub region: String,
    pub key: Uuid,
    pub created: Time,
    pub updated: Time,
}

/// What a new key is to be.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    pub description: String,
    /// Without one the key delegates to its account, see [`crate::default_policy`].
    pub policy: Option<String>,
    pub tags: BTreeMap<String, String>,
}

/// Part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Whether more follow after the last of `items`.
    pub more: bool,
}
