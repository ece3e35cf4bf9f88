//! One digest file by itself: whole, in its place, signed.

use super::digest::{BYTES_MAX, Digest, HASH_ALGORITHM, SIGNATURE_ALGORITHM};
use super::finding::{Code, Finding};
use super::keys::Ring;
use super::scope::Anchor;
use super::source::{Object, Source, Unread};
use super::{Job, Progress};
use cairn_event::Time;
use cairn_store::gzip;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const SIGNATURE: &str = "signature";
const ALGORITHM: &str = "signature-algorithm";
const GENERATED: &str = "backfill-generation-timestamp";
/// How long after its end a digest may still be signed with a key that ends meanwhile.
const SIGNING_LAG: Duration = Duration::from_hours(2);

/// A digest file that was read, or why it was not.
pub struct Loaded {
    /// In the source.
    pub key: String,
    /// That its key tells.
    pub end: Time,
    pub state: State,
    /// What is wrong with it, whatever stands around it.
    pub findings: Vec<Finding>,
}

pub enum State {
    /// Listed, and gone when it was asked for.
    Gone,
    /// Nothing is known of what it says.
    Unreadable,
    /// It speaks of another place.
    Moved,
    Read {
        digest: Box<Digest>,
        signature: Option<String>,
        signed: Signed,
    },
}

/// What the signature proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Yes,
    No,
    /// The signature is not at hand.
    Unknown,
}

/// Reads and judges one digest file.
pub async fn load(job: Job, anchor: Arc<Anchor>, ring: Arc<Ring>, key: String, end: Time, backfill: bool) -> Loaded {
    let object = job.source.get(&key, BYTES_MAX).await;
    let work = move || judge(object, &anchor, &ring, key, end, backfill);
    let loaded = tokio::task::spawn_blocking(work).await.expect("judging a digest does not panic");
    Progress::add(&job.progress.digests_done, 1);
    loaded
}

fn judge(
    object: Result<Object, Unread>,
    anchor: &Anchor,
    ring: &Ring,
    key: String,
    end: Time,
    backfill: bool,
) -> Loaded {
    let mut findings = Vec::new();
    let state = match object {
        Err(Unread::Missing) => State::Gone,
        Err(Unread::Failed(reason)) => {
            findings.push(Finding::new(Code::DigestUnreadable, &key, reason));
            State::Unreadable
        }
        Ok(object) => match parse(&object, backfill) {
            Err(reason) => {
                findings.push(Finding::new(Code::DigestMalformed, &key, reason));
                State::Unreadable
            }
            Ok(digest) => place(digest, object.metadata.as_ref(), anchor, ring, &key, &mut findings),
        },
    };
    Loaded { key, end, state, findings }
}

/// The digest in a file.
fn parse(object: &Object, backfill: bool) -> Result<Digest, String> {
    let bytes = gzip::inflate_one(&object.bytes, BYTES_MAX).map_err(|error| error.to_string())?;
    let digest = Digest::parse(&bytes)?;
    if backfill && object.metadata.as_ref().is_some_and(|own| !own.contains_key(GENERATED)) {
        return Err(format!("a backfill digest without {GENERATED} in its metadata"));
    }
    Ok(digest)
}

fn place(
    digest: Digest,
    metadata: Option<&BTreeMap<String, String>>,
    anchor: &Anchor,
    ring: &Ring,
    key: &str,
    findings: &mut Vec<Finding>,
) -> State {
    if digest.bucket != anchor.bucket || digest.object != anchor.full(key) {
        let message = format!("it was written as s3://{}/{}", digest.bucket, digest.object);
        findings.push(Finding::new(Code::DigestMoved, key, message));
        return State::Moved;
    }
    let signature = metadata.and_then(|own| own.get(SIGNATURE)).cloned();
    let mut wrong = wrong_algorithms(&digest, metadata, key);
    let signed = match (&signature, metadata) {
        (Some(signature), _) => signed(&digest, signature, ring, key, generated(metadata), &mut wrong),
        (None, None) => Signed::Unknown,
        (None, Some(_)) => {
            wrong.push(Finding::new(Code::DigestSignature, key, "its metadata has no signature"));
            Signed::No
        }
    };
    findings.append(&mut wrong);
    State::Read { digest: Box::new(digest), signature, signed }
}

/// When a backfill digest was signed, long after its end.
fn generated(metadata: Option<&BTreeMap<String, String>>) -> Option<Time> {
    Time::parse(metadata?.get(GENERATED)?).ok()
}

fn wrong_algorithms(digest: &Digest, metadata: Option<&BTreeMap<String, String>>, key: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expect = |what: &str, expected: &str, found: &str| {
        if found != expected {
            let message = format!("{what} is {found:?}, not {expected:?}");
            findings.push(Finding::new(Code::DigestAlgorithm, key, message));
        }
    };
    expect("digestSignatureAlgorithm", SIGNATURE_ALGORITHM, &digest.algorithm);
    if let Some(previous) = &digest.previous {
        expect("previousDigestHashAlgorithm", HASH_ALGORITHM, &previous.hash_algorithm);
    }
    match metadata.map(|own| own.get(ALGORITHM)) {
        Some(Some(found)) => expect("signature-algorithm in its metadata", SIGNATURE_ALGORITHM, found),
        Some(None) => {
            findings.push(Finding::new(Code::DigestSignature, key, "its metadata has no signature-algorithm"));
        }
        None => {}
    }
    findings
}

/// Whether a signature proves a digest. What is wrong with the key or the signature is added.
pub fn signed(
    digest: &Digest,
    signature: &str,
    ring: &Ring,
    key: &str,
    generated: Option<Time>,
    findings: &mut Vec<Finding>,
) -> Signed {
    let fingerprint = &digest.fingerprint;
    let Some(public) = ring.get(fingerprint) else {
        findings.push(Finding::new(Code::KeyUnknown, key, format!("no public key with fingerprint {fingerprint}")));
        return Signed::No;
    };
    match public.verify(&digest.string_to_sign(), signature) {
        Err(reason) => {
            let message = format!("public key with fingerprint {fingerprint}: {reason}");
            findings.push(Finding::new(Code::KeyUnusable, key, message));
            return Signed::No;
        }
        Ok(false) => {
            findings.push(Finding::new(Code::DigestSignature, key, "the signature is not of this file"));
            return Signed::No;
        }
        Ok(true) => {}
    }
    let at = generated.unwrap_or(digest.end);
    if at > public.valid_to + SIGNING_LAG {
        let message = format!("signed for {at} with a key that was valid until {}", public.valid_to);
        findings.push(Finding::new(Code::KeyExpired, key, message));
        return Signed::No;
    }
    if at + SIGNING_LAG < public.valid_from {
        let message = format!("signed for {at} with a key that is valid from {}", public.valid_from);
        findings.push(Finding::new(Code::KeyLater, key, message));
    }
    Signed::Yes
}

/// A digest that no listing of the chain showed, for its bytes only.
pub async fn fetch(source: &dyn Source, key: &str) -> Option<Digest> {
    let object = source.get(key, BYTES_MAX).await.ok()?;
    parse(&object, false).ok()
}
