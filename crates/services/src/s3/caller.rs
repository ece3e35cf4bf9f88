//! Who calls: reading the signature, before s3s proves it.
//!
//! s3s asks for the secret of an access key and knows neither session tokens nor the
//! house's clock; these are checked here. Signature Version 2 is refused.

use super::call::{Call, Identified};
use super::parameters::query;
use super::refusal::error;
use cairn_event::Time;
use cairn_identity::{Caller, CredentialError};
use cairn_wire::sigv4::{self, Signature};
use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use s3s::{S3Error, S3ErrorCode, S3Result};
use std::time::Duration;

const SKEW_MAX: Duration = Duration::from_mins(15);

/// Who a request says that it is from; nobody, when it is not signed.
pub(super) fn identify(call: &Call, parts: &Parts) -> S3Result<Identified> {
    if is_disguised(parts) {
        let message = "The names of authorization query parameters must not be percent-encoded";
        return Err(error(S3ErrorCode::AuthorizationQueryParametersError, message));
    }
    if is_version_2(parts) {
        let message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
        return Err(error(S3ErrorCode::InvalidRequest, message));
    }
    let found =
        sigv4::find(&parts.method, &parts.uri, &parts.headers).map_err(|fault| malformed(parts, fault.message))?;
    let Some(signature) = found else {
        return Ok(Identified { caller: Caller::anonymous(), secret: None, region: None, presigned: false });
    };
    call.record(|outcome| outcome.caller = Caller::unknown(&signature.access_key));
    let identity = &call.engines().identity;
    let credential = identity.credential(&signature.access_key, signature.token.as_deref()).map_err(refused)?;
    check_time(&signature, parts, call.arrival.received)?;
    check_headers(&signature, parts)?;
    Ok(Identified {
        caller: credential.caller,
        secret: Some(credential.secret),
        region: Some(signature.region),
        presigned: signature.presigned,
    })
}

/// Whether a parameter that proves who calls is spelled so that one reader sees it and
/// another does not: two readers could then take two signatures for the one.
fn is_disguised(parts: &Parts) -> bool {
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    pairs.map(|pair| pair.split('=').next().unwrap_or_default()).filter(|name| name.contains('%')).any(|name| {
        let name = percent_decode_str(name).decode_utf8_lossy();
        name.starts_with("X-Amz-") || name == "Signature"
    })
}

fn is_version_2(parts: &Parts) -> bool {
    let in_query = query(parts.uri.query().unwrap_or_default()).any(|(name, _)| name == "Signature");
    in_query || parts.headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS "))
}

fn malformed(parts: &Parts, message: String) -> S3Error {
    if message.starts_with("The request signature we calculated") {
        return error(S3ErrorCode::SignatureDoesNotMatch, super::outcome::words("SignatureDoesNotMatch"));
    }
    let code = if parts.headers.contains_key(AUTHORIZATION) {
        S3ErrorCode::AuthorizationHeaderMalformed
    } else {
        S3ErrorCode::AuthorizationQueryParametersError
    };
    error(code, message)
}

fn refused(why: CredentialError) -> S3Error {
    match why {
        CredentialError::Unknown | CredentialError::Inactive => {
            error(S3ErrorCode::InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        }
        CredentialError::InvalidToken => {
            error(S3ErrorCode::InvalidToken, "The provided token is malformed or otherwise invalid.")
        }
        CredentialError::ExpiredToken => error(S3ErrorCode::ExpiredToken, "The provided token has expired."),
    }
}

fn check_time(signature: &Signature, parts: &Parts, now: Time) -> S3Result<()> {
    let (ahead, age) = (signature.time.since(now), now.since(signature.time));
    if signature.presigned {
        if ahead > SKEW_MAX {
            return Err(error(S3ErrorCode::AccessDenied, "Request is not valid yet"));
        }
        if age > lifetime(parts) {
            return Err(error(S3ErrorCode::AccessDenied, "Request has expired"));
        }
        return Ok(());
    }
    if ahead > SKEW_MAX || age > SKEW_MAX {
        let message = "The difference between the request time and the current time is too large.";
        return Err(error(S3ErrorCode::RequestTimeTooSkewed, message));
    }
    Ok(())
}

/// Whoever holds a presigned request must not be able to say more with it: every header
/// that S3 acts on is signed.
fn check_headers(signature: &Signature, parts: &Parts) -> S3Result<()> {
    let names = signed_names(signature, parts);
    let is_signed = |name: &str| names.split(';').any(|signed| signed == name);
    // A hash of the body only makes the check of it stricter.
    let is_free = |name: &str| name == "x-amz-content-sha256" && signature.presigned || name == "x-amz-user-agent";
    let mut needed = parts.headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    if !is_signed("host") || needed.any(|name| !is_signed(name) && !is_free(name)) {
        let message = "There were headers present in the request which were not signed";
        return Err(error(S3ErrorCode::AccessDenied, message));
    }
    Ok(())
}

/// The names of the signed headers, `host;x-amz-date`. `find` has checked that they are given once.
fn signed_names(signature: &Signature, parts: &Parts) -> String {
    if signature.presigned {
        let mut given = query(parts.uri.query().unwrap_or_default());
        return given.find(|(name, _)| name == "X-Amz-SignedHeaders").map_or_else(String::new, |(_, names)| names);
    }
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (_, given) = header.trim().split_once(' ').unwrap_or_default();
    given.split(',').find_map(|part| part.trim().strip_prefix("SignedHeaders=")).unwrap_or_default().to_owned()
}

/// `find` has checked that it is a number within limits, where it is given.
fn lifetime(parts: &Parts) -> Duration {
    let query = parts.uri.query().unwrap_or_default();
    let expires = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Expires="));
    expires.and_then(|seconds| seconds.parse().ok()).map_or(SKEW_MAX, Duration::from_secs)
}
