//! Keys: symmetric keys that never leave the house.
#![allow(clippy::unimplemented, clippy::unused_async, unused_variables)]

mod error;
mod model;

pub use error::Error;
pub use model::{Alias, Key, NewKey, Page, Rotation, Scope, State};

use cairn_store::{Db, Seal};
use cairn_world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Names and values that are authenticated with a ciphertext but not in it.
pub type Context = BTreeMap<String, String>;

/// All keys. Cheap to clone.
#[derive(Clone)]
pub struct Keys {}

/// A ciphertext and the key that made it.
pub struct Encrypted {
    pub key_arn: String,
    pub ciphertext: Vec<u8>,
}

/// A plaintext and the key that kept it secret.
pub struct Decrypted {
    pub key_arn: String,
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// A key for the caller's own use, in the clear and encrypted.
pub struct DataKey {
    pub key_arn: String,
    pub plaintext: Zeroizing<Vec<u8>>,
    pub ciphertext: Vec<u8>,
}

/// The policy that lets an account's own policies decide.
pub fn default_policy(account: &str) -> String {
    unimplemented!()
}

impl Keys {
    pub async fn open(world: &World, db: &Db, seal: Arc<Seal>) -> Result<Self, Error> {
        unimplemented!()
    }

    /// The key that an id, ARN, alias or alias ARN means.
    pub async fn resolve(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        unimplemented!()
    }

    /// The house's own key for a service (`alias/aws/s3` for `s3`), made when first asked for.
    pub async fn managed(&self, scope: Scope<'_>, service: &str) -> Result<Arc<Key>, Error> {
        unimplemented!()
    }

    pub async fn create(&self, scope: Scope<'_>, new: NewKey) -> Result<Arc<Key>, Error> {
        unimplemented!()
    }

    pub async fn encrypt(
        &self,
        scope: Scope<'_>,
        reference: &str,
        plaintext: &[u8],
        context: &Context,
    ) -> Result<Encrypted, Error> {
        unimplemented!()
    }

    /// The key that made a ciphertext, to ask whether the caller may use it.
    pub async fn key_of(&self, ciphertext: &[u8]) -> Result<Arc<Key>, Error> {
        unimplemented!()
    }

    pub async fn decrypt(&self, ciphertext: &[u8], context: &Context) -> Result<Decrypted, Error> {
        unimplemented!()
    }

    /// A random key of `bytes` bytes (1 to 1024).
    pub async fn generate_data_key(
        &self,
        scope: Scope<'_>,
        reference: &str,
        context: &Context,
        bytes: usize,
    ) -> Result<DataKey, Error> {
        unimplemented!()
    }
}
