//! Keys as the engines above use them, against a real database under a simulated clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cairn_event::Time;
use cairn_key::{Context, Error, Key, Keys, NewKey, Scope, Status};
use cairn_store::{Db, Seal, sqlx};
use cairn_world::Disk;
use cairn_world::sim::Sim;
use std::sync::Arc;
use std::time::Duration;

const HERE: Scope<'_> = Scope { account: "111122223333", region: "eu-central-1" };
const ELSEWHERE: Scope<'_> = Scope { account: "111122223333", region: "us-east-1" };
const OTHERS: Scope<'_> = Scope { account: "444455556666", region: "eu-central-1" };
const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_millis(1);

struct House {
    dir: tempfile::TempDir,
    sim: Sim,
    db: Db,
    keys: Keys,
}

impl House {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::parse("2026-11-24T12:00:00Z").unwrap());
        let (db, keys) = Self::keys(&sim, &dir).await;
        Self { dir, sim, db, keys }
    }

    async fn keys(sim: &Sim, dir: &tempfile::TempDir) -> (Db, Keys) {
        let seal = Arc::new(Seal::open(&sim.world(), &dir.path().join("root.key")).unwrap());
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let keys = Keys::open(&sim.world(), &db, seal).await.unwrap();
        (db, keys)
    }

    async fn reopen(mut self) -> Self {
        self.db.close().await;
        (self.db, self.keys) = Self::keys(&self.sim, &self.dir).await;
        self
    }

    async fn key(&self) -> Arc<Key> {
        self.keys.create(HERE, NewKey::default()).await.unwrap()
    }

    async fn encrypt(&self, reference: &str) -> Result<Vec<u8>, Error> {
        Ok(self.keys.encrypt(HERE, reference, b"secret", &context("a")).await?.ciphertext)
    }

    async fn opens(&self, ciphertext: &[u8]) -> bool {
        match self.keys.decrypt(ciphertext, &context("a")).await {
            Ok(decrypted) => decrypted.plaintext.as_slice() == b"secret",
            Err(_) => false,
        }
    }

    async fn rows(&self, table: &'static str) -> i64 {
        let count = match table {
            "key_material" => "SELECT count(*) FROM key_material",
            _ => "SELECT count(*) FROM key_alias",
        };
        sqlx::query_scalar(count).fetch_one(self.db.read()).await.unwrap()
    }
}

fn context(value: &str) -> Context {
    Context::from([("purpose".to_owned(), value.to_owned())])
}

#[tokio::test]
async fn what_was_encrypted_decrypts_also_after_a_restart() {
    let house = House::open().await;
    let key = house.key().await;
    let ciphertext = house.encrypt(&key.arn).await.unwrap();
    assert_ne!(ciphertext, house.encrypt(&key.arn).await.unwrap(), "every ciphertext has its own nonce");
    let house = house.reopen().await;
    let decrypted = house.keys.decrypt(&ciphertext, &context("a")).await.unwrap();
    assert_eq!((decrypted.plaintext.as_slice(), &decrypted.key_arn), (&b"secret"[..], &key.arn));
    assert_eq!(house.keys.resolve(HERE, &key.arn).await.unwrap(), key);
}

#[tokio::test]
async fn a_changed_ciphertext_or_another_context_is_refused() {
    let house = House::open().await;
    let ciphertext = house.encrypt(&house.key().await.arn).await.unwrap();
    for other in [context("b"), Context::new()] {
        assert!(matches!(house.keys.decrypt(&ciphertext, &other).await, Err(Error::InvalidCiphertext)));
    }
    for index in 0..ciphertext.len() {
        let mut changed = ciphertext.clone();
        changed[index] ^= 1;
        let error = house.keys.decrypt(&changed, &context("a")).await.err().expect("a changed byte is noticed");
        let named_another_key = (1..17).contains(&index) && matches!(error, Error::NotFound(_));
        assert!(named_another_key || error == Error::InvalidCiphertext, "byte {index}: {error}");
    }
    for length in 0..ciphertext.len() {
        assert!(house.keys.decrypt(&ciphertext[..length], &context("a")).await.is_err(), "{length} bytes");
    }
}

#[tokio::test]
async fn a_ciphertext_of_one_key_does_not_open_under_another() {
    let house = House::open().await;
    let (one, other) = (house.key().await, house.key().await);
    let mut ciphertext = house.encrypt(&one.arn).await.unwrap();
    ciphertext[1..17].copy_from_slice(other.id.as_bytes());
    assert!(matches!(house.keys.decrypt(&ciphertext, &context("a")).await, Err(Error::InvalidCiphertext)));
}

#[tokio::test]
async fn material_lies_sealed_and_another_root_key_does_not_open_it() {
    let mut house = House::open().await;
    let ciphertext = house.encrypt(&house.key().await.arn).await.unwrap();
    house.sim.disk.write_atomic(&house.dir.path().join("root.key"), &[7; 32]).unwrap();
    house = house.reopen().await;
    assert!(matches!(house.keys.decrypt(&ciphertext, &context("a")).await, Err(Error::Corrupt(_))));
}

#[tokio::test]
async fn a_data_key_comes_in_the_clear_and_encrypted() {
    let house = House::open().await;
    let key = house.key().await;
    let data = house.keys.generate_data_key(HERE, &key.arn, &context("a"), 32).await.unwrap();
    assert_eq!(data.plaintext.len(), 32);
    assert_eq!(house.keys.decrypt(&data.ciphertext, &context("a")).await.unwrap().plaintext, data.plaintext);
    for bytes in [0, 1025] {
        let refused = house.keys.generate_data_key(HERE, &key.arn, &context("a"), bytes).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{bytes}");
    }
}

#[tokio::test]
async fn plaintext_and_context_have_limits() {
    let house = House::open().await;
    let key = house.key().await;
    for (length, fits) in [(0, false), (1, true), (4096, true), (4097, false)] {
        let result = house.keys.encrypt(HERE, &key.arn, &vec![1; length], &Context::new()).await;
        assert_eq!(result.is_ok(), fits, "{length}");
    }
    for (length, fits) in [(8185, true), (8186, false)] {
        let result = house.keys.encrypt(HERE, &key.arn, b"x", &context(&"v".repeat(length))).await;
        assert_eq!(result.is_ok(), fits, "{length}");
    }
}

#[tokio::test]
async fn a_key_is_found_by_each_of_its_references_and_only_in_its_place() {
    let house = House::open().await;
    let key = house.key().await;
    let alias = house.keys.create_alias(HERE, "alias/mine", &key.arn).await.unwrap();
    for reference in [&key.id.to_string(), &key.arn, &alias.name, &alias.arn] {
        assert_eq!(house.keys.resolve(HERE, reference).await.unwrap().arn, key.arn, "{reference}");
    }
    for reference in [&key.arn, &alias.arn] {
        assert_eq!(house.keys.resolve(OTHERS, reference).await.unwrap().arn, key.arn, "{reference} across accounts");
    }
    for (scope, reference) in [(OTHERS, key.id.to_string()), (ELSEWHERE, key.id.to_string())] {
        assert!(matches!(house.keys.resolve(scope, &reference).await, Err(Error::NotFound(_))), "{reference}");
    }
    for reference in ["", "nothing", "arn:aws:kms", "arn:aws:s3:::b", &key.arn.replace("key/", "trail/"), "alias"] {
        assert!(matches!(house.keys.resolve(HERE, reference).await, Err(Error::InvalidReference(_))), "{reference}");
    }
    assert!(matches!(house.keys.resolve(ELSEWHERE, &key.arn).await, Err(Error::InvalidReference(_))));
    assert!(matches!(house.keys.resolve(OTHERS, "alias/mine").await, Err(Error::AliasNotFound(_))));
}

#[tokio::test]
async fn a_disabled_key_does_nothing_until_it_is_enabled() {
    let house = House::open().await;
    let key = house.key().await;
    let ciphertext = house.encrypt(&key.arn).await.unwrap();
    house.keys.disable(HERE, &key.arn).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.encrypt(&key.arn).await, Err(Error::Disabled(key.arn.clone())));
    assert!(!house.opens(&ciphertext).await);
    house.keys.enable(HERE, &key.arn).await.unwrap();
    assert!(house.opens(&ciphertext).await);
}

#[tokio::test]
async fn a_key_is_deleted_with_its_material_when_its_time_has_come() {
    let house = House::open().await;
    let key = house.key().await;
    house.keys.create_alias(HERE, "alias/mine", &key.arn).await.unwrap();
    let ciphertext = house.encrypt(&key.arn).await.unwrap();
    for days in [6, 31] {
        assert!(matches!(house.keys.schedule_deletion(HERE, &key.arn, days).await, Err(Error::Invalid(_))));
    }
    let pending = house.keys.schedule_deletion(HERE, &key.arn, 7).await.unwrap();
    assert_eq!(pending.status, Status::PendingDeletion(house.sim.world().now() + DAY * 7));
    assert_eq!(house.encrypt(&key.arn).await, Err(Error::PendingDeletion(key.arn.clone())));
    assert_eq!(house.keys.enable(HERE, &key.arn).await, Err(Error::PendingDeletion(key.arn.clone())));

    house.sim.clock.advance((DAY * 7).saturating_sub(MOMENT));
    assert!(house.keys.resolve(HERE, &key.arn).await.is_ok());
    house.sim.clock.advance(MOMENT);
    assert!(matches!(house.keys.decrypt(&ciphertext, &context("a")).await, Err(Error::NotFound(_))));
    assert_eq!((house.rows("key_material").await, house.rows("key_alias").await), (0, 0));
    house.sim.clock.set(Time(0));
    assert!(
        matches!(house.keys.resolve(HERE, &key.arn).await, Err(Error::NotFound(_))),
        "the clock brings nothing back"
    );
}

#[tokio::test]
async fn a_key_whose_time_came_while_the_house_was_shut_is_deleted_at_the_start() {
    let house = House::open().await;
    let key = house.key().await;
    house.keys.schedule_deletion(HERE, &key.arn, 30).await.unwrap();
    house.sim.clock.advance(DAY * 30);
    let house = house.reopen().await;
    assert_eq!(house.rows("key_material").await, 0);
}

#[tokio::test]
async fn a_deletion_that_was_called_off_leaves_a_disabled_key() {
    let house = House::open().await;
    let key = house.key().await;
    assert_eq!(house.keys.cancel_deletion(HERE, &key.arn).await, Err(Error::NotPendingDeletion(key.arn.clone())));
    house.keys.schedule_deletion(HERE, &key.arn, 7).await.unwrap();
    assert_eq!(house.keys.cancel_deletion(HERE, &key.arn).await.unwrap().status, Status::Disabled);
    house.sim.clock.advance(DAY * 8);
    house.keys.enable(HERE, &key.arn).await.unwrap();
    assert!(house.encrypt(&key.arn).await.is_ok());
}

#[tokio::test]
async fn old_versions_still_decrypt_after_a_rotation() {
    let house = House::open().await;
    let key = house.key().await;
    let before = house.encrypt(&key.arn).await.unwrap();
    house.keys.rotate(HERE, &key.arn).await.unwrap();
    let after = house.encrypt(&key.arn).await.unwrap();
    assert_ne!(before[..21], after[..21], "a ciphertext names its version");
    let house = house.reopen().await;
    assert!(house.opens(&before).await && house.opens(&after).await);
    for _ in 1..25 {
        house.keys.rotate(HERE, &key.arn).await.unwrap();
    }
    assert!(matches!(house.keys.rotate(HERE, &key.arn).await, Err(Error::LimitExceeded(_))));
}

#[tokio::test]
async fn a_due_rotation_happens_before_the_next_use_and_keeps_its_rhythm() {
    let house = House::open().await;
    let key = house.key().await;
    assert!(matches!(house.keys.enable_rotation(HERE, &key.arn, Some(89)).await, Err(Error::Invalid(_))));
    let start = house.sim.world().now();
    house.keys.enable_rotation(HERE, &key.arn, Some(90)).await.unwrap();
    let versions = async || house.rows("key_material").await;
    house.sim.clock.advance((DAY * 90).saturating_sub(MOMENT));
    house.encrypt(&key.arn).await.unwrap();
    assert_eq!(versions().await, 1);
    house.sim.clock.advance(DAY * 100);
    let ciphertext = house.encrypt(&key.arn).await.unwrap();
    house.encrypt(&key.arn).await.unwrap();
    assert_eq!(versions().await, 2, "one rotation makes up for all that were missed");
    assert_eq!(house.keys.resolve(HERE, &key.arn).await.unwrap().rotation.unwrap().next, start + DAY * 270);
    house.keys.disable_rotation(HERE, &key.arn).await.unwrap();
    house.sim.clock.advance(DAY * 1000);
    assert!(house.opens(&ciphertext).await);
    house.encrypt(&key.arn).await.unwrap();
    assert_eq!(versions().await, 2);
}

#[tokio::test]
async fn aliases_are_unique_movable_and_listed_by_name() {
    let house = House::open().await;
    let (one, other) = (house.key().await, house.key().await);
    for name in ["alias/c", "alias/a", "alias/b"] {
        house.keys.create_alias(HERE, name, &one.arn).await.unwrap();
    }
    assert!(matches!(house.keys.create_alias(HERE, "alias/a", &other.arn).await, Err(Error::Conflict(_))));
    house.keys.create_alias(OTHERS, "alias/a", &one.arn).await.expect_err("a key of another account");
    house.keys.update_alias(HERE, "alias/b", &other.arn).await.unwrap();
    assert!(matches!(house.keys.update_alias(HERE, "alias/x", &one.arn).await, Err(Error::AliasNotFound(_))));

    let house = house.reopen().await;
    let names = async |key, after, count| {
        let page = house.keys.aliases(HERE, key, after, count).await.unwrap();
        (page.items.iter().map(|alias| alias.name.clone()).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(names(None, None, 2).await, (vec!["alias/a".into(), "alias/b".into()], true));
    assert_eq!(names(None, Some("alias/b"), 2).await, (vec!["alias/c".into()], false));
    assert_eq!(names(Some(other.id), None, 9).await, (vec!["alias/b".into()], false));
    assert_eq!(house.keys.resolve(HERE, "alias/b").await.unwrap().id, other.id);

    house.keys.delete_alias(HERE, "alias/b").await.unwrap();
    assert!(matches!(house.keys.delete_alias(HERE, "alias/b").await, Err(Error::AliasNotFound(_))));
    assert!(house.keys.resolve(HERE, &other.arn).await.is_ok());
}

#[tokio::test]
async fn a_key_has_at_most_fifty_aliases() {
    let house = House::open().await;
    let key = house.key().await;
    for number in 0..50 {
        house.keys.create_alias(HERE, &format!("alias/{number}"), &key.arn).await.unwrap();
    }
    assert!(matches!(house.keys.create_alias(HERE, "alias/more", &key.arn).await, Err(Error::LimitExceeded(_))));
    house.keys.update_alias(HERE, "alias/7", &key.arn).await.unwrap();
}

#[tokio::test]
async fn keys_are_listed_in_pages_of_their_scope() {
    let house = House::open().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(house.key().await.id);
    }
    house.keys.create(OTHERS, NewKey::default()).await.unwrap();
    made.sort_unstable();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = house.keys.list(HERE, after, 2).await.unwrap();
        listed.extend(page.items.iter().map(|key| key.id));
        after = listed.last().copied();
        if !page.more {
            break;
        }
    }
    assert_eq!(listed, made);
}

#[tokio::test]
async fn a_managed_key_is_made_once_and_changed_by_nobody() {
    let house = House::open().await;
    let (one, other) = tokio::join!(house.keys.managed(HERE, "s3"), house.keys.managed(HERE, "s3"));
    let key = one.unwrap();
    assert_eq!(key.id, other.unwrap().id);
    let house = house.reopen().await;
    assert_eq!(house.keys.resolve(HERE, "alias/aws/s3").await.unwrap(), key);
    assert!(matches!(house.keys.disable(HERE, &key.arn).await, Err(Error::Managed(_))));
    assert!(matches!(house.keys.schedule_deletion(HERE, &key.arn, 7).await, Err(Error::Managed(_))));
    assert!(matches!(house.keys.delete_alias(HERE, "alias/aws/s3").await, Err(Error::ReservedAlias(_))));
    assert!(house.encrypt("alias/aws/s3").await.is_ok());
}

#[tokio::test]
async fn policy_and_tags_are_kept_as_given() {
    let house = House::open().await;
    let key = house.key().await;
    assert!(key.policy.contains("arn:aws:iam::111122223333:root"));
    let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    house.keys.put_policy(HERE, &key.arn, "{ \"kept\":  \"as it is\" }").await.unwrap();
    house.keys.tag(HERE, &key.arn, tags(&[("team", "a"), ("cost", "1")])).await.unwrap();
    house.keys.tag(HERE, &key.arn, tags(&[("team", "b")])).await.unwrap();
    house.keys.untag(HERE, &key.arn, vec!["cost".into(), "nothing".into()]).await.unwrap();
    let house = house.reopen().await;
    let key = house.keys.resolve(HERE, &key.arn).await.unwrap();
    assert_eq!(key.policy, "{ \"kept\":  \"as it is\" }");
    assert_eq!(key.tags, tags(&[("team", "b")]));
    let long = "x".repeat(32_769);
    assert!(matches!(house.keys.put_policy(HERE, &key.arn, &long).await, Err(Error::LimitExceeded(_))));
}

#[tokio::test]
async fn a_change_is_finished_though_its_caller_has_gone() {
    let house = House::open().await;
    let key = house.key().await;
    drop_half_way(house.keys.disable(HERE, &key.arn)).await;
    while house.keys.resolve(HERE, &key.arn).await.unwrap().status != Status::Disabled {
        tokio::task::yield_now().await;
    }
    let house = house.reopen().await;
    assert_eq!(house.keys.resolve(HERE, &key.arn).await.unwrap().status, Status::Disabled);
}

/// Begins a call and drops it at its first wait.
async fn drop_half_way(future: impl Future) {
    tokio::select! {
        biased;
        _ = future => panic!("the call was to be dropped half way"),
        () = std::future::ready(()) => {}
    }
}
