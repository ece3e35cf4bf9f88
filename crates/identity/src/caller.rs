//! Who calls, what policies see of them, and what their records say.

use crate::model::{Account, Entity};
use crate::session::Session;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Anonymous,
    Unknown,
    Service,
    Root,
    User,
    Role,
}

/// Who calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) inner: Arc<Who>,
}

#[derive(Debug)]
pub(crate) struct Who {
    pub kind: Kind,
    pub account: String,
    /// For a service, its name.
    pub arn: String,
    /// Of the user or role that is behind the caller.
    pub entity_arn: String,
    /// The id of that user or role.
    pub entity: String,
    pub principal_id: String,
    pub access_key: Option<String>,
    pub session: Option<Arc<Session>>,
    /// Condition keys that the caller brings along.
    pub keys: Vec<(String, String)>,
    pub user_identity: Value,
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

/// All that a policy can ask about one question.
pub(crate) struct Facts<'a> {
    pub who: &'a Who,
    pub action: &'a str,
    pub resource: &'a str,
    pub context: &'a Context,
}

impl Facts<'_> {
    /// The values of a condition key. What the caller brings along cannot be said otherwise by the call.
    pub fn values<'b>(&'b self, key: &'b str) -> impl Iterator<Item = &'b str> {
        let named = move |pair: &&(String, String)| pair.0.eq_ignore_ascii_case(key);
        let known = self.who.keys.iter().any(|pair| named(&pair));
        let own = self.who.keys.iter().filter(named);
        let others = self.context.pairs.iter().filter(move |pair| !known && named(pair));
        own.chain(others).map(|(_, value)| value.as_str())
    }

    /// The value of a key that has exactly one.
    pub fn only<'b>(&'b self, key: &'b str) -> Option<&'b str> {
        let mut values = self.values(key);
        values.next().filter(|_| values.next().is_none())
    }
}

impl Who {
    fn bare(kind: Kind, arn: &str, user_identity: Value) -> Self {
        let key = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let keys = match kind {
            Kind::Service => vec![key("aws:PrincipalIsAWSService", "true"), key("aws:PrincipalServiceName", arn)],
            _ => vec![key("aws:PrincipalIsAWSService", "false"), key("aws:PrincipalType", "Anonymous")],
        };
        Self {
            kind,
            account: String::new(),
            arn: arn.to_owned(),
            entity_arn: String::new(),
            entity: String::new(),
            principal_id: String::new(),
            access_key: None,
            session: None,
            keys,
            user_identity,
        }
    }
}

impl Caller {
    /// Nobody: a request without a signature. Recorded as AWSAccount / ANONYMOUS_PRINCIPAL.
    pub fn anonymous() -> Self {
        let identity = json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"});
        Self { inner: Arc::new(Who::bare(Kind::Anonymous, "anonymous", identity)) }
    }

    /// Somebody who showed this access key but did not prove to be its owner. AWS records
    /// no such call; here the record shows the key, at most its first 128 characters.
    pub fn unknown(access_key: &str) -> Self {
        let shown: String = access_key.chars().take(128).collect();
        let who = Who::bare(Kind::Unknown, "anonymous", json!({"type": "Unknown", "accessKeyId": shown}));
        Self { inner: Arc::new(Who { access_key: Some(shown), ..who }) }
    }

    /// A service acting on its own, for example `cloudtrail.amazonaws.com`; policies see
    /// `aws:PrincipalIsAWSService` and it matches `{"Service": …}` principals.
    pub fn service(name: &'static str) -> Self {
        Self { inner: Arc::new(Who::bare(Kind::Service, name, json!({"type": "AWSService", "invokedBy": name}))) }
    }

    /// The root of an account.
    pub(crate) fn root(account: &Account, access_key: &str, session: Option<Arc<Session>>) -> Self {
        let id = &account.id;
        let arn = format!("arn:aws:iam::{id}:root");
        let mut identity = json!({
            "type": "Root", "principalId": id, "arn": arn, "accountId": id, "accessKeyId": access_key,
        });
        if let Some(alias) = &account.alias {
            identity["userName"] = alias.as_str().into();
        }
        let identity = with_session(identity, session.as_deref(), None);
        Self::known(Kind::Root, account, id, &arn, &arn, id, access_key, session, identity)
    }

    /// A user, with an access key or in a session of its own.
    pub(crate) fn user(account: &Account, user: &Entity, access_key: &str, session: Option<Arc<Session>>) -> Self {
        let arn = user.arn();
        let identity = json!({
            "type": "IAMUser", "principalId": user.id, "arn": arn, "accountId": user.account,
            "accessKeyId": access_key, "userName": user.name,
        });
        let identity = with_session(identity, session.as_deref(), None);
        let mut caller =
            Self::known(Kind::User, account, &user.id, &arn, &arn, &user.id, access_key, session, identity);
        caller.bring("aws:username", &user.name);
        caller.tags(user);
        caller
    }

    /// A role in a session.
    pub(crate) fn role(account: &Account, role: &Entity, session: Arc<Session>) -> Self {
        let entity_arn = role.arn();
        let arn = format!("arn:aws:sts::{}:assumed-role/{}/{}", role.account, role.name, session.name);
        let id = format!("{}:{}", role.id, session.name);
        let identity = json!({
            "type": "AssumedRole", "principalId": id, "arn": arn, "accountId": role.account,
            "accessKeyId": session.access_key,
        });
        let issuer = json!({
            "type": "Role", "principalId": role.id, "arn": entity_arn, "accountId": role.account, "userName": role.name,
        });
        let identity = with_session(identity, Some(&session), Some(issuer));
        let access_key = session.access_key.clone();
        let session = Some(session);
        let mut caller =
            Self::known(Kind::Role, account, &role.id, &entity_arn, &arn, &id, &access_key, session, identity);
        caller.tags(role);
        caller
    }

    #[expect(clippy::too_many_arguments, reason = "a flat list of what is known, used three times above")]
    fn known(
        kind: Kind,
        account: &Account,
        entity: &str,
        entity_arn: &str,
        arn: &str,
        principal_id: &str,
        access_key: &str,
        session: Option<Arc<Session>>,
        user_identity: Value,
    ) -> Self {
        let text = str::to_owned;
        let sort = match kind {
            Kind::Root => "Account",
            Kind::Role => "AssumedRole",
            _ => "User",
        };
        let pair = |key: &str, value: &str| (text(key), text(value));
        let mut keys = vec![
            pair("aws:PrincipalArn", entity_arn),
            pair("aws:PrincipalAccount", &account.id),
            pair("aws:PrincipalType", sort),
            pair("aws:userid", principal_id),
            pair("aws:PrincipalIsAWSService", "false"),
        ];
        if let Some(membership) = &account.membership {
            keys.push(pair("aws:PrincipalOrgID", &membership.organization));
        }
        if let Some(session) = &session {
            keys.push(pair("aws:MultiFactorAuthPresent", if session.mfa { "true" } else { "false" }));
            keys.push(pair("aws:TokenIssueTime", &session.span.created.iso()));
            keys.extend(session.source_identity.iter().map(|source| pair("aws:SourceIdentity", source)));
        }
        let inner = Who {
            kind,
            account: account.id.clone(),
            arn: text(arn),
            entity_arn: text(entity_arn),
            entity: text(entity),
            principal_id: text(principal_id),
            access_key: Some(text(access_key)),
            session,
            keys,
            user_identity,
        };
        Self { inner: Arc::new(inner) }
    }

    fn bring(&mut self, key: &str, value: &str) {
        let who = Arc::get_mut(&mut self.inner).expect("a caller that is being made is not shared yet");
        who.keys.push((key.to_owned(), value.to_owned()));
    }

    /// Tags of the session stand before those of the entity.
    fn tags(&mut self, entity: &Entity) {
        let session = self.inner.session.clone();
        let given = session.iter().flat_map(|session| &session.tags);
        let taken = |name: &String| session.as_ref().is_some_and(|session| session.tags.contains_key(name));
        for (name, value) in given.chain(entity.tags.iter().filter(|(name, _)| !taken(name))) {
            self.bring(&format!("aws:PrincipalTag/{name}"), value);
        }
    }

    /// 12 digits; empty for nobody and for services.
    pub fn account(&self) -> &str {
        &self.inner.account
    }

    /// For a service, its name.
    pub fn arn(&self) -> &str {
        &self.inner.arn
    }

    /// `AIDA…`, `AROA…:session`, the account for root.
    pub fn principal_id(&self) -> &str {
        &self.inner.principal_id
    }

    pub fn is_root(&self) -> bool {
        self.inner.kind == Kind::Root
    }

    /// Whether nobody proved to be anybody.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.inner.kind, Kind::Anonymous | Kind::Unknown)
    }

    pub fn access_key(&self) -> Option<&str> {
        self.inner.access_key.as_deref()
    }

    /// The name of the user, if it is one.
    pub fn user_name(&self) -> Option<&str> {
        self.inner.user_identity.get("userName").and_then(Value::as_str).filter(|_| self.inner.kind == Kind::User)
    }

    /// The session that the caller is in, unless it uses a long-lived key.
    pub fn session(&self) -> Option<&Session> {
        self.inner.session.as_deref()
    }

    /// `userIdentity` of the caller's records.
    pub fn user_identity(&self) -> Value {
        self.inner.user_identity.clone()
    }
}

fn with_session(mut identity: Value, session: Option<&Session>, issuer: Option<Value>) -> Value {
    let Some(session) = session else { return identity };
    let mut context = json!({});
    if let Some(issuer) = issuer {
        context["sessionIssuer"] = issuer;
    }
    context["attributes"] = json!({
        "creationDate": session.span.created.iso(),
        "mfaAuthenticated": if session.mfa { "true" } else { "false" },
    });
    if let Some(source) = &session.source_identity {
        context["sourceIdentity"] = source.as_str().into();
    }
    identity["sessionContext"] = context;
    identity
}
