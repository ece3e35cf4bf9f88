//! The metadata database: one writer, many readers, a schema version for each engine.

mod lend;

pub use lend::Lent;

use lend::Lender;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

const READERS_MAX: u32 = 8;

/// What can go wrong with the metadata database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("metadata database: {0}")]
    Unavailable(#[from] sqlx::Error),
    #[error(
        "the tables of {engine} have version {found}, this binary knows up to {known}: \
         the data directory was written by a newer cairn; start that one"
    )]
    Newer { engine: String, found: i64, known: i64 },
}

/// The metadata database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    writer: SqlitePool,
    readers: SqlitePool,
    lender: Lender,
}

/// An open write transaction; it is undone unless committed.
pub type Write = sqlx::Transaction<'static, sqlx::Sqlite>;

impl Db {
    /// Opens or makes the database file. Every commit is synced before it is acknowledged.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30));
        // A connection to a file does not go away meanwhile; asking it each time costs as much as a look-up.
        let pool =
            |size: u32| SqlitePoolOptions::new().max_connections(size).min_connections(1).test_before_acquire(false);
        let writer = pool(1).connect_with(options.clone()).await?;
        let options = options.read_only(true).create_if_missing(false);
        let readers = pool(READERS_MAX).connect_with(options.clone()).await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (engine TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            .execute(&writer)
            .await?;
        Ok(Self { writer, readers, lender: Lender::new(options) })
    }

    /// Brings one engine's tables up to date. `steps[n]` takes them from version n to
    /// n + 1; a step that has landed is never edited, only followed by another.
    pub async fn migrate(&self, engine: &str, steps: &[&'static str]) -> Result<(), Error> {
        let found: Option<i64> = sqlx::query_scalar("SELECT version FROM schema_version WHERE engine = $1")
            .bind(engine)
            .fetch_optional(&self.writer)
            .await?;
        let found = found.unwrap_or(0);
        let known = steps.len() as i64;
        if found > known {
            return Err(Error::Newer { engine: engine.into(), found, known });
        }
        for (version, step) in steps.iter().enumerate().skip(found as usize) {
            let mut tx = self.write().await?;
            sqlx::raw_sql(*step).execute(&mut *tx).await?;
            sqlx::query("INSERT INTO schema_version VALUES ($1, $2) ON CONFLICT (engine) DO UPDATE SET version = $2")
                .bind(engine)
                .bind(version as i64 + 1)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Begins the one write transaction; others wait for it.
    pub async fn write(&self) -> Result<Write, Error> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// The connections for queries that change nothing.
    pub const fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// A connection for a look-up that changes nothing: cheaper than one of [`Db::read`].
    pub async fn lend(&self) -> Result<Lent, Error> {
        self.lender.lend().await
    }

    /// Waits for running queries and closes the file.
    pub async fn close(&self) {
        self.lender.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(db: &Db) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM item").fetch_one(db.read()).await.unwrap()
    }

    #[tokio::test]
    async fn a_step_is_taken_once_and_a_newer_schema_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cairn.db");
        let db = Db::open(&path).await.unwrap();
        let first = "CREATE TABLE item (name TEXT)";
        db.migrate("test", &[first]).await.unwrap();
        db.migrate("test", &[first, "INSERT INTO item VALUES ('second step')"]).await.unwrap();
        db.migrate("test", &[first, "INSERT INTO item VALUES ('second step')"]).await.unwrap();
        assert_eq!(count(&db).await, 1);
        let error = db.migrate("test", &[first]).await.unwrap_err();
        assert!(error.to_string().contains("newer cairn"), "{error}");
    }

    #[tokio::test]
    async fn a_dropped_transaction_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        db.migrate("test", &["CREATE TABLE item (name TEXT)"]).await.unwrap();
        let mut tx = db.write().await.unwrap();
        sqlx::query("INSERT INTO item VALUES ('x')").execute(&mut *tx).await.unwrap();
        drop(tx);
        assert_eq!(count(&db).await, 0);
        db.close().await;
    }
}
