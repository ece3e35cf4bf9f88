//! The keys that sign digests: one RSA-2048 pair a region at a time, rotated.
//!
//! A key signs digests whose window ends within its validity, so that clients, who ask for
//! the keys of the span that they check, find it. Where none is valid one is made, also for
//! a time that has passed (the house was shut for days and its digests come late): windows
//! of validity may overlap. Private halves are sealed at rest and wiped when outlived;
//! public halves are kept for good.

use crate::{Error, PublicKey};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use cairn_event::Time;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Row};
use cairn_store::{Db, Seal};
use md5::{Digest as _, Md5};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Regions that can have keys; asking for the keys of more gives none.
const REGIONS_MAX: i64 = 256;
/// How long an outlived private half is kept for digests that come late.
const GRACE: Duration = Duration::from_hours(48);

pub(crate) const SCHEMA: &str = "
    CREATE TABLE archive_key (
        region TEXT NOT NULL, fingerprint TEXT NOT NULL, der BLOB NOT NULL, valid_from INTEGER NOT NULL,
        valid_to INTEGER NOT NULL, sealed BLOB, PRIMARY KEY (region, fingerprint));
";

pub(crate) struct Signer {
    db: Db,
    seal: Arc<Seal>,
    rotation: Duration,
    /// The key last used in each region.
    recent: Mutex<HashMap<String, Arc<SigningKey>>>,
    /// Held while a key is looked for and made, so that a region gets one.
    turn: tokio::sync::Mutex<()>,
}

/// A key that can sign.
pub(crate) struct SigningKey {
    pub fingerprint: String,
    pair: KeyPair,
    valid_from: Time,
    valid_to: Time,
}

impl SigningKey {
    const fn valid_at(&self, at: Time) -> bool {
        self.valid_from.0 <= at.0 && at.0 < self.valid_to.0
    }

    /// The signature in hex.
    pub fn sign(&self, text: &str) -> Result<String, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .map_err(|_| Error::Unavailable(format!("key {} did not sign", self.fingerprint)))?;
        Ok(hex::encode(signature))
    }
}

fn context(region: &str, fingerprint: &str) -> Vec<u8> {
    format!("trail/digest-key/{region}/{fingerprint}").into_bytes()
}

impl Signer {
    pub fn new(db: &Db, seal: Arc<Seal>, rotation: Duration) -> Self {
        Self { db: db.clone(), seal, rotation, recent: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// The key that signs in a region what ends at `at`; made when there is none.
    pub async fn key(&self, region: &str, at: Time) -> Result<Arc<SigningKey>, Error> {
        let _turn = self.turn.lock().await;
        if let Some(key) = self.recent(region).filter(|key| key.valid_at(at)) {
            return Ok(key);
        }
        let key = match self.load(region, at).await? {
            Some(key) => key,
            None => self.make(region, at).await?,
        };
        let key = Arc::new(key);
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned(), key.clone());
        Ok(key)
    }

    fn recent(&self, region: &str) -> Option<Arc<SigningKey>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).get(region).cloned()
    }

    async fn load(&self, region: &str, at: Time) -> Result<Option<SigningKey>, Error> {
        let row = sqlx::query(
            "SELECT * FROM archive_key WHERE region = $1 AND valid_from <= $2 AND $2 < valid_to AND sealed IS NOT NULL
             ORDER BY valid_from DESC LIMIT 1",
        )
        .bind(region)
        .bind(at.millis())
        .fetch_optional(self.db.read())
        .await?;
        row.map(|row| self.unseal(region, &row)).transpose()
    }

    fn unseal(&self, region: &str, row: &SqliteRow) -> Result<SigningKey, Error> {
        let fingerprint: String = row.try_get("fingerprint")?;
        let corrupt = || {
            Error::Corrupt(format!(
                "the key {fingerprint} that signs digests in {region} cannot be opened: it was changed, or the root key is another"
            ))
        };
        let sealed: &[u8] = row.try_get("sealed")?;
        let private = self.seal.open_sealed(&context(region, &fingerprint), sealed).map_err(|_| corrupt())?;
        let pair = KeyPair::from_pkcs8(&private).map_err(|_| corrupt())?;
        Ok(SigningKey { pair, valid_from: time(row, "valid_from")?, valid_to: time(row, "valid_to")?, fingerprint })
    }

    async fn make(&self, region: &str, at: Time) -> Result<SigningKey, Error> {
        // Takes a tenth of a second and more.
        let pair = tokio::task::spawn_blocking(|| KeyPair::generate(KeySize::Rsa2048)).await;
        let pair =
            pair.ok().and_then(Result::ok).ok_or_else(|| Error::Unavailable("no key could be made".to_owned()))?;
        let der = pair.public_key().as_ref().to_vec();
        let fingerprint = hex::encode(Md5::digest(&der));
        let private = pair.as_der().map_err(|_| Error::Unavailable("no key could be made".to_owned()))?;
        let sealed = self.seal.seal(&context(region, &fingerprint), private.as_ref());
        let valid_from = at.to_second();
        let valid_to = valid_from + self.rotation;
        let mut tx = self.db.write().await?;
        sqlx::query("INSERT INTO archive_key VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(region)
            .bind(&fingerprint)
            .bind(&der)
            .bind(valid_from.millis())
            .bind(valid_to.millis())
            .bind(sealed)
            .execute(&mut *tx)
            .await?;
        // A value that is only set to NULL lies on in the file's free space; so it is overwritten first.
        for wipe in [
            "UPDATE archive_key SET sealed = zeroblob(length(sealed)) WHERE region = $1 AND valid_to < $2 AND sealed IS NOT NULL",
            "UPDATE archive_key SET sealed = NULL WHERE region = $1 AND valid_to < $2",
        ] {
            sqlx::query(wipe).bind(region).bind((at - GRACE).millis()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        tracing::info!(region, fingerprint, until = %valid_to, "made a key that signs digests");
        Ok(SigningKey { fingerprint, pair, valid_from, valid_to })
    }

    /// Keys whose validity overlaps `span`; without one those valid at `now`, of which there always is one.
    pub async fn public_keys(
        &self,
        region: &str,
        span: Option<(Time, Time)>,
        now: Time,
    ) -> Result<Vec<PublicKey>, Error> {
        if span.is_none() && self.may_have_keys(region).await? {
            self.key(region, now).await?;
        }
        let (from, to) = span.unwrap_or((now, now));
        let rows = sqlx::query(
            "SELECT der, fingerprint, valid_from, valid_to FROM archive_key
             WHERE region = $1 AND valid_from <= $3 AND $2 <= valid_to ORDER BY valid_from, fingerprint",
        )
        .bind(region)
        .bind(from.millis())
        .bind(to.millis())
        .fetch_all(self.db.read())
        .await?;
        rows.iter().map(public_key).collect()
    }

    async fn may_have_keys(&self, region: &str) -> Result<bool, Error> {
        let others: i64 = sqlx::query_scalar("SELECT count(DISTINCT region) FROM archive_key WHERE region <> $1")
            .bind(region)
            .fetch_one(self.db.read())
            .await?;
        Ok(others < REGIONS_MAX)
    }
}

fn public_key(row: &SqliteRow) -> Result<PublicKey, Error> {
    Ok(PublicKey {
        der: row.try_get("der")?,
        fingerprint: row.try_get("fingerprint")?,
        valid_from: time(row, "valid_from")?,
        valid_to: time(row, "valid_to")?,
    })
}

fn time(row: &SqliteRow, column: &str) -> Result<Time, Error> {
    Ok(Time(row.try_get(column)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use cairn_world::World;

    const MONTH: Duration = Duration::from_hours(720);

    async fn signer(dir: &std::path::Path) -> Signer {
        let db = Db::open(&dir.join("cairn.db")).await.unwrap();
        db.migrate("archive-key-test", &[SCHEMA]).await.unwrap();
        Signer::new(&db, Arc::new(Seal::open(&World::system(), &dir.join("root.key")).unwrap()), MONTH)
    }

    #[tokio::test]
    async fn a_key_signs_until_it_is_rotated_and_its_public_half_stays() {
        let dir = tempfile::tempdir().unwrap();
        let start = Time(1_700_000_000_000);
        let first = signer(dir.path()).await.key("us-east-1", start).await.unwrap();
        // Another process reads it back.
        let signer = signer(dir.path()).await;
        assert_eq!(signer.key("us-east-1", start + MONTH / 2).await.unwrap().fingerprint, first.fingerprint);
        let second = signer.key("us-east-1", start + MONTH).await.unwrap();
        assert_ne!(second.fingerprint, first.fingerprint);
        assert_ne!(signer.key("eu-west-1", start).await.unwrap().fingerprint, first.fingerprint);
        // A digest that comes late is signed with the key of its time.
        assert_eq!(signer.key("us-east-1", start + MONTH / 2).await.unwrap().fingerprint, first.fingerprint);

        let keys = signer.public_keys("us-east-1", Some((start, start + MONTH * 2)), start).await.unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].fingerprint, hex::encode(Md5::digest(&keys[0].der)));
        let signature = hex::decode(first.sign("text").unwrap()).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &keys[0].der).verify(b"text", &signature).unwrap();

        let before = (start - MONTH, start - Duration::from_secs(1));
        assert!(signer.public_keys("us-east-1", Some(before), start).await.unwrap().is_empty());
        let current = signer.public_keys("us-east-1", None, start + MONTH).await.unwrap();
        assert!(current.iter().any(|key| key.fingerprint == second.fingerprint));
    }

    #[tokio::test]
    async fn an_outlived_private_half_is_wiped() {
        let dir = tempfile::tempdir().unwrap();
        let signer = signer(dir.path()).await;
        let start = Time(1_700_000_000_000);
        for months in 0..3 {
            signer.key("us-east-1", start + MONTH * months).await.unwrap();
        }
        let private: i64 =
            sqlx::query_scalar("SELECT count(sealed) FROM archive_key").fetch_one(signer.db.read()).await.unwrap();
        assert_eq!(private, 2);
        assert_eq!(signer.public_keys("us-east-1", Some((start, start + MONTH * 3)), start).await.unwrap().len(), 3);
    }
}
