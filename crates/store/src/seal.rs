//! Secrets at rest: AES-256-GCM under one root key file.
//!
//! ```text
//! sealed = version 1 (1 byte) │ nonce (12) │ ciphertext │ tag (16)
//! ```
//! The caller's context (what the secret is and whose) is authenticated with it, so a
//! sealed secret cannot be moved to another row.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use cairn_world::World;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

/// Why the root key could not be had, or a secret not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("root key {path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("root key {0}: not a key of 32 bytes")]
    NotAKey(String),
    #[error("a sealed secret cannot be opened: it was changed, moved or sealed under another root key")]
    Corrupt,
}

/// Seals and opens secrets under the root key.
pub struct Seal {
    key: LessSafeKey,
    world: World,
}

impl Seal {
    /// Reads the root key file, or makes one (0600) where none is.
    pub fn open(world: &World, path: &Path) -> Result<Self, SealError> {
        let io = |error| SealError::Io { path: path.display().to_string(), error };
        let key = match world.disk.read(path) {
            Ok(key) => Zeroizing::new(key),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Zeroizing::new(world.dice.bytes::<KEY_BYTES>().to_vec());
                world.disk.write_atomic(path, &key).map_err(io)?;
                key
            }
            Err(error) => return Err(io(error)),
        };
        Self::from_key(world, &key).ok_or_else(|| SealError::NotAKey(path.display().to_string()))
    }

    /// Seals under a key of 32 bytes that the caller keeps, for example a customer's KMS key.
    pub fn from_key(world: &World, key: &[u8]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        Some(Self { key, world: world.clone() })
    }

    pub fn seal(&self, context: &[u8], secret: &[u8]) -> Vec<u8> {
        let nonce = self.world.dice.bytes::<NONCE_BYTES>();
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + secret.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        let mut body = secret.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .expect("sealing fails only for bodies of many gigabytes");
        sealed.extend_from_slice(&body);
        sealed
    }

    pub fn open_sealed(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (&version, rest) = sealed.split_first().ok_or(SealError::Corrupt)?;
        if version != VERSION || rest.len() < NONCE_BYTES {
            return Err(SealError::Corrupt);
        }
        let (nonce, body) = rest.split_at(NONCE_BYTES);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Corrupt)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length =
            self.key.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| SealError::Corrupt)?.len();
        body.truncate(length);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let world = World::system();
        let sealed = Seal::open(&world, &path).unwrap().seal(b"user/alice", b"hunter2");
        let again = Seal::open(&world, &path).unwrap();
        assert_eq!(&**again.open_sealed(b"user/alice", &sealed).unwrap(), b"hunter2");
        assert!(again.open_sealed(b"user/bob", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(again.open_sealed(b"user/alice", &changed).is_err(), "byte {index}");
        }
        assert!(again.open_sealed(b"user/alice", &[]).is_err());
    }

    #[test]
    fn a_short_root_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        World::system().disk.write_atomic(&path, b"short").unwrap();
        assert!(matches!(Seal::open(&World::system(), &path), Err(SealError::NotAKey(_))));
    }
}
