//! What the engine and the protocol call the same things.

use super::refusal::{error, invalid_argument};
use cairn_bucket::{Algorithm, Checksum, ChecksumKind, Conditions, LockMode, Sse};
use cairn_event::Time;
use md5::{Digest, Md5};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, ETag, ETagCondition, ObjectLockMode, ObjectLockRetentionMode, Owner,
    ServerSideEncryption, Tag, TagSet, Timestamp, TimestampFormat,
};
use s3s::{S3ErrorCode, S3Result};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

pub(super) fn timestamp(time: Time) -> Timestamp {
    let since_epoch = Duration::from_millis(u64::try_from(time.0).unwrap_or(0));
    Timestamp::from(SystemTime::UNIX_EPOCH + since_epoch)
}

pub(super) fn time(timestamp: &Timestamp) -> S3Result<Time> {
    let mut text = Vec::new();
    let written = timestamp.format(TimestampFormat::DateTime, &mut text).is_ok();
    let parsed = std::str::from_utf8(&text).ok().and_then(|text| Time::parse(text).ok());
    parsed.filter(|_| written).ok_or_else(|| invalid_argument("The date is not within the range of dates"))
}

pub(super) fn etag(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

/// An entity tag as a condition names it; `*` for any.
pub(super) fn named_etag(condition: &ETagCondition) -> String {
    condition.as_etag().map_or_else(|| "*".to_owned(), |etag| etag.value().to_owned())
}

/// The conditions of a read.
pub(super) fn conditions(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    if_modified_since: Option<&Timestamp>,
    if_unmodified_since: Option<&Timestamp>,
) -> S3Result<Conditions> {
    Ok(Conditions {
        if_match: if_match.map(|condition| vec![named_etag(condition)]),
        if_none_match: if_none_match.map(|condition| vec![named_etag(condition)]),
        if_modified_since: if_modified_since.map(time).transpose()?,
        if_unmodified_since: if_unmodified_since.map(time).transpose()?,
    })
}

/// A version id as it is asked for: an empty one names none.
pub(super) fn version(id: Option<&String>) -> Option<&str> {
    id.map(String::as_str).filter(|id| !id.is_empty())
}

/// The owner as lists show it: an account's canonical id, which here follows from its number.
pub(super) fn owner(account: &str) -> Owner {
    let half = |label: &str| hex::encode(Md5::digest(format!("{label}{account}")));
    Owner { id: Some(half("canonical/") + &half("account/")), display_name: None }
}

pub(super) fn tag_set(tags: &BTreeMap<String, String>) -> TagSet {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

/// Tags as they were sent: each has a name, which stands once.
pub(super) fn tags(set: TagSet) -> S3Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for tag in set {
        let key = tag.key.ok_or_else(|| error(S3ErrorCode::MalformedXML, super::outcome::words("MalformedXML")))?;
        if tags.insert(key, tag.value.unwrap_or_default()).is_some() {
            return Err(error(S3ErrorCode::InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

pub(super) const fn mode_name(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Governance => ObjectLockRetentionMode::GOVERNANCE,
        LockMode::Compliance => ObjectLockRetentionMode::COMPLIANCE,
    }
}

pub(super) fn mode(name: &str) -> S3Result<LockMode> {
    match name {
        ObjectLockMode::GOVERNANCE => Ok(LockMode::Governance),
        ObjectLockMode::COMPLIANCE => Ok(LockMode::Compliance),
        _ => Err(error(S3ErrorCode::MalformedXML, super::outcome::words("MalformedXML"))),
    }
}

/// How something is encrypted, in the three members that say so everywhere.
pub(super) struct Encrypted {
    pub algorithm: Option<ServerSideEncryption>,
    pub key: Option<String>,
    pub bucket_key: Option<bool>,
}

impl From<&Sse> for Encrypted {
    fn from(sse: &Sse) -> Self {
        let named = |name: &'static str| Some(ServerSideEncryption::from_static(name));
        match sse {
            Sse::Aes256 => Self { algorithm: named(ServerSideEncryption::AES256), key: None, bucket_key: None },
            Sse::Kms { key_arn, bucket_key, .. } => Self {
                algorithm: named(ServerSideEncryption::AWS_KMS),
                key: Some(key_arn.clone()),
                bucket_key: bucket_key.then_some(true),
            },
        }
    }
}

pub(super) const ALGORITHMS: [(Algorithm, &str); 5] = [
    (Algorithm::Crc32, ChecksumAlgorithm::CRC32),
    (Algorithm::Crc32c, ChecksumAlgorithm::CRC32C),
    (Algorithm::Crc64Nvme, ChecksumAlgorithm::CRC64NVME),
    (Algorithm::Sha1, ChecksumAlgorithm::SHA1),
    (Algorithm::Sha256, ChecksumAlgorithm::SHA256),
];

pub(super) fn algorithm_name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or("", |(_, name)| *name)
}

pub(super) fn algorithm_named(name: &str) -> S3Result<Algorithm> {
    let found = ALGORITHMS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(algorithm, _)| *algorithm);
    found.ok_or_else(|| error(S3ErrorCode::InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"))
}

pub(super) fn kind_name(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::FullObject => ChecksumType::FULL_OBJECT,
        ChecksumKind::Composite => ChecksumType::COMPOSITE,
    }
}

/// A checksum in the members that say it everywhere: one of the five, and its kind.
#[derive(Default)]
pub(super) struct Sums {
    pub crc32: Option<String>,
    pub crc32c: Option<String>,
    pub crc64nvme: Option<String>,
    pub sha1: Option<String>,
    pub sha256: Option<String>,
    pub kind: Option<ChecksumType>,
}

impl Sums {
    pub fn of(algorithm: Option<Algorithm>, value: Option<String>) -> Self {
        let mut sums = Self::default();
        match algorithm {
            Some(Algorithm::Crc32) => sums.crc32 = value,
            Some(Algorithm::Crc32c) => sums.crc32c = value,
            Some(Algorithm::Crc64Nvme) => sums.crc64nvme = value,
            Some(Algorithm::Sha1) => sums.sha1 = value,
            Some(Algorithm::Sha256) => sums.sha256 = value,
            None => {}
        }
        sums
    }

    /// The one that is said. Errors: InvalidRequest for more than one.
    pub fn one(self) -> S3Result<Option<(Algorithm, String)>> {
        let said = [self.crc32, self.crc32c, self.crc64nvme, self.sha1, self.sha256];
        let mut said = ALGORITHMS.iter().zip(said).filter_map(|((algorithm, _), value)| Some((*algorithm, value?)));
        let first = said.next();
        if said.next().is_some() {
            let message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(error(S3ErrorCode::InvalidRequest, message));
        }
        Ok(first)
    }
}

impl From<Option<&Checksum>> for Sums {
    fn from(checksum: Option<&Checksum>) -> Self {
        let Some(Checksum { algorithm, value, kind }) = checksum else { return Self::default() };
        let kind = Some(ChecksumType::from_static(kind_name(*kind)));
        Self { kind, ..Self::of(Some(*algorithm), Some(value.clone())) }
    }
}
