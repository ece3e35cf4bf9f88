//! A house with real journal, buckets, identity and keys under a clock that is set.

use crate::archive::Archive;
use crate::archive::publish::delivery;
use crate::verify::{self, Report, Verdict};
use crate::{NewTrail, Parts, PublicKey, Scope, Settings, Status, Trail, Trails};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use cairn_bucket::outside::Outside;
use cairn_bucket::{Buckets, List, NewBucket};
use cairn_event::{Origin, Time};
use cairn_identity::{FirstAccount, Identity};
use cairn_journal::{Entry, Journal, Kind, Options, Position};
use cairn_key::Keys;
use cairn_store::{Blobs, Db, Seal};
use cairn_world::sim::Sim;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";
pub const BUCKET: &str = "trail-bucket";
pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_mins(1);
pub const HOUR: Duration = Duration::from_hours(1);
/// 2023-11-14T22:00:00Z
pub const START: Time = Time(1_699_999_200_000);

pub struct House {
    pub sim: Arc<Sim>,
    pub trails: Trails,
    pub buckets: Buckets,
    pub keys: Keys,
    pub journal: Journal,
    pub settings: Settings,
    db: Db,
    dir: Arc<tempfile::TempDir>,
    read: AtomicU64,
    events: AtomicU64,
}

/// The archive as the verifier reads it.
struct Source {
    bucket: Buckets,
    keys: Vec<String>,
}

#[async_trait::async_trait]
impl verify::Source for Source {
    fn name(&self) -> String {
        BUCKET.to_owned()
    }

    fn bucket(&self) -> Option<&str> {
        Some(BUCKET)
    }

    fn top(&self) -> String {
        String::new()
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, verify::Error> {
        let below = |key: &String| {
            let rest = key.strip_prefix(folder)?;
            rest.find('/').map(|end| key[..=folder.len() + end].to_owned())
        };
        let folders: BTreeSet<String> = self.keys.iter().filter_map(below).collect();
        Ok(folders.into_iter().collect())
    }

    fn keys(&self, folder: &str) -> BoxStream<'static, Result<String, verify::Error>> {
        let keys: Vec<_> = self.keys.iter().filter(|key| key.starts_with(folder)).cloned().map(Ok).collect();
        stream::iter(keys).boxed()
    }

    async fn get(&self, key: &str, bytes_max: u64) -> Result<verify::Object, verify::Unread> {
        match self.bucket.read(ACCOUNT, BUCKET, key, bytes_max).await {
            Ok((metadata, bytes)) => Ok(verify::Object { bytes, metadata: Some(metadata) }),
            Err(cairn_bucket::Error::NoSuchKey { .. }) => Err(verify::Unread::Missing),
            Err(error) => Err(verify::Unread::Failed(error.to_string())),
        }
    }
}

struct Keyring(Trails);

#[async_trait::async_trait]
impl verify::Keys for Keyring {
    async fn keys(&self, region: &str, from: Time, to: Time) -> Result<Vec<PublicKey>, verify::Error> {
        Ok(self.0.public_keys(region, Some((from, to))).await.unwrap())
    }
}

/// One object of a bucket.
#[derive(Debug)]
pub struct Object {
    pub key: String,
    pub metadata: BTreeMap<String, String>,
    pub json: Vec<u8>,
}

impl Object {
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.json).unwrap()
    }
}

fn settings() -> Settings {
    Settings {
        delivery_interval: MINUTE * 5,
        digest_interval: HOUR,
        key_rotation: HOUR * 720,
        memory_bytes_max: 1 << 20,
    }
}

impl House {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let house = Self::open(Arc::new(Sim::at(START)), Arc::new(tempfile::tempdir().unwrap()), settings, 0).await;
        house.bucket(BUCKET).await;
        house
    }

    async fn open(sim: Arc<Sim>, dir: Arc<tempfile::TempDir>, settings: Settings, events: u64) -> Self {
        let (world, path) = (sim.world(), dir.path());
        let db = Db::open(&path.join("cairn.db")).await.unwrap();
        let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
        let options = Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 30, age_max: HOUR * 10_000 };
        let (journal, _) = Journal::open(&world, &path.join("journal"), options).unwrap();
        let keys = Keys::open(&world, &db, seal.clone()).await.unwrap();
        let identity = Identity::open(&world, &db, seal.clone()).await.unwrap();
        if identity.home_account().is_none() {
            identity.found(FirstAccount { account: ACCOUNT.to_owned(), access_key: None }).await.unwrap();
        }
        let buckets = Buckets::open(cairn_bucket::Parts {
            world: world.clone(),
            db: db.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            blobs: Blobs::open(&world, &path.join("blobs")).unwrap(),
            outside: Outside::default(),
        })
        .await
        .unwrap();
        let trails = Trails::open(Parts {
            db: db.clone(),
            seal,
            journal: journal.clone(),
            buckets: buckets.clone(),
            keys: keys.clone(),
            identity,
            staged: Blobs::open(&world, &path.join("staged")).unwrap(),
            settings: settings.clone(),
            world,
        })
        .await
        .unwrap();
        let read = AtomicU64::new(trails.reader().position().0);
        Self { sim, trails, buckets, keys, journal, settings, db, dir, read, events: AtomicU64::new(events) }
    }

    /// As after a crash: only what is durable is left.
    pub async fn restart(self) -> Self {
        self.journal.close().await;
        self.db.close().await;
        let Self { sim, dir, settings, events, .. } = self;
        Self::open(sim, dir, settings, events.into_inner()).await
    }

    pub fn archive(&self) -> &Archive {
        &self.trails.inner.archive
    }

    pub fn now(&self) -> Time {
        self.sim.world().now()
    }

    pub fn pass(&self, span: Duration) {
        self.sim.clock.advance(span);
    }

    pub fn scope(&self) -> Scope<'static> {
        let id = self.events.fetch_add(1, Ordering::Relaxed);
        Scope { account: ACCOUNT, region: REGION, event_id: Uuid::from_u128(u128::from(id)) }
    }

    pub async fn bucket(&self, name: &str) {
        let new = NewBucket {
            name: name.to_owned(),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            object_lock: false,
            ownership: None,
            tags: BTreeMap::new(),
        };
        self.buckets.create(new).await.unwrap();
        self.allow(name, true).await;
    }

    /// Whether the bucket's policy lets trails deliver there.
    pub async fn allow(&self, name: &str, allow: bool) {
        let put = if allow { "s3:PutObject" } else { "s3:PutObjectTagging" };
        let principal = json!({"Service": "cloudtrail.amazonaws.com"});
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "s3:GetBucketAcl",
             "Resource": format!("arn:aws:s3:::{name}")},
            {"Effect": "Allow", "Principal": principal, "Action": put, "Resource": format!("arn:aws:s3:::{name}/*"),
             "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}},
        ]});
        self.buckets.set_policy(name, &policy.to_string()).await.unwrap();
    }

    pub async fn trail(&self, name: &str, change: impl FnOnce(&mut NewTrail)) -> Trail {
        let mut new = NewTrail {
            name: name.to_owned(),
            bucket: BUCKET.to_owned(),
            prefix: None,
            global_service_events: true,
            multi_region: true,
            validation: true,
            kms_key: None,
            organization: false,
            recursive_logging: true,
            tags: BTreeMap::new(),
        };
        change(&mut new);
        self.trails.create(self.scope(), new).await.unwrap();
        self.trails.start(self.scope(), name).await.unwrap()
    }

    /// A management event; gives its JSON.
    pub async fn happens(&self, name: &str, region: &str) -> String {
        self.happened(name, region, self.now()).await
    }

    /// One whose record took until now to come to the journal.
    pub async fn happened(&self, name: &str, region: &str, time: Time) -> String {
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        let body = format!(
            r#"{{"eventVersion":"1.11", "eventID":"event-{number}","eventTime":"{}","eventSource":"ec2.amazonaws.com","eventName":"{name}","awsRegion":"{region}","readOnly":false,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management"}}"#,
            time.iso()
        );
        self.append_at(&body, Origin::Door, Kind::Event, time).await;
        body
    }

    pub async fn append(&self, body: &str, origin: Origin, kind: Kind) {
        self.append_at(body, origin, kind, self.now()).await;
    }

    async fn append_at(&self, body: &str, origin: Origin, kind: Kind, time: Time) {
        let entry = Entry { origin, kind, time, body: body.to_owned().into() };
        self.journal.append(vec![entry]).await.unwrap();
    }

    /// Hands the archive what the journal has, as its driver does.
    pub async fn absorb(&self) {
        let reader = self.trails.reader();
        loop {
            let from = Position(self.read.load(Ordering::Relaxed));
            if from == self.journal.end() {
                return;
            }
            let batch = self.journal.read(from, 1 << 20).unwrap();
            reader.absorb(&batch).await.unwrap();
            self.read.store(batch.range().end.0, Ordering::Relaxed);
        }
    }

    /// What the loops do when a delivery is due.
    pub async fn deliver(&self) {
        self.absorb().await;
        self.archive().digests().await.unwrap();
        self.archive().cut().await.unwrap();
        self.publish().await;
        self.digest().await;
    }

    /// Publishes everything that is staged and need not wait.
    pub async fn publish(&self) {
        for (group, files) in self.archive().groups(&BTreeSet::new()).await.unwrap() {
            self.archive().publish_group(group, files).await;
        }
    }

    /// Makes and publishes the digests that are due.
    pub async fn digest(&self) {
        self.archive().digests().await.unwrap();
        self.publish().await;
    }

    /// Puts what is staged into its bucket and goes no further, as if it crashed there.
    pub async fn put_only(&self) {
        for file in self.archive().groups(&BTreeSet::new()).await.unwrap().into_values().flatten() {
            let body = self.archive().body(&file).await.unwrap();
            self.buckets.deliver(delivery(&file, body)).await.unwrap();
        }
    }

    pub async fn status(&self, trail: &Trail) -> Status {
        self.trails.status(&trail.arn).await.unwrap()
    }

    /// The objects of a bucket by key; every one of them must be one gzip member.
    pub async fn objects(&self, bucket: &str) -> Vec<Object> {
        let mut objects = Vec::new();
        for key in self.keys(bucket).await {
            let (metadata, bytes) = self.buckets.read(ACCOUNT, bucket, &key, 1 << 30).await.unwrap();
            let mut member = flate2::bufread::GzDecoder::new(&*bytes);
            let mut json = Vec::new();
            member.read_to_end(&mut json).unwrap();
            assert!(member.into_inner().is_empty(), "{key} has one member");
            objects.push(Object { key, metadata, json });
        }
        objects
    }

    pub async fn logs(&self) -> Vec<Object> {
        let mut objects = self.objects(BUCKET).await;
        objects.retain(|object| object.key.contains("/CloudTrail/"));
        objects
    }

    /// The digests of a region, oldest first, once all of them are checked.
    pub async fn digests(&self, region: &str, backfill: bool) -> Vec<Value> {
        self.prove().await;
        let objects = self.objects(BUCKET).await;
        let of_region = format!("/CloudTrail-Digest/{region}/");
        let mut previous: Option<&Object> = None;
        let mut digests: Vec<Value> = Vec::new();
        for object in &objects {
            if !object.key.contains(&of_region) || object.key.ends_with("_backfill.json.gz") != backfill {
                continue;
            }
            let digest = object.value();
            self.check_signature(region, object, &digest).await;
            check_logs(&objects, &digest);
            if !digest["previousDigestSignature"].is_null() {
                let previous = previous.expect("there is a digest before");
                assert_eq!(digest["previousDigestS3Object"], *previous.key);
                assert_eq!(digest["previousDigestHashValue"], sha256(&previous.json));
                assert_eq!(digest["previousDigestSignature"], *previous.metadata["signature"]);
                assert_eq!(digest["digestStartTime"], digests[digests.len() - 1]["digestEndTime"]);
            }
            previous = Some(object);
            digests.push(digest);
        }
        digests
    }

    /// What the project's own verifier says of the whole bucket; it must find nothing wrong.
    pub async fn prove(&self) -> Report {
        let source = Source { bucket: self.buckets.clone(), keys: self.keys(BUCKET).await };
        let settings = verify::Settings { from: None, to: None, in_flight: 4 };
        let keys = Arc::new(Keyring(self.trails.clone()));
        let report = verify::verify(&self.sim.world(), Arc::new(source), keys, settings, Arc::default()).await.unwrap();
        assert_ne!(report.verdict, Verdict::Invalid, "{report:#?}");
        report
    }

    async fn keys(&self, bucket: &str) -> Vec<String> {
        let list = List { max: 1000, ..List::default() };
        let listing = self.buckets.list(bucket, &list).await.unwrap();
        assert!(listing.next.is_none());
        listing.items.into_iter().map(|object| object.key).collect()
    }

    /// As the AWS CLI checks it.
    async fn check_signature(&self, region: &str, object: &Object, digest: &Value) {
        assert_eq!(digest["digestS3Object"], *object.key);
        assert_eq!(object.metadata["signature-algorithm"], "SHA256withRSA");
        let text = |name: &str| digest[name].as_str().unwrap();
        let at = match object.metadata.get("backfill-generation-timestamp") {
            Some(generated) => Time::parse(generated).unwrap(),
            None => Time::parse(text("digestEndTime")).unwrap(),
        };
        let keys = self.trails.public_keys(region, Some((at, at))).await.unwrap();
        let key = keys.iter().find(|key| digest["digestPublicKeyFingerprint"] == *key.fingerprint);
        let signed = format!(
            "{}\n{}/{}\n{}\n{}",
            text("digestEndTime"),
            text("digestS3Bucket"),
            object.key,
            sha256(&object.json),
            digest["previousDigestSignature"].as_str().unwrap_or("null")
        );
        let signature = hex::decode(&object.metadata["signature"]).unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.expect("the key is public").der);
        key.verify(signed.as_bytes(), &signature).unwrap();
    }
}

fn check_logs(objects: &[Object], digest: &Value) {
    for log in digest["logFiles"].as_array().unwrap() {
        let object = objects.iter().find(|object| log["s3Object"] == *object.key).expect("what is listed is there");
        assert_eq!(log["hashValue"], sha256(&object.json));
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// The keys of the log files that digests list.
pub fn listed(digests: &[Value]) -> Vec<String> {
    let files = digests.iter().flat_map(|digest| digest["logFiles"].as_array().unwrap());
    files.map(|log| log["s3Object"].as_str().unwrap().to_owned()).collect()
}
