//! Event data stores, channels and resource policies in the database.

use super::register::{Edit, State};
use crate::Error;
use cairn_store::{Db, Write};
use serde::de::DeserializeOwned;
use sqlx::Row;
use std::sync::Arc;

/// `body` is the thing itself in JSON.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE lake_resource (
        kind TEXT NOT NULL, arn TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, arn));
"];

const STORE: &str = "store";
const CHANNEL: &str = "channel";
const POLICY: &str = "policy";

/// Everything there is.
pub(crate) async fn load(db: &Db) -> Result<State, Error> {
    let mut state = State::default();
    for row in sqlx::query("SELECT kind, arn, body FROM lake_resource").fetch_all(db.read()).await? {
        let (kind, arn, body): (String, String, String) =
            (row.try_get("kind")?, row.try_get("arn")?, row.try_get("body")?);
        state.apply(&match kind.as_str() {
            STORE => Edit::Store(Arc::new(read(&arn, &body)?)),
            CHANNEL => Edit::Channel(Arc::new(read(&arn, &body)?)),
            POLICY => Edit::Policy(arn.clone(), Arc::new(read(&arn, &body)?)),
            _ => return Err(Error::Corrupt(format!("{arn} in the database is a {kind:?}, which is unknown"))),
        });
    }
    Ok(state)
}

fn read<T: DeserializeOwned>(arn: &str, body: &str) -> Result<T, Error> {
    serde_json::from_str(body).map_err(|error| Error::Corrupt(format!("{arn} in the database cannot be read: {error}")))
}

fn text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data always serializes")
}

/// Writes the steps of one change.
pub(crate) async fn save(tx: &mut Write, edits: &[Edit]) -> Result<(), Error> {
    for edit in edits {
        let (kind, arn, body) = match edit {
            Edit::Store(store) => (STORE, &store.arn, Some(text(&**store))),
            Edit::NoStore(arn) => (STORE, arn, None),
            Edit::Channel(channel) => (CHANNEL, &channel.arn, Some(text(&**channel))),
            Edit::NoChannel(arn) => (CHANNEL, arn, None),
            Edit::Policy(arn, policy) => (POLICY, arn, Some(text(&**policy))),
            Edit::NoPolicy(arn) => (POLICY, arn, None),
        };
        let query = match &body {
            Some(_) => "INSERT INTO lake_resource VALUES ($1, $2, $3) ON CONFLICT (kind, arn) DO UPDATE SET body = $3",
            None => "DELETE FROM lake_resource WHERE kind = $1 AND arn = $2",
        };
        let query = sqlx::query(query).bind(kind).bind(arn);
        let query = if let Some(body) = body { query.bind(body) } else { query };
        query.execute(&mut **tx).await?;
    }
    Ok(())
}
