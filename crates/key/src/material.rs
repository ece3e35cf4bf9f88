//! The secret of one version of one key: sealed at rest, opened at its first use.

use crate::ciphertext::{Header, NONCE_BYTES, Parts};
use crate::{Context, Error, Inner};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use cairn_event::Time;
use cairn_store::Seal;
use std::sync::OnceLock;
use uuid::Uuid;
use zeroize::Zeroizing;

const SECRET_BYTES: usize = 32;
const IV_BYTES: usize = 12;

/// One version of a key's material.
pub(crate) struct Material {
    pub header: Header,
    pub created: Time,
    pub sealed: Vec<u8>,
    secret: OnceLock<Prk>,
}

/// Cipher key and IV together.
struct Derived;

impl KeyType for Derived {
    fn len(&self) -> usize {
        SECRET_BYTES + IV_BYTES
    }
}

impl Material {
    /// Draws a new secret.
    pub fn draw(inner: &Inner, key: Uuid, version: u32) -> Self {
        let secret = Zeroizing::new(inner.world.dice.bytes::<SECRET_BYTES>());
        let header = Header { key, version };
        let sealed = inner.seal.seal(&place(header), &*secret);
        Self::sealed(header, inner.world.now(), sealed)
    }

    /// What was read from the database.
    pub const fn sealed(header: Header, created: Time, sealed: Vec<u8>) -> Self {
        Self { header, created, sealed, secret: OnceLock::new() }
    }

    fn secret(&self, seal: &Seal) -> Result<&Prk, Error> {
        if let Some(secret) = self.secret.get() {
            return Ok(secret);
        }
        let opened = seal.open_sealed(&place(self.header), &self.sealed);
        let secret = opened.map_err(|_| Error::Corrupt(self.header.key.to_string()))?;
        Ok(self.secret.get_or_init(|| Prk::new_less_safe(HKDF_SHA256, &secret)))
    }

    fn cipher(&self, seal: &Seal, nonce: &[u8; NONCE_BYTES]) -> Result<(LessSafeKey, Nonce), Error> {
        let mut derived = Zeroizing::new([0; SECRET_BYTES + IV_BYTES]);
        self.secret(seal)?
            .expand(&[b"cairn key 1", nonce], Derived)
            .and_then(|okm| okm.fill(&mut *derived))
            .expect("44 bytes are within what HKDF can give");
        let (key, iv) = derived.split_at(SECRET_BYTES);
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes");
        let iv = Nonce::try_assume_unique_for_key(iv).expect("the IV has 12 bytes");
        Ok((LessSafeKey::new(key), iv))
    }

    pub fn encrypt(&self, inner: &Inner, plaintext: &[u8], context: &Context) -> Result<Vec<u8>, Error> {
        let nonce = inner.world.dice.bytes::<NONCE_BYTES>();
        let (key, iv) = self.cipher(&inner.seal, &nonce)?;
        let mut body = plaintext.to_vec();
        key.seal_in_place_append_tag(iv, Aad::from(self.header.authenticated(context)), &mut body)
            .expect("encrypting fails only for bodies of many gigabytes");
        Ok([&self.header.bytes()[..], &nonce, &body].concat())
    }

    pub fn decrypt(&self, seal: &Seal, parts: &Parts<'_>, context: &Context) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (key, iv) = self.cipher(seal, parts.nonce)?;
        let mut body = Zeroizing::new(parts.body.to_vec());
        let aad = Aad::from(self.header.authenticated(context));
        let length = key.open_in_place(iv, aad, &mut body).map_err(|_| Error::InvalidCiphertext)?.len();
        body.truncate(length);
        Ok(body)
    }
}

/// What the seal binds the secret to.
fn place(header: Header) -> Vec<u8> {
    format!("key-material/{}/{}", header.key, header.version).into_bytes()
}
