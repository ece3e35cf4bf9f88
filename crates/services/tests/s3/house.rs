//! A house with everything that S3 needs, and a caller's way of asking it.

use cairn_bucket::outside::Outside;
use cairn_bucket::{self as bucket, Buckets};
use cairn_event::Record;
use cairn_identity::{FirstAccount, Identity, NewEntity, Owner, Sort};
use cairn_intake::{self as intake, Intake};
use cairn_journal::{self as journal, Journal};
use cairn_key::Keys;
use cairn_lake::sql::{self, Sql};
use cairn_lake::{self as lake, Lake};
use cairn_services::{Arrival, BeforeEffect, Engines, Outcome, Services, s3};
use cairn_store::{Blobs, Db, Seal};
use cairn_trail::{self as trail, Trails};
use cairn_wire::Fault;
use cairn_wire::sigv4::{Credentials, sign};
use cairn_world::World;
use cairn_world::sim::Sim;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";

pub struct House {
    _dir: tempfile::TempDir,
    pub sim: Sim,
    pub engines: Arc<Engines>,
    pub root: Credentials,
    /// Writes that were announced before they took effect.
    pub announced: Arc<Announced>,
    service: s3::Service,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub outcome: Outcome,
}

#[derive(Default)]
pub struct Announced {
    pub count: AtomicUsize,
    refuses: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl BeforeEffect for Announced {
    async fn before_effect(&self, _: &Arrival, _: &Outcome) -> Result<(), Fault> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("the call cannot be recorded"));
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Nothing here signs or asks in SQL.
struct Absent;

#[async_trait::async_trait]
impl lake::Signer for Absent {
    async fn sign(&self, _: &str, _: cairn_event::Time, _: &str) -> Result<lake::Signed, lake::Error> {
        Err(lake::Error::Unavailable("nothing is signed here".to_owned()))
    }
}

#[async_trait::async_trait]
impl Sql for Absent {
    async fn check(&self, _: &sql::Query) -> Result<sql::Checked, sql::Error> {
        Err(sql::Error::Failed("there is no SQL here".to_owned()))
    }

    async fn run(&self, _: sql::Query) -> Result<sql::Rows, sql::Error> {
        Err(sql::Error::Failed("there is no SQL here".to_owned()))
    }

    async fn explain(&self, _: sql::Query, _: bool) -> Result<String, sql::Error> {
        Err(sql::Error::Failed("there is no SQL here".to_owned()))
    }
}

impl Announced {
    /// From now on nothing can be recorded.
    pub fn refuse(&self) {
        self.refuses.store(true, Ordering::SeqCst);
    }
}

impl House {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // s3s asks the machine's own clock how old a presigned request is.
        let sim = Sim::at(World::system().now());
        let world = sim.world();
        let path = dir.path();
        let db = Db::open(&path.join("cairn.db")).await.unwrap();
        let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
        let options =
            journal::Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 24, age_max: Duration::from_hours(24) };
        let (journal, _) = Journal::open(&world, &path.join("journal"), options).unwrap();
        let keys = Keys::open(&world, &db, seal.clone()).await.unwrap();
        let identity = Identity::open(&world, &db, seal.clone()).await.unwrap();
        let found = identity.found(FirstAccount { account: ACCOUNT.to_owned(), access_key: None }).await.unwrap();
        let buckets = Buckets::open(bucket::Parts {
            world: world.clone(),
            db: db.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            blobs: Blobs::open(&world, &path.join("blobs")).unwrap(),
            outside: Outside::new(BTreeMap::new()).unwrap(),
        })
        .await
        .unwrap();
        let trails = Trails::open(trail::Parts {
            world: world.clone(),
            db: db.clone(),
            seal,
            journal: journal.clone(),
            buckets: buckets.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            staged: Blobs::open(&world, &path.join("staged")).unwrap(),
            settings: trail::Settings {
                delivery_interval: Duration::from_mins(5),
                digest_interval: Duration::from_hours(1),
                key_rotation: Duration::from_hours(720),
                memory_bytes_max: 1 << 20,
            },
        })
        .await
        .unwrap();
        let settings = intake::Settings { body_bytes_max: 1 << 20, file_bytes_max: 1 << 20 };
        let intake = Intake::open(&world, &db, &journal, &path.join("seen"), settings).await.unwrap();
        let parts = lake::Parts {
            world: world.clone(),
            db: db.clone(),
            journal: journal.clone(),
            buckets: buckets.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            results: Blobs::open(&world, &path.join("results")).unwrap(),
            signer: Arc::new(Absent),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            settings: lake::Settings::default(),
        };
        let lake = Lake::open(parts, |_| Arc::new(Absent)).await.unwrap();
        let engines = Arc::new(Engines {
            world,
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            identity,
            keys,
            buckets,
            trails,
            intake,
            lake,
        });
        let announced = Arc::new(Announced::default());
        let service = s3::Service::new(Services::new(engines.clone(), announced.clone()));
        let root = Credentials { access_key: found.access_key, secret: found.secret, token: None };
        Self { _dir: dir, sim, engines, root, announced, service }
    }

    /// A user with a key and, if it is not empty, a policy.
    pub async fn user(&self, name: &str, policy: &str) -> Credentials {
        let identity = &self.engines.identity;
        let new = NewEntity { sort: Sort::User, name: name.to_owned(), path: None, tags: BTreeMap::new(), role: None };
        let user = identity.create(ACCOUNT, new).await.unwrap();
        if !policy.is_empty() {
            identity.put_inline(ACCOUNT, Sort::User, name, "may", policy).await.unwrap();
        }
        let key = identity.create_key(ACCOUNT, &Owner::User(user.id.clone())).await.unwrap();
        Credentials { access_key: key.id.clone(), secret: key.secret().clone(), token: None }
    }

    /// Asks as root.
    pub async fn ask(&self, asked: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.ask_as(Some(&self.root), asked, headers, body).await
    }

    /// Asks `METHOD /path?query`; nobody signs nothing.
    pub async fn ask_as(
        &self,
        who: Option<&Credentials>,
        asked: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Self::request(asked, headers, body);
        if let Some(who) = who {
            let (mut parts, content) = request.into_parts();
            sign(&mut parts, body, who, REGION, "s3", self.engines.world.now()).unwrap();
            request = Request::from_parts(parts, content);
        }
        self.send(request).await
    }

    pub fn request(asked: &str, headers: &[(&str, &str)], body: &[u8]) -> Request<Vec<u8>> {
        let (method, target) = asked.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "localhost:4510")
            .header("content-length", body.len());
        for (name, value) in headers {
            request = request.header(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        request.body(body.to_vec()).unwrap()
    }

    pub async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        let arrival = Arrival {
            request_id: self.engines.uuid(),
            event_id: self.engines.uuid(),
            received: self.engines.world.now(),
            source_ip: [127, 0, 0, 1].into(),
            user_agent: Some("tests".to_owned()),
            host: host(&request),
            tls: None,
        };
        let (response, outcome) = self.service.answer(&arrival, request).await;
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["x-amz-request-id"], arrival.request_id.to_string());
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, outcome }
    }

    /// Makes a bucket as root.
    pub async fn bucket(&self, name: &str, headers: &[(&str, &str)]) {
        self.ask(&format!("PUT /{name}"), headers, b"").await.is(200);
    }
}

impl Answer {
    /// It has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.text(), self.outcome.error);
        self
    }

    /// It is this error, for the caller and in the record.
    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.outcome.error.as_ref().map(|(code, _)| code.as_str()), Some(code), "{}", self.text());
        if !self.body.is_empty() {
            assert!(self.text().contains(&format!("<Code>{code}</Code>")), "{}", self.text());
        }
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The text of the first element of this name.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    }

    pub fn parameter(&self, name: &str) -> &Value {
        &self.outcome.parameters[name]
    }

    /// The record of what KMS did.
    #[track_caller]
    pub fn also(&self) -> &Record {
        assert_eq!(self.outcome.also.len(), 1, "{:?}", self.outcome.also);
        &self.outcome.also[0]
    }
}

/// What the door takes for the host: the header, or the target where there is no header.
fn host(request: &Request<Vec<u8>>) -> Option<String> {
    let header = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
    header.or_else(|| request.uri().authority().map(ToString::to_string))
}
