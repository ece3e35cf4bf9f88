//! A digest file as it is written, and what its signature is made over.
//!
//! Source of the fields: AWS CloudTrail user guide, "CloudTrail digest file structure";
//! of the string that is signed: "Custom implementations of CloudTrail log file integrity
//! validation". Where the guide and real files differ, the files are right.

use aws_lc_rs::digest::{SHA256, digest};
use cairn_event::Time;
use serde_json::{Map, Value};

pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
pub const HASH_ALGORITHM: &str = "SHA-256";
/// An hour of the busiest region names some tens of thousands of files, of 400 bytes each.
pub const BYTES_MAX: u64 = 64 << 20;

/// One digest file.
#[derive(Clone, Debug)]
pub struct Digest {
    pub start: Time,
    pub end: Time,
    pub bucket: String,
    pub object: String,
    pub fingerprint: String,
    pub algorithm: String,
    /// None in a starting digest.
    pub previous: Option<Previous>,
    pub files: Vec<LogFile>,
    /// Lower-case hex SHA-256 of the file's uncompressed bytes.
    pub hash: String,
    /// As the file writes it, for that is what is signed.
    end_text: String,
}

/// What a digest says of its predecessor.
#[derive(Clone, Debug)]
pub struct Previous {
    pub bucket: String,
    pub object: String,
    pub hash: String,
    pub hash_algorithm: String,
    pub signature: String,
}

/// A log file as its digest names it.
#[derive(Clone, Debug)]
pub struct LogFile {
    pub bucket: String,
    pub object: String,
    pub hash: String,
    pub hash_algorithm: String,
    pub newest: Option<Time>,
    pub oldest: Option<Time>,
}

impl Digest {
    /// Reads a file's uncompressed bytes; the error says which field is not as it must be.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
        let Value::Object(fields) = value else { return Err("not a JSON object".to_owned()) };
        text(&fields, "awsAccountId")?;
        optional_time(&fields, "newestEventTime")?;
        optional_time(&fields, "oldestEventTime")?;
        let Some(Value::Array(files)) = fields.get("logFiles") else {
            return Err("logFiles is missing or no list".to_owned());
        };
        let file = |(index, file): (usize, &Value)| {
            LogFile::parse(file).map_err(|reason| format!("logFiles, number {index}: {reason}"))
        };
        Ok(Self {
            start: time(&fields, "digestStartTime")?,
            end: time(&fields, "digestEndTime")?,
            bucket: text(&fields, "digestS3Bucket")?,
            object: text(&fields, "digestS3Object")?,
            fingerprint: text(&fields, "digestPublicKeyFingerprint")?,
            algorithm: text(&fields, "digestSignatureAlgorithm")?,
            previous: Previous::parse(&fields)?,
            files: files.iter().enumerate().map(file).collect::<Result<_, _>>()?,
            hash: hash(bytes),
            end_text: text(&fields, "digestEndTime")?,
        })
    }

    /// What the signature is made over.
    pub fn string_to_sign(&self) -> String {
        let previous = self.previous.as_ref().map_or("null", |previous| &previous.signature);
        format!("{}\n{}/{}\n{}\n{previous}", self.end_text, self.bucket, self.object, self.hash)
    }
}

impl Previous {
    fn parse(fields: &Map<String, Value>) -> Result<Option<Self>, String> {
        let names = [
            "previousDigestS3Bucket",
            "previousDigestS3Object",
            "previousDigestHashValue",
            "previousDigestHashAlgorithm",
            "previousDigestSignature",
        ];
        let nulls = names.iter().filter(|name| fields.get(**name) == Some(&Value::Null)).count();
        if nulls == names.len() {
            return Ok(None);
        }
        let [bucket, object, hash, hash_algorithm, signature] = names.map(|name| text(fields, name));
        Ok(Some(Self {
            bucket: bucket?,
            object: object?,
            hash: hash?,
            hash_algorithm: hash_algorithm?,
            signature: signature?,
        }))
    }
}

impl LogFile {
    fn parse(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("not an object")?;
        Ok(Self {
            bucket: text(fields, "s3Bucket")?,
            object: text(fields, "s3Object")?,
            hash: text(fields, "hashValue")?,
            hash_algorithm: text(fields, "hashAlgorithm")?,
            newest: optional_time(fields, "newestEventTime")?,
            oldest: optional_time(fields, "oldestEventTime")?,
        })
    }
}

/// Lower-case hex SHA-256.
pub fn hash(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    match fields.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("{name} is no text")),
        None => Err(format!("{name} is missing")),
    }
}

fn time(fields: &Map<String, Value>, name: &str) -> Result<Time, String> {
    Time::parse(&text(fields, name)?).map_err(|error| format!("{name}: {error}"))
}

fn optional_time(fields: &Map<String, Value>, name: &str) -> Result<Option<Time>, String> {
    match fields.get(name) {
        Some(Value::Null) => Ok(None),
        _ => time(fields, name).map(Some),
    }
}
