//! What a record shows of an S3 request: `requestParameters`.
//!
//! Shape from records that AWS wrote: the bucket, the key and the Host, every query
//! parameter with its value, those headers that say what is wanted, and the
//! configuration in the body. Signatures, tokens and customer keys are never shown.

use super::address::Address;
use super::xml;
use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Headers that say what is wanted. `x-amz-grant-` stands for all that begin so.
const HEADERS: &[&str] = &[
    "x-amz-acl",
    "x-amz-grant-",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-metadata-directive",
    "x-amz-tagging",
    "x-amz-tagging-directive",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-bypass-governance-retention",
    "x-amz-object-attributes",
    "x-amz-object-ownership",
    "x-amz-expected-bucket-owner",
    "x-amz-request-payer",
    "x-amz-website-redirect-location",
    "x-amz-checksum-algorithm",
];

/// Query parameters that prove who calls.
const HIDDEN: &[&str] = &["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "Signature", "AWSAccessKeyId"];

/// What can be said before the body is read.
pub(super) fn of(parts: &Parts, address: &Address, host: Option<&str>) -> Value {
    let mut shown = Map::new();
    if let Some(bucket) = &address.bucket {
        shown.insert("bucketName".into(), bucket.as_str().into());
    }
    if let Some(host) = host {
        shown.insert("Host".into(), host.into());
    }
    if let Some(key) = &address.key {
        shown.insert("key".into(), key.as_str().into());
    }
    for (name, value) in query(parts.uri.query().unwrap_or_default()) {
        if !HIDDEN.contains(&name.as_str()) {
            shown.entry(name).or_insert_with(|| value.into());
        }
    }
    for (name, value) in headers(&parts.headers) {
        shown.insert(name.to_owned(), value.into());
    }
    Value::Object(shown)
}

/// Adds the configuration that the body was: a policy, or an XML document under its own name.
pub(super) fn add_body(shown: &mut Value, body: &[u8]) {
    let Value::Object(shown) = shown else { return };
    if let Ok(policy @ Value::Object(_)) = serde_json::from_slice(body) {
        shown.insert("bucketPolicy".into(), policy);
    } else if let Some((name, document)) = xml::parse(body) {
        shown.insert(name, document);
    }
}

/// Names and values of a query, decoded.
pub(super) fn query(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn headers(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let is_shown =
        |name: &str| HEADERS.iter().any(|shown| *shown == name || shown.ends_with('-') && name.starts_with(shown));
    headers
        .iter()
        .filter(move |(name, _)| is_shown(name.as_str()))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_shown_without_what_proves_it() {
        let request = http::Request::builder()
            .uri("/logs/a%20b?versionId=7&X-Amz-Signature=abc&X-Amz-Security-Token=t&X-Amz-Expires=60")
            .header("x-amz-acl", "private")
            .header("x-amz-security-token", "t")
            .header("x-amz-server-side-encryption-customer-key", "k")
            .header("x-amz-grant-read", "id=1")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let shown = of(&parts, &Address::of(&parts.uri, None), Some("localhost"));
        let expected = json!({
            "bucketName": "logs", "Host": "localhost", "key": "a b", "versionId": "7", "X-Amz-Expires": "60",
            "x-amz-acl": "private", "x-amz-grant-read": "id=1",
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_configuration_is_shown_under_its_own_name() {
        let mut shown = json!({});
        add_body(&mut shown, br#"{"Version": "2012-10-17", "Statement": []}"#);
        add_body(&mut shown, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
        add_body(&mut shown, b"neither");
        let expected = json!({
            "bucketPolicy": {"Version": "2012-10-17", "Statement": []},
            "VersioningConfiguration": {"Status": "Enabled"},
        });
        assert_eq!(shown, expected);
    }
}
