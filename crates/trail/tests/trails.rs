//! Trails as the API manages them, with real buckets, keys and identities under a simulated clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cairn_bucket::outside::{Endpoint, Outside};
use cairn_bucket::{Buckets, NewBucket};
use cairn_event::Time;
use cairn_identity::{FirstAccount, Identity};
use cairn_journal::{Journal, Options};
use cairn_key::{Keys, NewKey};
use cairn_pattern::selector::{AdvancedSelector, BasicSelector, Given};
use cairn_store::{Blobs, Db, Seal};
use cairn_trail::{Error, NewTrail, Parts, Scope, Settings, Trail, TrailUpdate, Trails};
use cairn_world::sim::Sim;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const ACCOUNT: &str = "111122223333";
const HOME: &str = "us-east-1";

struct House {
    dir: tempfile::TempDir,
    sim: Sim,
    db: Db,
    journal: Journal,
    buckets: Buckets,
    keys: Keys,
    trails: Trails,
}

impl House {
    /// With the bucket `logs` that every trail of the account may deliver to.
    async fn new() -> Self {
        let house = Self::open(tempfile::tempdir().unwrap(), Sim::at(Time::from_seconds(1_700_000_000))).await;
        house.bucket("logs", HOME).await;
        house.buckets.set_policy("logs", &bucket_policy("logs", "")).await.unwrap();
        house
    }

    async fn open(dir: tempfile::TempDir, sim: Sim) -> Self {
        let (world, path) = (sim.world(), dir.path());
        let db = Db::open(&path.join("cairn.db")).await.unwrap();
        let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
        let options = Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 30, age_max: Duration::from_hours(24) };
        let (journal, _) = Journal::open(&world, &path.join("journal"), options).unwrap();
        let keys = Keys::open(&world, &db, seal.clone()).await.unwrap();
        let identity = Identity::open(&world, &db, seal.clone()).await.unwrap();
        if identity.home_account().is_none() {
            identity.found(FirstAccount { account: ACCOUNT.to_owned(), access_key: None }).await.unwrap();
        }
        let parts = cairn_bucket::Parts {
            world: world.clone(),
            db: db.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            blobs: Blobs::open(&world, &path.join("blobs")).unwrap(),
            outside: outside(),
        };
        let buckets = Buckets::open(parts).await.unwrap();
        let settings = Settings {
            delivery_interval: Duration::from_mins(5),
            digest_interval: Duration::from_hours(1),
            key_rotation: Duration::from_hours(720),
            memory_bytes_max: 1 << 20,
        };
        let staged = Blobs::open(&world, &path.join("staged")).unwrap();
        let trails = Trails::open(Parts {
            world,
            db: db.clone(),
            seal,
            journal: journal.clone(),
            buckets: buckets.clone(),
            keys: keys.clone(),
            identity,
            staged,
            settings,
        });
        let trails = trails.await.unwrap();
        Self { dir, sim, db, journal, buckets, keys, trails }
    }

    async fn reopen(self) -> Self {
        let Self { dir, sim, db, journal, .. } = self;
        journal.close().await;
        db.close().await;
        Self::open(dir, sim).await
    }

    async fn bucket(&self, name: &str, region: &str) {
        let (name, account, region) = (name.to_owned(), ACCOUNT.to_owned(), region.to_owned());
        let new = NewBucket { name, account, region, object_lock: false, ownership: None, tags: BTreeMap::new() };
        self.buckets.create(new).await.unwrap();
    }

    async fn create(&self, new: NewTrail) -> Result<Trail, Error> {
        self.trails.create(scope(HOME), new).await
    }

    async fn update(&self, update: TrailUpdate) -> Result<Trail, Error> {
        self.trails.update(scope(HOME), "t-1", update).await
    }
}

/// The bucket `far-away` lives elsewhere.
fn outside() -> Outside {
    let endpoint = Endpoint {
        url: "http://127.0.0.1:9".to_owned(),
        region: HOME.to_owned(),
        bucket: "there".to_owned(),
        credentials: None,
        allow_http: true,
    };
    Outside::new(BTreeMap::from([("far-away".to_owned(), endpoint)])).unwrap()
}

fn scope(region: &str) -> Scope<'_> {
    Scope { account: ACCOUNT, region, event_id: Uuid::nil() }
}

fn new(name: &str) -> NewTrail {
    NewTrail {
        name: name.to_owned(),
        bucket: "logs".to_owned(),
        prefix: None,
        global_service_events: true,
        multi_region: false,
        validation: false,
        kms_key: None,
        organization: false,
        recursive_logging: true,
        tags: BTreeMap::new(),
    }
}

/// The documented policy for the trails of the account.
fn bucket_policy(bucket: &str, prefix: &str) -> String {
    let service = json!({"Service": "cloudtrail.amazonaws.com"});
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": format!("arn:aws:s3:::{bucket}"),
            "Condition": {"StringLike": {"aws:SourceArn": format!("arn:aws:cloudtrail:*:{ACCOUNT}:trail/*")}}},
        {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::{bucket}/{prefix}AWSLogs/{ACCOUNT}/*"),
            "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}},
    ]})
    .to_string()
}

fn key_policy(statements: &Value) -> String {
    let mut all = vec![json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
        "Action": "kms:*", "Resource": "*"})];
    all.extend(statements.as_array().cloned().unwrap_or_default());
    json!({"Version": "2012-10-17", "Statement": all}).to_string()
}

/// What the user guide asks a key's owner to add.
fn encrypt_statement() -> Value {
    json!([{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:GenerateDataKey*",
        "Resource": "*", "Condition": {
            "StringEquals": {"aws:SourceArn": format!("arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/t-1")},
            "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": format!("arn:aws:cloudtrail:*:{ACCOUNT}:trail/*")}}}])
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Error::Invalid { code, .. }) => code.to_owned(),
        Err(Error::NotFound(_)) => "TrailNotFound".to_owned(),
        Err(Error::Conflict(_)) => "Conflict".to_owned(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_trail_logs_from_its_start_to_its_stop() {
    let house = House::new().await;
    let made = house.create(new("t-1")).await.unwrap();
    assert_eq!(made.arn, format!("arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/t-1"));
    assert!(!made.logging && made.started.is_none() && !made.custom_selectors);
    let started = house.trails.start(scope(HOME), "t-1").await.unwrap();
    assert!(started.logging && started.started == Some(house.sim.world().now()) && started.stopped.is_none());
    house.sim.clock.advance(Duration::from_mins(1));
    assert_eq!(house.trails.start(scope(HOME), &made.arn).await.unwrap(), started, "it logs already");
    let stopped = house.trails.stop(scope(HOME), "t-1").await.unwrap();
    assert!(!stopped.logging && stopped.stopped == Some(house.sim.world().now()));
    let house = house.reopen().await;
    assert_eq!(house.trails.get(scope(HOME), "t-1"), Ok(stopped));
}

#[tokio::test]
async fn a_bucket_must_be_there_and_let_trails_in() {
    let house = House::new().await;
    house.bucket("closed", HOME).await;
    let try_bucket = |bucket: &str, prefix: Option<&str>| {
        let bucket = bucket.to_owned();
        house.create(NewTrail { bucket, prefix: prefix.map(str::to_owned), ..new("t-1") })
    };
    assert_eq!(code(try_bucket("no-such-bucket", None).await), "S3BucketDoesNotExist");
    assert_eq!(code(try_bucket("Bad_Name", None).await), "InvalidS3BucketName");
    assert_eq!(code(try_bucket("closed", None).await), "InsufficientS3BucketPolicy");
    assert_eq!(code(try_bucket("logs", Some(&"p".repeat(201))).await), "InvalidS3Prefix");
    assert_eq!(code(try_bucket("logs", Some("elsewhere")).await), "InsufficientS3BucketPolicy");
    assert_eq!(code(try_bucket("logs", None).await), "ok");
}

#[tokio::test]
async fn only_the_home_account_has_the_buckets_that_live_elsewhere() {
    let house = House::new().await;
    let far = |name: &str| NewTrail { bucket: "far-away".to_owned(), ..new(name) };
    assert_eq!(code(house.create(far("t-1")).await), "ok");
    let other = Scope { account: "444455556666", ..scope(HOME) };
    assert_eq!(code(house.trails.create(other, far("t-2")).await), "S3BucketDoesNotExist");
}

#[tokio::test]
async fn a_key_must_be_there_and_let_trails_encrypt() {
    let house = House::new().await;
    let place = cairn_key::Scope { account: ACCOUNT, region: HOME };
    let make = |statements: &Value| {
        house.keys.create(place, NewKey { policy: Some(key_policy(statements)), ..NewKey::default() })
    };
    let open = make(&encrypt_statement()).await.unwrap();
    let closed = make(&json!([])).await.unwrap();
    let disabled = make(&encrypt_statement()).await.unwrap();
    house.keys.disable(place, &disabled.arn).await.unwrap();
    let elsewhere = open.arn.replace(HOME, "eu-west-1");
    let absent = "00000000-0000-4000-8000-000000000000";
    let try_key = |key: &str| house.create(NewTrail { kms_key: Some(key.to_owned()), ..new("t-1") });
    for (key, expected) in [
        ("nonsense", "InvalidKmsKeyId"),
        (absent, "KmsKeyNotFound"),
        ("alias/none", "KmsKeyNotFound"),
        (&elsewhere, "KmsKeyNotFound"),
        (&disabled.arn, "Kms"),
        (&closed.arn, "InsufficientEncryptionPolicy"),
    ] {
        assert_eq!(code(try_key(key).await), expected, "{key}");
    }
    let trail = try_key(&open.id.to_string()).await.unwrap();
    assert_eq!(trail.kms_key.as_ref(), Some(&open.arn));
    let without = house.update(TrailUpdate { kms_key: Some(None), ..TrailUpdate::default() }).await.unwrap();
    assert_eq!(without.kms_key, None);
    house.bucket("far-logs", "eu-west-1").await;
    house.buckets.set_policy("far-logs", &bucket_policy("far-logs", "")).await.unwrap();
    let far = NewTrail { bucket: "far-logs".to_owned(), kms_key: Some(open.arn.clone()), ..new("t-2") };
    assert_eq!(code(house.create(far).await), "KmsKeyNotFound");
}

#[tokio::test]
async fn what_is_not_given_stays_as_it_is() {
    let house = House::new().await;
    house.buckets.set_policy("logs", &bucket_policy("logs", "*")).await.unwrap();
    let made = house.create(new("t-1")).await.unwrap();
    assert_eq!(house.update(TrailUpdate::default()).await, Ok(made.clone()));
    let prefix = Some("p".to_owned());
    let update = TrailUpdate { prefix: Some(prefix.clone()), validation: Some(true), ..TrailUpdate::default() };
    let updated = house.update(update).await.unwrap();
    assert_eq!(updated, Trail { prefix, validation: true, ..made.clone() });
    let bare = house.update(TrailUpdate { prefix: Some(None), ..TrailUpdate::default() }).await.unwrap();
    assert_eq!(bare, Trail { validation: true, ..made });
    let global = TrailUpdate { global_service_events: Some(false), multi_region: Some(true), ..TrailUpdate::default() };
    assert_eq!(code(house.update(global).await), "InvalidParameterCombination");
}

#[tokio::test]
async fn an_account_without_an_organization_has_no_trail_of_one() {
    let house = House::new().await;
    let refused = house.create(NewTrail { organization: true, ..new("t-1") }).await;
    assert_eq!(code(refused), "OrganizationsNotInUse");
}

#[tokio::test]
async fn names_and_quotas_are_kept_also_by_updates() {
    let house = House::new().await;
    assert_eq!(code(house.create(new("a b")).await), "InvalidTrailName");
    assert_eq!(code(house.create(new("t-1")).await), "ok");
    assert_eq!(code(house.create(new("t-1")).await), "TrailAlreadyExists");
    for number in 0..5 {
        let made = house.trails.create(scope("eu-west-1"), new(&format!("west-{number}"))).await;
        assert_eq!(code(made), "ok");
    }
    assert_eq!(code(house.trails.create(scope("eu-west-1"), new("t-6")).await), "MaximumNumberOfTrailsExceeded");
    let everywhere = || TrailUpdate { multi_region: Some(true), ..TrailUpdate::default() };
    assert_eq!(code(house.update(everywhere()).await), "Conflict");
    house.trails.delete(scope("eu-west-1"), "west-0").await.unwrap();
    assert_eq!(code(house.update(everywhere()).await), "ok");
    assert_eq!(code(house.trails.update(scope("eu-west-1"), "t-1", everywhere()).await), "InvalidHomeRegion");
    let seen = house.trails.in_region(scope("eu-west-1"), true);
    assert_eq!(seen.len(), 5);
    assert_eq!(house.trails.in_region(scope("eu-west-1"), false).len(), 4);
}

#[tokio::test]
async fn a_deleted_trail_is_gone_and_its_name_is_free() {
    let house = House::new().await;
    house.create(new("t-1")).await.unwrap();
    house.trails.start(scope(HOME), "t-1").await.unwrap();
    house.trails.delete(scope(HOME), "t-1").await.unwrap();
    assert_eq!(code(house.trails.get(scope(HOME), "t-1")), "TrailNotFound");
    assert_eq!(code(house.trails.delete(scope(HOME), "t-1").await), "TrailNotFound");
    assert!(house.trails.of_account(scope(HOME)).is_empty());
    let house = house.reopen().await;
    assert!(!house.create(new("t-1")).await.unwrap().logging);
}

#[tokio::test]
async fn selectors_of_one_kind_replace_those_of_the_other() {
    let house = House::new().await;
    house.create(new("t-1")).await.unwrap();
    let advanced = |source: &str| -> Given {
        let fields = json!([{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventSource", "NotEquals": [source]}]);
        let selector: AdvancedSelector = serde_json::from_value(json!({"FieldSelectors": fields})).unwrap();
        Given::Advanced(vec![selector])
    };
    let put = |given: Given| house.trails.put_selectors(scope(HOME), "t-1", given);
    let (trail, _) = put(Given::Basic(vec![BasicSelector::default()])).await.unwrap();
    assert!(trail.custom_selectors);
    assert_eq!(code(put(advanced("s3.amazonaws.com")).await), "InvalidEventSelectors");
    let kms = advanced("kms.amazonaws.com");
    put(kms.clone()).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.trails.selectors(scope(HOME), "t-1").unwrap().1.given(), &kms);
    let foreign = "arn:aws:cloudtrail:us-east-1:999988887777:trail/t-1";
    assert_eq!(code(house.trails.selectors(scope(HOME), foreign)), "CloudTrailARNInvalid");
}

#[tokio::test]
async fn tags_are_replaced_limited_and_removed() {
    let house = House::new().await;
    let pairs = |keys: std::ops::Range<u32>, value: &str| -> BTreeMap<String, String> {
        keys.map(|key| (format!("k{key}"), value.to_owned())).collect()
    };
    let trail = house.create(NewTrail { tags: pairs(0..1, "old"), ..new("t-1") }).await.unwrap();
    house.trails.tag(scope(HOME), &trail.arn, pairs(0..50, "new")).await.unwrap();
    let one_more = house.trails.tag(scope(HOME), &trail.arn, pairs(50..51, "")).await;
    assert_eq!(code(one_more), "TagsLimitExceeded");
    house.trails.untag(scope(HOME), &trail.arn, vec!["k0".to_owned(), "none".to_owned()]).await.unwrap();
    assert_eq!(house.trails.get(scope(HOME), "t-1").unwrap().tags, pairs(1..50, "new"));
    assert_eq!(code(house.create(NewTrail { tags: pairs(0..51, ""), ..new("t-2") }).await), "TagsLimitExceeded");
}
