//! What queries stand on, under a clock that is set, and an engine that does as the text says.

use crate::query::{Entry, NewQuery, Place, Queries, Status};
use crate::sql::{self, Checked, Column, Query, Rows, Sql, Statistics};
use crate::store::Stores;
use crate::{Error, Parts, Settings, Signed, Signer, Tables};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use cairn_bucket::outside::Outside;
use cairn_bucket::{Buckets, NewBucket};
use cairn_event::Time;
use cairn_identity::{FirstAccount, Identity};
use cairn_journal::{Journal, Options};
use cairn_key::Keys;
use cairn_store::{Blobs, Db, Seal};
use cairn_world::sim::Sim;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub const ACCOUNT: &str = "111122223333";
pub const OTHER: &str = "444455556666";
/// 2023-11-14T22:00:00Z
pub const START: Time = Time(1_699_999_200_000);
/// Real time that a test waits for what happens in the background.
const PATIENCE: Duration = Duration::from_secs(20);
const BATCH: u64 = 4096;

pub struct House {
    pub sim: Arc<Sim>,
    pub queries: Queries,
    pub engine: Arc<Engine>,
    pub buckets: Buckets,
    parts: Parts,
    dir: Arc<tempfile::TempDir>,
}

/// `rows N`, `rows N then stuck`, `rows N then fail`, `stuck`, `hungry`, `wrong`, `from NAME`.
#[derive(Default)]
pub struct Engine {
    at_work: Arc<AtomicUsize>,
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Engine {
    /// Queries whose rows somebody still wants.
    pub fn at_work(&self) -> usize {
        self.at_work.load(Ordering::SeqCst)
    }
}

fn columns() -> Vec<Column> {
    let column = |name: &str, kind: &str| Column { name: name.to_owned(), kind: kind.to_owned() };
    vec![column("number", "bigint"), column("text", "varchar")]
}

fn batch(from: u64, to: u64) -> RecordBatch {
    let numbers: ArrayRef = Arc::new((from..to).map(|number| number as i64).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new((from..to).map(|number| Some(format!("row {number}"))).collect::<StringArray>());
    RecordBatch::try_from_iter([("number", numbers), ("text", texts)]).unwrap()
}

#[async_trait::async_trait]
impl Sql for Engine {
    async fn check(&self, query: &Query) -> Result<Checked, sql::Error> {
        let name = query.text.strip_prefix("from ").unwrap_or("events");
        if query.text == "wrong" {
            return Err(sql::Error::Syntax { line: 1, column: 1, message: "expected a query".to_owned() });
        }
        if !query.tables.contains_key(name) {
            return Err(sql::Error::NoTable(name.to_owned()));
        }
        Ok(Checked { tables: vec![name.to_owned()], columns: columns() })
    }

    async fn run(&self, query: Query) -> Result<Rows, sql::Error> {
        self.at_work.fetch_add(1, Ordering::SeqCst);
        let guard = Guard(self.at_work.clone());
        let (count, end) = query
            .text
            .strip_prefix("rows ")
            .map_or(("0", query.text.as_str()), |rest| rest.split_once(" then ").unwrap_or((rest, "")));
        let count: u64 = count.parse().unwrap();
        let end: BoxStream<'static, Result<RecordBatch, sql::Error>> = match end {
            "stuck" => stream::pending().boxed(),
            "fail" => stream::iter([Err(sql::Error::Failed("the engine fell over".to_owned()))]).boxed(),
            "hungry" => return Err(sql::Error::Memory(query.limits.memory_bytes_max)),
            _ => stream::empty().boxed(),
        };
        let statistics = Arc::new(Statistics::default());
        let counted = statistics.clone();
        let rows = (0..count.div_ceil(BATCH)).map(move |number| {
            let to = count.min((number + 1) * BATCH);
            counted.rows_matched.store(to, Ordering::Relaxed);
            Ok(batch(number * BATCH, to))
        });
        let batches = stream::iter(rows).chain(end).map(move |batch| {
            let _ = &guard;
            batch
        });
        Ok(Rows { columns: columns(), batches: batches.boxed(), statistics })
    }

    async fn explain(&self, query: Query, _: bool) -> Result<String, sql::Error> {
        Ok(query.text)
    }
}

/// What is to be signed is its own signature.
struct Plain;

#[async_trait::async_trait]
impl Signer for Plain {
    async fn sign(&self, region: &str, at: Time, text: &str) -> Result<Signed, Error> {
        Ok(Signed { signature: format!("{region} {} {text}", at.iso()), fingerprint: "f1".to_owned() })
    }
}

impl House {
    pub async fn new() -> Self {
        Self::open(Arc::new(Sim::at(START)), Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn open(sim: Arc<Sim>, dir: Arc<tempfile::TempDir>) -> Self {
        let parts = parts(&sim, dir.path()).await;
        let engine = Arc::new(Engine::default());
        let tables = Tables::open(&parts).await.unwrap();
        let stores = Stores::open(&parts, &tables).await.unwrap();
        let sql: Arc<dyn Sql> = engine.clone();
        let queries = Queries::open(&parts, &tables, &stores, &sql).await.unwrap();
        Self { sim, queries, engine, buckets: parts.buckets.clone(), parts, dir }
    }

    /// As after a crash: only what is durable is left.
    pub async fn restart(self) -> Self {
        self.parts.journal.close().await;
        self.parts.db.close().await;
        let Self { sim, dir, .. } = self;
        Self::open(sim, dir).await
    }

    /// As when the house stops in order.
    pub async fn stop(&self) {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        self.queries.run(shutdown).await;
    }

    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    pub fn results(&self) -> &Blobs {
        &self.parts.results
    }

    pub async fn start(&self, text: &str) -> String {
        self.try_start(ACCOUNT, text, None).await.unwrap().id
    }

    pub async fn try_start(&self, account: &str, text: &str, refresh: Option<&str>) -> Result<Entry, Error> {
        let new = self.new_query(account, text, refresh).await;
        self.queries.start(new).await
    }

    /// A query whose result goes to `s3://BUCKET/q`.
    pub async fn start_into(&self, text: &str, bucket: &str) -> String {
        let mut new = self.new_query(ACCOUNT, text, None).await;
        new.delivery =
            Some(Place { uri: format!("s3://{bucket}/q"), bucket: bucket.to_owned(), prefix: "q".to_owned() });
        self.queries.start(new).await.unwrap().id
    }

    /// Of any account, over the table that the account of the house reads.
    async fn new_query(&self, account: &str, text: &str, refresh: Option<&str>) -> NewQuery {
        NewQuery {
            account: account.to_owned(),
            region: "us-east-1".to_owned(),
            text: text.to_owned(),
            parameters: Vec::new(),
            alias: None,
            refresh: refresh.map(str::to_owned),
            delivery: None,
            plan: self.queries.plan(ACCOUNT, None, "us-east-1", text).await.unwrap(),
        }
    }

    pub async fn get(&self, id: &str) -> Entry {
        self.queries.get(id).await.unwrap().unwrap()
    }

    /// The query once it has ended.
    pub async fn ended(&self, id: String) -> Entry {
        self.until(|| async { !self.get(&id).await.status.is_active() }).await;
        self.until_gone(&id).await;
        self.get(&id).await
    }

    pub async fn until_running(&self, id: &str) {
        self.until(|| async { self.get(id).await.status == Status::Running && self.engine.at_work() > 0 }).await;
    }

    /// Waits until nothing of it is at work any more.
    pub async fn until_gone(&self, id: &str) {
        self.until(|| async { !self.queries.live().contains_key(id) }).await;
    }

    pub async fn until<F: Future<Output = bool>>(&self, is: impl Fn() -> F) {
        let waiting = async {
            while !is().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it did not come about");
    }

    /// A bucket into whose keys with these beginnings results may be put.
    pub async fn bucket(&self, name: &str, resources: &[&str]) {
        let new = NewBucket {
            name: name.to_owned(),
            account: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            object_lock: false,
            ownership: None,
            tags: BTreeMap::new(),
        };
        self.buckets.create(new).await.unwrap();
        if resources.is_empty() {
            return;
        }
        let arns: Vec<_> = resources.iter().map(|key| format!("arn:aws:s3:::{name}/{key}")).collect();
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "AWSCloudTrailLake1", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
             "Action": ["s3:PutObject*", "s3:Abort*"], "Resource": arns,
             "Condition": {
                 "StringEquals": {"aws:SourceAccount": ACCOUNT},
                 "ArnLike": {"aws:SourceArn": format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/*")}}},
        ]});
        self.buckets.set_policy(name, &policy.to_string()).await.unwrap();
    }
}

async fn parts(sim: &Sim, path: &std::path::Path) -> Parts {
    let world = sim.world();
    let db = Db::open(&path.join("cairn.db")).await.unwrap();
    let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
    let options = Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 30, age_max: Duration::from_hours(10_000) };
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
    Parts {
        results: Blobs::open(&world, &path.join("results")).unwrap(),
        signer: Arc::new(Plain),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        settings: Settings::default(),
        world,
        db,
        journal,
        buckets,
        keys,
        identity,
    }
}
