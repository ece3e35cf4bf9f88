//! Files of which nothing is left to be taken, so that an import that was interrupted
//! need not send them again.
//!
//! The ledger saves work and nothing hangs on it: a file that it does not know is sent
//! again, and its records are duplicates. Therefore notes wait in memory and are written
//! some at a time; a crash loses the last of them. A file is kept as a digest of its name
//! and version, for [`AGE_MAX`].

use crate::Error;
use aws_lc_rs::digest;
use cairn_event::Time;
use cairn_store::{Db, sqlx};
use cairn_world::World;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Files that one question may name.
pub const FILES_MAX: usize = 1000;
/// An older note is dropped.
const AGE_MAX: Duration = Duration::from_hours(400 * 24);
/// Notes that wait in memory at most.
const WAITING_MAX: usize = 256;

const STEPS: &[&str] = &["
    CREATE TABLE intake_file (
        key BLOB PRIMARY KEY,
        completed_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
"];

/// A file where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its whole name, such as a path or URL.
    pub name: String,
    /// What changes when its contents do: size and time, or an entity tag.
    pub version: String,
}

type Key = [u8; 16];

impl File {
    fn key(&self) -> Key {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&(self.name.len() as u64).to_le_bytes());
        context.update(self.name.as_bytes());
        context.update(self.version.as_bytes());
        *context.finish().as_ref().first_chunk().expect("a SHA-256 has 32 bytes")
    }
}

pub struct Ledger {
    world: World,
    db: Db,
    waiting: Mutex<Vec<(Key, Time)>>,
}

impl Ledger {
    pub async fn open(world: &World, db: &Db) -> Result<Self, Error> {
        db.migrate("intake", STEPS).await?;
        let mut tx = db.write().await?;
        sqlx::query("DELETE FROM intake_file WHERE completed_ms < $1")
            .bind((world.now() - AGE_MAX).millis())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Self { world: world.clone(), db: db.clone(), waiting: Mutex::default() })
    }

    pub async fn note(&self, file: &File) {
        let due = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((file.key(), self.world.now()));
            waiting.len() >= WAITING_MAX
        };
        if due {
            self.flush().await;
        }
    }

    /// Writes what waits. What cannot be written is dropped: those files are sent again.
    pub async fn flush(&self) {
        let notes = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if notes.is_empty() {
            return;
        }
        if let Err(error) = self.write(&notes).await {
            tracing::warn!(%error, files = notes.len(), "files are not noted as complete");
        }
    }

    async fn write(&self, notes: &[(Key, Time)]) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        for (key, time) in notes {
            sqlx::query("INSERT INTO intake_file VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET completed_ms = $2")
                .bind(key.as_slice())
                .bind(time.millis())
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// One answer a file.
    pub async fn complete(&self, files: &[File]) -> Result<Vec<bool>, Error> {
        if files.len() > FILES_MAX {
            return Err(Error::TooMany { what: "files", max: FILES_MAX });
        }
        let mut connection = self.db.read().acquire().await?;
        let mut answers = Vec::with_capacity(files.len());
        for file in files {
            let key = file.key();
            let found: Option<i64> = sqlx::query_scalar("SELECT completed_ms FROM intake_file WHERE key = $1")
                .bind(key.as_slice())
                .fetch_optional(&mut *connection)
                .await?;
            answers.push(found.is_some() || self.waits(&key));
        }
        Ok(answers)
    }

    fn waits(&self, key: &Key) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(waiting, _)| waiting == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_world::sim::Sim;

    fn file(name: &str, version: &str) -> File {
        File { name: name.to_owned(), version: version.to_owned() }
    }

    async fn check(ledger: &Ledger, files: &[(&str, &str)], expected: &[bool]) {
        let files: Vec<File> = files.iter().map(|(name, version)| file(name, version)).collect();
        assert_eq!(ledger.complete(&files).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_file_is_complete_under_its_name_and_version_for_a_year() {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::from_seconds(1_800_000_000));
        let db = Db::open(&dir.path().join("db")).await.unwrap();
        let ledger = Ledger::open(&sim.world(), &db).await.unwrap();
        ledger.note(&file("a", "1")).await;
        let asked = [("a", "1"), ("a", "2"), ("b", "1"), ("a1", "")];
        check(&ledger, &asked, &[true, false, false, false]).await;
        ledger.flush().await;
        let again = Ledger::open(&sim.world(), &db).await.unwrap();
        check(&again, &asked, &[true, false, false, false]).await;
        sim.clock.advance(AGE_MAX + Duration::from_secs(1));
        let later = Ledger::open(&sim.world(), &db).await.unwrap();
        check(&later, &asked[..1], &[false]).await;
    }

    #[tokio::test]
    async fn notes_are_written_before_there_are_many() {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::from_seconds(1_800_000_000));
        let db = Db::open(&dir.path().join("db")).await.unwrap();
        let ledger = Ledger::open(&sim.world(), &db).await.unwrap();
        for number in 0..WAITING_MAX {
            ledger.note(&file(&number.to_string(), "")).await;
        }
        let again = Ledger::open(&sim.world(), &db).await.unwrap();
        check(&again, &[("0", ""), ("255", ""), ("256", "")], &[true, true, false]).await;
        let many = vec![file("x", ""); FILES_MAX + 1];
        assert!(matches!(again.complete(&many).await, Err(Error::TooMany { .. })));
    }
}
