//! Errors in the words of S3.
//!
//! Codes and statuses: Amazon S3 API reference, "Error responses"; sentences as in the
//! records that AWS wrote, where there are such.

use bytes::Bytes;
use cairn_bucket::{Error, Setting};
use cairn_wire::Fault;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::{Body, S3Error, S3ErrorCode};

pub(super) fn error(code: S3ErrorCode, message: impl Into<String>) -> S3Error {
    S3Error::with_message(code, message.into())
}

/// An error whose code s3s does not know.
pub(super) fn custom(code: &'static str, status: StatusCode, message: impl Into<String>) -> S3Error {
    let mut error = error(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// A failure of the house, of which the caller learns nothing but that it happened.
pub(super) fn internal(cause: &str) -> S3Error {
    tracing::warn!(service = "s3", cause, "call failed");
    error(S3ErrorCode::InternalError, "We encountered an internal error. Please try again.")
}

pub(super) fn access_denied() -> S3Error {
    error(S3ErrorCode::AccessDenied, "Access Denied")
}

pub(super) fn not_implemented(message: impl Into<String>) -> S3Error {
    error(S3ErrorCode::NotImplemented, message)
}

pub(super) fn invalid_argument(message: impl Into<String>) -> S3Error {
    error(S3ErrorCode::InvalidArgument, message)
}

/// What refused a call outside of S3: the recorder that cannot record it.
pub(super) fn of_fault(fault: &Fault) -> S3Error {
    if let Some(cause) = &fault.cause {
        tracing::warn!(service = "s3", code = %fault.code, cause, "call failed");
    }
    let mut error = error(S3ErrorCode::ServiceUnavailable, fault.message.clone());
    error.set_status_code(StatusCode::from_u16(fault.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
    error
}

/// The engine's errors.
pub(super) fn of(refused: Error) -> S3Error {
    use S3ErrorCode as Code;
    match refused {
        Error::NoSuchBucket(_) => error(Code::NoSuchBucket, "The specified bucket does not exist"),
        Error::NoSuchKey { .. } => error(Code::NoSuchKey, "The specified key does not exist."),
        Error::NoSuchVersion { .. } => error(Code::NoSuchVersion, "The specified version does not exist."),
        Error::Marker { version, named, modified, .. } => marker(&version, named, &modified.http()),
        Error::NoSuchUpload(_) => error(
            Code::NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        ),
        Error::NotSet(setting) => not_set(setting),
        Error::AlreadyYours(_) => error(
            Code::BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it.",
        ),
        Error::Exists(_) => error(
            Code::BucketAlreadyExists,
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
             Please select a different name and try again.",
        ),
        Error::NotEmpty(_) => error(Code::BucketNotEmpty, "The bucket you tried to delete is not empty"),
        Error::Denied(_) | Error::KeyDenied(_) => access_denied(),
        Error::Locked(_) => error(Code::AccessDenied, "Access Denied because object protected by object lock."),
        Error::PreconditionFailed(_) => {
            error(Code::PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
        }
        Error::NotModified => error(Code::NotModified, "Not Modified"),
        Error::Conflict(message) => error(Code::OperationAborted, message),
        Error::InvalidState(message) => error(Code::InvalidBucketState, message),
        Error::InvalidName(_) => error(Code::InvalidBucketName, "The specified bucket is not valid."),
        Error::TooMany(message) => error(Code::TooManyBuckets, message),
        Error::KeyTooLong(_) => error(Code::KeyTooLongError, "Your key is too long"),
        Error::TooLarge(_) => {
            error(Code::EntityTooLarge, "Your proposed upload exceeds the maximum allowed object size.")
        }
        Error::TooSmall(_) => {
            error(Code::EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
        }
        Error::MetadataTooLarge(_) => {
            error(Code::MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size")
        }
        Error::Body(cause) => of_body(&cause),
        Error::BadDigest(message) => error(Code::BadDigest, message),
        Error::InvalidDigest(message) => error(Code::InvalidDigest, message),
        Error::InvalidPart(_) => error(
            Code::InvalidPart,
            "One or more of the specified parts could not be found.  The part may not have been uploaded, \
             or the specified entity tag may not match the part's entity tag.",
        ),
        Error::InvalidPartOrder(_) => error(
            Code::InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ),
        Error::InvalidPartNumber(_) => custom(
            "InvalidPartNumber",
            StatusCode::RANGE_NOT_SATISFIABLE,
            "The requested partnumber is not satisfiable",
        ),
        Error::InvalidRange { size } => {
            let error = error(Code::InvalidRange, "The requested range is not satisfiable");
            with_headers(error, &[("content-range", &format!("bytes */{size}"))])
        }
        Error::InvalidTag(message) => error(Code::InvalidTag, message),
        Error::MalformedPolicy(message) => error(Code::MalformedPolicy, message),
        Error::AclNotSupported(_) => error(Code::AccessControlListNotSupported, "The bucket does not allow ACLs"),
        Error::InvalidRetention(message) => custom("InvalidRetentionPeriod", StatusCode::BAD_REQUEST, message),
        Error::InvalidRequest(message) => error(Code::InvalidRequest, message),
        Error::Invalid(message) => invalid_argument(message),
        Error::Key(refused) => of_key(refused),
        Error::Outside(_) | Error::Unavailable(_) | Error::Corrupt(_) => internal(&refused.to_string()),
    }
}

/// What keys refuse, as S3 passes it on.
pub(super) fn of_key(refused: cairn_key::Error) -> S3Error {
    use cairn_key::Error as E;
    let pass = |code: &'static str, message: String| custom(code, StatusCode::BAD_REQUEST, message);
    match refused {
        E::NotFound(arn) => pass("KMS.NotFoundException", format!("Key '{arn}' does not exist")),
        E::AliasNotFound(arn) => pass("KMS.NotFoundException", format!("Alias {arn} is not found.")),
        E::InvalidReference(text) => pass("KMS.NotFoundException", format!("Invalid keyId '{text}'")),
        E::Disabled(arn) => pass("KMS.DisabledException", format!("{arn} is disabled.")),
        E::PendingDeletion(arn) => pass("KMS.KMSInvalidStateException", format!("{arn} is pending deletion.")),
        other => internal(&other.to_string()),
    }
}

/// A body that ended early, or whose chunks or hash were not what was signed.
fn of_body(cause: &std::io::Error) -> S3Error {
    let text = format!("{cause:?}");
    if text.contains("SignatureMismatch") {
        return error(S3ErrorCode::SignatureDoesNotMatch, super::outcome::words("SignatureDoesNotMatch"));
    }
    if text.contains(super::put_object::NO_TRAILER) {
        let message =
            "The request contained trailing data that was not well-formed or did not conform to our published schema.";
        return custom("MalformedTrailerError", StatusCode::BAD_REQUEST, message);
    }
    if text.contains("Mismatch") {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return custom("XAmzContentSHA256Mismatch", StatusCode::BAD_REQUEST, message);
    }
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    error(S3ErrorCode::IncompleteBody, message)
}

fn not_set(setting: Setting) -> S3Error {
    use S3ErrorCode as Code;
    match setting {
        Setting::Policy => error(Code::NoSuchBucketPolicy, "The bucket policy does not exist"),
        Setting::Tags => error(Code::NoSuchTagSet, "The TagSet does not exist"),
        Setting::LockConfiguration => error(
            Code::ObjectLockConfigurationNotFoundError,
            "Object Lock configuration does not exist for this bucket",
        ),
        Setting::PublicAccessBlock => custom(
            "NoSuchPublicAccessBlockConfiguration",
            StatusCode::NOT_FOUND,
            "The public access block configuration was not found",
        ),
        Setting::Ownership => {
            error(Code::OwnershipControlsNotFoundError, "The bucket ownership controls were not found")
        }
        Setting::Retention | Setting::LegalHold => {
            error(Code::NoSuchObjectLockConfiguration, "The specified object does not have a ObjectLock configuration")
        }
    }
}

fn marker(version: &str, named: bool, modified: &str) -> S3Error {
    if named {
        let error = error(S3ErrorCode::MethodNotAllowed, super::outcome::words("MethodNotAllowed"));
        let told = [("x-amz-delete-marker", "true"), ("x-amz-version-id", version), ("last-modified", modified)];
        return with_headers(error, &[told.as_slice(), &[("allow", "DELETE")]].concat());
    }
    let error = error(S3ErrorCode::NoSuchKey, "The specified key does not exist.");
    with_headers(error, &[("x-amz-delete-marker", "true"), ("x-amz-version-id", version)])
}

pub(super) fn with_headers(mut error: S3Error, headers: &[(&'static str, &str)]) -> S3Error {
    let pairs = headers
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)));
    error.set_headers(pairs.collect::<HeaderMap>());
    error
}

/// The answer to a request that never reached s3s.
pub(super) fn response(error: S3Error) -> http::Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = http::Response::new(Body::from(Bytes::new()));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
