//! Keys: symmetric keys that encrypt, and whose material never leaves the house.
//!
//! Start from [`Keys`]: `open`, then `create` or `managed`, then `encrypt`, `decrypt`
//! and `generate_data_key`. A key is named by a reference (id, ARN, `alias/…` or alias
//! ARN) that is resolved in a [`Scope`], an account's region.
//!
//! What it is not: it asks nobody whether a caller may use a key. It keeps each key's
//! policy as text and hands it out with the [`Key`]; whoever serves a caller evaluates it.
//!
//! A ciphertext says which key and which version of its material made it:
//! ```text
//! format 1 (1 byte) │ key id (16) │ version (4, big endian) │ nonce (24) │ ciphertext │ tag (16)
//! ```
//! AES-256-GCM. The cipher's key and IV are drawn from the material and the nonce with
//! HKDF-SHA256, so random nonces do not run out however often one version is used.
//! Authenticated with it are the first 21 bytes and the encryption context: its pairs in
//! the byte order of their names, name and value each with a length of 4 bytes before it.
//!
//! Material at rest is sealed under the root key, bound to its key and version. Everything
//! is held in memory; a change is committed to the database first and seen by others after
//! that, and runs to its end even when its caller has gone. So no use of a key waits for the
//! database, but for the first one after a rotation or deletion has become due: what is due
//! is carried out, durably, before any other thing is done.

mod alias;
mod ciphertext;
mod crypt;
mod error;
mod lifecycle;
mod limit;
mod material;
mod model;
mod policy;
mod rotation;
mod rows;
mod state;

pub use crypt::{Context, DataKey, Decrypted, Encrypted};
pub use error::Error;
pub use limit::PLAINTEXT_BYTES_MAX;
pub use model::{Alias, Key, NewKey, Page, Rotation, Scope, Status};
pub use policy::default_policy;

use cairn_event::Time;
use cairn_store::{Db, Seal};
use cairn_world::World;
use state::{Edit, State};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// All keys. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub world: World,
    pub seal: Arc<Seal>,
    db: Db,
    state: RwLock<State>,
    /// Held while a change goes from its plan to the database to the memory.
    turn: tokio::sync::Mutex<()>,
}

impl Keys {
    /// Reads all keys, and deletes those whose time came while the house was shut.
    pub async fn open(world: &World, db: &Db, seal: Arc<Seal>) -> Result<Self, Error> {
        db.migrate("key", rows::SCHEMA).await?;
        let state = RwLock::new(rows::load(db).await?);
        let inner = Inner { world: world.clone(), seal, db: db.clone(), state, turn: tokio::sync::Mutex::default() };
        let keys = Self { inner: Arc::new(inner) };
        keys.sweep().await?;
        Ok(keys)
    }

    pub(crate) fn now(&self) -> Time {
        self.inner.world.now()
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state()
    }

    /// Makes one change. The plan sees the state as no other change can alter it meanwhile.
    pub(crate) async fn change<T, P>(&self, plan: P) -> Result<T, Error>
    where
        T: Send + 'static,
        P: FnOnce(&Inner, &State) -> Result<(Vec<Edit>, T), Error> + Send + 'static,
    {
        let inner = self.inner.clone();
        // A task of its own: were the caller dropped between commit and memory, the two would differ.
        tokio::spawn(async move { inner.change(plan).await })
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))?
    }

    /// Deletes the keys whose time has come.
    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        let now = self.now();
        if self.state().doomed(now).next().is_none() {
            return Ok(());
        }
        self.change(move |_, state| Ok((state.doomed(now).map(Edit::KeyGone).collect(), ()))).await
    }
}

impl Inner {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn change<T, P>(&self, plan: P) -> Result<T, Error>
    where
        P: FnOnce(&Self, &State) -> Result<(Vec<Edit>, T), Error>,
    {
        let _turn = self.turn.lock().await;
        let (edits, value) = plan(self, &self.state())?;
        if !edits.is_empty() {
            rows::save(&self.db, &edits).await?;
            self.state.write().unwrap_or_else(PoisonError::into_inner).apply(edits);
        }
        Ok(value)
    }
}
