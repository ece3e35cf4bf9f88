//! Signing a request, as a client.

use super::canonical::{Signed, sha256};
use super::{ALGORITHM, CONTENT_HASH, DATE, DAY_CHARS, S3, SigningKey, TERMINATOR, TOKEN};
use crate::Secret;
use cairn_event::Time;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, InvalidHeaderValue};
use http::request::Parts;
use http::{HeaderValue, Uri};

/// Who signs.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub access_key: String,
    pub secret: Secret,
    /// The session token of temporary credentials.
    pub token: Option<String>,
}

/// Signs a request whose URI has an authority or that has a Host header.
///
/// Sets `host` (where missing), `x-amz-date`, `x-amz-security-token`,
/// `x-amz-content-sha256` (for S3) and `authorization`; signs these, the content type and
/// whatever other `x-amz-*` header there is. Fails when a credential is no header value.
pub fn sign(
    parts: &mut Parts,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Time,
) -> Result<(), InvalidHeaderValue> {
    let day = &now.compact()[..DAY_CHARS];
    let key = SigningKey::derive(credentials.secret.expose(), day, region, service);
    sign_with(&key, parts, body, credentials, region, service, now)
}

/// The same with a key that was derived before: for this secret, region and service, and the day of `now`.
pub fn sign_with(
    key: &SigningKey,
    parts: &mut Parts,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Time,
) -> Result<(), InvalidHeaderValue> {
    let (date, payload) = (now.compact(), sha256(body));
    prepare(parts, credentials, service, &date, &payload)?;
    let signed_headers = names(parts);
    let signed = Signed {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        names: &signed_headers,
        payload: &payload,
        date: &date,
        region,
        service,
    };
    let text = signed.string_to_sign().expect("the names of the headers to sign were read off the request");
    let day = &date[..DAY_CHARS];
    let mac = hex::encode(key.sign(&text));
    let access_key = &credentials.access_key;
    let authorization = format!(
        "{ALGORITHM} Credential={access_key}/{day}/{region}/{service}/{TERMINATOR}, SignedHeaders={signed_headers}, Signature={mac}"
    );
    parts.headers.insert(AUTHORIZATION, HeaderValue::try_from(authorization)?);
    Ok(())
}

fn prepare(
    parts: &mut Parts,
    credentials: &Credentials,
    service: &str,
    date: &str,
    payload: &str,
) -> Result<(), InvalidHeaderValue> {
    if !parts.headers.contains_key(HOST) {
        parts.headers.insert(HOST, HeaderValue::try_from(host(&parts.uri))?);
    }
    parts.headers.insert(DATE, HeaderValue::from_str(date)?);
    if service == S3 {
        parts.headers.insert(CONTENT_HASH, HeaderValue::from_str(payload)?);
    }
    match &credentials.token {
        Some(token) => _ = parts.headers.insert(TOKEN, HeaderValue::from_str(token)?),
        None => _ = parts.headers.remove(TOKEN),
    }
    Ok(())
}

/// The host as HTTP clients send it: with its port, unless that is the scheme's own.
fn host(uri: &Uri) -> String {
    let name = uri.host().unwrap_or_default();
    match (uri.scheme_str(), uri.port_u16()) {
        (_, None) | (Some("http"), Some(80)) | (Some("https"), Some(443)) => name.to_owned(),
        (_, Some(port)) => format!("{name}:{port}"),
    }
}

fn names(parts: &Parts) -> String {
    let signed = |name: &&str| *name == HOST.as_str() || *name == CONTENT_TYPE.as_str() || name.starts_with("x-amz-");
    let mut names: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).filter(signed).collect();
    names.sort_unstable();
    names.join(";")
}
