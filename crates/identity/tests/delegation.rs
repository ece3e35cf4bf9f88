//! Bearer tokens, and sessions for those who act for somebody.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cairn_event::Time;
use cairn_identity::{
    Caller, Context, CredentialError, Decision, Error, FirstAccount, Identity, Issued, NewEntity, NewRole, NewSession,
    Owner, Request, Sort, Tags,
};
use cairn_store::{Db, Seal};
use cairn_wire::Secret;
use cairn_world::sim::Sim;
use std::sync::Arc;
use std::time::Duration;

const HOME: &str = "111122223333";
const HOUR: Duration = Duration::from_hours(1);
const READ_LAKE: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/events/*"}]}"#;
const ALL_OF_S3: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:*", "sts:*"], "Resource": "*"}]}"#;
const ANYBODY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}"#;
const KEY_IN_LAKE: &str = "arn:aws:s3:::lake/events/data/1.parquet";
const KEY_ELSEWHERE: &str = "arn:aws:s3:::lake/other/data/1.parquet";

fn entity(sort: Sort, name: &str, role: Option<NewRole>) -> NewEntity {
    NewEntity { sort, name: name.to_owned(), path: None, tags: Tags::new(), role }
}

struct House {
    _dir: tempfile::TempDir,
    sim: Sim,
    identity: Identity,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::parse("2026-11-24T12:00:00Z").unwrap());
        let seal = Arc::new(Seal::open(&sim.world(), &dir.path().join("root.key")).unwrap());
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let identity = Identity::open(&sim.world(), &db, seal).await.unwrap();
        identity.found(FirstAccount { account: HOME.to_owned(), access_key: None }).await.unwrap();
        Self { _dir: dir, sim, identity }
    }

    fn root(&self) -> Caller {
        let key = self.identity.root_key().unwrap();
        self.identity.credential(&key.access_key, None).unwrap().caller
    }

    /// A user who may do all of S3, with an access key.
    async fn user(&self) -> (String, Secret) {
        let alice = self.identity.create(HOME, entity(Sort::User, "alice", None)).await.unwrap();
        self.identity.put_inline(HOME, Sort::User, "alice", "s3", ALL_OF_S3).await.unwrap();
        let key = self.identity.create_key(HOME, &Owner::User(alice.id.clone())).await.unwrap();
        (key.id.clone(), key.secret().clone())
    }

    fn caller(&self, issued: &Issued) -> Result<Caller, CredentialError> {
        let token = issued.token.expose();
        self.identity.credential(&issued.session.access_key, Some(token)).map(|credential| credential.caller)
    }

    fn may(&self, caller: &Caller, action: &str, resource: &str) -> bool {
        let context = Context::default();
        let request = Request {
            caller,
            action,
            resource,
            resource_account: HOME,
            resource_policy: None,
            policy_required: false,
            context: &context,
        };
        self.identity.decide(&request) == Decision::Allowed
    }
}

#[tokio::test]
async fn whoever_acts_for_a_caller_can_do_what_they_were_asked_to_and_no_more() {
    let house = House::new().await;
    let (key, _) = house.user().await;
    let user = house.identity.credential(&key, None).unwrap().caller;
    for caller in [house.root(), user] {
        let issued = house.identity.delegate(&caller, READ_LAKE, 3600).unwrap();
        let held = house.caller(&issued).unwrap();
        assert_eq!(held.arn(), caller.arn());
        assert!(house.may(&held, "s3:GetObject", KEY_IN_LAKE));
        assert!(!house.may(&held, "s3:GetObject", KEY_ELSEWHERE));
        assert!(!house.may(&held, "s3:PutObject", KEY_IN_LAKE));
        assert!(house.may(&caller, "s3:PutObject", KEY_ELSEWHERE));
        let again = house.identity.delegate(&held, ALL_OF_S3, 3600).unwrap_err();
        assert!(matches!(again, Error::Managed(_)), "{again}");
        house.sim.clock.advance(HOUR);
        assert_eq!(house.caller(&issued).unwrap_err(), CredentialError::ExpiredToken);
    }
}

#[tokio::test]
async fn a_scope_gives_nothing_that_the_caller_has_not() {
    let house = House::new().await;
    let (key, _) = house.user().await;
    let user = house.identity.credential(&key, None).unwrap().caller;
    let issued = house.identity.delegate(&user, READ_LAKE, 3600).unwrap();
    let held = house.caller(&issued).unwrap();
    house.identity.delete_inline(HOME, Sort::User, "alice", "s3").await.unwrap();
    assert!(!house.may(&held, "s3:GetObject", KEY_IN_LAKE));
}

#[tokio::test]
async fn who_acts_for_a_key_ends_with_it() {
    let house = House::new().await;
    let (key, _) = house.user().await;
    let user = house.identity.credential(&key, None).unwrap().caller;
    let issued = house.identity.delegate(&user, READ_LAKE, 3600).unwrap();
    assert!(house.caller(&issued).is_ok());
    let alice = Owner::User(house.identity.entity(HOME, Sort::User, "alice").unwrap().id.clone());
    house.identity.set_key_active(HOME, &alice, &key, false).await.unwrap();
    assert_eq!(house.caller(&issued).unwrap_err(), CredentialError::InvalidToken);
    house.identity.set_key_active(HOME, &alice, &key, true).await.unwrap();
    assert!(house.caller(&issued).is_ok());
    house.identity.delete_key(HOME, &alice, &key).await.unwrap();
    assert_eq!(house.caller(&issued).unwrap_err(), CredentialError::InvalidToken);
}

#[tokio::test]
async fn who_acts_for_a_session_is_bound_by_its_policy_and_its_end() {
    let house = House::new().await;
    let role = NewRole { trust: ANYBODY.to_owned(), description: None, session_seconds_max: None };
    let role = house.identity.create(HOME, entity(Sort::Role, "reader", Some(role))).await.unwrap();
    house.identity.put_inline(HOME, Sort::Role, "reader", "s3", ALL_OF_S3).await.unwrap();
    let narrow = NewSession {
        name: "me".to_owned(),
        seconds: Some(900),
        policy: Some(READ_LAKE.to_owned()),
        ..NewSession::default()
    };
    let session = house.identity.assume(&house.root(), &role, narrow).unwrap();
    let caller = house.caller(&session).unwrap();
    let issued = house.identity.delegate(&caller, ALL_OF_S3, 3600).unwrap();
    let held = house.caller(&issued).unwrap();
    assert!(house.may(&held, "s3:GetObject", KEY_IN_LAKE));
    assert!(!house.may(&held, "s3:GetObject", KEY_ELSEWHERE));
    assert_eq!(issued.session.span.expires, session.session.span.expires);
    let bearer = house.identity.bearer(&caller).unwrap();
    assert_eq!(bearer.expires, session.session.span.expires);
    assert_eq!(house.identity.of_bearer(bearer.token.expose()).unwrap().arn(), caller.arn());
}

#[tokio::test]
async fn a_bearer_is_who_proved_the_secret_for_an_hour() {
    let house = House::new().await;
    let (key, secret) = house.user().await;
    let caller = house.identity.prove(&key, &secret).unwrap();
    let bearer = house.identity.bearer(&caller).unwrap();
    assert_eq!(house.identity.of_bearer(bearer.token.expose()).unwrap().arn(), caller.arn());
    house.sim.clock.advance(HOUR.checked_sub(Duration::from_secs(1)).unwrap());
    assert!(house.identity.of_bearer(bearer.token.expose()).is_ok());
    house.sim.clock.advance(Duration::from_secs(1));
    assert_eq!(house.identity.of_bearer(bearer.token.expose()).unwrap_err(), CredentialError::ExpiredToken);
}

#[tokio::test]
async fn a_wrong_secret_and_a_changed_token_prove_nothing() {
    let house = House::new().await;
    let (key, secret) = house.user().await;
    let wrong = Secret(format!("{}x", secret.expose()));
    assert_eq!(house.identity.prove(&key, &wrong).unwrap_err(), CredentialError::InvalidToken);
    assert_eq!(house.identity.prove("AKIAIOSFODNN7EXAMPLE", &secret).unwrap_err(), CredentialError::Unknown);
    let token = house.identity.bearer(&house.identity.prove(&key, &secret).unwrap()).unwrap().token;
    for changed in [format!("{}A", token.expose()), token.expose()[1..].to_owned(), String::new(), "é".to_owned()] {
        assert_eq!(house.identity.of_bearer(&changed).unwrap_err(), CredentialError::InvalidToken);
    }
}

#[tokio::test]
async fn the_tokens_of_a_key_end_with_it() {
    let house = House::new().await;
    let (key, secret) = house.user().await;
    let token = house.identity.bearer(&house.identity.prove(&key, &secret).unwrap()).unwrap().token;
    let alice = Owner::User(house.identity.entity(HOME, Sort::User, "alice").unwrap().id.clone());
    house.identity.set_key_active(HOME, &alice, &key, false).await.unwrap();
    assert_eq!(house.identity.of_bearer(token.expose()).unwrap_err(), CredentialError::Inactive);
    house.identity.set_key_active(HOME, &alice, &key, true).await.unwrap();
    assert!(house.identity.of_bearer(token.expose()).is_ok());
    house.identity.delete_key(HOME, &alice, &key).await.unwrap();
    assert_eq!(house.identity.of_bearer(token.expose()).unwrap_err(), CredentialError::Unknown);
}
