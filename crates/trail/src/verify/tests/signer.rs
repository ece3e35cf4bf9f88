//! Makes small archives, signed as AWS signs them.

use crate::PublicKey;
use crate::verify::digest::hash;
use crate::verify::keys::fingerprint;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use cairn_event::Time;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

pub const ACCOUNT: &str = "111122223333";
pub const BUCKET: &str = "logs";
const HOUR: Duration = Duration::from_hours(1);

/// A key pair.
pub struct Signer(RsaKeyPair);

impl Signer {
    fn generate() -> Self {
        Self(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// One for all tests: making a key takes its time.
    pub fn shared() -> &'static Self {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(Self::generate)
    }

    /// Another one.
    pub fn other() -> &'static Self {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(Self::generate)
    }

    pub fn public(&self) -> PublicKey {
        let der = self.0.public_key().as_ref().to_vec();
        let fingerprint = fingerprint(&der);
        PublicKey { der, valid_from: start(), valid_to: hour(240), fingerprint }
    }

    pub fn spki(&self) -> Vec<u8> {
        AsDer::<PublicKeyX509Der<'_>>::as_der(self.0.public_key()).unwrap().as_ref().to_vec()
    }

    pub fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        hex::encode(signature)
    }
}

pub fn start() -> Time {
    Time::parse("2026-01-10T00:00:00Z").unwrap()
}

pub fn hour(number: u32) -> Time {
    start() + HOUR * number
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[derive(Clone)]
pub struct File {
    pub bytes: Vec<u8>,
    pub metadata: BTreeMap<String, String>,
}

/// What a bucket holds.
#[derive(Clone, Default)]
pub struct Archive {
    pub files: BTreeMap<String, File>,
    /// Of the digest written last: bucket, key, hash, signature.
    previous: Option<[String; 4]>,
}

pub fn digest_key(region: &str, end: Time, backfill: bool) -> String {
    let backfill = if backfill { "_backfill" } else { "" };
    let (day, end) = (end.day_path(), end.compact());
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/{day}/{ACCOUNT}_CloudTrail-Digest_{region}_prod_us-east-1_{end}{backfill}.json.gz"
    )
}

pub fn log_key(region: &str, at: Time, unique: &str) -> String {
    let (day, at) = (at.day_path(), at.compact_minute());
    format!("AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day}/{ACCOUNT}_CloudTrail_{region}_{at}_{unique}.json.gz")
}

impl Archive {
    /// A chain of `hours` digests in us-east-1, each but every fourth with two log files.
    pub fn of(hours: u32) -> Self {
        Self::edited(hours, |_, _| {})
    }

    /// The same, each digest changed before it is signed.
    pub fn edited(hours: u32, edit: impl Fn(u32, &mut Value)) -> Self {
        let mut archive = Self::default();
        for number in 0..hours {
            archive.digest(hour(number), hour(number + 1), number % 4 != 3, |digest| edit(number, digest));
        }
        archive
    }

    /// The next digest starts a new chain.
    pub fn restart(&mut self) {
        self.previous = None;
    }

    /// Adds a digest and its log files.
    pub fn digest(&mut self, from: Time, to: Time, has_logs: bool, edit: impl FnOnce(&mut Value)) -> String {
        let files: Vec<Value> = if has_logs { (1..3).map(|part| self.log(from, part)).collect() } else { Vec::new() };
        let key = digest_key("us-east-1", to, false);
        self.sign_digest(&key, from, to, &files, Signer::shared(), edit);
        key
    }

    /// Adds a log file with two records, 20 minutes times `part` into an hour.
    pub fn log(&mut self, from: Time, part: u32) -> Value {
        let at = from + Duration::from_mins(20) * part;
        let record =
            |event: Time| json!({"eventTime": event.iso(), "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT});
        let (oldest, newest) = (at - Duration::from_mins(9), at - Duration::from_mins(3));
        let json = json!({"Records": [record(oldest), record(newest)]}).to_string();
        let key = log_key("us-east-1", at, &format!("abcdefghijklmno{part}"));
        self.put(&key, gzip(json.as_bytes()), BTreeMap::new());
        json!({"s3Bucket": BUCKET, "s3Object": key, "hashValue": hash(json.as_bytes()), "hashAlgorithm": "SHA-256",
            "newestEventTime": newest.iso(), "oldestEventTime": oldest.iso()})
    }

    /// Writes a digest that follows the one written last.
    pub fn sign_digest(
        &mut self,
        key: &str,
        from: Time,
        to: Time,
        files: &[Value],
        signer: &Signer,
        edit: impl FnOnce(&mut Value),
    ) {
        let previous = |index: usize| self.previous.as_ref().map(|previous| previous[index].clone());
        let mut digest = json!({
            "awsAccountId": ACCOUNT, "digestStartTime": from.iso(), "digestEndTime": to.iso(),
            "digestS3Bucket": BUCKET, "digestS3Object": key,
            "digestPublicKeyFingerprint": signer.public().fingerprint, "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null, "oldestEventTime": null,
            "previousDigestS3Bucket": previous(0), "previousDigestS3Object": previous(1),
            "previousDigestHashValue": previous(2),
            "previousDigestHashAlgorithm": previous(0).map(|_| "SHA-256"),
            "previousDigestSignature": previous(3), "logFiles": files,
        });
        edit(&mut digest);
        let json = digest.to_string();
        let signed_previous = digest["previousDigestSignature"].as_str().unwrap_or("null");
        let text = format!(
            "{}\n{BUCKET}/{key}\n{}\n{signed_previous}",
            digest["digestEndTime"].as_str().unwrap(),
            hash(json.as_bytes())
        );
        let signature = signer.sign(&text);
        let mut metadata: BTreeMap<String, String> =
            [("signature", signature.as_str()), ("signature-algorithm", "SHA256withRSA")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        if key.contains("_backfill") {
            metadata.insert("backfill-generation-timestamp".to_owned(), hour(20).iso_millis());
        }
        self.previous = Some([BUCKET.to_owned(), key.to_owned(), hash(json.as_bytes()), signature]);
        self.put(key, gzip(json.as_bytes()), metadata);
    }

    pub fn put(&mut self, key: &str, bytes: Vec<u8>, metadata: BTreeMap<String, String>) {
        self.files.insert(key.to_owned(), File { bytes, metadata });
    }

    pub fn remove(&mut self, key: &str) {
        self.files.remove(key).unwrap();
    }

    pub fn file(&mut self, key: &str) -> &mut File {
        self.files.get_mut(key).unwrap()
    }
}
