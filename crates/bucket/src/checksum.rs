//! Checksums over what is put.

use crate::Error;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::io;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Whether a checksum of an object of parts is over its bytes or over its parts' checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChecksumKind {
    FullObject,
    /// The value ends in `-N`.
    Composite,
}

/// A checksum as S3 writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    pub algorithm: Algorithm,
    /// Base64 of the big-endian bytes; composite ones with `-N`.
    pub value: String,
    pub kind: ChecksumKind,
}

/// What the caller says that a body is.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// `Content-MD5`, base64.
    pub md5: Option<String>,
    /// Computed and kept even where no value was given; CRC64NVME without.
    pub algorithm: Option<Algorithm>,
    /// Base64. At most one; its algorithm is `algorithm`.
    pub checksum: Option<String>,
    /// `Content-Length` of the body; another length is an error.
    pub size: Option<u64>,
}

/// Asked once when the body has been read to its end: the checksum that came in a trailer, base64.
/// Its algorithm is [`Expected::algorithm`].
pub type Trailer = Box<dyn FnOnce() -> Option<String> + Send>;

impl Algorithm {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    const fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// The kind of checksum that an upload in parts gets. Errors: InvalidRequest for a pair that S3 does not have.
    pub(crate) fn kind(self, wanted: Option<ChecksumKind>) -> Result<ChecksumKind, Error> {
        match (self, wanted) {
            (Self::Sha1 | Self::Sha256, Some(ChecksumKind::FullObject)) => {
                Err(Error::InvalidRequest(format!("a checksum of type FULL_OBJECT cannot be {}", self.name())))
            }
            (Self::Crc64Nvme, Some(ChecksumKind::Composite)) => {
                Err(Error::InvalidRequest("a checksum of type COMPOSITE cannot be CRC64NVME".to_owned()))
            }
            (_, Some(kind)) => Ok(kind),
            (Self::Crc64Nvme, None) => Ok(ChecksumKind::FullObject),
            (_, None) => Ok(ChecksumKind::Composite),
        }
    }
}

impl Expected {
    /// Whether the digests can be digests at all.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(md5) = &self.md5 {
            decode(md5, 16, "Content-MD5")?;
        }
        if let (Some(algorithm), Some(checksum)) = (self.algorithm, &self.checksum) {
            decode(checksum, algorithm.bytes(), algorithm.name())?;
        }
        Ok(())
    }

    pub(crate) fn check_size(&self, size: u64) -> Result<(), Error> {
        match self.size {
            Some(expected) if expected != size => {
                let message = format!("{size} bytes came of the {expected} that were announced");
                Err(Error::Body(io::Error::new(io::ErrorKind::UnexpectedEof, message)))
            }
            _ => Ok(()),
        }
    }
}

fn decode(text: &str, bytes: usize, name: &str) -> Result<Vec<u8>, Error> {
    let decoded = STANDARD.decode(text).ok().filter(|decoded| decoded.len() == bytes);
    decoded.ok_or_else(|| Error::InvalidDigest(format!("the {name} that was given is not valid: {text:?}")))
}

/// A checksum being computed.
enum Running {
    Crc(Box<crc_fast::Digest>),
    Sha(digest::Context),
}

impl Running {
    fn new(algorithm: Algorithm) -> Self {
        match (algorithm.crc(), algorithm) {
            (Some(crc), _) => Self::Crc(Box::new(crc_fast::Digest::new(crc))),
            (None, Algorithm::Sha1) => Self::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            (None, _) => Self::Sha(digest::Context::new(&digest::SHA256)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Sha(sha) => sha.update(bytes),
        }
    }

    fn finish(self, algorithm: Algorithm) -> Vec<u8> {
        match self {
            Self::Crc(crc) => crc.finalize().to_be_bytes()[8 - algorithm.bytes()..].to_vec(),
            Self::Sha(sha) => sha.finish().as_ref().to_vec(),
        }
    }
}

/// The MD5 and the checksum of a body as it comes.
pub(crate) struct Digests {
    md5: Md5,
    algorithm: Algorithm,
    running: Running,
}

/// The MD5 and the checksum of a whole body.
pub(crate) struct Sums {
    pub md5: [u8; 16],
    pub algorithm: Algorithm,
    pub checksum: Vec<u8>,
}

impl Digests {
    pub fn new(algorithm: Algorithm) -> Self {
        Self { md5: Md5::new(), algorithm, running: Running::new(algorithm) }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.running.update(bytes);
    }

    pub fn finish(self) -> Sums {
        let checksum = self.running.finish(self.algorithm);
        Sums { md5: self.md5.finalize().into(), algorithm: self.algorithm, checksum }
    }
}

impl Sums {
    pub fn etag(&self) -> String {
        hex::encode(self.md5)
    }

    /// Base64.
    pub fn value(&self) -> String {
        STANDARD.encode(&self.checksum)
    }

    pub fn checksum(&self) -> Checksum {
        Checksum { algorithm: self.algorithm, value: self.value(), kind: ChecksumKind::FullObject }
    }

    /// Whether the body is what it was said to be. Errors: BadDigest, InvalidDigest.
    pub fn verify(&self, expected: &Expected, trailer: Option<&str>) -> Result<(), Error> {
        if let Some(md5) = &expected.md5
            && decode(md5, 16, "Content-MD5")? != self.md5
        {
            return Err(Error::BadDigest("the Content-MD5 that was given is not that of the body".to_owned()));
        }
        for value in [expected.checksum.as_deref(), trailer].into_iter().flatten() {
            if decode(value, self.algorithm.bytes(), self.algorithm.name())? != self.checksum {
                let name = self.algorithm.name();
                return Err(Error::BadDigest(format!("the {name} that was given is not that of the body")));
            }
        }
        Ok(())
    }
}

/// The checksum of an object from those of its parts, base64, and their sizes.
pub(crate) fn of_parts<'a>(
    algorithm: Algorithm,
    kind: ChecksumKind,
    parts: impl Iterator<Item = (&'a str, u64)>,
) -> Result<Checksum, Error> {
    let mut running = Running::new(algorithm);
    let (mut count, mut full) = (0_usize, 0);
    for (value, size) in parts {
        let bytes = decode(value, algorithm.bytes(), algorithm.name())?;
        if let Some(crc) = algorithm.crc() {
            let part = bytes.iter().fold(0, |crc, byte| crc << 8 | u64::from(*byte));
            full = if count == 0 { part } else { crc_fast::checksum_combine(crc, full, part, size) };
        }
        running.update(&bytes);
        count += 1;
    }
    let value = match kind {
        ChecksumKind::FullObject => STANDARD.encode(&full.to_be_bytes()[8 - algorithm.bytes()..]),
        ChecksumKind::Composite => format!("{}-{count}", STANDARD.encode(running.finish(algorithm))),
    };
    Ok(Checksum { algorithm, value, kind })
}

/// The etag of an object from those of its parts: MD5 over their MD5s.
pub(crate) fn etag_of_parts<'a>(etags: impl Iterator<Item = &'a str>) -> Result<String, Error> {
    let mut md5 = Md5::new();
    let mut count = 0_usize;
    for etag in etags {
        let bytes = hex::decode(etag).map_err(|_| Error::Corrupt(format!("{etag:?} in the database is no etag")))?;
        md5.update(bytes);
        count += 1;
    }
    Ok(format!("{}-{count}", hex::encode(md5.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(algorithm: Algorithm, expected: &str) {
        let mut digests = Digests::new(algorithm);
        digests.update(b"1234");
        digests.update(b"56789");
        assert_eq!(digests.finish().value(), expected, "{}", algorithm.name());
    }

    #[test]
    fn each_algorithm_gives_its_published_check_value() {
        check(Algorithm::Crc32, "y/Q5Jg==");
        check(Algorithm::Crc32c, "4waSgw==");
        check(Algorithm::Crc64Nvme, "rosUhgp5mIg=");
        check(Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE=");
        check(Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
    }

    #[test]
    fn the_checksum_of_the_whole_follows_from_those_of_its_parts() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let sum = |bytes: &[u8]| {
                let mut digests = Digests::new(algorithm);
                digests.update(bytes);
                digests.finish().value()
            };
            let (one, two, three) = (sum(b"first "), sum(b""), sum(b"and last"));
            let parts = [(one.as_str(), 6), (two.as_str(), 0), (three.as_str(), 8)];
            let whole = of_parts(algorithm, ChecksumKind::FullObject, parts.into_iter()).unwrap();
            assert_eq!(whole.value, sum(b"first and last"));
        }
    }

    #[test]
    fn the_etag_of_parts_is_the_md5_of_md5s() {
        let parts = ["5d41402abc4b2a76b9719d911017c592", "7d793037a0760186574b0282f2f435e7"];
        assert_eq!(etag_of_parts(parts.into_iter()).unwrap(), "065947336a2f2a95ba8899f3675c3be6-2");
    }
}
