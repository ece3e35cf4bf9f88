//! Keys that sign for one day, region and service.

use super::TERMINATOR;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use std::fmt;
use zeroize::Zeroizing;

/// What a secret becomes for one day, region and service. Worth keeping: the derivation
/// costs more than half of a verification.
#[derive(Clone)]
pub struct SigningKey(Key);

impl SigningKey {
    /// `day` is that of the signature's scope, such as `20150830`.
    pub fn derive(secret: &str, day: &str, region: &str, service: &str) -> Self {
        let mut seed = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
        seed.extend_from_slice(b"AWS4");
        seed.extend_from_slice(secret.as_bytes());
        let seed = Key::new(HMAC_SHA256, &seed);
        let parts = [day, region, service, TERMINATOR];
        Self(parts.iter().fold(seed, |key, part| Key::new(HMAC_SHA256, sign(&key, part.as_bytes()).as_ref())))
    }

    pub(super) fn sign(&self, string_to_sign: &[u8]) -> Tag {
        sign(&self.0, string_to_sign)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(hidden)")
    }
}
