//! Imports in the database.

use super::{Failure, FailureStatus, Import, List, Status};
use crate::Error;
use cairn_event::Time;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Executor, Row, Sqlite};
use cairn_store::{Db, Write};
use serde::de::DeserializeOwned;

pub(super) const SCHEMA: &[&str] = &["
    CREATE TABLE lake_import (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL,
        facts TEXT NOT NULL);
    CREATE INDEX lake_import_account ON lake_import (account, created);
    CREATE UNIQUE INDEX lake_import_ongoing ON lake_import (account)
        WHERE status IN ('INITIALIZING', 'IN_PROGRESS');
    CREATE TABLE lake_import_failure (
        import TEXT NOT NULL REFERENCES lake_import (id), location TEXT NOT NULL, status TEXT NOT NULL,
        facts TEXT NOT NULL, PRIMARY KEY (import, location));
"];

fn facts<T: DeserializeOwned>(row: &SqliteRow) -> Result<T, Error> {
    let text: &str = row.try_get("facts")?;
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("an import cannot be read: {error}")))
}

fn text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data always serializes")
}

/// Errors, refused: AccountHasOngoingImport.
pub(super) async fn refuse_second(tx: &mut Write, account: &str) -> Result<(), Error> {
    let query = "SELECT id FROM lake_import WHERE account = $1 AND status IN ('INITIALIZING', 'IN_PROGRESS')";
    let other: Option<String> = sqlx::query_scalar(query).bind(account).fetch_optional(&mut **tx).await?;
    match other {
        None => Ok(()),
        Some(id) => {
            let message = format!("Import {id} of account {account} has not ended yet.");
            Err(Error::refused("AccountHasOngoingImport", message))
        }
    }
}

pub(super) async fn insert(tx: &mut Write, import: &Import) -> Result<(), Error> {
    sqlx::query("INSERT INTO lake_import VALUES ($1, $2, $3, $4, $5)")
        .bind(&import.id)
        .bind(&import.account)
        .bind(import.status.name())
        .bind(import.created.millis())
        .bind(text(import))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Errors: Conflict when the import has none of these states any more.
pub(super) async fn update(tx: &mut Write, import: &Import, from: &[Status]) -> Result<(), Error> {
    let query = "SELECT status FROM lake_import WHERE id = $1";
    let status: String = sqlx::query_scalar(query).bind(&import.id).fetch_one(&mut **tx).await?;
    if !from.iter().any(|from| from.name() == status) {
        return Err(Error::Conflict(format!("import {} is {status} now", import.id)));
    }
    sqlx::query("UPDATE lake_import SET status = $2, facts = $3 WHERE id = $1")
        .bind(&import.id)
        .bind(import.status.name())
        .bind(text(import))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn find<'e>(
    db: impl Executor<'e, Database = Sqlite>,
    account: &str,
    region: &str,
    id: &str,
) -> Result<Import, Error> {
    let query = sqlx::query("SELECT facts FROM lake_import WHERE id = $1 AND account = $2").bind(id).bind(account);
    let row = query.fetch_optional(db).await?;
    let found = row.as_ref().map(facts::<Import>).transpose()?.filter(|import| import.region == region);
    found.ok_or_else(|| Error::refused("ImportNotFound", format!("There is no import {id} in {region}.")))
}

pub(super) async fn ongoing(db: &Db) -> Result<Vec<Import>, Error> {
    let query = "SELECT facts FROM lake_import WHERE status IN ('INITIALIZING', 'IN_PROGRESS') ORDER BY created";
    sqlx::query(query).fetch_all(db.read()).await?.iter().map(facts).collect()
}

pub(super) async fn list(db: &Db, list: &List<'_>) -> Result<Vec<Import>, Error> {
    let (created, id) = list.after.clone().unwrap_or((Time(i64::MAX), String::new()));
    let rows = sqlx::query(
        "SELECT facts FROM lake_import WHERE account = $1 AND facts ->> 'region' = $2
         AND ($3 IS NULL OR status = $3) AND ($4 IS NULL OR facts ->> 'destination' = $4)
         AND (created < $5 OR (created = $5 AND id > $6)) ORDER BY created DESC, id LIMIT $7",
    )
    .bind(list.account)
    .bind(list.region)
    .bind(list.status.map(Status::name))
    .bind(list.destination)
    .bind(created.millis())
    .bind(id)
    .bind(list.max as i64)
    .fetch_all(db.read())
    .await?;
    rows.iter().map(facts).collect()
}

pub(super) async fn failures(
    db: &Db,
    import: &str,
    status: Option<FailureStatus>,
    after: Option<&str>,
    max: usize,
) -> Result<Vec<Failure>, Error> {
    let rows = sqlx::query(
        "SELECT facts FROM lake_import_failure WHERE import = $1 AND location > $2
         AND ($3 IS NULL OR status = $3) ORDER BY location LIMIT $4",
    )
    .bind(import)
    .bind(after.unwrap_or_default())
    .bind(status.map(FailureStatus::name))
    .bind(max as i64)
    .fetch_all(db.read())
    .await?;
    rows.iter().map(facts).collect()
}

pub(super) async fn put_failure(tx: &mut Write, import: &str, failure: &Failure) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO lake_import_failure VALUES ($1, $2, $3, $4)
         ON CONFLICT (import, location) DO UPDATE SET status = $3, facts = $4",
    )
    .bind(import)
    .bind(&failure.location)
    .bind(failure.status.name())
    .bind(text(failure))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Brings the failures of one state into another; says how many.
pub(super) async fn set_failures(
    tx: &mut Write,
    import: &str,
    from: FailureStatus,
    to: FailureStatus,
    now: Time,
) -> Result<u64, Error> {
    let done = sqlx::query(
        "UPDATE lake_import_failure SET status = $3, facts = json_set(facts, '$.status', $3, '$.updated', $4)
         WHERE import = $1 AND status = $2",
    )
    .bind(import)
    .bind(from.name())
    .bind(to.name())
    .bind(now.millis())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
