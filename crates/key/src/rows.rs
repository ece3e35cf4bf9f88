//! Keys in the database.

use crate::ciphertext::Header;
use crate::material::Material;
use crate::state::{Edit, State};
use crate::{Alias, Error, Key, Rotation, Status};
use cairn_event::Time;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Row};
use cairn_store::{Db, Write};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE key_entry (
        id TEXT PRIMARY KEY, arn TEXT NOT NULL UNIQUE, account TEXT NOT NULL, region TEXT NOT NULL,
        created INTEGER NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL, deletion INTEGER,
        policy TEXT NOT NULL, tags TEXT NOT NULL, managed_for TEXT, rotation_period_days INTEGER,
        rotation_next INTEGER, rotations_on_demand INTEGER NOT NULL);
    CREATE TABLE key_material (
        key TEXT NOT NULL REFERENCES key_entry (id), version INTEGER NOT NULL, created INTEGER NOT NULL,
        sealed BLOB NOT NULL, PRIMARY KEY (key, version));
    CREATE TABLE key_alias (
        arn TEXT PRIMARY KEY, name TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
        key TEXT NOT NULL REFERENCES key_entry (id), created INTEGER NOT NULL, updated INTEGER NOT NULL);
    CREATE INDEX key_alias_key ON key_alias (key);
"];

/// Everything there is.
pub(crate) async fn load(db: &Db) -> Result<State, Error> {
    let mut edits = Vec::new();
    for row in sqlx::query("SELECT * FROM key_entry").fetch_all(db.read()).await? {
        edits.push(Edit::Key(Arc::new(key(&row)?)));
    }
    for row in sqlx::query("SELECT * FROM key_material ORDER BY key, version").fetch_all(db.read()).await? {
        let header = Header { key: id(&row, "key")?, version: row.try_get("version")? };
        let material = Material::sealed(header, time(&row, "created")?, row.try_get("sealed")?);
        edits.push(Edit::Material(Arc::new(material)));
    }
    for row in sqlx::query("SELECT * FROM key_alias").fetch_all(db.read()).await? {
        edits.push(Edit::Alias(Arc::new(alias(&row)?)));
    }
    let mut state = State::default();
    state.apply(edits);
    Ok(state)
}

fn key(row: &SqliteRow) -> Result<Key, Error> {
    let id = id(row, "id")?;
    let unreadable = |what: &str| Error::Unavailable(format!("the row of key {id} has no readable {what}"));
    let deletion: Option<i64> = row.try_get("deletion")?;
    let status = match (row.try_get("status")?, deletion) {
        ("Enabled", _) => Status::Enabled,
        ("Disabled", _) => Status::Disabled,
        ("PendingDeletion", Some(at)) => Status::PendingDeletion(Time(at)),
        _ => return Err(unreadable("status")),
    };
    let rotation = match (row.try_get("rotation_period_days")?, row.try_get("rotation_next")?) {
        (Some(period_days), Some(next)) => Some(Rotation { period_days, next: Time(next) }),
        _ => None,
    };
    Ok(Key {
        id,
        arn: row.try_get("arn")?,
        account: row.try_get("account")?,
        region: row.try_get("region")?,
        created: time(row, "created")?,
        description: row.try_get("description")?,
        status,
        policy: row.try_get("policy")?,
        tags: serde_json::from_str(row.try_get("tags")?).map_err(|_| unreadable("tags"))?,
        managed_for: row.try_get("managed_for")?,
        rotation,
        rotations_on_demand: row.try_get("rotations_on_demand")?,
    })
}

fn alias(row: &SqliteRow) -> Result<Alias, Error> {
    Ok(Alias {
        name: row.try_get("name")?,
        arn: row.try_get("arn")?,
        account: row.try_get("account")?,
        region: row.try_get("region")?,
        key: id(row, "key")?,
        created: time(row, "created")?,
        updated: time(row, "updated")?,
    })
}

fn id(row: &SqliteRow, column: &str) -> Result<Uuid, Error> {
    let text: &str = row.try_get(column)?;
    Uuid::parse_str(text).map_err(|_| Error::Unavailable(format!("{text:?} in the database is not the id of a key")))
}

fn time(row: &SqliteRow, column: &str) -> Result<Time, Error> {
    Ok(Time(row.try_get(column)?))
}

/// Commits the steps of one change together.
pub(crate) async fn save(db: &Db, edits: &[Edit]) -> Result<(), Error> {
    let mut tx = db.write().await?;
    for edit in edits {
        match edit {
            Edit::Key(key) => save_key(&mut tx, key).await?,
            Edit::Material(material) => save_material(&mut tx, material).await?,
            Edit::KeyGone(id) => remove_key(&mut tx, *id).await?,
            Edit::Alias(alias) => save_alias(&mut tx, alias).await?,
            Edit::AliasGone(arn) => {
                sqlx::query("DELETE FROM key_alias WHERE arn = $1").bind(arn).execute(&mut *tx).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn save_key(tx: &mut Write, key: &Key) -> Result<(), Error> {
    let deletion = match key.status {
        Status::PendingDeletion(at) => Some(at.millis()),
        Status::Enabled | Status::Disabled => None,
    };
    let tags = serde_json::to_string(&key.tags).expect("a map of texts always serializes");
    sqlx::query(
        "INSERT INTO key_entry VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (id) DO UPDATE SET description = $6, status = $7, deletion = $8, policy = $9, tags = $10,
         rotation_period_days = $12, rotation_next = $13, rotations_on_demand = $14",
    )
    .bind(key.id.to_string())
    .bind(&key.arn)
    .bind(&key.account)
    .bind(&key.region)
    .bind(key.created.millis())
    .bind(&key.description)
    .bind(key.status.name())
    .bind(deletion)
    .bind(&key.policy)
    .bind(tags)
    .bind(&key.managed_for)
    .bind(key.rotation.map(|rotation| rotation.period_days))
    .bind(key.rotation.map(|rotation| rotation.next.millis()))
    .bind(key.rotations_on_demand)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn save_material(tx: &mut Write, material: &Material) -> Result<(), Error> {
    sqlx::query("INSERT INTO key_material VALUES ($1, $2, $3, $4)")
        .bind(material.header.key.to_string())
        .bind(material.header.version)
        .bind(material.created.millis())
        .bind(&material.sealed)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn save_alias(tx: &mut Write, alias: &Alias) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO key_alias VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (arn) DO UPDATE SET key = $5, updated = $7",
    )
    .bind(&alias.arn)
    .bind(&alias.name)
    .bind(&alias.account)
    .bind(&alias.region)
    .bind(alias.key.to_string())
    .bind(alias.created.millis())
    .bind(alias.updated.millis())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A row that is only deleted lies on in the file's free pages; so the material is
/// overwritten first.
async fn remove_key(tx: &mut Write, id: Uuid) -> Result<(), Error> {
    for statement in [
        "UPDATE key_material SET sealed = zeroblob(length(sealed)) WHERE key = $1",
        "DELETE FROM key_material WHERE key = $1",
        "DELETE FROM key_alias WHERE key = $1",
        "DELETE FROM key_entry WHERE id = $1",
    ] {
        sqlx::query(statement).bind(id.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}
