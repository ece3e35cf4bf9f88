//! Whom a statement is about.

use crate::caller::{Kind, Who};

/// How closely a statement names a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    #[default]
    None,
    /// Its account: the account's own policies say who of it.
    Account,
    /// The user, role, service, or everybody.
    Entity,
    /// The very session of a role, which its session policies do not limit.
    Session,
}

#[derive(Debug)]
pub(super) struct Principals {
    /// `NotPrincipal`: everybody but these.
    pub excluded: bool,
    pub named: Vec<Principal>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Principal {
    Everybody,
    Account(String),
    /// Of a user, a role or a role's session.
    Arn(String),
    /// `AIDA…` or `AROA…`
    Id(String),
    AnyService,
    Service(String),
    /// A user of another identity provider: none of them can call here.
    Federated,
}

impl Principals {
    pub fn strength(&self, who: &Who, allows: bool) -> Strength {
        let named = self.named.iter().map(|principal| principal.strength(who)).max().unwrap_or_default();
        // To be left out of a denial it is not enough that one's account is.
        let spared = if allows { named != Strength::None } else { named >= Strength::Entity };
        match (self.excluded, spared) {
            (false, _) => named,
            (true, true) => Strength::None,
            (true, false) => Strength::Entity,
        }
    }
}

impl Principal {
    fn strength(&self, who: &Who) -> Strength {
        let when = |holds: bool, strength| if holds { strength } else { Strength::None };
        match self {
            Self::Everybody => Strength::Entity,
            Self::Account(account) if who.kind == Kind::Root => when(*account == who.account, Strength::Entity),
            Self::Account(account) => when(*account == who.account, Strength::Account),
            Self::Arn(arn) if *arn == who.entity_arn => Strength::Entity,
            Self::Arn(arn) => when(who.kind == Kind::Role && *arn == who.arn, Strength::Session),
            Self::Id(id) => when(*id == who.entity, Strength::Entity),
            Self::AnyService => when(who.kind == Kind::Service, Strength::Entity),
            Self::Service(name) => when(who.kind == Kind::Service && *name == who.arn, Strength::Entity),
            Self::Federated => Strength::None,
        }
    }

    /// Reads what stands under `AWS`.
    pub fn aws(text: &str) -> Option<Self> {
        let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if text == "*" {
            return Some(Self::Everybody);
        }
        if digits(text) {
            return Some(Self::Account(text.to_owned()));
        }
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if (text.starts_with("AIDA") || text.starts_with("AROA")) && text.len() >= 16 && plain(text) {
            return Some(Self::Id(text.to_owned()));
        }
        let mut parts = text.strip_prefix("arn:aws:")?.splitn(4, ':');
        let (service, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let named = |prefix: &str| resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
        match (service, region, resource) {
            _ if !digits(account) || text.contains(['*', '?']) => None,
            ("iam", "", "root") => Some(Self::Account(account.to_owned())),
            ("iam", "", _) if named("user/") || named("role/") => Some(Self::Arn(text.to_owned())),
            ("sts", "", _) if named("assumed-role/") => Some(Self::Arn(text.to_owned())),
            ("sts", "", _) if named("federated-user/") => Some(Self::Federated),
            _ => None,
        }
    }
}
