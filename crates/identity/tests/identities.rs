//! Identities as the door and the engines use them, against a real database under a simulated clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cairn_event::Time;
use cairn_identity::{CredentialError, Error, FirstAccount, Identity};
use cairn_store::{Db, Seal};
use cairn_wire::Secret;
use cairn_world::Disk;
use cairn_world::sim::Sim;
use serde_json::json;
use std::sync::Arc;

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
