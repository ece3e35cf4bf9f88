//! Identities as the door and the engines use them, against a real database under a simulated clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cairn_event::Time;
use cairn_identity::{
    Caller, CredentialError, Entity, Error, FirstAccount, Identity, Issued, NewEntity, NewPolicy, NewRole, NewSession,
    Owner, Sort, Tags,
};
use cairn_store::{Db, Seal};
use cairn_wire::Secret;
use cairn_world::Disk;
use cairn_world::sim::Sim;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const HOME: &str = "111122223333";

struct House {
    dir: tempfile::TempDir,
    sim: Sim,
    db: Db,
    identity: Identity,
}

async fn identity(sim: &Sim, dir: &tempfile::TempDir) -> (Db, Result<Identity, Error>) {
    let seal = Arc::new(Seal::open(&sim.world(), &dir.path().join("root.key")).unwrap());
    let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
    let identity = Identity::open(&sim.world(), &db, seal).await;
    (db, identity)
}

impl House {
    async fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::parse("2026-11-24T12:00:00Z").unwrap());
        let (db, identity) = identity(&sim, &dir).await;
        Self { dir, sim, db, identity: identity.unwrap() }
    }

    async fn founded() -> Self {
        let house = Self::bare().await;
        house.identity.found(FirstAccount { account: HOME.to_owned(), access_key: None }).await.unwrap();
        house
    }

    async fn reopen(mut self) -> Self {
        self.db.close().await;
        let (db, opened) = identity(&self.sim, &self.dir).await;
        (self.db, self.identity) = (db, opened.unwrap());
        self
    }
}

#[tokio::test]
async fn the_root_key_of_the_first_account_outlives_a_restart() {
    let house = House::founded().await;
    let key = house.identity.root_key().unwrap();
    assert_eq!((key.access_key.len(), key.secret.expose().len()), (20, 40));
    let house = house.reopen().await;
    assert_eq!(house.identity.home_account().as_deref(), Some(HOME));
    let credential = house.identity.credential(&key.access_key, None).unwrap();
    assert_eq!(credential.secret, key.secret);
    let expected = json!({
        "type": "Root", "principalId": HOME, "arn": format!("arn:aws:iam::{HOME}:root"), "accountId": HOME,
        "accessKeyId": key.access_key,
    });
    assert_eq!(credential.caller.user_identity(), expected);
    assert_eq!(house.identity.root_key().unwrap().secret, key.secret);
}

#[tokio::test]
async fn a_house_is_founded_once_and_with_a_given_key() {
    let house = House::bare().await;
    assert!(house.identity.root_key().is_none());
    let first = |id: &str, secret: &str| FirstAccount {
        account: HOME.to_owned(),
        access_key: Some((id.to_owned(), Secret::from(secret))),
    };
    for (id, secret) in
        [("abc", "long enough"), ("ASIAAAAA", "longenough"), ("admin", "short"), ("ad min", "longenough")]
    {
        let refused = house.identity.found(first(id, secret)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{id} {secret}");
    }
    let bad = FirstAccount { account: "12".to_owned(), access_key: None };
    assert!(matches!(house.identity.found(bad).await, Err(Error::Invalid(_))));
    house.identity.found(first("admin", "longenough")).await.unwrap();
    assert_eq!(house.identity.credential("admin", None).unwrap().secret.expose(), "longenough");
    assert!(matches!(house.identity.found(first("admin", "longenough")).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn secrets_lie_sealed_and_another_root_key_does_not_open_them() {
    let house = House::founded().await;
    let key = house.identity.root_key().unwrap();
    house.db.close().await;
    for name in ["cairn.db", "cairn.db-wal"] {
        let bytes = house.sim.disk.read(&house.dir.path().join(name)).unwrap_or_default();
        let secret = key.secret.expose().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
    }
    house.sim.disk.write_atomic(&house.dir.path().join("root.key"), &[7; 32]).unwrap();
    let (_db, opened) = identity(&house.sim, &house.dir).await;
    assert!(matches!(opened.err(), Some(Error::Corrupt(_))));
}

#[tokio::test]
async fn an_access_key_that_nobody_has_names_nobody() {
    let house = House::founded().await;
    let refused = |key: &str, token| house.identity.credential(key, token).err();
    assert_eq!(refused("AKIAIOSFODNN7EXAMPLE", None), Some(CredentialError::Unknown));
    assert_eq!(refused("ASIAIOSFODNN7EXAMPLE", Some("token")), Some(CredentialError::InvalidToken));
    let root = house.identity.root_key().unwrap().access_key;
    assert_eq!(refused(&root, Some("token")), Some(CredentialError::InvalidToken));
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

impl House {
    async fn entity(&self, sort: Sort, name: &str) -> Result<Arc<Entity>, Error> {
        let role = NewRole { trust: TRUST.to_owned(), description: None, session_seconds_max: None };
        let role = (sort == Sort::Role).then_some(role);
        let new = NewEntity { sort, name: name.to_owned(), path: None, tags: Tags::new(), role };
        self.identity.create(HOME, new).await
    }

    /// A user who calls with a key of its own.
    async fn user(&self, name: &str) -> (Arc<Entity>, Caller) {
        let user = self.entity(Sort::User, name).await.unwrap();
        let key = self.identity.create_key(HOME, &Owner::User(user.id.clone())).await.unwrap();
        (user, self.identity.credential(&key.id, None).unwrap().caller)
    }

    fn caller(&self, issued: &Issued) -> Result<Caller, CredentialError> {
        let credential = self.identity.credential(&issued.session.access_key, Some(issued.token.expose()))?;
        assert_eq!(credential.secret, issued.secret);
        Ok(credential.caller)
    }
}

fn session(name: &str) -> NewSession {
    NewSession { name: name.to_owned(), ..NewSession::default() }
}

#[tokio::test]
async fn records_name_users_roles_and_their_sessions() {
    let house = House::founded().await;
    let (user, caller) = house.user("alice").await;
    let arn = format!("arn:aws:iam::{HOME}:user/alice");
    let mut expected = json!({
        "type": "IAMUser", "principalId": user.id, "arn": arn, "accountId": HOME,
        "accessKeyId": caller.access_key(), "userName": "alice",
    });
    assert_eq!(caller.user_identity(), expected);
    let attributes = json!({"creationDate": "2026-11-24T12:00:00Z", "mfaAuthenticated": "false"});
    let own = house.caller(&house.identity.session_token(&caller, None).unwrap()).unwrap();
    expected["accessKeyId"] = own.access_key().into();
    expected["sessionContext"] = json!({"attributes": attributes});
    assert_eq!(own.user_identity(), expected);

    let role = house.entity(Sort::Role, "auditor").await.unwrap();
    let source_identity = Some("alice".to_owned());
    let issued = house.identity.assume(&caller, &role, NewSession { source_identity, ..session("s1") }).unwrap();
    let expected = json!({
        "type": "AssumedRole", "principalId": format!("{}:s1", role.id),
        "arn": format!("arn:aws:sts::{HOME}:assumed-role/auditor/s1"), "accountId": HOME,
        "accessKeyId": issued.session.access_key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role", "principalId": role.id, "arn": format!("arn:aws:iam::{HOME}:role/auditor"),
                "accountId": HOME, "userName": "auditor",
            },
            "attributes": attributes,
            "sourceIdentity": "alice",
        },
    });
    assert_eq!(house.caller(&issued).unwrap().user_identity(), expected);
}

#[tokio::test]
async fn an_alias_is_the_name_of_the_root() {
    let house = House::founded().await;
    house.identity.set_alias(HOME, "my-house").await.unwrap();
    let key = house.identity.root_key().unwrap().access_key;
    let root = || house.identity.credential(&key, None).unwrap().caller.user_identity();
    assert_eq!(root()["userName"], "my-house");
    house.identity.remove_alias(HOME, "my-house").await.unwrap();
    assert_eq!(root().get("userName"), None);
}

#[tokio::test]
async fn a_session_ends_with_its_time_or_with_its_role() {
    let house = House::founded().await;
    let (_, caller) = house.user("alice").await;
    let role = house.entity(Sort::Role, "r").await.unwrap();
    let issued = house.identity.assume(&caller, &role, session("s1")).unwrap();
    let house = house.reopen().await;
    assert_eq!(house.caller(&issued).unwrap().account(), HOME, "a session outlives a restart");
    house.sim.clock.advance(Duration::from_secs(3599));
    assert!(house.caller(&issued).is_ok());
    house.sim.clock.advance(Duration::from_secs(1));
    assert_eq!(house.caller(&issued).err(), Some(CredentialError::ExpiredToken));

    let issued = house.identity.assume(&caller, &role, session("s1")).unwrap();
    assert!(house.caller(&issued).is_ok());
    house.identity.delete(HOME, Sort::Role, "r").await.unwrap();
    assert_eq!(house.caller(&issued).err(), Some(CredentialError::InvalidToken));
    house.entity(Sort::Role, "r").await.unwrap();
    assert_eq!(house.caller(&issued).err(), Some(CredentialError::InvalidToken), "a role of the same name is another");
}

#[tokio::test]
async fn a_token_is_good_only_whole_and_for_its_own_key() {
    let house = House::founded().await;
    let (_, caller) = house.user("alice").await;
    let issued = house.identity.session_token(&caller, None).unwrap();
    let other = house.identity.session_token(&caller, None).unwrap();
    let refused = |key: &str, token: Option<&str>| house.identity.credential(key, token).err();
    let (key, token) = (&issued.session.access_key, issued.token.expose());
    assert_eq!(refused(key, Some(token)), None);
    assert_eq!(refused(key, None), Some(CredentialError::Unknown));
    assert_eq!(refused(key, Some(other.token.expose())), Some(CredentialError::InvalidToken));
    assert_eq!(refused(key, Some(&token[..token.len() - 4])), Some(CredentialError::InvalidToken));
    let changed = format!("{}{}", if token.starts_with('B') { "C" } else { "B" }, &token[1..]);
    assert_eq!(refused(key, Some(&changed)), Some(CredentialError::InvalidToken));
}

#[tokio::test]
async fn a_key_that_is_switched_off_or_deleted_is_refused_at_once() {
    let house = House::founded().await;
    let (user, caller) = house.user("alice").await;
    let (owner, key) = (Owner::User(user.id.clone()), caller.access_key().unwrap());
    let identity = &house.identity;
    identity.set_key_active(HOME, &owner, key, false).await.unwrap();
    assert_eq!(identity.credential(key, None).err(), Some(CredentialError::Inactive));
    identity.set_key_active(HOME, &owner, key, true).await.unwrap();
    assert!(identity.credential(key, None).is_ok());
    identity.create_key(HOME, &owner).await.unwrap();
    assert!(matches!(identity.create_key(HOME, &owner).await, Err(Error::LimitExceeded(_))));
    assert!(matches!(identity.delete_key(HOME, &Owner::Root, key).await, Err(Error::NotFound(_))));
    identity.delete_key(HOME, &owner, key).await.unwrap();
    assert_eq!(identity.credential(key, None).err(), Some(CredentialError::Unknown));
    assert_eq!(identity.keys(HOME, &owner).len(), 1);
}

#[tokio::test]
async fn the_last_root_key_of_the_house_stays() {
    let house = House::founded().await;
    let (identity, key) = (&house.identity, house.identity.root_key().unwrap().access_key);
    assert!(matches!(identity.delete_key(HOME, &Owner::Root, &key).await, Err(Error::InUse(_))));
    assert!(matches!(identity.set_key_active(HOME, &Owner::Root, &key, false).await, Err(Error::InUse(_))));
    let other = identity.create_key(HOME, &Owner::Root).await.unwrap();
    identity.delete_key(HOME, &Owner::Root, &key).await.unwrap();
    assert_eq!(identity.root_key().unwrap().access_key, other.id);
}

#[tokio::test]
async fn sessions_are_as_long_as_aws_lets_them() {
    let house = House::founded().await;
    let (_, caller) = house.user("alice").await;
    let role = house.entity(Sort::Role, "r").await.unwrap();
    let assume = |caller: &Caller, seconds| {
        house.identity.assume(caller, &role, NewSession { seconds: Some(seconds), ..session("s1") })
    };
    for (seconds, fits) in [(899, false), (900, true), (3600, true), (3601, false)] {
        assert_eq!(assume(&caller, seconds).is_ok(), fits, "{seconds}");
    }
    house.identity.describe_role(HOME, "r", None, Some(43_200)).await.unwrap();
    let role = house.identity.entity(HOME, Sort::Role, "r").unwrap();
    let issued = house.identity.assume(&caller, &role, NewSession { seconds: Some(43_200), ..session("s1") }).unwrap();
    let chained = house.caller(&issued).unwrap();
    let again = house.identity.assume(&chained, &role, NewSession { seconds: Some(3601), ..session("s2") });
    assert!(matches!(again, Err(Error::Invalid(_))), "a role assumes a role for an hour at most");
    assert!(house.identity.session_token(&chained, None).is_err());
    for name in ["", "x", "a b", &"x".repeat(65)] {
        assert!(house.identity.assume(&caller, &role, session(name)).is_err(), "{name}");
    }
}

#[tokio::test]
async fn what_a_session_passes_on_cannot_be_said_otherwise() {
    let house = House::founded().await;
    let (_, caller) = house.user("alice").await;
    let role = house.entity(Sort::Role, "r").await.unwrap();
    let tags = |value: &str| Tags::from([("team".to_owned(), value.to_owned())]);
    let first = NewSession {
        tags: tags("blue"),
        transitive: vec!["team".to_owned()],
        source_identity: Some("alice".to_owned()),
        ..session("s1")
    };
    let chained = house.caller(&house.identity.assume(&caller, &role, first).unwrap()).unwrap();
    let issued = house.identity.assume(&chained, &role, session("s2")).unwrap();
    assert_eq!((issued.session.tags, issued.session.source_identity.as_deref()), (tags("blue"), Some("alice")));
    let other = NewSession { tags: tags("red"), ..session("s3") };
    assert!(house.identity.assume(&chained, &role, other).is_err());
    let other = NewSession { source_identity: Some("bob".to_owned()), ..session("s3") };
    assert!(house.identity.assume(&chained, &role, other).is_err());
}

#[tokio::test]
async fn what_something_hangs_on_does_not_go() {
    let house = House::founded().await;
    let identity = &house.identity;
    let (user, caller) = house.user("alice").await;
    house.entity(Sort::Group, "g").await.unwrap();
    let new =
        NewPolicy { name: "p".to_owned(), path: None, text: NOTHING.to_owned(), description: None, tags: Tags::new() };
    let policy = identity.create_policy(HOME, new).await.unwrap();
    identity.join(HOME, "alice", "g").await.unwrap();
    identity.put_inline(HOME, Sort::User, "alice", "own", NOTHING).await.unwrap();
    identity.attach(HOME, Sort::User, "alice", &policy.arn).await.unwrap();
    let in_use = |done: Result<(), Error>| assert!(matches!(done, Err(Error::InUse(_))), "{done:?}");
    in_use(identity.delete(HOME, Sort::Group, "g").await);
    in_use(identity.delete_policy(HOME, &policy.arn).await);
    in_use(identity.delete(HOME, Sort::User, "alice").await);
    identity.delete_key(HOME, &Owner::User(user.id.clone()), caller.access_key().unwrap()).await.unwrap();
    in_use(identity.delete(HOME, Sort::User, "alice").await);
    identity.delete_inline(HOME, Sort::User, "alice", "own").await.unwrap();
    in_use(identity.delete(HOME, Sort::User, "alice").await);
    identity.detach(HOME, Sort::User, "alice", &policy.arn).await.unwrap();
    in_use(identity.delete(HOME, Sort::User, "alice").await);
    identity.leave(HOME, "alice", "g").await.unwrap();
    identity.delete(HOME, Sort::User, "alice").await.unwrap();
    identity.delete(HOME, Sort::Group, "g").await.unwrap();
    identity.delete_policy(HOME, &policy.arn).await.unwrap();
    assert!(matches!(identity.entity(HOME, Sort::User, "alice"), Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_name_is_one_in_every_spelling_and_a_renamed_user_keeps_its_keys() {
    let house = House::founded().await;
    let (identity, (user, caller)) = (&house.identity, house.user("alice").await);
    assert!(matches!(house.entity(Sort::User, "ALICE").await, Err(Error::Conflict(_))));
    house.entity(Sort::User, "bob").await.unwrap();
    let rename = |to: &str| identity.rename(HOME, Sort::User, "alice", Some(to.to_owned()), Some("/x/".to_owned()));
    assert!(matches!(rename("Bob").await, Err(Error::Conflict(_))));
    rename("carol").await.unwrap();
    let again = identity.credential(caller.access_key().unwrap(), None).unwrap().caller;
    assert_eq!(again.arn(), format!("arn:aws:iam::{HOME}:user/x/carol"));
    assert_eq!(again.principal_id(), user.id);
    assert!(house.entity(Sort::User, "alice").await.is_ok());
    let house = house.reopen().await;
    let page = house.identity.entities(HOME, Sort::User, "/", None, 2);
    let names: Vec<_> = page.items.iter().map(|user| user.name.as_str()).collect();
    assert_eq!((names, page.more), (vec!["alice", "bob"], true));
    let page = house.identity.entities(HOME, Sort::User, "/", Some("bob"), 2);
    assert_eq!((page.items.len(), page.more), (1, false));
}

#[tokio::test]
async fn policies_have_sizes_and_numbers_at_most() {
    let house = House::founded().await;
    let identity = &house.identity;
    house.user("alice").await;
    let long = |letters: usize| NOTHING.replace("\"Deny\"", &format!("\"Deny\",\"Sid\":\"{}\"", "x".repeat(letters)));
    let put = |name: &'static str, letters| {
        let text = long(letters);
        async move { identity.put_inline(HOME, Sort::User, "alice", name, &text).await }
    };
    put("a", 1000).await.unwrap();
    assert!(matches!(put("b", 1000).await, Err(Error::LimitExceeded(_))));
    put("a", 10).await.unwrap();
    put("b", 1000).await.unwrap();
    let new = |name: &str, text: String| NewPolicy {
        name: name.to_owned(),
        path: None,
        text,
        description: None,
        tags: Tags::new(),
    };
    assert!(matches!(identity.create_policy(HOME, new("p", long(6144))).await, Err(Error::LimitExceeded(_))));
    let policy = identity.create_policy(HOME, new("p", long(5000))).await.unwrap();
    assert!(matches!(identity.create_policy(HOME, new("P", long(1))).await, Err(Error::Conflict(_))));
    for number in 2..=5 {
        assert_eq!(identity.add_version(HOME, &policy.arn, NOTHING, false).await.unwrap().number, number);
    }
    assert!(matches!(identity.add_version(HOME, &policy.arn, NOTHING, false).await, Err(Error::LimitExceeded(_))));
    identity.delete_version(HOME, &policy.arn, 5).await.unwrap();
    assert_eq!(identity.add_version(HOME, &policy.arn, NOTHING, true).await.unwrap().number, 6, "5 is not used again");
    let aws = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert!(matches!(identity.add_version(HOME, aws, NOTHING, true).await, Err(Error::Managed(_))));
}
