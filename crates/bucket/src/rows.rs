//! Buckets, versions, uploads and parts in the database.

use crate::content::Content;
use crate::lock::{LockMode, Retention};
use crate::object::{Headers, NULL_VERSION, Object, ObjectPart, Sse};
use crate::settings::{Bucket, Settings};
use crate::{Checksum, Error};
use cairn_event::Time;
use cairn_identity::{Policy, PolicyKind};
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Executor, Row as _, Sqlite};
use cairn_store::{BlobId, Db, Write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A version without facts is a delete marker. A version without a blob has its bytes in pieces.
/// `seq` only grows: of two versions of a key the newer has the greater one.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE bucket_time (id INTEGER PRIMARY KEY CHECK (id = 1), high INTEGER NOT NULL);
    INSERT INTO bucket_time VALUES (1, 0);
    CREATE TABLE bucket (
        name TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created INTEGER NOT NULL,
        settings TEXT NOT NULL, policy TEXT);
    CREATE TABLE bucket_version (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL REFERENCES bucket (name), key TEXT NOT NULL,
        version TEXT NOT NULL, latest INTEGER NOT NULL, modified INTEGER NOT NULL, facts TEXT, data_key BLOB,
        blob TEXT, tags TEXT NOT NULL, retain_mode TEXT, retain_until INTEGER, legal_hold INTEGER,
        UNIQUE (bucket, key, version));
    CREATE UNIQUE INDEX bucket_version_latest ON bucket_version (bucket, key) WHERE latest = 1;
    CREATE UNIQUE INDEX bucket_version_newest ON bucket_version (bucket, key, seq DESC);
    CREATE INDEX bucket_version_blob ON bucket_version (blob) WHERE blob IS NOT NULL;
    CREATE TABLE bucket_piece (
        version INTEGER NOT NULL REFERENCES bucket_version (seq), number INTEGER NOT NULL, blob TEXT NOT NULL,
        size INTEGER NOT NULL, checksum TEXT, PRIMARY KEY (version, number)) WITHOUT ROWID;
    CREATE INDEX bucket_piece_blob ON bucket_piece (blob);
    CREATE TABLE bucket_upload (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, bucket TEXT NOT NULL REFERENCES bucket (name),
        key TEXT NOT NULL, begun INTEGER NOT NULL, facts TEXT NOT NULL, data_key BLOB NOT NULL);
    CREATE UNIQUE INDEX bucket_upload_oldest ON bucket_upload (bucket, key, seq);
    CREATE TABLE bucket_part (
        upload INTEGER NOT NULL REFERENCES bucket_upload (seq), number INTEGER NOT NULL, blob TEXT NOT NULL,
        size INTEGER NOT NULL, etag TEXT NOT NULL, checksum TEXT, modified INTEGER NOT NULL,
        PRIMARY KEY (upload, number)) WITHOUT ROWID;
    CREATE INDEX bucket_part_blob ON bucket_part (blob);
"];

/// What never changes of a version's object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub size: u64,
    pub etag: String,
    pub headers: Headers,
    pub metadata: BTreeMap<String, String>,
    pub checksum: Option<Checksum>,
    pub sse: Sse,
}

/// One version as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub seq: i64,
    pub key: String,
    pub id: String,
    pub latest: bool,
    pub modified: Time,
    pub tags: BTreeMap<String, String>,
    pub retention: Option<Retention>,
    pub legal_hold: Option<bool>,
    /// None for a delete marker.
    pub object: Option<(Facts, Content)>,
}

/// One piece of an object that was put in parts.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub number: u32,
    pub blob: BlobId,
    pub size: u64,
    pub checksum: Option<String>,
}

impl Version {
    /// The object, without its list of parts. Errors: Marker.
    pub fn object(self, bucket: &Bucket, named: bool) -> Result<Object, Error> {
        let Some((facts, content)) = self.object else {
            return Err(Error::Marker { key: self.key, version: self.id, named, modified: self.modified });
        };
        Ok(Object {
            bucket: bucket.name.clone(),
            key: self.key,
            versioned: bucket.versioned() || self.id != NULL_VERSION,
            version: self.id,
            latest: self.latest,
            size: facts.size,
            etag: facts.etag,
            modified: self.modified,
            headers: facts.headers,
            metadata: facts.metadata,
            tags: self.tags,
            checksum: facts.checksum,
            retention: self.retention,
            legal_hold: self.legal_hold,
            sse: facts.sse,
            parts: Vec::new(),
            seq: self.seq,
            content,
        })
    }
}

impl From<&Piece> for ObjectPart {
    fn from(piece: &Piece) -> Self {
        Self { number: piece.number, size: piece.size, checksum: piece.checksum.clone() }
    }
}

pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("rows are made of texts, numbers and maps of texts")
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("the {what} in the database: {error}")))
}

pub(crate) fn blob(text: &str) -> Result<BlobId, Error> {
    BlobId::parse(text).ok_or_else(|| Error::Corrupt(format!("{text:?} in the database is not the id of a blob")))
}

/// Every bucket.
pub(crate) async fn buckets(db: &Db) -> Result<BTreeMap<String, Arc<Bucket>>, Error> {
    let rows = sqlx::query("SELECT * FROM bucket").fetch_all(db.read()).await?;
    rows.iter().map(|row| bucket(row).map(|bucket| (bucket.name.clone(), Arc::new(bucket)))).collect()
}

fn bucket(row: &SqliteRow) -> Result<Bucket, Error> {
    let name: String = row.try_get("name")?;
    let policy_text: Option<String> = row.try_get("policy")?;
    let corrupt = |error| Error::Corrupt(format!("the policy of bucket {name} in the database: {error}"));
    let policy = policy_text.as_deref().map(|text| Policy::parse(text, PolicyKind::Resource)).transpose();
    Ok(Bucket {
        account: row.try_get("account")?,
        region: row.try_get("region")?,
        created: Time(row.try_get("created")?),
        policy: policy.map_err(corrupt)?.map(Arc::new),
        policy_text: policy_text.map(Arc::from),
        settings: parse(row.try_get("settings")?, &format!("settings of bucket {name}"))?,
        name,
    })
}

/// Inserts a bucket or writes its settings and policy anew.
pub(crate) async fn save_bucket(tx: &mut Write, bucket: &Bucket) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO bucket VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name) DO UPDATE SET settings = $5, policy = $6",
    )
    .bind(&bucket.name)
    .bind(&bucket.account)
    .bind(&bucket.region)
    .bind(bucket.created.millis())
    .bind(json(&bucket.settings))
    .bind(bucket.policy_text.as_deref())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A bucket's settings as no other change can alter them meanwhile. Errors: NoSuchBucket.
pub(crate) async fn settings(tx: &mut Write, bucket: &str) -> Result<Settings, Error> {
    let text: Option<String> = sqlx::query_scalar("SELECT settings FROM bucket WHERE name = $1")
        .bind(bucket)
        .fetch_optional(&mut **tx)
        .await?;
    parse(&text.ok_or_else(|| Error::NoSuchBucket(bucket.to_owned()))?, "settings of a bucket")
}

pub(crate) fn version(row: &SqliteRow) -> Result<Version, Error> {
    let facts: Option<&str> = row.try_get("facts")?;
    let object = match facts {
        None => None,
        Some(facts) => {
            let blob = row.try_get::<Option<&str>, _>("blob")?.map(blob).transpose()?;
            Some((parse(facts, "facts of an object")?, Content { data_key: row.try_get("data_key")?, blob }))
        }
    };
    let until: Option<i64> = row.try_get("retain_until")?;
    let retention = match (row.try_get::<Option<&str>, _>("retain_mode")?, until) {
        (None, _) => None,
        (Some("GOVERNANCE"), Some(until)) => Some(Retention { mode: LockMode::Governance, until: Time(until) }),
        (Some("COMPLIANCE"), Some(until)) => Some(Retention { mode: LockMode::Compliance, until: Time(until) }),
        _ => return Err(Error::Corrupt("a retention in the database is neither GOVERNANCE nor COMPLIANCE".to_owned())),
    };
    Ok(Version {
        seq: row.try_get("seq")?,
        key: row.try_get("key")?,
        id: row.try_get("version")?,
        latest: row.try_get("latest")?,
        modified: Time(row.try_get("modified")?),
        tags: parse(row.try_get("tags")?, "tags of an object")?,
        retention,
        legal_hold: row.try_get("legal_hold")?,
        object,
    })
}

/// A version of a key, the newest without a name.
pub(crate) async fn find<'e, E>(db: E, bucket: &str, key: &str, name: Option<&str>) -> Result<Option<Version>, Error>
where
    E: Executor<'e, Database = Sqlite>,
{
    let query = match name {
        None => sqlx::query("SELECT * FROM bucket_version WHERE bucket = $1 AND key = $2 AND latest = 1"),
        Some(_) => sqlx::query("SELECT * FROM bucket_version WHERE bucket = $1 AND key = $2 AND version = $3"),
    };
    let row = query.bind(bucket).bind(key).bind(name).fetch_optional(db).await?;
    row.as_ref().map(version).transpose()
}

/// Makes a version the newest of its key; gives its `seq`. `version.seq` and `version.latest` do not count.
pub(crate) async fn insert(tx: &mut Write, bucket: &str, version: &Version) -> Result<i64, Error> {
    sqlx::query("UPDATE bucket_version SET latest = 0 WHERE bucket = $1 AND key = $2 AND latest = 1")
        .bind(bucket)
        .bind(&version.key)
        .execute(&mut **tx)
        .await?;
    let (facts, content) =
        version.object.as_ref().map_or((None, None), |(facts, content)| (Some(facts), Some(content)));
    let done = sqlx::query(
        "INSERT INTO bucket_version
         (bucket, key, version, latest, modified, facts, data_key, blob, tags, retain_mode, retain_until, legal_hold)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(bucket)
    .bind(&version.key)
    .bind(&version.id)
    .bind(version.modified.millis())
    .bind(facts.map(json))
    .bind(content.map(|content| content.data_key.as_slice()))
    .bind(content.and_then(|content| content.blob.as_ref()).map(BlobId::as_str))
    .bind(json(&version.tags))
    .bind(version.retention.map(|retention| retention.mode.name()))
    .bind(version.retention.map(|retention| retention.until.millis()))
    .bind(version.legal_hold)
    .execute(&mut **tx)
    .await?;
    Ok(done.last_insert_rowid())
}

/// Writes what can change of a version: tags, retention, legal hold.
pub(crate) async fn update(tx: &mut Write, version: &Version) -> Result<(), Error> {
    sqlx::query(
        "UPDATE bucket_version SET tags = $2, retain_mode = $3, retain_until = $4, legal_hold = $5 WHERE seq = $1",
    )
    .bind(version.seq)
    .bind(json(&version.tags))
    .bind(version.retention.map(|retention| retention.mode.name()))
    .bind(version.retention.map(|retention| retention.until.millis()))
    .bind(version.legal_hold)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes a version; where it was the newest, the one before it becomes so. Gives the blobs that
/// nothing names any more once this is committed.
pub(crate) async fn remove(tx: &mut Write, bucket: &str, version: &Version) -> Result<Vec<BlobId>, Error> {
    let mut blobs: Vec<BlobId> = pieces(&mut **tx, version.seq).await?.into_iter().map(|piece| piece.blob).collect();
    blobs.extend(version.object.as_ref().and_then(|(_, content)| content.blob.clone()));
    for statement in ["DELETE FROM bucket_piece WHERE version = $1", "DELETE FROM bucket_version WHERE seq = $1"] {
        sqlx::query(statement).bind(version.seq).execute(&mut **tx).await?;
    }
    if version.latest {
        sqlx::query(
            "UPDATE bucket_version SET latest = 1 WHERE seq =
             (SELECT seq FROM bucket_version WHERE bucket = $1 AND key = $2 ORDER BY seq DESC LIMIT 1)",
        )
        .bind(bucket)
        .bind(&version.key)
        .execute(&mut **tx)
        .await?;
    }
    Ok(blobs)
}

/// The pieces of a version, ascending; none when it has a blob of its own.
pub(crate) async fn pieces<'e, E>(db: E, version: i64) -> Result<Vec<Piece>, Error>
where
    E: Executor<'e, Database = Sqlite>,
{
    let rows = sqlx::query("SELECT * FROM bucket_piece WHERE version = $1 ORDER BY number")
        .bind(version)
        .fetch_all(db)
        .await?;
    let piece = |row: &SqliteRow| {
        Ok(Piece {
            number: row.try_get("number")?,
            blob: blob(row.try_get("blob")?)?,
            size: row.try_get::<i64, _>("size")? as u64,
            checksum: row.try_get("checksum")?,
        })
    };
    rows.iter().map(piece).collect()
}

/// Which of these blobs nothing names.
pub(crate) async fn nameless(db: &Db, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
    let texts: Vec<&str> = blobs.iter().map(BlobId::as_str).collect();
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT value FROM json_each($1)
         WHERE NOT EXISTS (SELECT 1 FROM bucket_version WHERE blob = value AND blob IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM bucket_piece WHERE blob = value)
         AND NOT EXISTS (SELECT 1 FROM bucket_part WHERE blob = value)",
    )
    .bind(json(&texts))
    .fetch_all(db.read())
    .await?;
    rows.iter().map(|text| blob(text)).collect()
}
