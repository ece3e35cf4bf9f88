//! Connections for single look-ups that come by the thousand.
//!
//! A pool asks a connection whether it still lives when it comes back; for a file that question costs
//! as much as the look-up. These are handed out and taken back without it: at most [`LENT_MAX`] at a
//! time, further borrowers wait.

use super::Error;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const LENT_MAX: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Lender {
    options: SqliteConnectOptions,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
    room: Arc<Semaphore>,
}

/// A connection for queries that change nothing, until this is dropped.
#[derive(Debug)]
pub struct Lent {
    /// Gone only while this is being dropped.
    connection: Option<SqliteConnection>,
    lender: Lender,
    _place: OwnedSemaphorePermit,
}

impl Lender {
    pub fn new(options: SqliteConnectOptions) -> Self {
        Self { options, idle: Arc::default(), room: Arc::new(Semaphore::new(LENT_MAX)) }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn lend(&self) -> Result<Lent, Error> {
        let closed = |_| sqlx::Error::PoolClosed;
        let place = self.room.clone().acquire_owned().await.map_err(closed)?;
        let kept = self.idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(Lent { connection: Some(connection), lender: self.clone(), _place: place })
    }

    /// Nothing is lent any more; what is lent now is closed when it comes back.
    pub async fn close(&self) {
        self.room.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // A connection that only read has nothing to lose.
            let _ = connection.close().await;
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.lender.room.is_closed()
        {
            self.lender.idle().push(connection);
        }
    }
}

impl Deref for Lent {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is there until this is dropped")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until this is dropped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Db;

    async fn count(db: &Db) -> i64 {
        let mut lent = db.lend().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM item").fetch_one(&mut *lent).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_lent_reads_what_is_committed_and_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        db.migrate("test", &["CREATE TABLE item (name TEXT)"]).await.unwrap();
        for items in 0..3 {
            assert_eq!(count(&db).await, items);
            let mut tx = db.write().await.unwrap();
            sqlx::query("INSERT INTO item VALUES ('x')").execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut lent = db.lend().await.unwrap();
        assert!(sqlx::query("DELETE FROM item").execute(&mut *lent).await.is_err());
        drop(lent);
        assert_eq!(count(&db).await, 3);
        db.close().await;
    }

    #[tokio::test]
    async fn a_query_given_up_half_way_leaves_the_connection_usable() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n";
        for _ in 0..20 {
            let mut lent = db.lend().await.unwrap();
            let mut rows = sqlx::query_scalar::<_, i64>(many).fetch(&mut *lent);
            assert_eq!(futures::TryStreamExt::try_next(&mut rows).await.unwrap(), Some(1));
            drop(rows);
            drop(lent);
            let mut lent = db.lend().await.unwrap();
            assert_eq!(sqlx::query_scalar::<_, i64>("SELECT 7").fetch_one(&mut *lent).await.unwrap(), 7);
        }
        db.close().await;
    }

    #[tokio::test]
    async fn no_more_are_lent_than_there_are_and_none_after_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let mut lent = Vec::new();
        for _ in 0..LENT_MAX {
            lent.push(db.lend().await.unwrap());
        }
        let mut waiting = std::pin::pin!(db.lend());
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        lent.pop();
        drop(waiting.await.unwrap());
        db.close().await;
        drop(lent);
        assert!(db.lend().await.is_err());
    }
}
