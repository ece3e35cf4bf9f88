//! The catalog in the database.
//!
//! The row of a table in `lake_catalog` is what points at the metadata that readers are given. An object
//! that belongs to no snapshot, or not yet, has a row in `lake_catalog_object`.

use super::model::{Manifest, State};
use crate::Error;
use cairn_event::Time;
use cairn_store::{Db, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;

/// `came` and `gone` are sequence numbers of snapshots.
pub(super) const SCHEMA: &[&str] = &["
    CREATE TABLE lake_catalog (
        table_id TEXT PRIMARY KEY, version INTEGER NOT NULL, metadata TEXT NOT NULL, snapshot INTEGER,
        facts TEXT NOT NULL);
    CREATE TABLE lake_catalog_manifest (
        key TEXT PRIMARY KEY, table_id TEXT NOT NULL, came INTEGER NOT NULL, gone INTEGER, facts TEXT NOT NULL);
    CREATE INDEX lake_catalog_manifest_of ON lake_catalog_manifest (table_id, gone);
    CREATE TABLE lake_catalog_object (key TEXT PRIMARY KEY, remove_at INTEGER NOT NULL);
    CREATE INDEX lake_catalog_object_due ON lake_catalog_object (remove_at);
"];

/// A manifest that no current snapshot has, and from which to which snapshot some had it.
pub(super) struct Past {
    pub key: String,
    pub came: i64,
    pub gone: i64,
}

fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data always serializes")
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("the catalog's row cannot be read: {error}")))
}

pub(super) async fn state(db: &Db, table: &str) -> Result<Option<State>, Error> {
    let row =
        sqlx::query("SELECT facts FROM lake_catalog WHERE table_id = $1").bind(table).fetch_optional(db.read()).await?;
    row.map(|row| read(row.try_get("facts")?)).transpose()
}

/// The tables that were published.
pub(super) async fn tables(db: &Db) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar("SELECT table_id FROM lake_catalog").fetch_all(db.read()).await?)
}

/// The manifests of the current snapshot.
pub(super) async fn manifests(db: &Db, table: &str) -> Result<Vec<Manifest>, Error> {
    let rows =
        sqlx::query("SELECT facts FROM lake_catalog_manifest WHERE table_id = $1 AND gone IS NULL ORDER BY came, key")
            .bind(table)
            .fetch_all(db.read())
            .await?;
    rows.iter().map(|row| read(row.try_get("facts")?)).collect()
}

pub(super) async fn past(db: &Db, table: &str) -> Result<Vec<Past>, Error> {
    let rows =
        sqlx::query("SELECT key, came, gone FROM lake_catalog_manifest WHERE table_id = $1 AND gone IS NOT NULL")
            .bind(table)
            .fetch_all(db.read())
            .await?;
    rows.iter()
        .map(|row| Ok(Past { key: row.try_get("key")?, came: row.try_get("came")?, gone: row.try_get("gone")? }))
        .collect()
}

pub(super) async fn save_state(tx: &mut Write, table: &str, state: &State) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO lake_catalog VALUES ($1, $2, $3, $4, $5) ON CONFLICT (table_id) DO UPDATE SET
         version = $2, metadata = $3, snapshot = $4, facts = $5",
    )
    .bind(table)
    .bind(state.version as i64)
    .bind(&state.metadata)
    .bind(state.current().map(|snapshot| snapshot.id))
    .bind(text(state))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn add_manifest(tx: &mut Write, table: &str, manifest: &Manifest) -> Result<(), Error> {
    sqlx::query("INSERT INTO lake_catalog_manifest VALUES ($1, $2, $3, NULL, $4)")
        .bind(&manifest.key)
        .bind(table)
        .bind(manifest.sequence)
        .bind(text(manifest))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// From the snapshot `gone` on nobody needs what a manifest lists, only when it may be removed.
pub(super) async fn retire_manifest(tx: &mut Write, key: &str, gone: i64) -> Result<(), Error> {
    sqlx::query("UPDATE lake_catalog_manifest SET gone = $2, facts = '' WHERE key = $1")
        .bind(key)
        .bind(gone)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn forget_manifest(tx: &mut Write, key: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM lake_catalog_manifest WHERE key = $1").bind(key).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn forget_table(tx: &mut Write, table: &str, remove_at: Time) -> Result<(), Error> {
    sqlx::query(
        "INSERT OR IGNORE INTO lake_catalog_object SELECT key, $2 FROM lake_catalog_manifest WHERE table_id = $1",
    )
    .bind(table)
    .bind(remove_at.millis())
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM lake_catalog_manifest WHERE table_id = $1").bind(table).execute(&mut **tx).await?;
    sqlx::query("DELETE FROM lake_catalog WHERE table_id = $1").bind(table).execute(&mut **tx).await?;
    Ok(())
}

/// An object is to be removed at this time, unless [`keep`] is said of it before.
pub(super) async fn discard(tx: &mut Write, key: &str, remove_at: Time) -> Result<(), Error> {
    sqlx::query("INSERT OR REPLACE INTO lake_catalog_object VALUES ($1, $2)")
        .bind(key)
        .bind(remove_at.millis())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn keep(tx: &mut Write, key: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM lake_catalog_object WHERE key = $1").bind(key).execute(&mut **tx).await?;
    Ok(())
}

/// Objects whose time has come, at most `max`.
pub(super) async fn due(db: &Db, now: Time, max: u32) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar("SELECT key FROM lake_catalog_object WHERE remove_at <= $1 ORDER BY remove_at LIMIT $2")
        .bind(now.millis())
        .bind(max)
        .fetch_all(db.read())
        .await?)
}

/// Of the metadata that the table's row points at.
pub(super) async fn version(tx: &mut Write, table: &str) -> Result<Option<u64>, Error> {
    let found: Option<i64> = sqlx::query_scalar("SELECT version FROM lake_catalog WHERE table_id = $1")
        .bind(table)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.map(|version| version as u64))
}
