//! A lake's tables over a real journal, database and buckets, under a clock and a disk that the test holds.

use crate::table::{Also, Change, NewTable, Snapshot, Tables, Takes};
use crate::{Error, Parts, Settings, Signed, Signer};
use arrow::array::{Array, AsArray, RecordBatch};
use bytes::Bytes;
use cairn_bucket::outside::Outside;
use cairn_bucket::{Buckets, List};
use cairn_event::{Origin, Time};
use cairn_identity::{FirstAccount, Identity};
use cairn_journal::{Entry, Journal, Kind, Options, Position};
use cairn_key::Keys;
use cairn_store::{Blobs, Db, Seal};
use cairn_world::sim::Sim;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub const ACCOUNT: &str = "111122223333";
pub const BUCKET: &str = "cairn-lake-111122223333";
/// 2023-11-14T22:00:00Z
pub const START: Time = Time(1_699_999_200_000);
pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);

pub struct House {
    pub sim: Arc<Sim>,
    pub tables: Tables,
    pub buckets: Buckets,
    pub journal: Journal,
    pub db: Db,
    pub settings: Settings,
    pub dir: Arc<tempfile::TempDir>,
    /// How far the reader was handed the journal.
    read: AtomicU64,
    events: AtomicU64,
}

struct NoSigner;

#[async_trait::async_trait]
impl Signer for NoSigner {
    async fn sign(&self, _: &str, _: Time, _: &str) -> Result<Signed, Error> {
        Err(Error::Unavailable("nothing is signed here".to_owned()))
    }
}

/// One event's JSON.
pub fn event(id: &str, time: Time, name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventID":"{id}","eventTime":"{}","eventSource":"ec2.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","readOnly":false,"managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management"}}"#,
        time.iso()
    )
}

pub fn nothing() -> Also<'static> {
    Box::new(|_| Box::pin(async { Ok(()) }))
}

/// Rows of such events.
pub fn rows(events: &[(String, Time)]) -> RecordBatch {
    let mut shredder = crate::shred::Shredder::new();
    for (id, time) in events {
        shredder.push(&event(id, *time, "RunInstances"), Origin::Import, *time).unwrap();
    }
    shredder.finish()
}

pub fn ids(rows: &RecordBatch) -> Vec<String> {
    let column = rows.column_by_name("eventid").unwrap().as_string::<i32>();
    (0..column.len()).map(|index| column.value(index).to_owned()).collect()
}

impl House {
    pub async fn new() -> Self {
        Self::with(Settings { bucket: None, ..Settings::default() }).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::open(Arc::new(Sim::at(START)), Arc::new(tempfile::tempdir().unwrap()), settings, 0).await
    }

    async fn open(sim: Arc<Sim>, dir: Arc<tempfile::TempDir>, settings: Settings, events: u64) -> Self {
        let (world, path) = (sim.world(), dir.path());
        let db = Db::open(&path.join("cairn.db")).await.unwrap();
        let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
        let options = Options { segment_bytes_max: 64 << 10, bytes_max: 1 << 30, age_max: DAY * 10_000 };
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
        })
        .await
        .unwrap();
        let tables = Tables::open(&Parts {
            db: db.clone(),
            journal: journal.clone(),
            buckets: buckets.clone(),
            keys,
            identity,
            results: Blobs::open(&world, &path.join("results")).unwrap(),
            signer: Arc::new(NoSigner),
            account: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            settings: settings.clone(),
            world,
        })
        .await
        .unwrap();
        let read = AtomicU64::new(tables.reader().position().0);
        let events = AtomicU64::new(events);
        Self { sim, tables, buckets, journal, db, settings, dir, read, events }
    }

    /// As after a crash: only what is durable is left.
    pub async fn restart(self) -> Self {
        let settings = self.settings.clone();
        self.restart_with(settings).await
    }

    pub async fn restart_with(self, settings: Settings) -> Self {
        self.journal.close().await;
        self.db.close().await;
        let Self { sim, dir, events, .. } = self;
        Self::open(sim, dir, settings, events.into_inner()).await
    }

    pub fn now(&self) -> Time {
        self.sim.world().now()
    }

    pub fn pass(&self, span: Duration) {
        self.sim.clock.advance(span);
    }

    /// Something happened at this time and is in the journal now; gives its event ID.
    pub async fn happened(&self, time: Time) -> String {
        self.happened_so(time, Origin::Door, "RunInstances").await
    }

    pub async fn happened_so(&self, time: Time, origin: Origin, name: &str) -> String {
        let id = format!("event-{:06}", self.events.fetch_add(1, Ordering::Relaxed));
        self.append(&event(&id, time, name), origin).await;
        id
    }

    pub async fn append(&self, body: &str, origin: Origin) {
        let entry = Entry { origin, kind: Kind::Event, time: self.now(), body: Bytes::from(body.to_owned()) };
        self.journal.append(vec![entry]).await.unwrap();
    }

    /// So many events, a second apart, the first at this time; in the tables afterwards.
    pub async fn happen(&self, first: Time, count: u64) -> Vec<String> {
        let mut ids = Vec::new();
        let mut entries = Vec::new();
        for second in 0..count {
            let id = format!("event-{:06}", self.events.fetch_add(1, Ordering::Relaxed));
            let body = event(&id, first + Duration::from_secs(second), "RunInstances");
            entries.push(Entry { origin: Origin::Door, kind: Kind::Event, time: self.now(), body: body.into() });
            ids.push(id);
        }
        self.journal.append(entries).await.unwrap();
        self.absorb().await;
        ids
    }

    /// Hands the tables what the journal has, as its driver does.
    pub async fn absorb(&self) {
        self.try_absorb().await.unwrap();
    }

    pub async fn try_absorb(&self) -> Result<(), cairn_journal::ReadError> {
        let reader = self.tables.reader();
        loop {
            let from = Position(self.read.load(Ordering::Relaxed));
            if from == self.journal.end() {
                return Ok(());
            }
            let batch = self.journal.read(from, 1 << 20).unwrap();
            reader.absorb(&batch).await?;
            self.read.store(batch.range().end.0, Ordering::Relaxed);
        }
    }

    pub async fn table(&self, id: &str, takes: Takes) {
        let new = NewTable { id: id.to_owned(), retention: DAY * 90, takes };
        self.tables.create(new, nothing()).await.unwrap();
    }

    pub async fn takes(&self, id: &str, takes: Takes) {
        self.tables.change(id, Change { retention: None, takes: Some(takes) }, nothing()).await.unwrap();
    }

    pub async fn snapshot(&self, id: &str) -> Snapshot {
        self.tables.snapshot(id).await.unwrap()
    }

    /// The event IDs of a table, sorted; read out of its files and fresh rows.
    pub async fn ids(&self, id: &str) -> Vec<String> {
        self.ids_of(&self.snapshot(id).await).await.unwrap()
    }

    pub async fn ids_of(&self, snapshot: &Snapshot) -> Result<Vec<String>, Error> {
        let mut all: Vec<String> = snapshot.fresh.iter().flat_map(ids).collect();
        for file in &snapshot.files {
            let bytes = self.tables.read(file, 0..file.bytes).await?;
            let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
            let before = all.len();
            for rows in reader.build().unwrap() {
                all.extend(ids(&rows.unwrap()));
            }
            assert_eq!((all.len() - before) as u64, file.rows, "{} has as many rows as it says", file.key);
        }
        all.sort();
        Ok(all)
    }

    /// The keys in the lake's bucket.
    pub async fn keys(&self) -> Vec<String> {
        let list = List { max: 1000, ..List::default() };
        match self.buckets.list(BUCKET, &list).await {
            Ok(listing) => listing.items.into_iter().map(|object| object.key).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Changes the bytes of every blob that is larger than this.
    pub fn damage(&self, larger_than: u64) {
        let disk = self.sim.world().disk;
        let blobs = self.dir.path().join("blobs");
        for folder in disk.list(&blobs).unwrap().into_iter().filter(|entry| entry.is_dir) {
            let folder = blobs.join(folder.name);
            for entry in disk.list(&folder).unwrap() {
                let file = disk.open(&folder.join(entry.name), cairn_world::Open::Write).unwrap();
                let len = file.len().unwrap();
                if len > larger_than {
                    file.write_at(b"damaged", len / 2).unwrap();
                }
            }
        }
    }
}
