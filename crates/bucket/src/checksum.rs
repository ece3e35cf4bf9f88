//! Checksums over what is put.

use serde::{Deserialize, Serialize};

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
