//! Objects put in parts.

use crate::object::{Body, Object, Span, Sse};
use crate::put::{Put, PutCondition, Stored};
use crate::{Algorithm, Buckets, ChecksumKind, Error, Expected, Trailer};
use cairn_event::Time;

/// An upload to be begun. The put's condition belongs to its completion and is refused here.
#[derive(Clone, Debug, Default)]
pub struct NewUpload {
    pub put: Put,
    pub algorithm: Option<Algorithm>,
    /// Composite for SHA and for CRC32(C) unless said otherwise, full object for CRC64NVME. Errors:
    /// InvalidRequest for a pair that S3 does not have.
    pub kind: Option<ChecksumKind>,
    /// Principal id and ARN of who began it, given back in lists.
    pub initiator: (String, String),
}

/// An upload in progress.
#[derive(Clone, Debug)]
pub struct Upload {
    pub id: String,
    pub put: Put,
    /// Never absent in `put` either.
    pub sse: Sse,
    pub algorithm: Option<Algorithm>,
    pub kind: Option<ChecksumKind>,
    pub initiator: (String, String),
    pub begun: Time,
    pub(crate) data_key: Vec<u8>,
}

/// A part that has arrived.
#[derive(Clone, Debug)]
pub struct Part {
    pub number: u32,
    pub size: u64,
    pub etag: String,
    pub modified: Time,
    /// Base64, of the upload's algorithm.
    pub checksum: Option<String>,
}

/// One row of the list that completes an upload.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    pub number: u32,
    /// Without quotes.
    pub etag: String,
    /// Must be that of the part where it is given: algorithm and base64.
    pub checksum: Option<(Algorithm, String)>,
}

/// How to complete an upload.
#[derive(Clone, Debug, Default)]
pub struct Complete {
    pub bucket: String,
    pub key: String,
    pub id: String,
    /// Ascending; each but the last of at least 5 MiB.
    pub parts: Vec<CompletedPart>,
    pub condition: Option<PutCondition>,
    /// The full-object or composite checksum that the caller expects, base64.
    pub checksum: Option<(Algorithm, String)>,
    /// `x-amz-mp-object-size`
    pub size: Option<u64>,
}

impl Buckets {
    pub async fn create_upload(&self, new: NewUpload) -> Result<Upload, Error> {
        unimplemented!()
    }

    /// Errors: NoSuchUpload, also when the upload is for another bucket or key.
    pub async fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, Error> {
        unimplemented!()
    }

    /// Puts part `number` (1 to 10,000) of at most 5 GiB; the same number again replaces it.
    /// Errors: NoSuchUpload, Invalid, InvalidRequest for another algorithm than the upload's, BadDigest.
    pub async fn upload_part(
        &self,
        upload: &Upload,
        number: u32,
        body: Body,
        expected: Expected,
        trailer: Option<Trailer>,
    ) -> Result<Part, Error> {
        unimplemented!()
    }

    /// Puts a part from bytes of another object.
    pub async fn upload_part_copy(
        &self,
        upload: &Upload,
        number: u32,
        source: &Object,
        span: Span,
    ) -> Result<Part, Error> {
        unimplemented!()
    }

    /// At most `max` (and 1000) of an upload's parts after number `after`, and whether more follow.
    pub async fn parts(&self, upload: &Upload, after: u32, max: usize) -> Result<(Vec<Part>, bool), Error> {
        unimplemented!()
    }

    /// Makes the object. Nothing is copied. Completing again what was just completed gives NoSuchUpload.
    /// Errors: NoSuchUpload, InvalidPart, InvalidPartOrder, TooSmall, BadDigest, PreconditionFailed.
    pub async fn complete_upload(&self, complete: Complete) -> Result<Stored, Error> {
        unimplemented!()
    }

    /// Throws an upload and its parts away. Errors: NoSuchUpload.
    pub async fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> Result<(), Error> {
        unimplemented!()
    }
}
