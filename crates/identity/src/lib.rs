//! Outline of identity's interface; the body follows.
#![allow(clippy::unimplemented, clippy::unused_async, unused_variables, dead_code)]

use cairn_event::Time;
use cairn_store::{Db, Seal};
use cairn_wire::Secret;
use cairn_world::World;
use serde_json::Value;
use std::sync::Arc;

/// Users, roles, keys, sessions, policies of all accounts. Everything is held in memory
/// (changes are committed to the database first). Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    LimitExceeded(String),
    #[error("identity: {0}")]
    Unavailable(String),
    #[error("identity: {0}")]
    Corrupt(String),
}

/// Why an access key does not name a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    Unknown,
    Inactive,
    InvalidToken,
    ExpiredToken,
}

/// The first account, made at the first start.
pub struct FirstAccount {
    pub account: String,
    /// Given key or drawn.
    pub access_key: Option<(String, Secret)>,
}

/// What the house knows of its own account, for the credentials file.
pub struct RootKey {
    pub account: String,
    pub access_key: String,
    pub secret: Secret,
}

/// A secret to check a signature with and the caller that it proves.
#[derive(Clone)]
pub struct Credential {
    pub secret: Secret,
    pub caller: Caller,
}

impl Identity {
    pub async fn open(world: &World, db: &Db, seal: Arc<Seal>) -> Result<Self, Error> {
        unimplemented!()
    }
    /// The account this house was made with, if it was.
    pub fn home_account(&self) -> Option<String> {
        unimplemented!()
    }
    /// Makes the first account with its root key; called once, at the first start.
    pub async fn found(&self, first: FirstAccount) -> Result<RootKey, Error> {
        unimplemented!()
    }
    /// A root access key of the home account, to write DATA/aws/credentials again.
    pub fn root_key(&self) -> Option<RootKey> {
        unimplemented!()
    }
    /// Whether an account of this number exists here.
    pub fn has_account(&self, account: &str) -> bool {
        unimplemented!()
    }
    /// `o-…` of the organization that an account belongs to, and its management account.
    pub fn organization_of(&self, account: &str) -> Option<Organization> {
        unimplemented!()
    }
    /// Whose access key it is. In memory, no waiting.
    pub fn credential(&self, access_key: &str, token: Option<&str>) -> Result<Credential, CredentialError> {
        unimplemented!()
    }
    /// May the caller do it? See [`Request`].
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        unimplemented!()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub id: String,
    pub management_account: String,
    pub members: Vec<String>,
}

/// Who calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    inner: Arc<()>,
}

impl Caller {
    /// Nobody: a request without a signature. Recorded as AWSAccount / ANONYMOUS_PRINCIPAL.
    pub fn anonymous() -> Self {
        unimplemented!()
    }
    /// Somebody who showed this access key but did not prove to be its owner.
    pub fn unknown(access_key: &str) -> Self {
        unimplemented!()
    }
    /// A service acting on its own, for example `cloudtrail.amazonaws.com`; policies see
    /// `aws:PrincipalIsAWSService` and it matches `{"Service": …}` principals.
    pub fn service(name: &'static str) -> Self {
        unimplemented!()
    }
    /// 12 digits; empty for nobody and for services.
    pub fn account(&self) -> &str {
        unimplemented!()
    }
    pub fn arn(&self) -> &str {
        unimplemented!()
    }
    /// `AIDA…`, `AROA…:session`, the account for root.
    pub fn principal_id(&self) -> &str {
        unimplemented!()
    }
    pub fn is_root(&self) -> bool {
        unimplemented!()
    }
    pub fn access_key(&self) -> Option<&str> {
        unimplemented!()
    }
    /// `userIdentity` of the caller's records.
    pub fn user_identity(&self) -> Value {
        unimplemented!()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    Identity,
    /// Has principals.
    Resource,
    /// A role's trust policy: principals, no resource.
    Trust,
}

/// A policy, parsed and checked once.
#[derive(Clone, Debug)]
pub struct Policy {
    inner: (),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

impl Policy {
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        unimplemented!()
    }
}

/// Condition keys and their values. Keys are case-insensitive; inserting a key again adds a value.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pairs: Vec<(String, String)>,
}

impl Context {
    pub fn insert(&mut self, key: &str, value: &str) {
        self.pairs.push((key.to_owned(), value.to_owned()));
    }
}

/// One question.
pub struct Request<'a> {
    pub caller: &'a Caller,
    /// `cloudtrail:CreateTrail`
    pub action: &'a str,
    pub resource: &'a str,
    pub resource_account: &'a str,
    pub resource_policy: Option<&'a Policy>,
    /// The resource policy must allow (KMS keys, role trust) rather than may.
    pub policy_required: bool,
    pub context: &'a Context,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// Nothing allows it.
    ImplicitDeny,
    ExplicitDeny,
}

/// When a session was made and for how long it is good, for `sessionContext`.
#[derive(Clone, Copy, Debug)]
pub struct SessionSpan {
    pub created: Time,
    pub expires: Time,
}
