//! Queries in the database.

use super::{Entry, Filter, Status};
use crate::Error;
use cairn_event::Time;
use cairn_store::Db;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Row};

/// `body` is the query in JSON; `status` of one that has not ended is QUEUED, whether it runs or waits.
/// `lake_query_source` says which tables it reads.
pub const SCHEMA: &[&str] = &["
    CREATE TABLE lake_query (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created INTEGER NOT NULL,
        status TEXT NOT NULL, delivery TEXT, refresh TEXT, alias TEXT, body TEXT NOT NULL);
    CREATE INDEX lake_query_account ON lake_query (account, region, created);
    CREATE INDEX lake_query_refresh ON lake_query (refresh, alias) WHERE refresh IS NOT NULL;
    CREATE TABLE lake_query_source (
        arn TEXT NOT NULL, created INTEGER NOT NULL, query TEXT NOT NULL REFERENCES lake_query (id) ON DELETE CASCADE,
        PRIMARY KEY (arn, created, query));
    CREATE INDEX lake_query_source_query ON lake_query_source (query);
"];

fn entry(row: &SqliteRow) -> Result<Entry, Error> {
    let text: &str = row.try_get("body")?;
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("a query in the database: {error}")))
}

fn body(entry: &Entry) -> String {
    serde_json::to_string(entry).expect("plain data always serializes")
}

pub async fn insert(db: &Db, entry: &Entry) -> Result<(), Error> {
    let mut tx = db.write().await?;
    sqlx::query("INSERT INTO lake_query VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(&entry.id)
        .bind(&entry.account)
        .bind(&entry.region)
        .bind(entry.created.millis())
        .bind(entry.status.text())
        .bind(entry.delivery.as_ref().map(|delivery| delivery.status.text()))
        .bind(&entry.refresh)
        .bind(&entry.alias)
        .bind(body(entry))
        .execute(&mut *tx)
        .await?;
    for source in &entry.sources {
        sqlx::query("INSERT INTO lake_query_source VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(&source.arn)
            .bind(entry.created.millis())
            .bind(&entry.id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Writes how a query ended, unless it had ended before; says whether it did write.
pub async fn end(db: &Db, entry: &Entry) -> Result<bool, Error> {
    let statement = "UPDATE lake_query SET status = $2, delivery = $3, body = $4 WHERE id = $1 AND status = 'QUEUED'";
    if update(db, entry, statement).await? {
        return Ok(true);
    }
    // A try before may be written although it said that it failed: then the row names this file.
    let known = get(db, &entry.id).await?;
    let same = |known: Entry| known.status == entry.status && known.blob == entry.blob;
    Ok(entry.blob.is_some() && known.is_some_and(same))
}

/// Writes what became of a query's delivery.
pub async fn deliver(db: &Db, entry: &Entry) -> Result<bool, Error> {
    update(db, entry, "UPDATE lake_query SET status = $2, delivery = $3, body = $4 WHERE id = $1").await
}

async fn update(db: &Db, entry: &Entry, statement: &'static str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let done = sqlx::query(statement)
        .bind(&entry.id)
        .bind(entry.status.text())
        .bind(entry.delivery.as_ref().map(|delivery| delivery.status.text()))
        .bind(body(entry))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(done.rows_affected() > 0)
}

pub async fn get(db: &Db, id: &str) -> Result<Option<Entry>, Error> {
    let row = sqlx::query("SELECT body FROM lake_query WHERE id = $1").bind(id).fetch_optional(db.read()).await?;
    row.as_ref().map(entry).transpose()
}

/// The query of a refresh that has this alias; of the newest refresh when none is named.
pub async fn by_alias(
    db: &Db,
    account: &str,
    region: &str,
    refresh: Option<&str>,
    alias: &str,
) -> Result<Option<Entry>, Error> {
    let row = sqlx::query(
        "SELECT body FROM lake_query WHERE account = $1 AND region = $2 AND alias = $3
         AND ($4 IS NULL OR refresh = $4) ORDER BY created DESC LIMIT 1",
    )
    .bind(account)
    .bind(region)
    .bind(alias)
    .bind(refresh)
    .fetch_optional(db.read())
    .await?;
    row.as_ref().map(entry).transpose()
}

/// The queries of one refresh.
pub async fn of_refresh(db: &Db, refresh: &str) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query("SELECT body FROM lake_query WHERE refresh = $1 ORDER BY created, id")
        .bind(refresh)
        .fetch_all(db.read())
        .await?;
    rows.iter().map(entry).collect()
}

/// Those that had not ended, or were not delivered, when the house stopped.
pub async fn unfinished(db: &Db) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query("SELECT body FROM lake_query WHERE status = 'QUEUED' OR delivery = 'PENDING'")
        .fetch_all(db.read())
        .await?;
    rows.iter().map(entry).collect()
}

/// Newest first, at most `filter.max`.
pub async fn list(db: &Db, filter: &Filter) -> Result<Vec<Entry>, Error> {
    let (after, id) = filter.after.as_ref().map_or((i64::MAX, ""), |(time, id)| (time.millis(), id.as_str()));
    // What runs is kept as QUEUED.
    let status = filter.status.map(|status| if status == Status::Running { Status::Queued } else { status });
    let rows = sqlx::query(
        "SELECT body FROM lake_query AS q
         WHERE ($1 IS NULL OR EXISTS (SELECT 1 FROM lake_query_source AS s WHERE s.query = q.id AND s.arn = $1))
         AND ($2 IS NULL OR account = $2) AND ($3 IS NULL OR region = $3)
         AND created >= $4 AND created <= $5 AND ($6 IS NULL OR status = $6)
         AND (created < $7 OR (created = $7 AND id > $8)) ORDER BY created DESC, id LIMIT $9",
    )
    .bind(&filter.source)
    .bind(&filter.account)
    .bind(&filter.region)
    .bind(filter.from.map_or(i64::MIN, Time::millis))
    .bind(filter.to.map_or(i64::MAX, Time::millis))
    .bind(status.map(Status::text))
    .bind(after)
    .bind(id)
    .bind(filter.max as i64)
    .fetch_all(db.read())
    .await?;
    rows.iter().map(entry).collect()
}

/// Every file that a row names.
pub async fn blobs(db: &Db) -> Result<Vec<String>, Error> {
    let rows = sqlx::query("SELECT json_extract(body, '$.blob') AS blob FROM lake_query").fetch_all(db.read()).await?;
    let mut blobs = Vec::new();
    for row in rows {
        blobs.extend(row.try_get::<Option<String>, _>("blob")?);
    }
    Ok(blobs)
}

/// Forgets queries that ended and began before `before`; gives their files.
pub async fn expire(db: &Db, before: Time) -> Result<Vec<String>, Error> {
    let mut tx = db.write().await?;
    let rows = sqlx::query(
        "DELETE FROM lake_query WHERE created < $1 AND status <> 'QUEUED' AND coalesce(delivery, '') <> 'PENDING'
         RETURNING json_extract(body, '$.blob') AS blob",
    )
    .bind(before.millis())
    .fetch_all(&mut *tx)
    .await?;
    let mut blobs = Vec::new();
    for row in rows {
        blobs.extend(row.try_get::<Option<String>, _>("blob")?);
    }
    tx.commit().await?;
    Ok(blobs)
}
