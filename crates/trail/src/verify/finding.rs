//! What was found wrong, or missing, or merely odd.

use cairn_event::Time;
use serde::{Serialize, Serializer};

/// Findings listed for one chain; more are counted only.
pub const FINDINGS_MAX: usize = 10_000;

/// What a finding means for the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was altered, removed or added.
    Invalid,
    /// Something could not be proven.
    Incomplete,
    /// Worth knowing; it changes no verdict.
    Note,
}

/// What was found. The names are stable: scripts may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    DigestMissing,
    DigestMalformed,
    DigestMoved,
    DigestSignature,
    DigestAlgorithm,
    DigestStray,
    DigestUnreadable,
    KeyUnknown,
    KeyUnusable,
    KeyExpired,
    KeyLater,
    SignatureUnknown,
    PreviousHash,
    PreviousSignature,
    Overlap,
    Gap,
    Restart,
    Continues,
    Elsewhere,
    BeginningMissing,
    NewestMissing,
    LogMissing,
    LogMalformed,
    LogTrailing,
    LogAltered,
    LogAlgorithm,
    LogUnreadable,
    LogRecords,
    LogTimes,
    LogPlace,
    LogTwice,
    LogExtra,
    LogPending,
    LogUndigested,
    KindUndigested,
}

impl Code {
    /// Every code, with its name, its severity and what it says.
    pub const ALL: &[(Self, &'static str, Severity, &'static str)] = {
        use Severity::{Incomplete, Invalid, Note};
        &[
            (
                Self::DigestMissing,
                "digest_missing",
                Invalid,
                "a digest file that another one or the chain's cadence calls for is not there",
            ),
            (Self::DigestMalformed, "digest_malformed", Invalid, "not one gzip member, not JSON, or without a field"),
            (Self::DigestMoved, "digest_moved", Invalid, "the digest file says that it belongs elsewhere"),
            (Self::DigestSignature, "digest_signature", Invalid, "the signature is missing or not of these bytes"),
            (
                Self::DigestAlgorithm,
                "digest_algorithm",
                Invalid,
                "an algorithm other than SHA256withRSA and SHA-256 is named",
            ),
            (Self::DigestStray, "digest_stray", Invalid, "a digest file that its chain passes by"),
            (Self::DigestUnreadable, "digest_unreadable", Incomplete, "the digest file cannot be read"),
            (Self::KeyUnknown, "key_unknown", Invalid, "no public key has the fingerprint that the digest names"),
            (
                Self::KeyUnusable,
                "key_unusable",
                Invalid,
                "the public key is no PKCS #1 key, or not the one that its fingerprint names",
            ),
            (Self::KeyExpired, "key_expired", Invalid, "signed with a key that was no longer valid then"),
            (Self::KeyLater, "key_later", Note, "signed with a key that became valid later, as a late delivery is"),
            (Self::SignatureUnknown, "signature_unknown", Incomplete, "the signature is not at hand"),
            (
                Self::PreviousHash,
                "previous_hash",
                Invalid,
                "the predecessor's bytes are not those that the digest names",
            ),
            (
                Self::PreviousSignature,
                "previous_signature",
                Invalid,
                "the predecessor's signature is not the one that the digest names",
            ),
            (Self::Overlap, "overlap", Invalid, "the digest begins before its predecessor ends"),
            (Self::Gap, "gap", Incomplete, "no digest covers this time"),
            (Self::Restart, "restart", Note, "a new chain begins exactly where the older one ends"),
            (Self::Continues, "continues", Note, "the chain goes on under another folder"),
            (Self::Elsewhere, "elsewhere", Incomplete, "named files stand outside of what is verified here"),
            (Self::BeginningMissing, "beginning_missing", Incomplete, "the archive begins in the middle of a chain"),
            (Self::NewestMissing, "newest_missing", Incomplete, "no digest covers the end of the time asked for"),
            (Self::LogMissing, "log_missing", Invalid, "the log file is not there"),
            (
                Self::LogMalformed,
                "log_malformed",
                Invalid,
                "the log file is not gzip, is damaged or inflates beyond all measure",
            ),
            (Self::LogTrailing, "log_trailing", Invalid, "unexpected data after the end of the compressed stream"),
            (Self::LogAltered, "log_altered", Invalid, "the log file's hash is not the one that its digest names"),
            (Self::LogAlgorithm, "log_algorithm", Invalid, "a hash algorithm other than SHA-256 is named"),
            (Self::LogUnreadable, "log_unreadable", Incomplete, "the log file cannot be read"),
            (
                Self::LogRecords,
                "log_records",
                Incomplete,
                "the log file is as it was signed, but its records cannot be counted",
            ),
            (Self::LogTimes, "log_times", Note, "records lie outside the times that the digest names"),
            (Self::LogPlace, "log_place", Note, "records of another account or region than the folder says"),
            (Self::LogTwice, "log_twice", Note, "two digests name the same log file"),
            (
                Self::LogExtra,
                "log_extra",
                Invalid,
                "no digest names this file, though digests cover its time: planted, or of a trail without validation",
            ),
            (Self::LogPending, "log_pending", Incomplete, "newer than the last digest, which therefore cannot name it"),
            (Self::LogUndigested, "log_undigested", Incomplete, "delivered when no digest was written"),
            (Self::KindUndigested, "kind_undigested", Note, "a kind of logs that the digests do not cover"),
        ]
    };

    fn row(self) -> &'static (Self, &'static str, Severity, &'static str) {
        let row = Self::ALL.iter().find(|row| row.0 == self);
        row.expect("a test finds every code in the list")
    }

    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn severity(self) -> Severity {
        self.row().2
    }

    pub fn meaning(self) -> &'static str {
        self.row().3
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A span of time, its ends as ISO 8601 in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: Time,
    pub to: Time,
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut span = serializer.serialize_struct("Span", 2)?;
        span.serialize_field("from", &self.from.iso())?;
        span.serialize_field("to", &self.to.iso())?;
        span.end()
    }
}

impl Span {
    /// Spans in order, those that touch made one.
    pub fn merged(mut spans: Vec<Self>) -> Vec<Self> {
        spans.sort_unstable();
        let mut merged: Vec<Self> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => merged.push(span),
            }
        }
        merged
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: Code,
    /// The file it is about; empty for a span of time.
    pub key: String,
    pub message: String,
    /// The time that stays unproven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

impl Finding {
    pub fn new(code: Code, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: code.severity(), code, key: key.into(), message: message.into(), span: None }
    }

    pub fn spanning(mut self, from: Time, to: Time) -> Self {
        self.span = Some(Span { from, to });
        self
    }
}

/// Findings of one chain or place, no more than [`FINDINGS_MAX`] of them whole.
#[derive(Debug, Default)]
pub struct Findings {
    listed: Vec<Finding>,
    omitted: u64,
    worst: Option<Severity>,
}

impl Findings {
    pub fn add(&mut self, finding: Finding) {
        self.worst = Some(self.worst.map_or(finding.severity, |worst| worst.min(finding.severity)));
        if self.listed.len() < FINDINGS_MAX {
            self.listed.push(finding);
        } else {
            self.omitted += 1;
        }
    }

    pub fn extend(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.add(finding);
        }
    }

    /// Worst first and then by key; how many were left out; how bad the worst is.
    pub fn finish(mut self) -> (Vec<Finding>, u64, Option<Severity>) {
        self.listed.sort_by(|a, b| (a.severity, &a.key, a.code, a.span).cmp(&(b.severity, &b.key, b.code, b.span)));
        (self.listed, self.omitted, self.worst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_list_once_and_in_order() {
        let codes: Vec<Code> = Code::ALL.iter().map(|row| row.0).collect();
        assert!(codes.is_sorted_by(|a, b| a < b));
        assert_eq!(codes.len(), Code::KindUndigested as usize + 1);
        assert_eq!(Code::LogExtra.name(), "log_extra");
    }

    #[test]
    fn spans_that_touch_become_one() {
        let span = |from, to| Span { from: Time(from), to: Time(to) };
        assert_eq!(Span::merged(vec![span(5, 6), span(0, 2), span(2, 3), span(1, 2)]), [span(0, 3), span(5, 6)]);
    }

    #[test]
    fn findings_past_the_limit_are_counted_and_still_judged() {
        let mut findings = Findings::default();
        for _ in 0..FINDINGS_MAX {
            findings.add(Finding::new(Code::LogTimes, "k", ""));
        }
        findings.add(Finding::new(Code::LogAltered, "k", ""));
        let (listed, omitted, worst) = findings.finish();
        assert_eq!((listed.len(), omitted, worst), (FINDINGS_MAX, 1, Some(Severity::Invalid)));
    }
}
