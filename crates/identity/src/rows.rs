//! Identities in the database: a row for each, its body as JSON.

use crate::state::{Edit, State};
use crate::{AccessKey, Error};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_store::sqlx::{self, Row};
use cairn_store::{Db, Seal, Write};
use cairn_wire::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE identity_row (
        kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"];

const ACCOUNT: &str = "account";
const ENTITY: &str = "entity";
const POLICY: &str = "policy";
const KEY: &str = "key";

/// Everything there is.
pub(crate) async fn load(db: &Db, seal: &Seal) -> Result<State, Error> {
    let mut edits = Vec::new();
    for row in sqlx::query("SELECT kind, id, body FROM identity_row").fetch_all(db.read()).await? {
        let (kind, id, body): (&str, &str, &str) = (row.try_get("kind")?, row.try_get("id")?, row.try_get("body")?);
        edits.push(match kind {
            ACCOUNT => Edit::Account(read(kind, id, body)?),
            ENTITY => Edit::Entity(read(kind, id, body)?),
            POLICY => Edit::Policy(read(kind, id, body)?),
            KEY => Edit::Key(open(Arc::unwrap_or_clone(read(kind, id, body)?), seal)?),
            _ => return Err(Error::Corrupt(format!("{kind:?} is not a kind of row"))),
        });
    }
    let mut state = State::empty();
    state.apply(edits);
    Ok(state)
}

fn read<T: DeserializeOwned>(kind: &str, id: &str, body: &str) -> Result<Arc<T>, Error> {
    let unreadable = |error| Error::Corrupt(format!("the row of {kind} {id} cannot be read: {error}"));
    serde_json::from_str(body).map(Arc::new).map_err(unreadable)
}

/// What binds a sealed secret to its key.
pub(crate) fn place(key: &str) -> Vec<u8> {
    format!("identity/key/{key}").into_bytes()
}

fn open(mut key: AccessKey, seal: &Seal) -> Result<Arc<AccessKey>, Error> {
    let corrupt = |why: &str| Error::Corrupt(format!("the secret of access key {}: {why}", key.id));
    let sealed = STANDARD.decode(&key.sealed).map_err(|error| corrupt(&error.to_string()))?;
    let secret = seal.open_sealed(&place(&key.id), &sealed).map_err(|error| corrupt(&error.to_string()))?;
    key.secret = Secret::from(std::str::from_utf8(&secret).map_err(|error| corrupt(&error.to_string()))?);
    Ok(Arc::new(key))
}

/// Commits the steps of one change together.
pub(crate) async fn save(db: &Db, edits: &[Edit]) -> Result<(), Error> {
    let mut tx = db.write().await?;
    for edit in edits {
        match edit {
            Edit::Account(account) => put(&mut tx, ACCOUNT, &account.id, account).await?,
            Edit::Entity(entity) => put(&mut tx, ENTITY, &entity.id, entity).await?,
            Edit::EntityGone(entity) => remove(&mut tx, ENTITY, &entity.id).await?,
            Edit::Policy(policy) => put(&mut tx, POLICY, &policy.arn, policy).await?,
            Edit::PolicyGone(arn) => remove(&mut tx, POLICY, arn).await?,
            Edit::Key(key) => put(&mut tx, KEY, &key.id, key).await?,
            Edit::KeyGone(key) => remove(&mut tx, KEY, &key.id).await?,
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn put<T: Serialize>(tx: &mut Write, kind: &str, id: &str, body: &Arc<T>) -> Result<(), Error> {
    let body = serde_json::to_string(&**body).expect("rows are plain data, which always serializes");
    sqlx::query("INSERT INTO identity_row VALUES ($1, $2, $3) ON CONFLICT (kind, id) DO UPDATE SET body = $3")
        .bind(kind)
        .bind(id)
        .bind(body)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A row that is only deleted lies on in the file's free pages; so it is overwritten first.
async fn remove(tx: &mut Write, kind: &str, id: &str) -> Result<(), Error> {
    for statement in [
        "UPDATE identity_row SET body = printf('%*c', length(body), ' ') WHERE kind = $1 AND id = $2",
        "DELETE FROM identity_row WHERE kind = $1 AND id = $2",
    ] {
        sqlx::query(statement).bind(kind).bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}
