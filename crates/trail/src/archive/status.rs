//! How delivery stands, for each trail.

use super::Archive;
use super::rows::Kind;
use crate::{Error, Status};
use cairn_event::Time;
use cairn_store::sqlx::{self, Row};
use cairn_store::{Db, Write};
use uuid::Uuid;

/// A delivery succeeded: the error before it is over.
pub(crate) async fn delivered(tx: &mut Write, trail: Uuid, kind: Kind, at: Time) -> Result<(), Error> {
    let statement = match kind {
        Kind::Log => {
            "INSERT INTO archive_status (trail, delivered, attempted) VALUES ($1, $2, $2)
             ON CONFLICT (trail) DO UPDATE SET delivered = $2, attempted = $2, error = NULL"
        }
        Kind::Digest | Kind::Backfill => {
            "INSERT INTO archive_status (trail, digest_delivered) VALUES ($1, $2)
             ON CONFLICT (trail) DO UPDATE SET digest_delivered = $2, digest_error = NULL"
        }
    };
    sqlx::query(statement).bind(trail.to_string()).bind(at.millis()).execute(&mut **tx).await?;
    Ok(())
}

/// A delivery, or what comes before it, failed.
pub(crate) async fn failed(db: &Db, trail: Uuid, kind: Kind, at: Time, error: &str) -> Result<(), Error> {
    let statement = match kind {
        Kind::Log => {
            "INSERT INTO archive_status (trail, attempted, error) VALUES ($1, $2, $3)
             ON CONFLICT (trail) DO UPDATE SET attempted = $2, error = $3"
        }
        Kind::Digest | Kind::Backfill => {
            "INSERT INTO archive_status (trail, digest_error) VALUES ($1, $3)
             ON CONFLICT (trail) DO UPDATE SET digest_error = $3"
        }
    };
    let mut tx = db.write().await?;
    sqlx::query(statement).bind(trail.to_string()).bind(at.millis()).bind(error).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

impl Archive {
    /// How delivery for a trail stands.
    pub async fn status(&self, trail: Uuid) -> Result<Status, Error> {
        let row = sqlx::query("SELECT * FROM archive_status WHERE trail = $1")
            .bind(trail.to_string())
            .fetch_optional(self.db().read())
            .await?;
        let Some(row) = row else { return Ok(Status::default()) };
        let time = |column: &str| Ok::<_, Error>(row.try_get::<Option<i64>, _>(column)?.map(Time));
        Ok(Status {
            latest_delivery: time("delivered")?,
            latest_delivery_attempt: time("attempted")?,
            latest_delivery_error: row.try_get("error")?,
            latest_digest_delivery: time("digest_delivered")?,
            latest_digest_error: row.try_get("digest_error")?,
        })
    }
}
