//! Buckets: versioned, encrypted, lockable objects, on this machine or outside.
//!
//! Start from [`Buckets`]: `create`, `put`, `find` and `content`, `delete`, `list`; for services of
//! the house `deliver` and `read`. A bucket as it stands is a [`Bucket`], a version an [`Object`].
//!
//! What it is not: it knows no HTTP, no XML and no caller. It evaluates a bucket's policy only for
//! services of the house that deliver; for all others whoever serves them asks first.
//!
//! On disk: one row for each version, and its bytes in immutable blobs, one or one for each part:
//! ```text
//! bucket_version   bucket, key, version, latest, facts (JSON), data_key, blob │ none: pieces, tags, lock
//! bucket_piece     version, number, blob, size
//! bucket_upload    id, bucket, key, facts (JSON), data_key     bucket_part   upload, number, blob, size, etag
//! bucket_time      the high-water time
//! ```
//! Every object is encrypted under a data key of its own (`cipher.rs` draws the blob), which a key of
//! `cairn_key` has encrypted: a customer's, or for SSE-S3 one of the house that no account sees.
//! The order of durability stands at the head of `change.rs`.
//!
//! Locks are decided inside the transaction that deletes or changes, at the later of the clock and the
//! high-water time. A COMPLIANCE lock that runs is opened by nothing here: there is no flag for it.

mod change;
mod checksum;
mod cipher;
mod content;
mod data_key;
mod delete;
mod deliver;
mod error;
mod limit;
mod list;
mod lock;
mod multipart;
mod object;
mod open;
pub mod outside;
mod policy;
mod put;
mod reader;
mod receive;
mod rows;
mod settings;
mod shelf;

pub use checksum::{Algorithm, Checksum, ChecksumKind, Expected, Trailer};
pub use delete::{Delete, Deleted};
pub use deliver::{Delivered, Delivery, DeliveryKey};
pub use error::{Error, Setting};
pub use list::{List, Listing, Version};
pub use lock::{DefaultRetention, LockMode, Period, Retention};
pub use multipart::{Complete, CompletedPart, NewUpload, Part, Upload};
pub use object::{Body, Conditions, Headers, NULL_VERSION, Object, ObjectPart, Range, Span, Sse};
pub use open::Opened;
pub use put::{CopyOf, Put, PutCondition, Stored};
pub use settings::{Bucket, Encryption, LockSettings, NewBucket, Ownership, PublicAccessBlock, Settings, Versioning};

use cairn_identity::Identity;
use cairn_key::Keys;
use cairn_store::{Blobs, Db};
use cairn_world::World;
use change::Flights;
use outside::Outside;
use reader::Readers;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// All buckets. Cheap to clone.
#[derive(Clone)]
pub struct Buckets {
    inner: Arc<Inner>,
}

/// What buckets are opened with.
pub struct Parts {
    pub world: World,
    pub db: Db,
    pub keys: Keys,
    pub identity: Identity,
    /// A directory of their own: what is in it and belongs to no object is removed.
    pub blobs: Blobs,
    pub outside: Outside,
}

struct Inner {
    world: World,
    db: Db,
    keys: Keys,
    identity: Identity,
    blobs: Blobs,
    outside: Outside,
    /// Every bucket; objects are only in the database.
    shelf: RwLock<BTreeMap<String, Arc<Bucket>>>,
    /// Held while a change of a bucket goes to the database and then to the shelf.
    turn: tokio::sync::Mutex<()>,
    flights: Flights,
    readers: Readers,
}

impl Buckets {
    /// Reads all buckets; removes, in the background, what a crash left behind.
    pub async fn open(parts: Parts) -> Result<Self, Error> {
        let Parts { world, db, keys, identity, blobs, outside } = parts;
        db.migrate("bucket", rows::SCHEMA).await?;
        let shelf = RwLock::new(rows::buckets(&db).await?);
        let (turn, flights, readers) = (tokio::sync::Mutex::default(), Flights::default(), Readers::default());
        let inner = Inner { world, db, keys, identity, blobs, outside, shelf, turn, flights, readers };
        let buckets = Self { inner: Arc::new(inner) };
        buckets.found_house_key().await?;
        buckets.begin().await?.commit().await?;
        buckets.keep_time();
        buckets.sweep_in_background();
        Ok(buckets)
    }
}
