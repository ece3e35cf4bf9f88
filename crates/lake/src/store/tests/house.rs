//! Stores, channels and tables over a real journal and database, under a clock that the test holds.

use crate::channel::Channels;
use crate::store::{NewStore, Scope, Store, Stores};
use crate::{Error, Parts, Settings, Signed, Signer, Tables};
use arrow::array::{Array, AsArray};
use bytes::Bytes;
use cairn_bucket::Buckets;
use cairn_bucket::outside::Outside;
use cairn_event::{Origin, Time};
use cairn_identity::{FirstAccount, Identity};
use cairn_journal::{Entry, Journal, Kind, Options, Position};
use cairn_key::Keys;
use cairn_pattern::selector::{AdvancedSelector, StoreSelectors};
use cairn_store::{Blobs, Db, Seal};
use cairn_world::sim::Sim;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub const ACCOUNT: &str = "111122223333";
pub const SCOPE: Scope<'static> = Scope { account: ACCOUNT, region: "us-east-1" };
pub const DAY: Duration = Duration::from_hours(24);
const START: Time = Time(1_780_000_000_000);

pub struct House {
    pub sim: Arc<Sim>,
    pub identity: Identity,
    pub tables: Tables,
    pub stores: Stores,
    pub channels: Channels,
    journal: Journal,
    db: Db,
    dir: Arc<tempfile::TempDir>,
    /// How far the tables were handed the journal.
    read: AtomicU64,
}

struct NoSigner;

#[async_trait::async_trait]
impl Signer for NoSigner {
    async fn sign(&self, _: &str, _: Time, _: &str) -> Result<Signed, Error> {
        Err(Error::Unavailable("nothing is signed here".to_owned()))
    }
}

impl House {
    pub async fn new() -> Self {
        Self::open(Arc::new(Sim::at(START)), Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn open(sim: Arc<Sim>, dir: Arc<tempfile::TempDir>) -> Self {
        let (world, path) = (sim.world(), dir.path());
        let db = Db::open(&path.join("cairn.db")).await.unwrap();
        let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
        let options = Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 30, age_max: DAY * 10_000 };
        let (journal, _) = Journal::open(&world, &path.join("journal"), options).unwrap();
        let keys = Keys::open(&world, &db, seal.clone()).await.unwrap();
        let identity = Identity::open(&world, &db, seal).await.unwrap();
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
        });
        let parts = Parts {
            db: db.clone(),
            journal: journal.clone(),
            buckets: buckets.await.unwrap(),
            keys,
            identity: identity.clone(),
            results: Blobs::open(&world, &path.join("results")).unwrap(),
            signer: Arc::new(NoSigner),
            account: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            settings: Settings::default(),
            world,
        };
        let tables = Tables::open(&parts).await.unwrap();
        let stores = Stores::open(&parts, &tables).await.unwrap();
        let channels = Channels::open(&stores).await.unwrap();
        let read = AtomicU64::new(tables.reader().position().0);
        Self { sim, identity, tables, stores, channels, journal, db, dir, read }
    }

    /// As after a crash: only what is durable is left.
    pub async fn restart(self) -> Self {
        self.journal.close().await;
        self.db.close().await;
        Self::open(self.sim, self.dir).await
    }

    pub async fn store(&self, new: NewStore) -> Arc<Store> {
        self.stores.create(SCOPE, NewStore { protected: Some(false), ..new }).await.unwrap()
    }

    pub async fn audit_store(&self, name: &str) -> Arc<Store> {
        let selectors =
            selectors(&json!([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["ActivityAuditLog"]}]}]));
        let new = NewStore {
            name: name.to_owned(),
            selectors: Some(selectors),
            multi_region: Some(false),
            ..NewStore::default()
        };
        self.store(new).await
    }

    /// A management event of this account in this region is recorded.
    pub async fn happen(&self, id: &str, account: &str, region: &str) {
        let now = self.sim.world().now();
        let event = json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": now.iso(), "eventName": "RunInstances",
            "eventSource": "ec2.amazonaws.com", "awsRegion": region, "recipientAccountId": account,
            "eventCategory": "Management", "managementEvent": true, "readOnly": false,
        });
        let body = Bytes::from(event.to_string());
        self.journal.append(vec![Entry { origin: Origin::Door, kind: Kind::Event, time: now, body }]).await.unwrap();
        // What follows is later by more than the millisecond by which rules are told apart.
        self.sim.clock.advance(Duration::from_secs(1));
    }

    /// The event ids of a store's table, sorted, after all that was recorded is absorbed.
    pub async fn ids(&self, store: &Store) -> Vec<String> {
        let reader = self.tables.reader();
        loop {
            let from = Position(self.read.load(Ordering::Relaxed));
            if from == self.journal.end() {
                break;
            }
            let batch = self.journal.read(from, 1 << 20).unwrap();
            reader.absorb(&batch).await.unwrap();
            self.read.store(batch.range().end.0, Ordering::Relaxed);
        }
        let mut ids = Vec::new();
        for rows in self.tables.snapshot(&store.id).await.unwrap().fresh {
            let column = rows.column_by_name("eventid").unwrap().as_string::<i32>();
            ids.extend((0..column.len()).map(|index| column.value(index).to_owned()));
        }
        ids.sort();
        ids
    }
}

pub fn selectors(value: &serde_json::Value) -> Vec<AdvancedSelector> {
    let checked: StoreSelectors = serde_json::from_value(value.clone()).unwrap();
    checked.into()
}

pub fn named(name: &str) -> NewStore {
    NewStore { name: name.to_owned(), ..NewStore::default() }
}

pub fn code<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "",
        Err(Error::Refused { code, .. }) => code,
        Err(error) => panic!("{error}"),
    }
}
