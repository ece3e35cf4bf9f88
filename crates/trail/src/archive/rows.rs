//! The archive's books in the database.

use super::digest::{Link, Listed};
use super::layout::Slot;
use super::sign;
use crate::Error;
use cairn_event::Time;
use cairn_journal::Position;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Row};
use cairn_store::{BlobId, Db, Write};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) const SCHEMA: &[&str] = &[
    "
    CREATE TABLE archive_position (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
    CREATE TABLE archive_file (
        id INTEGER PRIMARY KEY, trail TEXT NOT NULL, arn TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
        kind TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, kms_key TEXT, metadata TEXT NOT NULL, blob TEXT,
        cut INTEGER NOT NULL, sha256 TEXT NOT NULL, oldest INTEGER, newest INTEGER, chained INTEGER NOT NULL,
        published INTEGER, late INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX archive_file_staged ON archive_file (id) WHERE published IS NULL;
    CREATE INDEX archive_file_slot ON archive_file (trail, account, region);
    CREATE TABLE archive_chain (
        trail TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, backfill INTEGER NOT NULL,
        open INTEGER NOT NULL, opened INTEGER NOT NULL, ends INTEGER NOT NULL, bucket TEXT,
        key TEXT, sha256 TEXT, signature TEXT, PRIMARY KEY (trail, account, region, backfill));
    CREATE TABLE archive_status (
        trail TEXT PRIMARY KEY, delivered INTEGER, attempted INTEGER, error TEXT, digest_delivered INTEGER,
        digest_error TEXT);
",
    sign::SCHEMA,
];

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Log,
    Digest,
    Backfill,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Digest => "digest",
            Self::Backfill => "backfill",
        }
    }

    fn parse(name: &str) -> Result<Self, Error> {
        [Self::Log, Self::Digest, Self::Backfill]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Error::Corrupt(format!("{name:?} is no kind of file")))
    }
}

/// A file whose bytes are durable here and that is to be brought into its bucket.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub id: i64,
    pub slot: Slot,
    /// The trail's.
    pub arn: String,
    pub kind: Kind,
    pub bucket: String,
    pub key: String,
    /// ARN
    pub kms_key: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub blob: BlobId,
    pub cut: Time,
    /// Whether a digest is to list it.
    pub chained: bool,
}

/// What else is known of a file when it is staged.
pub(crate) struct Contents {
    /// Of the bytes before compression, hex.
    pub sha256: String,
    /// Of the events in a log file.
    pub oldest: Option<Time>,
    pub newest: Option<Time>,
}

/// A chain of digests as it stands: what the next one follows.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub slot: Slot,
    pub backfill: bool,
    /// Whether a digest is to follow.
    pub open: bool,
    /// When it was opened last.
    pub opened: Time,
    /// The end of its last digest's window; before the first, where that window starts.
    pub ends: Time,
    /// The last one; none before the first since it was opened.
    pub head: Option<Link>,
}

fn text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain texts always serialize")
}

fn value<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    serde_json::from_str(row.try_get(column)?)
        .map_err(|error| Error::Corrupt(format!("{column} of an archive row: {error}")))
}

fn slot(row: &SqliteRow) -> Result<Slot, Error> {
    let id: &str = row.try_get("trail")?;
    let trail =
        Uuid::parse_str(id).map_err(|_| Error::Corrupt(format!("{id:?} in the archive is not the id of a trail")))?;
    Ok(Slot { trail, account: row.try_get("account")?, region: row.try_get("region")? })
}

fn time(row: &SqliteRow, column: &str) -> Result<Time, Error> {
    Ok(Time(row.try_get(column)?))
}

/// How far the journal is staged; None before the first time.
pub(crate) async fn position(db: &Db) -> Result<Option<Position>, Error> {
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM archive_position").fetch_optional(db.read()).await?;
    Ok(position.map(|position| Position(position as u64)))
}

/// The same within a transaction.
pub(crate) async fn position_in(tx: &mut Write) -> Result<Option<Position>, Error> {
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM archive_position").fetch_optional(&mut **tx).await?;
    Ok(position.map(|position| Position(position as u64)))
}

pub(crate) async fn set_position(tx: &mut Write, position: Position) -> Result<(), Error> {
    sqlx::query("INSERT INTO archive_position VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET position = $1")
        .bind(position.0 as i64)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Enters a staged file; its `id` is given here.
pub(crate) async fn insert(tx: &mut Write, file: &Staged, contents: &Contents) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO archive_file (trail, arn, account, region, kind, bucket, key, kms_key, metadata, blob, cut, sha256,
         oldest, newest, chained) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(file.slot.trail.to_string())
    .bind(&file.arn)
    .bind(&file.slot.account)
    .bind(&file.slot.region)
    .bind(file.kind.name())
    .bind(&file.bucket)
    .bind(&file.key)
    .bind(&file.kms_key)
    .bind(text(&file.metadata))
    .bind(file.blob.as_str())
    .bind(file.cut.millis())
    .bind(&contents.sha256)
    .bind(contents.oldest.map(Time::millis))
    .bind(contents.newest.map(Time::millis))
    .bind(file.chained)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// All files that are not in their buckets yet, in the order they were staged.
pub(crate) async fn staged(db: &Db) -> Result<Vec<Staged>, Error> {
    let rows =
        sqlx::query("SELECT * FROM archive_file WHERE published IS NULL ORDER BY id").fetch_all(db.read()).await?;
    rows.iter().map(staged_file).collect()
}

fn staged_file(row: &SqliteRow) -> Result<Staged, Error> {
    let blob: &str = row.try_get("blob")?;
    Ok(Staged {
        id: row.try_get("id")?,
        slot: slot(row)?,
        arn: row.try_get("arn")?,
        kind: Kind::parse(row.try_get("kind")?)?,
        bucket: row.try_get("bucket")?,
        key: row.try_get("key")?,
        kms_key: row.try_get("kms_key")?,
        metadata: value(row, "metadata")?,
        blob: BlobId::parse(blob)
            .ok_or_else(|| Error::Corrupt(format!("{blob:?} is not the name of a staged file")))?,
        cut: time(row, "cut")?,
        chained: row.try_get("chained")?,
    })
}

/// Keeps a published log file in the books until a digest lists it.
pub(crate) async fn await_digest(tx: &mut Write, id: i64, published: Time, late: bool) -> Result<(), Error> {
    sqlx::query("UPDATE archive_file SET published = $2, late = $3, blob = NULL WHERE id = $1")
        .bind(id)
        .bind(published.millis())
        .bind(late)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn forget(tx: &mut Write, ids: impl IntoIterator<Item = i64>) -> Result<(), Error> {
    for id in ids {
        sqlx::query("DELETE FROM archive_file WHERE id = $1").bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The log files that a digest whose window ends at `end` lists: published, in no digest yet, and
/// cut before the end or, those that are late, published up to it.
pub(crate) async fn listed(db: &Db, slot: &Slot, late: bool, end: Time) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query(
        "SELECT * FROM archive_file WHERE trail = $1 AND account = $2 AND region = $3 AND late = $4
         AND CASE WHEN late THEN published <= $5 ELSE published IS NOT NULL AND cut < $5 END ORDER BY cut, id",
    )
    .bind(slot.trail.to_string())
    .bind(&slot.account)
    .bind(&slot.region)
    .bind(late)
    .bind(end.millis())
    .fetch_all(db.read())
    .await?;
    rows.iter()
        .map(|row| {
            let cut = time(row, "cut")?;
            let event = |time: Option<i64>| time.map_or(cut, Time);
            Ok(Listed {
                id: row.try_get("id")?,
                bucket: row.try_get("bucket")?,
                key: row.try_get("key")?,
                sha256: row.try_get("sha256")?,
                oldest: event(row.try_get("oldest")?),
                newest: event(row.try_get("newest")?),
            })
        })
        .collect()
}

/// How the log files of one slot stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// When the oldest was cut of those that are not in their bucket.
    pub unpublished: Option<Time>,
    /// And the newest of them.
    pub unpublished_newest: Option<Time>,
    /// When the newest was cut of those that wait for the next digest.
    pub newest: Option<Time>,
    pub late: Option<Late>,
}

/// Log files that came too late for the digest of their window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    /// When the oldest was cut.
    pub cut: Time,
    /// When the first and the last were published.
    pub first: Time,
    pub last: Time,
}

/// The slots that have log files in the books.
pub(crate) async fn tallies(db: &Db) -> Result<BTreeMap<Slot, Tally>, Error> {
    let rows = sqlx::query(
        "SELECT trail, account, region,
         min(CASE WHEN published IS NULL THEN cut END) AS unpublished,
         max(CASE WHEN published IS NULL THEN cut END) AS unpublished_newest,
         max(CASE WHEN published IS NOT NULL AND NOT late THEN cut END) AS newest,
         min(CASE WHEN late THEN cut END) AS late_cut, min(CASE WHEN late THEN published END) AS late_first,
         max(CASE WHEN late THEN published END) AS late_last
         FROM archive_file WHERE kind = 'log' GROUP BY trail, account, region",
    )
    .fetch_all(db.read())
    .await?;
    let time = |row: &SqliteRow, column: &str| Ok::<_, Error>(row.try_get::<Option<i64>, _>(column)?.map(Time));
    rows.iter()
        .map(|row| {
            let late = match (time(row, "late_cut")?, time(row, "late_first")?, time(row, "late_last")?) {
                (Some(cut), Some(first), Some(last)) => Some(Late { cut, first, last }),
                _ => None,
            };
            let tally = Tally {
                unpublished: time(row, "unpublished")?,
                unpublished_newest: time(row, "unpublished_newest")?,
                newest: time(row, "newest")?,
                late,
            };
            Ok((slot(row)?, tally))
        })
        .collect()
}

pub(crate) async fn chains(db: &Db) -> Result<Vec<Chain>, Error> {
    let rows = sqlx::query("SELECT * FROM archive_chain ORDER BY trail, account, region").fetch_all(db.read()).await?;
    rows.iter().map(chain_of).collect()
}

pub(crate) async fn chain(tx: &mut Write, slot: &Slot, backfill: bool) -> Result<Option<Chain>, Error> {
    let row =
        sqlx::query("SELECT * FROM archive_chain WHERE trail = $1 AND account = $2 AND region = $3 AND backfill = $4")
            .bind(slot.trail.to_string())
            .bind(&slot.account)
            .bind(&slot.region)
            .bind(backfill)
            .fetch_optional(&mut **tx)
            .await?;
    row.as_ref().map(chain_of).transpose()
}

fn chain_of(row: &SqliteRow) -> Result<Chain, Error> {
    let head = match (row.try_get("bucket")?, row.try_get("key")?, row.try_get("sha256")?, row.try_get("signature")?) {
        (Some(bucket), Some(key), Some(sha256), Some(signature)) => Some(Link { bucket, key, sha256, signature }),
        _ => None,
    };
    Ok(Chain {
        slot: slot(row)?,
        backfill: row.try_get("backfill")?,
        open: row.try_get("open")?,
        opened: time(row, "opened")?,
        ends: time(row, "ends")?,
        head,
    })
}

pub(crate) async fn set_chain(tx: &mut Write, chain: &Chain) -> Result<(), Error> {
    let head = chain.head.as_ref();
    sqlx::query(
        "INSERT INTO archive_chain VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (trail, account, region, backfill) DO UPDATE SET open = $5, opened = $6, ends = $7, bucket = $8,
         key = $9, sha256 = $10, signature = $11",
    )
    .bind(chain.slot.trail.to_string())
    .bind(&chain.slot.account)
    .bind(&chain.slot.region)
    .bind(chain.backfill)
    .bind(chain.open)
    .bind(chain.opened.millis())
    .bind(chain.ends.millis())
    .bind(head.map(|link| &link.bucket))
    .bind(head.map(|link| &link.key))
    .bind(head.map(|link| &link.sha256))
    .bind(head.map(|link| &link.signature))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets a trail that is gone and of which nothing is on its way.
pub(crate) async fn forget_trail(tx: &mut Write, trail: Uuid) -> Result<(), Error> {
    for statement in ["DELETE FROM archive_chain WHERE trail = $1", "DELETE FROM archive_status WHERE trail = $1"] {
        sqlx::query(statement).bind(trail.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}
