//! What can go wrong with buckets, by what the caller can do about it.

use cairn_event::Time;
use std::io;

/// Why a bucket did not do what was asked. S3's code for each stands beside it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// NoSuchBucket
    #[error("bucket {0} does not exist")]
    NoSuchBucket(String),
    /// NoSuchKey
    #[error("bucket {bucket} has no object {key}")]
    NoSuchKey { bucket: String, key: String },
    /// NoSuchVersion
    #[error("object {key} has no version {version}")]
    NoSuchVersion { key: String, version: String },
    /// What was asked for is a delete marker: NoSuchKey (404) when it is the newest version and none
    /// was named, MethodNotAllowed (405) when it was named; both with `x-amz-delete-marker: true`,
    /// `x-amz-version-id` and, when named, `Last-Modified`.
    #[error("version {version} of {key} is a delete marker")]
    Marker { key: String, version: String, named: bool, modified: Time },
    /// NoSuchUpload
    #[error("there is no upload {0}")]
    NoSuchUpload(String),
    /// Never set: NoSuchBucketPolicy, NoSuchTagSet and so on, see [`Setting`].
    #[error("{0:?} is not set")]
    NotSet(Setting),
    /// BucketAlreadyOwnedByYou
    #[error("bucket {0} is yours already")]
    AlreadyYours(String),
    /// BucketAlreadyExists
    #[error("bucket {0} exists already in another account")]
    Exists(String),
    /// BucketNotEmpty
    #[error("bucket {0} is not empty")]
    NotEmpty(String),
    /// AccessDenied
    #[error("access denied: {0}")]
    Denied(String),
    /// AccessDenied: the policy of the key does not let it.
    #[error("access denied: {0}")]
    KeyDenied(String),
    /// AccessDenied: an object lock protects the version.
    #[error("access denied: {0}")]
    Locked(String),
    /// PreconditionFailed; the name of the header that failed.
    #[error("precondition {0} does not hold")]
    PreconditionFailed(&'static str),
    /// 304 without a body
    #[error("not modified")]
    NotModified,
    /// OperationAborted (409); for conditional writes ConditionalRequestConflict
    #[error("{0}")]
    Conflict(String),
    /// InvalidBucketState (409)
    #[error("{0}")]
    InvalidState(String),
    /// InvalidBucketName
    #[error("{0}")]
    InvalidName(String),
    /// TooManyBuckets
    #[error("{0}")]
    TooMany(String),
    /// KeyTooLongError
    #[error("{0}")]
    KeyTooLong(String),
    /// EntityTooLarge
    #[error("{0}")]
    TooLarge(String),
    /// EntityTooSmall
    #[error("{0}")]
    TooSmall(String),
    /// MetadataTooLarge
    #[error("{0}")]
    MetadataTooLarge(String),
    /// IncompleteBody: the body ended early or could not be read.
    #[error("the body could not be read to its end: {0}")]
    Body(io::Error),
    /// BadDigest: what arrived has another checksum than was said.
    #[error("{0}")]
    BadDigest(String),
    /// InvalidDigest: not the form of a checksum.
    #[error("{0}")]
    InvalidDigest(String),
    /// InvalidPart
    #[error("{0}")]
    InvalidPart(String),
    /// InvalidPartOrder
    #[error("{0}")]
    InvalidPartOrder(String),
    /// InvalidPartNumber (416)
    #[error("the object has no part {0}")]
    InvalidPartNumber(u32),
    /// InvalidRange (416, with `Content-Range: bytes */size`)
    #[error("the range is not within the object's {size} bytes")]
    InvalidRange { size: u64 },
    /// InvalidTag
    #[error("{0}")]
    InvalidTag(String),
    /// MalformedPolicy
    #[error("{0}")]
    MalformedPolicy(String),
    /// AccessControlListNotSupported
    #[error("{0}")]
    AclNotSupported(String),
    /// InvalidRetentionPeriod
    #[error("{0}")]
    InvalidRetention(String),
    /// InvalidRequest
    #[error("{0}")]
    InvalidRequest(String),
    /// InvalidArgument
    #[error("{0}")]
    Invalid(String),
    /// KMS.… and its own codes
    #[error(transparent)]
    Key(#[from] cairn_key::Error),
    /// A bucket that lives elsewhere did not do it.
    #[error(transparent)]
    Outside(#[from] crate::outside::Error),
    /// ServiceUnavailable / InternalError
    #[error("buckets: {0}")]
    Unavailable(String),
    /// InternalError: what is kept was changed by something else than the house.
    #[error("buckets: {0}")]
    Corrupt(String),
}

/// What can be set on a bucket or object, and so can be asked for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// NoSuchBucketPolicy
    Policy,
    /// NoSuchTagSet
    Tags,
    /// ObjectLockConfigurationNotFoundError
    LockConfiguration,
    /// NoSuchPublicAccessBlockConfiguration
    PublicAccessBlock,
    /// OwnershipControlsNotFoundError
    Ownership,
    /// NoSuchObjectLockConfiguration (object without retention)
    Retention,
    /// NoSuchObjectLockConfiguration (legal hold was never set)
    LegalHold,
}

impl From<cairn_store::Error> for Error {
    fn from(error: cairn_store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<cairn_store::sqlx::Error> for Error {
    fn from(error: cairn_store::sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
