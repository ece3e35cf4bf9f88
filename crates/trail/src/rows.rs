//! Trails in the database.

use crate::history::{History, Phase};
use crate::state::{Edit, Entry, State};
use crate::{Error, Trail};
use cairn_event::Time;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Row};
use cairn_store::{Db, Write};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// `body` is the trail, `rule` what a phase of it records, both in JSON.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE trail_entry (id TEXT PRIMARY KEY, arn TEXT NOT NULL, deleted INTEGER, body TEXT NOT NULL);
    CREATE UNIQUE INDEX trail_living ON trail_entry (arn) WHERE deleted IS NULL;
    CREATE TABLE trail_phase (
        trail TEXT NOT NULL REFERENCES trail_entry (id), number INTEGER NOT NULL, since INTEGER NOT NULL,
        cause TEXT NOT NULL, rule TEXT NOT NULL, PRIMARY KEY (trail, number));
"];

/// Everything there is.
pub(crate) async fn load(db: &Db) -> Result<State, Error> {
    let mut phases: HashMap<Uuid, Vec<Phase>> = HashMap::new();
    for row in sqlx::query("SELECT * FROM trail_phase ORDER BY trail, number").fetch_all(db.read()).await? {
        phases.entry(id(&row, "trail")?).or_default().push(phase(&row)?);
    }
    let mut edits = Vec::new();
    for row in sqlx::query("SELECT * FROM trail_entry").fetch_all(db.read()).await? {
        let id = id(&row, "id")?;
        let history = History::from_phases(phases.remove(&id).unwrap_or_default());
        let history = history.ok_or_else(|| Error::Corrupt(format!("the history of trail {id} has holes")))?;
        let deleted: Option<i64> = row.try_get("deleted")?;
        let trail: Trail = json(&row, "body")?;
        edits.push(Edit::Put(Arc::new(Entry { id, trail, history, deleted: deleted.map(Time) })));
    }
    let mut state = State::default();
    state.apply(edits);
    Ok(state)
}

fn phase(row: &SqliteRow) -> Result<Phase, Error> {
    let since = Time(row.try_get("since")?);
    Ok(Phase { number: row.try_get("number")?, since, cause: row.try_get("cause")?, rule: json(row, "rule")? })
}

fn id(row: &SqliteRow, column: &str) -> Result<Uuid, Error> {
    let text: &str = row.try_get(column)?;
    Uuid::parse_str(text).map_err(|_| Error::Corrupt(format!("{text:?} in the database is not the id of a trail")))
}

fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text)
        .map_err(|error| Error::Corrupt(format!("the {column} of a trail cannot be read: {error}")))
}

fn text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data always serializes")
}

/// Commits the steps of one change together.
pub(crate) async fn save(db: &Db, edits: &[Edit]) -> Result<(), Error> {
    let mut tx = db.write().await?;
    for edit in edits {
        match edit {
            Edit::Put(entry) => save_entry(&mut tx, entry).await?,
            Edit::Bury(id) => bury(&mut tx, *id).await?,
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn save_entry(tx: &mut Write, entry: &Entry) -> Result<(), Error> {
    let id = entry.id.to_string();
    sqlx::query(
        "INSERT INTO trail_entry VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET deleted = $3, body = $4",
    )
    .bind(&id)
    .bind(&entry.trail.arn)
    .bind(entry.deleted.map(Time::millis))
    .bind(text(&entry.trail))
    .execute(&mut **tx)
    .await?;
    let phases = entry.history.phases();
    sqlx::query("DELETE FROM trail_phase WHERE trail = $1 AND number < $2")
        .bind(&id)
        .bind(phases.first().map_or(0, |phase| phase.number))
        .execute(&mut **tx)
        .await?;
    let saved: Option<i64> = sqlx::query_scalar("SELECT max(number) FROM trail_phase WHERE trail = $1")
        .bind(&id)
        .fetch_one(&mut **tx)
        .await?;
    // A phase that has begun never changes again, but that a clock turned back pulls it back.
    let last = entry.history.now().since;
    sqlx::query("UPDATE trail_phase SET since = $2 WHERE trail = $1 AND since > $2")
        .bind(&id)
        .bind(last.millis())
        .execute(&mut **tx)
        .await?;
    for phase in phases.iter().filter(|phase| saved.is_none_or(|saved| phase.number > saved)) {
        sqlx::query("INSERT INTO trail_phase VALUES ($1, $2, $3, $4, $5)")
            .bind(&id)
            .bind(phase.number)
            .bind(phase.since.millis())
            .bind(&phase.cause)
            .bind(text(&phase.rule))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn bury(tx: &mut Write, id: Uuid) -> Result<(), Error> {
    for statement in ["DELETE FROM trail_phase WHERE trail = $1", "DELETE FROM trail_entry WHERE id = $1"] {
        sqlx::query(statement).bind(id.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}
