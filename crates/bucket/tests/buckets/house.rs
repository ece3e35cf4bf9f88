//! A house with buckets, and short ways to use them.

use bytes::Bytes;
use cairn_bucket::outside::Outside;
use cairn_bucket::{
    Body, Buckets, Delete, Deleted, Error, Expected, NewBucket, Object, Parts, Put, Range, Stored, Versioning,
};
use cairn_event::Time;
use cairn_identity::{FirstAccount, Identity};
use cairn_key::Keys;
use cairn_store::{Blobs, Db, Seal};
use cairn_world::sim::Sim;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub const ACCOUNT: &str = "111122223333";
pub const OTHER: &str = "444455556666";
pub const REGION: &str = "eu-central-1";
pub const BUCKET: &str = "archive";

pub struct House {
    pub dir: tempfile::TempDir,
    pub sim: Sim,
    pub db: Db,
    pub keys: Keys,
    pub buckets: Buckets,
}

impl House {
    /// With a bucket of this name and versioning.
    pub async fn with(name: &str, versioning: Versioning) -> Self {
        let house = Self::open().await;
        house.buckets.create(new_bucket(name, ACCOUNT)).await.unwrap();
        if versioning != Versioning::Off {
            house.buckets.set_versioning(name, versioning).await.unwrap();
        }
        house
    }

    /// With a bucket whose objects can be locked.
    pub async fn lockable() -> Self {
        let house = Self::open().await;
        house.buckets.create(NewBucket { object_lock: true, ..new_bucket(BUCKET, ACCOUNT) }).await.unwrap();
        house
    }

    pub async fn open() -> Self {
        Self::open_with(Outside::default()).await
    }

    /// With buckets that live elsewhere.
    pub async fn open_with(outside: Outside) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::parse("2026-11-24T12:00:00Z").unwrap());
        let (db, keys, buckets) = Self::parts(&sim, &dir, outside).await;
        Self { dir, sim, db, keys, buckets }
    }

    async fn parts(sim: &Sim, dir: &tempfile::TempDir, outside: Outside) -> (Db, Keys, Buckets) {
        let world = sim.world();
        let seal = Arc::new(Seal::open(&world, &dir.path().join("root.key")).unwrap());
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let keys = Keys::open(&world, &db, seal.clone()).await.unwrap();
        let identity = Identity::open(&world, &db, seal).await.unwrap();
        if identity.home_account().is_none() {
            identity.found(FirstAccount { account: ACCOUNT.to_owned(), access_key: None }).await.unwrap();
        }
        let blobs = Blobs::open(&world, &dir.path().join("blobs")).unwrap();
        let parts = Parts { world, db: db.clone(), keys: keys.clone(), identity, blobs, outside };
        (db, keys, Buckets::open(parts).await.unwrap())
    }

    /// Shuts the house and opens it again.
    pub async fn reopen(mut self) -> Self {
        self.db.close().await;
        (self.db, self.keys, self.buckets) = Self::parts(&self.sim, &self.dir, self.buckets.outside().clone()).await;
        self
    }

    pub async fn put(&self, key: &str, bytes: &[u8]) -> Stored {
        self.try_put(put(key), bytes).await.unwrap()
    }

    pub async fn try_put(&self, put: Put, bytes: &[u8]) -> Result<Stored, Error> {
        self.buckets.put(put, body(bytes), Expected::default(), None).await
    }

    pub async fn find(&self, key: &str) -> Result<Object, Error> {
        self.buckets.find(BUCKET, key, None).await
    }

    pub async fn get(&self, key: &str) -> Vec<u8> {
        let object = self.find(key).await.unwrap();
        self.bytes(&object, Range::Whole).await.unwrap()
    }

    pub async fn get_version(&self, key: &str, version: &str) -> Result<Vec<u8>, Error> {
        let object = self.buckets.find(BUCKET, key, Some(version)).await?;
        self.bytes(&object, Range::Whole).await
    }

    pub async fn bytes(&self, object: &Object, range: Range) -> Result<Vec<u8>, Error> {
        let chunks: Vec<Bytes> =
            self.buckets.content(object, object.span(range)?).await?.try_collect().await.map_err(Error::Body)?;
        Ok(chunks.concat())
    }

    pub async fn delete(&self, key: &str) -> Deleted {
        self.buckets.delete(BUCKET, Delete { key: key.to_owned(), ..Delete::default() }).await.unwrap()
    }

    pub async fn delete_version(&self, key: &str, version: &str, bypass: bool) -> Result<Deleted, Error> {
        self.buckets.delete(BUCKET, delete(key, version, bypass)).await
    }

    /// The files of all finished blobs.
    pub fn blobs(&self) -> Vec<PathBuf> {
        let dir = self.dir.path().join("blobs");
        let disk = self.sim.world().disk;
        let folders = disk.list(&dir).unwrap().into_iter().filter(|folder| folder.name != "tmp");
        let files = folders.flat_map(|folder| {
            let folder = dir.join(folder.name);
            disk.list(&folder).unwrap().into_iter().map(move |file| folder.join(file.name))
        });
        files.collect()
    }

    /// Files of blobs that were begun and not finished.
    pub fn half_written(&self) -> usize {
        self.sim.world().disk.list(&self.dir.path().join("blobs/tmp")).unwrap().len()
    }
}

pub fn new_bucket(name: &str, account: &str) -> NewBucket {
    NewBucket {
        name: name.to_owned(),
        account: account.to_owned(),
        region: REGION.to_owned(),
        object_lock: false,
        ownership: None,
        tags: BTreeMap::new(),
    }
}

pub fn put(key: &str) -> Put {
    Put { bucket: BUCKET.to_owned(), key: key.to_owned(), ..Put::default() }
}

pub fn delete(key: &str, version: &str, bypass_governance: bool) -> Delete {
    Delete { key: key.to_owned(), version: Some(version.to_owned()), bypass_governance, if_match: None }
}

/// In chunks that fit nothing.
pub fn body(bytes: &[u8]) -> Body {
    let chunks: Vec<io::Result<Bytes>> = bytes.chunks(70_001).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks).boxed()
}

/// Bytes that do not repeat soon.
pub fn noise(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

pub fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
