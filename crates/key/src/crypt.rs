//! Using keys: encrypt, decrypt, data keys.

use crate::ciphertext::Parts;
use crate::material::Material;
use crate::{Error, Key, Keys, Scope, Status, limit};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The encryption context: names and values that are authenticated with a ciphertext but
/// are not in it. At most 8 KiB.
pub type Context = BTreeMap<String, String>;

/// A ciphertext and the ARN of the key that made it.
#[derive(Clone, Debug)]
pub struct Encrypted {
    pub key_arn: String,
    pub ciphertext: Vec<u8>,
}

/// A plaintext and the ARN of the key that kept it secret.
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

impl Key {
    /// Whether the key's status lets it be used.
    pub fn usable(&self) -> Result<(), Error> {
        match self.status {
            Status::Enabled => Ok(()),
            Status::Disabled => Err(Error::Disabled(self.arn.clone())),
            Status::PendingDeletion(_) => Err(Error::PendingDeletion(self.arn.clone())),
        }
    }
}

impl Keys {
    /// Encrypts 1 to 4096 bytes.
    pub async fn encrypt(
        &self,
        scope: Scope<'_>,
        reference: &str,
        plaintext: &[u8],
        context: &Context,
    ) -> Result<Encrypted, Error> {
        limit::plaintext(plaintext)?;
        limit::context(context)?;
        let (key, material) = self.newest(scope, reference).await?;
        let ciphertext = material.encrypt(&self.inner, plaintext, context)?;
        Ok(Encrypted { key_arn: key.arn.clone(), ciphertext })
    }

    /// The material to encrypt with, rotated first when that is due.
    async fn newest(&self, scope: Scope<'_>, reference: &str) -> Result<(Arc<Key>, Arc<Material>), Error> {
        let key = self.resolve(scope, reference).await?;
        key.usable()?;
        self.rotate_if_due(&key).await?;
        let state = self.state();
        let entry = state.entry(key.id).ok_or_else(|| Error::NotFound(key.arn.clone()))?;
        Ok((entry.key.clone(), entry.newest()?.clone()))
    }

    /// The key that made a ciphertext, to ask whether the caller may use it.
    pub async fn key_of(&self, ciphertext: &[u8]) -> Result<Arc<Key>, Error> {
        limit::ciphertext(ciphertext)?;
        self.sweep().await?;
        let id = Parts::parse(ciphertext)?.header.key;
        let state = self.state();
        let entry = state.entry(id).ok_or_else(|| Error::NotFound(id.to_string()))?;
        Ok(entry.key.clone())
    }

    /// Decrypts what any version of any key of the house has encrypted.
    pub async fn decrypt(&self, ciphertext: &[u8], context: &Context) -> Result<Decrypted, Error> {
        limit::context(context)?;
        let key = self.key_of(ciphertext).await?;
        key.usable()?;
        let parts = Parts::parse(ciphertext)?;
        let material = {
            let state = self.state();
            let entry = state.entry(key.id).ok_or_else(|| Error::NotFound(key.arn.clone()))?;
            entry.version(parts.header.version).ok_or(Error::InvalidCiphertext)?.clone()
        };
        let plaintext = material.decrypt(&self.inner.seal, &parts, context)?;
        Ok(Decrypted { key_arn: key.arn.clone(), plaintext })
    }

    /// A new random key of `bytes` bytes, 1 to 1024.
    pub async fn generate_data_key(
        &self,
        scope: Scope<'_>,
        reference: &str,
        context: &Context,
        bytes: usize,
    ) -> Result<DataKey, Error> {
        let plaintext = self.random(bytes)?;
        let Encrypted { key_arn, ciphertext } = self.encrypt(scope, reference, &plaintext, context).await?;
        Ok(DataKey { key_arn, plaintext, ciphertext })
    }

    /// Random bytes, 1 to 1024.
    pub fn random(&self, bytes: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        limit::random(bytes)?;
        let mut random = Zeroizing::new(vec![0; bytes]);
        self.inner.world.dice.fill(&mut random);
        Ok(random)
    }
}
