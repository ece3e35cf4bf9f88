//! Public keys: where they come from and what they prove.

use super::Error;
use crate::PublicKey;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_event::Time;
use md5::{Digest, Md5};
use serde_json::Value;
use std::collections::HashMap;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// Gives public keys, as ListPublicKeys does.
#[async_trait::async_trait]
pub trait Keys: Send + Sync {
    /// Keys of a region that were valid at some time of the span, or more.
    async fn keys(&self, region: &str, from: Time, to: Time) -> Result<Vec<PublicKey>, Error>;
}

/// Keys from a file: the answer of `aws cloudtrail list-public-keys`, or PEM.
#[derive(Clone, Debug)]
pub struct KeyFile(Vec<PublicKey>);

#[async_trait::async_trait]
impl Keys for KeyFile {
    async fn keys(&self, _: &str, _: Time, _: Time) -> Result<Vec<PublicKey>, Error> {
        Ok(self.0.clone())
    }
}

impl KeyFile {
    /// Reads either form.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Keys("neither JSON nor PEM".to_owned()))?;
        let keys = if text.trim_start().starts_with(['{', '[']) { from_json(text)? } else { from_pem(text)? };
        if keys.is_empty() {
            return Err(Error::Keys("there are none in it".to_owned()));
        }
        Ok(Self(keys))
    }
}

/// The keys of a ListPublicKeys answer, its times as seconds or as text.
pub fn from_json(text: &str) -> Result<Vec<PublicKey>, Error> {
    let value: Value = serde_json::from_str(text).map_err(|error| Error::Keys(format!("not JSON: {error}")))?;
    let list = value.get("PublicKeyList").unwrap_or(&value).as_array();
    let list = list.ok_or_else(|| Error::Keys("without a PublicKeyList".to_owned()))?;
    let key = |(index, key): (usize, &Value)| {
        parse_key(key).map_err(|reason| Error::Keys(format!("number {index}: {reason}")))
    };
    list.iter().enumerate().map(key).collect()
}

fn parse_key(key: &Value) -> Result<PublicKey, String> {
    let text = |name: &str| key.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing"));
    let fingerprint = text("Fingerprint")?.to_owned();
    // What is no base64 is no key, but others may be; it is judged when a digest names it.
    let der = STANDARD.decode(text("Value")?).unwrap_or_default();
    let valid_from = instant(key.get("ValidityStartTime"), Time(i64::MIN))?;
    let valid_to = instant(key.get("ValidityEndTime"), Time(i64::MAX))?;
    Ok(PublicKey { der, valid_from, valid_to, fingerprint })
}

fn instant(value: Option<&Value>, without: Time) -> Result<Time, String> {
    match value {
        None | Some(Value::Null) => Ok(without),
        Some(Value::Number(seconds)) => Ok(Time((seconds.as_f64().unwrap_or(0.0) * 1000.0) as i64)),
        Some(Value::String(text)) => Time::parse(text).map_err(|error| error.to_string()),
        Some(_) => Err("a time of validity is neither seconds nor text".to_owned()),
    }
}

/// `RSA PUBLIC KEY` and `PUBLIC KEY` blocks; how long they are valid, PEM does not tell.
fn from_pem(text: &str) -> Result<Vec<PublicKey>, Error> {
    let mut keys = Vec::new();
    for (index, block) in text.split("-----BEGIN ").skip(1).enumerate() {
        let wrong = |reason: &str| Error::Keys(format!("PEM block {index} {reason}"));
        let (label, rest) = block.split_once("-----").ok_or_else(|| wrong("has no label"))?;
        let (body, _) = rest.split_once("-----END ").ok_or_else(|| wrong("has no end"))?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| wrong("is not base64"))?;
        let der = match label {
            "RSA PUBLIC KEY" => der,
            "PUBLIC KEY" => pkcs1_of(&der).ok_or_else(|| wrong("is no RSA key"))?.to_vec(),
            other => return Err(wrong(&format!("is a {other}, not a public key"))),
        };
        let fingerprint = fingerprint(&der);
        keys.push(PublicKey { der, valid_from: Time(i64::MIN), valid_to: Time(i64::MAX), fingerprint });
    }
    Ok(keys)
}

/// Hex MD5 of the DER, which is what digests call a key by.
pub fn fingerprint(der: &[u8]) -> String {
    hex::encode(Md5::digest(der))
}

/// One DER element: its tag, its content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(len)?;
    Some((tag, content, after))
}

/// Whether this is a PKCS #1 RSAPublicKey: two integers in a sequence, and nothing else.
fn is_pkcs1(der: &[u8]) -> bool {
    let integers = || {
        let (SEQUENCE, content, []) = element(der)? else { return None };
        let (INTEGER, _, rest) = element(content)? else { return None };
        let (INTEGER, _, []) = element(rest)? else { return None };
        Some(())
    };
    integers().is_some()
}

/// The PKCS #1 key inside a SubjectPublicKeyInfo.
fn pkcs1_of(der: &[u8]) -> Option<&[u8]> {
    let (SEQUENCE, content, []) = element(der)? else { return None };
    let (SEQUENCE, _, rest) = element(content)? else { return None };
    let (BIT_STRING, bits, []) = element(rest)? else { return None };
    let (&0, key) = bits.split_first()? else { return None };
    is_pkcs1(key).then_some(key)
}

/// The keys of one region, by fingerprint.
pub struct Ring(HashMap<String, RingKey>);

pub struct RingKey {
    /// Or why it proves nothing.
    key: Result<ParsedPublicKey, &'static str>,
    pub valid_from: Time,
    pub valid_to: Time,
}

impl Ring {
    pub fn new(keys: Vec<PublicKey>) -> Self {
        let key = |key: PublicKey| {
            let parsed = usable(&key);
            (key.fingerprint, RingKey { key: parsed, valid_from: key.valid_from, valid_to: key.valid_to })
        };
        Self(keys.into_iter().map(key).collect())
    }

    pub fn get(&self, fingerprint: &str) -> Option<&RingKey> {
        self.0.get(fingerprint)
    }
}

fn usable(key: &PublicKey) -> Result<ParsedPublicKey, &'static str> {
    if !is_pkcs1(&key.der) {
        return Err("its value is no PKCS #1 key");
    }
    if fingerprint(&key.der) != key.fingerprint {
        return Err("its value has another fingerprint");
    }
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.der)
        .map_err(|_| "its value is no RSA key of 2048 bits or more")
}

impl RingKey {
    /// Whether a signature in hex is this key's over a text; the error is why the key cannot tell.
    pub fn verify(&self, text: &str, signature: &str) -> Result<bool, &'static str> {
        let key = self.key.as_ref().map_err(|reason| *reason)?;
        let Ok(signature) = hex::decode(signature) else { return Ok(false) };
        Ok(key.verify_sig(text.as_bytes(), &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::tests::signer::Signer;

    #[test]
    fn both_pem_forms_and_both_answers_give_the_same_key() {
        let key = Signer::shared().public();
        let spki = Signer::shared().spki();
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
        };
        let answer = |from: &str| {
            format!(
                r#"{{"PublicKeyList":[{{"Value":"{}","Fingerprint":"{}","ValidityStartTime":{from}}}]}}"#,
                STANDARD.encode(&key.der),
                key.fingerprint
            )
        };
        for text in [
            pem("RSA PUBLIC KEY", &key.der),
            pem("PUBLIC KEY", &spki),
            answer("1767225600.0"),
            answer("\"2026-01-01T01:00:00+01:00\""),
        ] {
            let KeyFile(keys) = KeyFile::parse(text.as_bytes()).unwrap();
            assert_eq!((&keys[0].der, &keys[0].fingerprint), (&key.der, &key.fingerprint), "{text}");
            assert!(usable(&keys[0]).is_ok());
        }
        let KeyFile(keys) = KeyFile::parse(answer("1767225600").as_bytes()).unwrap();
        assert_eq!(keys[0].valid_from.iso(), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_key_is_refused_or_unusable() {
        for text in ["", "hello", "{}", "[]", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"] {
            assert!(KeyFile::parse(text.as_bytes()).is_err(), "{text}");
        }
        let mut key = Signer::shared().public();
        let spki = Signer::shared().spki();
        assert!(usable(&PublicKey { fingerprint: fingerprint(&spki), der: spki, ..key.clone() }).is_err());
        key.fingerprint = "0".repeat(32);
        assert!(usable(&key).is_err());
    }
}
