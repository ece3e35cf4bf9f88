//! What is known of accounts, of those who live in them, and of their policies.

use crate::{Error, Policy, PolicyKind};
use cairn_event::Time;
use cairn_wire::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

pub type Tags = BTreeMap<String, String>;

/// One account. Its root is no entity of its own: the account is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// 12 digits.
    pub id: String,
    pub created: Time,
    pub name: String,
    pub email: String,
    pub alias: Option<String>,
    pub membership: Option<Membership>,
    /// Whether the house was made with it.
    pub home: bool,
}

/// That an account belongs to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// `o-…`
    pub organization: String,
    pub management_account: String,
    pub joined: Time,
    /// `car-…` of the call that made the account for the organization.
    pub request: Option<String>,
}

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sort {
    User,
    Role,
    Group,
}

impl Sort {
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Group => "group",
        }
    }

    pub(crate) const fn id_prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Role => "AROA",
            Self::Group => "AGPA",
        }
    }
}

/// A user, a role or a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entity {
    pub sort: Sort,
    /// `AIDA…`, `AROA…`, `AGPA…`; never used again.
    pub id: String,
    pub account: String,
    pub name: String,
    /// `/` or `/…/`
    pub path: String,
    pub created: Time,
    pub tags: Tags,
    /// Policies of its own, by name.
    pub inline: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    pub attached: BTreeSet<String>,
    /// The ids of a user's groups.
    pub groups: BTreeSet<String>,
    /// What only roles have.
    pub role: Option<Assumable>,
}

/// Who may be a role, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assumable {
    #[serde(deserialize_with = "trust")]
    pub trust: Document,
    pub description: Option<String>,
    pub session_seconds_max: u32,
}

impl Entity {
    pub fn arn(&self) -> String {
        arn(&self.account, self.sort.word(), &self.path, &self.name)
    }
}

/// `arn:aws:iam::ACCOUNT:user/path/name`
pub fn arn(account: &str, word: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{word}{path}{name}")
}

/// A policy as it was given, and read.
#[derive(Clone, Debug)]
pub struct Document {
    pub text: String,
    pub policy: Policy,
}

impl Document {
    pub fn read(text: &str, kind: PolicyKind) -> Result<Self, Error> {
        Ok(Self { text: text.to_owned(), policy: Policy::parse(text, kind)? })
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?, PolicyKind::Identity).map_err(serde::de::Error::custom)
    }
}

fn trust<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
    Document::read(&String::deserialize(deserializer)?, PolicyKind::Trust).map_err(serde::de::Error::custom)
}

/// A policy with a name that can be attached to entities.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// `ANPA…`
    pub id: String,
    pub arn: String,
    /// `aws` for those that come with the house.
    pub account: String,
    pub name: String,
    pub path: String,
    pub created: Time,
    pub updated: Time,
    pub description: Option<String>,
    pub tags: Tags,
    /// Ascending.
    pub versions: Vec<Version>,
    pub default: u32,
    /// The number of the next version; a number is not used twice.
    pub next: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    pub number: u32,
    pub created: Time,
    pub document: Document,
}

impl ManagedPolicy {
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The version that counts.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        Some(&self.version(self.default)?.document.policy)
    }
}

/// Whose an access key or session is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    Root,
    /// By id.
    User(String),
    Role(String),
}

/// A long-lived access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA…`
    pub id: String,
    pub account: String,
    pub owner: Owner,
    pub active: bool,
    pub created: Time,
    /// The secret under the house's root key, in base64.
    pub(crate) sealed: String,
    #[serde(skip)]
    pub(crate) secret: Secret,
}

/// Part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Whether more follow after the last of `items`.
    pub more: bool,
}

impl<T> Page<T> {
    /// At most `count_max` of what follows.
    pub fn take(mut rest: impl Iterator<Item = T>, count_max: usize) -> Self {
        let items = rest.by_ref().take(count_max).collect();
        Self { items, more: rest.next().is_some() }
    }
}
