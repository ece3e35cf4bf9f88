//! How sessions begin.

use crate::caller::{Caller, Kind};
use crate::model::{Document, Entity, Owner, Sort, Tags};
use crate::session::{Session, SessionSpan};
use crate::{Error, Identity, PolicyKind, draw, limit};
use cairn_wire::Secret;
use std::sync::Arc;
use std::time::Duration;

const HOUR_SECONDS: u32 = 3600;
const ROLE_SECONDS: u32 = HOUR_SECONDS;
const USER_SECONDS: u32 = 12 * HOUR_SECONDS;

/// How a role is to be assumed.
#[derive(Clone, Debug, Default)]
pub struct NewSession {
    pub name: String,
    /// An hour when nothing is said.
    pub seconds: Option<u32>,
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub tags: Tags,
    pub transitive: Vec<String>,
    pub source_identity: Option<String>,
}

/// A session that has begun. Its token is nowhere else.
#[derive(Clone, Debug)]
pub struct Issued {
    pub session: Session,
    pub secret: Secret,
    pub token: Secret,
    /// How much of the room for its policy and tags it takes.
    pub packed_percent: Option<u32>,
}

impl Identity {
    /// The role that an ARN names, whichever account it is in.
    pub fn role(&self, arn: &str) -> Option<Arc<Entity>> {
        let (account, path) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
        let name = path.rsplit('/').next()?;
        let role = self.state().named(account, Sort::Role, name).cloned()?;
        (role.arn() == arn).then_some(role)
    }

    /// Begins a session as a role. Whether the caller may is for others to ask.
    pub fn assume(&self, caller: &Caller, role: &Entity, new: NewSession) -> Result<Issued, Error> {
        let seconds = role_seconds(caller, role, new.seconds)?;
        limit::session_name("RoleSessionName", &new.name)?;
        let policy = new.policy.as_deref().map(session_policy).transpose()?;
        self.check_arns(&role.account, &new.policy_arns)?;
        let before = caller.session();
        let source_identity = source_identity(before, new.source_identity)?;
        let (tags, transitive) = inherit(before, new.tags, new.transitive)?;
        let mut packed = policy.as_ref().map_or(0, |policy| policy.text.len());
        packed += tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        packed += new.policy_arns.iter().map(String::len).sum::<usize>();
        let packed_percent = (packed > 0).then(|| (packed * 100).div_ceil(2 * limit::SESSION_CHARS_MAX) as u32);
        let owner = Owner::Role(role.id.clone());
        let session = Session {
            name: new.name,
            source_identity,
            tags,
            transitive,
            policy,
            policy_arns: new.policy_arns,
            ..self.bare(&role.account, owner, seconds)
        };
        Ok(self.issue(session, packed_percent))
    }

    /// Begins a session as the caller itself, a user or a root with a long-lived key.
    pub fn session_token(&self, caller: &Caller, seconds: Option<u32>) -> Result<Issued, Error> {
        let who = &*caller.inner;
        if who.session.is_some() {
            return Err(Error::Managed("cannot call GetSessionToken with session credentials".to_owned()));
        }
        let seconds = seconds.unwrap_or(USER_SECONDS);
        limit::between("DurationSeconds", seconds, 900, 36 * HOUR_SECONDS)?;
        let (owner, seconds) = match who.kind {
            Kind::Root => (Owner::Root, seconds.min(HOUR_SECONDS)),
            Kind::User => (Owner::User(who.entity.clone()), seconds),
            _ => return Err(Error::Managed("only users and roots have sessions of their own".to_owned())),
        };
        Ok(self.issue(self.bare(&who.account, owner, seconds), None))
    }

    /// Begins a session for somebody who acts for the caller: it can do what the caller can and `scope`, a
    /// policy, allows. It ends with the caller's own session, if the caller is in one.
    pub fn delegate(&self, caller: &Caller, scope: &str, seconds: u32) -> Result<Issued, Error> {
        let who = &*caller.inner;
        let owner = match who.kind {
            Kind::Root => Owner::Root,
            Kind::User => Owner::User(who.entity.clone()),
            Kind::Role => Owner::Role(who.entity.clone()),
            Kind::Anonymous | Kind::Unknown | Kind::Service => {
                return Err(Error::Managed("only roots, users and roles can let others act for them".to_owned()));
            }
        };
        let scope = Some(Document::read(scope, PolicyKind::Identity)?);
        let new = self.bare(&who.account, owner, seconds);
        let Some(before) = caller.session() else {
            let parent = caller.access_key().map(str::to_owned);
            return Ok(self.issue(Session { scope, parent, ..new }, None));
        };
        if before.scope.is_some() {
            return Err(Error::Managed(
                "this session was handed out for one purpose and cannot be passed on".to_owned(),
            ));
        }
        let expires = new.span.expires.min(before.span.expires);
        let session = Session {
            access_key: new.access_key,
            secret: new.secret.clone(),
            span: SessionSpan { created: new.span.created, expires },
            scope,
            ..before.clone()
        };
        Ok(self.issue(session, None))
    }

    fn bare(&self, account: &str, owner: Owner, seconds: u32) -> Session {
        let created = self.now().to_second();
        let expires = created + Duration::from_secs(seconds.into());
        Session {
            access_key: draw::access_key(&self.inner.world, "ASIA", account),
            secret: draw::secret(&self.inner.world),
            account: account.to_owned(),
            owner,
            span: SessionSpan { created, expires },
            name: String::new(),
            mfa: false,
            source_identity: None,
            tags: Tags::new(),
            transitive: Vec::new(),
            policy: None,
            policy_arns: Vec::new(),
            scope: None,
            parent: None,
        }
    }

    fn issue(&self, session: Session, packed_percent: Option<u32>) -> Issued {
        let (secret, token) = (session.secret.clone(), session.token(&self.inner.seal));
        Issued { session, secret, token, packed_percent }
    }

    fn check_arns(&self, account: &str, arns: &[String]) -> Result<(), Error> {
        if arns.len() > limit::SESSION_POLICIES_MAX {
            return Err(Error::Invalid(format!(
                "a session has at most {} managed policies",
                limit::SESSION_POLICIES_MAX
            )));
        }
        let state = self.state();
        arns.iter().try_for_each(|arn| state.visible(account, arn).map(|_| ()))
    }
}

fn session_policy(text: &str) -> Result<Document, Error> {
    if text.chars().count() > limit::SESSION_CHARS_MAX {
        return Err(Error::Invalid(format!("a session policy has at most {} characters", limit::SESSION_CHARS_MAX)));
    }
    Document::read(text, PolicyKind::Identity)
}

/// A role that assumes a role does so for an hour at most.
fn role_seconds(caller: &Caller, role: &Entity, asked: Option<u32>) -> Result<u32, Error> {
    let seconds = asked.unwrap_or(ROLE_SECONDS);
    limit::between("DurationSeconds", seconds, 900, USER_SECONDS)?;
    if caller.inner.kind == Kind::Role && seconds > HOUR_SECONDS {
        let message =
            "the requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(Error::Invalid(message.to_owned()));
    }
    if role.role.as_ref().is_some_and(|role| seconds > role.session_seconds_max) {
        let message = "the requested DurationSeconds exceeds the MaxSessionDuration set for this role";
        return Err(Error::Invalid(message.to_owned()));
    }
    Ok(seconds)
}

/// Once said it stays, through every role assumed after.
fn source_identity(before: Option<&Session>, asked: Option<String>) -> Result<Option<String>, Error> {
    if let Some(asked) = &asked {
        limit::session_name("SourceIdentity", asked)?;
    }
    match (before.and_then(|session| session.source_identity.clone()), asked) {
        (Some(own), Some(asked)) if own != asked => {
            Err(Error::Managed(format!("the source identity of this session is {own} and stays so")))
        }
        (own, asked) => Ok(own.or(asked)),
    }
}

/// The tags of the new session: what is asked, and what the session before passes on.
fn inherit(before: Option<&Session>, asked: Tags, mut transitive: Vec<String>) -> Result<(Tags, Vec<String>), Error> {
    let mut tags = asked;
    if let Some(missing) = transitive.iter().find(|key| !tags.contains_key(*key)) {
        return Err(Error::Invalid(format!("the transitive tag key {missing:.150?} is not among the session's tags")));
    }
    for key in before.iter().flat_map(|session| &session.transitive) {
        let Some(value) = before.and_then(|session| session.tags.get(key)) else { continue };
        if tags.keys().any(|own| own.eq_ignore_ascii_case(key)) {
            let message = format!("the tag {key:.150?} is passed on by the calling session and cannot be set again");
            return Err(Error::Invalid(message));
        }
        tags.insert(key.clone(), value.clone());
        transitive.push(key.clone());
    }
    limit::tags(&tags)?;
    Ok((tags, transitive))
}
