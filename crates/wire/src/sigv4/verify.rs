//! Whether a signature holds.

use super::canonical::{MissingHeader, Signed, sha256};
use super::{CONTENT_HASH, S3, Signature, SigningKey, UNSIGNED_PAYLOAD};
use crate::Fault;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use cairn_event::Time;
use http::{HeaderMap, Method, Uri, header};
use std::borrow::Cow;
use std::time::Duration;

/// How far the clocks of client and server may be apart.
const SKEW: Duration = Duration::from_mins(15);

pub(super) const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// Bodies that are signed piece by piece, or whose trailers alone are.
const STREAMED: [&str; 3] = [
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
];

impl Signature {
    /// Whether the request was signed with `secret`, and lately enough.
    pub fn verify(
        &self,
        secret: &str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<(), Fault> {
        let key = SigningKey::derive(secret, self.day(), &self.region, &self.service);
        self.verify_with(&key, method, uri, headers, body, now)
    }

    /// The same with a key derived before, for this signature's day, region and service.
    pub fn verify_with(
        &self,
        key: &SigningKey,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<(), Fault> {
        self.in_time(now)?;
        self.covers(headers)?;
        let payload = self.payload(headers, body)?;
        let signed = Signed {
            method,
            uri,
            headers,
            names: &self.signed_headers,
            payload: &payload,
            date: &self.date,
            region: &self.region,
            service: &self.service,
        };
        let text = signed.string_to_sign().map_err(|MissingHeader| Fault::invalid_signature(MISMATCH))?;
        verify_slices_are_equal(key.sign(&text).as_ref(), &self.mac).map_err(|_| Fault::invalid_signature(MISMATCH))
    }

    fn in_time(&self, now: Time) -> Result<(), Fault> {
        let lifetime = if self.presigned { self.expires } else { SKEW };
        if now > self.time + lifetime {
            let earliest = (now - lifetime).compact();
            let (date, now) = (&self.date, now.compact());
            return Err(Fault::invalid_signature(format!(
                "Signature expired: {date} is now earlier than {earliest} ({now} - {} min.)",
                lifetime.as_secs() / 60
            )));
        }
        if self.time > now + SKEW {
            let latest = (now + SKEW).compact();
            let (date, now) = (&self.date, now.compact());
            return Err(Fault::invalid_signature(format!(
                "Signature not yet current: {date} is still later than {latest} ({now} + 15 min.)"
            )));
        }
        Ok(())
    }

    /// The host and everything that AWS's services act on must be signed.
    fn covers(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let is_signed = |name: &str| self.signed_headers.split(';').any(|signed| signed == name);
        if !is_signed(header::HOST.as_str()) {
            return Err(unsigned("Host"));
        }
        let mut names = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
        names.find(|name| !is_signed(name)).map_or(Ok(()), |name| Err(unsigned(name)))
    }

    /// What is signed in place of the body. Bodies that a hash is given for must have it.
    fn payload<'a>(&self, headers: &'a HeaderMap, body: &[u8]) -> Result<Cow<'a, str>, Fault> {
        let given = match headers.get(CONTENT_HASH) {
            Some(value) => Some(value.to_str().map_err(|_| bad_hash())?),
            None => None,
        };
        match given {
            None if self.service != S3 => Ok(sha256(body).into()),
            None if self.presigned => Ok(UNSIGNED_PAYLOAD.into()),
            None => Err(Fault::new(
                "InvalidRequest",
                400,
                format!("Missing required header for this request: {CONTENT_HASH}"),
            )),
            Some(word) if self.service == S3 && (word == UNSIGNED_PAYLOAD || STREAMED.contains(&word)) => {
                Ok(word.into())
            }
            Some(hash) if is_hash(hash) => {
                let actual = sha256(body);
                if actual == hash { Ok(actual.into()) } else { Err(other_hash()) }
            }
            Some(_) => Err(bad_hash()),
        }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn unsigned(name: &str) -> Fault {
    Fault::invalid_signature(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
}

fn bad_hash() -> Fault {
    let message = format!(
        "{CONTENT_HASH} must be {UNSIGNED_PAYLOAD}, a STREAMING- value that S3 knows, or a valid sha256 value."
    );
    Fault::new("InvalidArgument", 400, message)
}

fn other_hash() -> Fault {
    let message = format!("The provided '{CONTENT_HASH}' header does not match what was computed.");
    Fault::new("XAmzContentSHA256Mismatch", 400, message)
}
