//! The bytes of a ciphertext; the drawing stands at the head of the crate.

use crate::{Context, Error};
use uuid::Uuid;

const FORMAT: u8 = 1;
pub(crate) const HEADER_BYTES: usize = 1 + 16 + 4;
pub(crate) const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Which material made a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub key: Uuid,
    pub version: u32,
}

/// A ciphertext taken apart.
pub(crate) struct Parts<'a> {
    pub header: Header,
    pub nonce: &'a [u8; NONCE_BYTES],
    /// Ciphertext and tag.
    pub body: &'a [u8],
}

impl Header {
    pub fn bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [FORMAT; HEADER_BYTES];
        bytes[1..17].copy_from_slice(self.key.as_bytes());
        bytes[17..].copy_from_slice(&self.version.to_be_bytes());
        bytes
    }

    /// What is authenticated with the ciphertext.
    pub fn authenticated(self, context: &Context) -> Vec<u8> {
        let mut bytes = self.bytes().to_vec();
        for text in context.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(&(text.len() as u32).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

impl<'a> Parts<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Error::InvalidCiphertext)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Error::InvalidCiphertext)?;
        if header[0] != FORMAT || body.len() < TAG_BYTES {
            return Err(Error::InvalidCiphertext);
        }
        let key = Uuid::from_slice(&header[1..17]).map_err(|_| Error::InvalidCiphertext)?;
        let version = header[17..].iter().fold(0, |version, byte| version << 8 | u32::from(*byte));
        Ok(Self { header: Header { key, version }, nonce, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_header_reads_back() {
        let header = Header { key: Uuid::from_u128(0x0102_0304), version: 0x0A0B_0C0D };
        let mut bytes = header.bytes().to_vec();
        bytes.extend_from_slice(&[7; NONCE_BYTES + TAG_BYTES]);
        assert_eq!(Parts::parse(&bytes).unwrap().header, header);
        bytes.pop();
        assert!(Parts::parse(&bytes).is_err());
    }

    #[test]
    fn contexts_that_differ_are_authenticated_differently() {
        let header = Header { key: Uuid::nil(), version: 1 };
        let cases: [&[(&str, &str)]; 6] =
            [&[], &[("", "")], &[("a", "b")], &[("ab", "")], &[("a", "b"), ("c", "d")], &[("a", "bc"), ("d", "")]];
        for (index, one) in cases.iter().enumerate() {
            for other in &cases[index + 1..] {
                assert_ne!(header.authenticated(&context(one)), header.authenticated(&context(other)));
            }
        }
        let there = context(&[("a", "1"), ("b", "2")]);
        let back = context(&[("b", "2"), ("a", "1")]);
        assert_eq!(header.authenticated(&there), header.authenticated(&back));
    }
}
