//! One digest file and what is signed of it.
//!
//! ```text
//! signed = digestEndTime as it stands in the file \n
//!          bucket/key of the digest               \n
//!          hex SHA-256 of the digest's bytes before compression \n
//!          signature of the digest before it, in hex, or the word null
//! ```
//! RSASSA-PKCS1-v1_5 with SHA-256. Source: AWS CloudTrail user guide, "CloudTrail digest
//! file structure" and "Custom implementations of CloudTrail log file integrity validation";
//! where they disagree, what the AWS CLI accepts.

use cairn_event::Time;
use serde::Serialize;

pub(crate) const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
const HASH_ALGORITHM: &str = "SHA-256";

/// The digest that another one follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub bucket: String,
    pub key: String,
    pub sha256: String,
    /// Hex.
    pub signature: String,
}

/// A log file that a digest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub id: i64,
    pub bucket: String,
    pub key: String,
    pub sha256: String,
    pub oldest: Time,
    pub newest: Time,
}

/// What one digest says: the log files delivered from `start` until `end`.
pub(crate) struct Digest<'a> {
    pub account: &'a str,
    pub start: Time,
    pub end: Time,
    pub bucket: &'a str,
    pub key: &'a str,
    pub fingerprint: &'a str,
    pub previous: Option<&'a Link>,
    pub logs: &'a [Listed],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    aws_account_id: &'a str,
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: &'a str,
    #[serde(rename = "digestS3Object")]
    key: &'a str,
    digest_public_key_fingerprint: &'a str,
    digest_signature_algorithm: &'a str,
    newest_event_time: Option<String>,
    oldest_event_time: Option<String>,
    #[serde(rename = "previousDigestS3Bucket")]
    previous_bucket: Option<&'a str>,
    #[serde(rename = "previousDigestS3Object")]
    previous_key: Option<&'a str>,
    previous_digest_hash_value: Option<&'a str>,
    previous_digest_hash_algorithm: Option<&'a str>,
    previous_digest_signature: Option<&'a str>,
    log_files: Vec<Log<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "s3Bucket")]
    bucket: &'a str,
    #[serde(rename = "s3Object")]
    key: &'a str,
    hash_value: &'a str,
    hash_algorithm: &'a str,
    newest_event_time: String,
    oldest_event_time: String,
}

impl<'a> Log<'a> {
    fn of(listed: &'a Listed) -> Self {
        Self {
            bucket: &listed.bucket,
            key: &listed.key,
            hash_value: &listed.sha256,
            hash_algorithm: HASH_ALGORITHM,
            newest_event_time: listed.newest.iso(),
            oldest_event_time: listed.oldest.iso(),
        }
    }
}

impl Digest<'_> {
    /// The file before compression. Every member stands in every digest, null where it has no value.
    pub fn to_json(&self) -> Vec<u8> {
        let file = File {
            aws_account_id: self.account,
            digest_start_time: self.start.iso(),
            digest_end_time: self.end.iso(),
            bucket: self.bucket,
            key: self.key,
            digest_public_key_fingerprint: self.fingerprint,
            digest_signature_algorithm: SIGNATURE_ALGORITHM,
            newest_event_time: self.logs.iter().map(|log| log.newest).max().map(Time::iso),
            oldest_event_time: self.logs.iter().map(|log| log.oldest).min().map(Time::iso),
            previous_bucket: self.previous.map(|link| link.bucket.as_str()),
            previous_key: self.previous.map(|link| link.key.as_str()),
            previous_digest_hash_value: self.previous.map(|link| link.sha256.as_str()),
            previous_digest_hash_algorithm: self.previous.map(|_| HASH_ALGORITHM),
            previous_digest_signature: self.previous.map(|link| link.signature.as_str()),
            log_files: self.logs.iter().map(Log::of).collect(),
        };
        serde_json::to_vec(&file).expect("texts and lists always serialize")
    }

    /// The text to sign; `sha256` is the hash of [`Self::to_json`].
    pub fn signed_text(&self, sha256: &str) -> String {
        let previous = self.previous.map_or("null", |link| &link.signature);
        format!("{}\n{}/{}\n{sha256}\n{previous}", self.end.iso(), self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn listed(oldest: i64, newest: i64) -> Listed {
        Listed {
            id: 1,
            bucket: "b".to_owned(),
            key: "log".to_owned(),
            sha256: "00ff".to_owned(),
            oldest: Time::from_seconds(oldest),
            newest: Time::from_seconds(newest),
        }
    }

    fn check(previous: Option<&Link>, logs: &[Listed], expected: &Value, signed: &str) {
        let digest = Digest {
            account: "111122223333",
            start: Time(0),
            end: Time::from_seconds(3600),
            bucket: "b",
            key: "k",
            fingerprint: "f",
            previous,
            logs,
        };
        let json: Value = serde_json::from_slice(&digest.to_json()).unwrap();
        assert_eq!(json, *expected);
        assert_eq!(digest.signed_text("abcd"), signed);
    }

    #[test]
    fn the_first_digest_of_an_idle_hour_has_nulls_and_no_files() {
        check(
            None,
            &[],
            &json!({
                "awsAccountId": "111122223333", "digestStartTime": "1970-01-01T00:00:00Z",
                "digestEndTime": "1970-01-01T01:00:00Z", "digestS3Bucket": "b", "digestS3Object": "k",
                "digestPublicKeyFingerprint": "f", "digestSignatureAlgorithm": "SHA256withRSA",
                "newestEventTime": null, "oldestEventTime": null, "previousDigestS3Bucket": null,
                "previousDigestS3Object": null, "previousDigestHashValue": null,
                "previousDigestHashAlgorithm": null, "previousDigestSignature": null, "logFiles": [],
            }),
            "1970-01-01T01:00:00Z\nb/k\nabcd\nnull",
        );
    }

    #[test]
    fn a_digest_names_its_predecessor_and_spans_the_events_of_its_files() {
        let link =
            Link { bucket: "pb".to_owned(), key: "pk".to_owned(), sha256: "ph".to_owned(), signature: "ps".to_owned() };
        check(
            Some(&link),
            &[listed(10, 20), listed(5, 7)],
            &json!({
                "awsAccountId": "111122223333", "digestStartTime": "1970-01-01T00:00:00Z",
                "digestEndTime": "1970-01-01T01:00:00Z", "digestS3Bucket": "b", "digestS3Object": "k",
                "digestPublicKeyFingerprint": "f", "digestSignatureAlgorithm": "SHA256withRSA",
                "newestEventTime": "1970-01-01T00:00:20Z", "oldestEventTime": "1970-01-01T00:00:05Z",
                "previousDigestS3Bucket": "pb", "previousDigestS3Object": "pk", "previousDigestHashValue": "ph",
                "previousDigestHashAlgorithm": "SHA-256", "previousDigestSignature": "ps",
                "logFiles": [
                    {"s3Bucket": "b", "s3Object": "log", "hashValue": "00ff", "hashAlgorithm": "SHA-256",
                     "newestEventTime": "1970-01-01T00:00:20Z", "oldestEventTime": "1970-01-01T00:00:10Z"},
                    {"s3Bucket": "b", "s3Object": "log", "hashValue": "00ff", "hashAlgorithm": "SHA-256",
                     "newestEventTime": "1970-01-01T00:00:07Z", "oldestEventTime": "1970-01-01T00:00:05Z"},
                ],
            }),
            "1970-01-01T01:00:00Z\nb/k\nabcd\nps",
        );
    }
}
