//! The books of the tables in the database: which there are, their files, how far the journal is read.

use super::file::{File, Source, State};
use super::{Gap, Table};
use crate::Error;
use cairn_event::Time;
use cairn_journal::Position;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Row};
use cairn_store::{Db, Write};
use serde::{Deserialize, Serialize};

/// `oldest`, `newest`, `born` and `retired_at` are milliseconds.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE lake_position (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
    CREATE TABLE lake_table (id TEXT PRIMARY KEY, version INTEGER NOT NULL, facts TEXT NOT NULL);
    CREATE TABLE lake_file (
        id INTEGER PRIMARY KEY AUTOINCREMENT, table_id TEXT NOT NULL, key TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
        oldest INTEGER NOT NULL, newest INTEGER NOT NULL, born INTEGER NOT NULL, retired_at INTEGER,
        why TEXT, facts TEXT NOT NULL);
    CREATE INDEX lake_file_state ON lake_file (state, table_id);
    CREATE TABLE lake_gap (
        id INTEGER PRIMARY KEY, first INTEGER NOT NULL, past INTEGER NOT NULL, at INTEGER NOT NULL,
        message TEXT NOT NULL);
"];

/// A file with what the database alone knows of it.
pub(crate) struct Entry {
    pub file: File,
    pub state: State,
    pub retired_at: Time,
    pub why: String,
}

/// What is known of a file beside its columns.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Facts {
    rows: u64,
    bytes: u64,
    columns: crate::file::Facts,
    source: Source,
    settled: bool,
}

impl Default for Facts {
    /// Of a row that does not say, nobody knows where its rows come from.
    fn default() -> Self {
        Self { rows: 0, bytes: 0, columns: crate::file::Facts::default(), source: Source::loaded(), settled: false }
    }
}

impl From<&File> for Facts {
    fn from(file: &File) -> Self {
        let File { rows, bytes, settled, .. } = *file;
        Self { rows, bytes, columns: file.facts.clone(), source: file.source.clone(), settled }
    }
}

fn corrupt(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Corrupt(format!("{what} in the lake's books: {error}"))
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers always serialize")
}

/// How far the journal is in files; None before the first time.
pub(crate) async fn position(db: &Db) -> Result<Option<Position>, Error> {
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM lake_position").fetch_optional(db.read()).await?;
    Ok(position.map(|position| Position(position as u64)))
}

pub(crate) async fn set_position(tx: &mut Write, position: Position) -> Result<(), Error> {
    sqlx::query("INSERT INTO lake_position VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET position = $1")
        .bind(position.0 as i64)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Every table with the version of its list of files.
pub(crate) async fn tables(db: &Db) -> Result<Vec<(Table, u64)>, Error> {
    let rows = sqlx::query("SELECT version, facts FROM lake_table ORDER BY id").fetch_all(db.read()).await?;
    let table = |row: &SqliteRow| {
        let table = serde_json::from_str(row.try_get("facts")?).map_err(|error| corrupt("a table", &error))?;
        Ok((table, row.try_get::<i64, _>("version")? as u64))
    };
    rows.iter().map(table).collect()
}

/// Makes a table or changes it.
pub(crate) async fn save_table(tx: &mut Write, table: &Table) -> Result<(), Error> {
    sqlx::query("INSERT INTO lake_table VALUES ($1, 0, $2) ON CONFLICT (id) DO UPDATE SET facts = $2")
        .bind(&table.id)
        .bind(json(table))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn remove_table(tx: &mut Write, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM lake_table WHERE id = $1").bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// The next version of a table's list of files; None when the table is gone.
pub(crate) async fn next_version(tx: &mut Write, id: &str) -> Result<Option<u64>, Error> {
    let version: Option<i64> =
        sqlx::query_scalar("UPDATE lake_table SET version = version + 1 WHERE id = $1 RETURNING version")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(version.map(|version| version as u64))
}

/// Every file, whatever its state.
pub(crate) async fn files(db: &Db) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query("SELECT * FROM lake_file ORDER BY id").fetch_all(db.read()).await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &SqliteRow) -> Result<Entry, Error> {
    let key: String = row.try_get("key")?;
    let facts: Facts = serde_json::from_str(row.try_get("facts")?).map_err(|error| corrupt(&key, &error))?;
    let state: &str = row.try_get("state")?;
    let state = State::parse(state).ok_or_else(|| corrupt(&key, &format!("{state:?} is no state")))?;
    let time = |column: &str| row.try_get::<Option<i64>, _>(column).map(|time| Time(time.unwrap_or(0)));
    Ok(Entry {
        state,
        retired_at: time("retired_at")?,
        why: row.try_get::<Option<String>, _>("why")?.unwrap_or_default(),
        file: File {
            id: row.try_get("id")?,
            table: row.try_get("table_id")?,
            rows: facts.rows,
            bytes: facts.bytes,
            times: time("oldest")?..time("newest")?,
            born: time("born")?,
            key,
            facts: facts.columns,
            source: facts.source,
            settled: facts.settled,
        },
    })
}

/// Enters a file in a state; gives it with its id.
pub(crate) async fn insert(tx: &mut Write, file: File, state: State) -> Result<File, Error> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO lake_file (table_id, key, state, oldest, newest, born, facts)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (key) DO UPDATE SET state = $3, oldest = $4, newest = $5, facts = $7 RETURNING id",
    )
    .bind(&file.table)
    .bind(&file.key)
    .bind(state.name())
    .bind(file.times.start.0)
    .bind(file.times.end.0)
    .bind(file.born.0)
    .bind(json(&Facts::from(&file)))
    .fetch_one(&mut **tx)
    .await?;
    Ok(File { id, ..file })
}

/// No longer part of its table.
pub(crate) async fn retire(tx: &mut Write, id: i64, at: Time) -> Result<(), Error> {
    sqlx::query("UPDATE lake_file SET state = $2, retired_at = $3 WHERE id = $1")
        .bind(id)
        .bind(State::Retired.name())
        .bind(at.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Every file of a table that is removed.
pub(crate) async fn retire_all(tx: &mut Write, table: &str, at: Time) -> Result<(), Error> {
    sqlx::query(
        "UPDATE lake_file SET state = 'retired', retired_at = $2
         WHERE table_id = $1 AND state IN ('live', 'aside', 'lost', 'rebuilt')",
    )
    .bind(table)
    .bind(at.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Set aside, or what has become of it since.
pub(crate) async fn set_state(tx: &mut Write, id: i64, state: State, why: &str) -> Result<(), Error> {
    sqlx::query("UPDATE lake_file SET state = $2, why = $3 WHERE id = $1")
        .bind(id)
        .bind(state.name())
        .bind(why)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Those of these keys whose files are planned.
pub(crate) async fn planned(db: &Db, keys: &[String]) -> Result<Vec<String>, Error> {
    let mut planned = Vec::new();
    for key in keys {
        let found: Option<String> =
            sqlx::query_scalar("SELECT key FROM lake_file WHERE key = $1 AND state = 'planned'")
                .bind(key)
                .fetch_optional(db.read())
                .await?;
        planned.extend(found);
    }
    Ok(planned)
}

/// The keys of all files that are planned.
pub(crate) async fn all_planned(db: &Db) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar("SELECT key FROM lake_file WHERE state = 'planned'").fetch_all(db.read()).await?)
}

/// Forgets files whose objects are gone.
pub(crate) async fn forget(tx: &mut Write, keys: &[String]) -> Result<(), Error> {
    for key in keys {
        sqlx::query("DELETE FROM lake_file WHERE key = $1 AND state IN ('planned', 'retired')")
            .bind(key)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

pub(crate) async fn add_gap(tx: &mut Write, gap: &Gap) -> Result<(), Error> {
    sqlx::query("INSERT INTO lake_gap (first, past, at, message) VALUES ($1, $2, $3, $4)")
        .bind(gap.positions.start.0 as i64)
        .bind(gap.positions.end.0 as i64)
        .bind(gap.at.0)
        .bind(&gap.message)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The newest, at most `max`.
pub(crate) async fn gaps(db: &Db, max: i64) -> Result<Vec<Gap>, Error> {
    let rows = sqlx::query("SELECT * FROM lake_gap ORDER BY id DESC LIMIT $1").bind(max).fetch_all(db.read()).await?;
    let gap = |row: &SqliteRow| {
        let position = |column: &str| row.try_get::<i64, _>(column).map(|position| Position(position as u64));
        let positions = position("first")?..position("past")?;
        Ok(Gap { positions, at: Time(row.try_get("at")?), message: row.try_get("message")? })
    };
    rows.iter().map(gap).collect()
}
