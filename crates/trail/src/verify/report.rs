//! What a verification ends with.

use super::Settings;
use super::finding::{Finding, Severity, Span};
use cairn_event::Time;
use serde::{Serialize, Serializer};

/// The whole answer, in the order in which the report is read.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub source: String,
    pub verdict: Verdict,
    pub chains: Vec<Chain>,
    /// Log files that no digest names, by place.
    pub loose: Vec<Loose>,
    pub certificate: Certificate,
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every file is proven and every moment covered.
    Proven,
    /// Something was altered, removed or added.
    Invalid,
    /// Nothing is wrong, but not everything is proven.
    Incomplete,
    /// There is nothing to verify.
    NothingFound,
}

/// One chain of digests.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Chain {
    pub organization: Option<String>,
    pub account: String,
    pub region: String,
    pub trail: String,
    pub home_region: String,
    pub backfill: bool,
    /// The folder that holds the account's folder.
    pub folder: String,
    pub digests: Counts,
    pub logs: Counts,
    /// In proven log files.
    pub records: u64,
    /// Of JSON, in proven log files.
    pub bytes: u64,
    /// Time that proven digests cover.
    pub covered: Vec<Span>,
    pub findings: Vec<Finding>,
    pub findings_omitted: u64,
    #[serde(skip)]
    pub worst: Option<Severity>,
}

/// How many files came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub proven: u64,
    pub invalid: u64,
    pub missing: u64,
    pub unproven: u64,
}

/// The log files of one account and region that no digest names.
#[derive(Clone, Debug, Serialize)]
pub struct Loose {
    pub account: String,
    pub region: String,
    pub folder: String,
    pub files: u64,
    pub findings: Vec<Finding>,
    pub findings_omitted: u64,
    #[serde(skip)]
    pub worst: Option<Severity>,
}

/// What is proven, and of which time it is not.
#[derive(Clone, Debug, Serialize)]
pub struct Certificate {
    pub verdict: Verdict,
    pub from: Option<Iso>,
    pub to: Iso,
    pub digests: Counts,
    pub logs: Counts,
    pub records: u64,
    pub bytes: u64,
    pub covered: Vec<Part>,
    pub gaps: Vec<Part>,
}

/// A span of one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    pub chain: String,
    #[serde(flatten)]
    pub span: Span,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A time that JSON shows as ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iso(pub Time);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iso())
    }
}

impl Counts {
    pub const fn total(&self) -> u64 {
        self.proven + self.invalid + self.missing + self.unproven
    }

    fn sum(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), |a, b| Self {
            proven: a.proven + b.proven,
            invalid: a.invalid + b.invalid,
            missing: a.missing + b.missing,
            unproven: a.unproven + b.unproven,
        })
    }
}

impl Chain {
    /// `trail prod of us-east-1, 111122223333 us-east-2`
    pub fn label(&self) -> String {
        let backfill = if self.backfill { ", backfill" } else { "" };
        let organization = self.organization.as_ref().map(|id| format!(" in {id}")).unwrap_or_default();
        let Self { trail, home_region, account, region, .. } = self;
        format!("trail {trail} of {home_region}, account {account}{organization}, {region}{backfill}")
    }

    fn gaps(&self) -> impl Iterator<Item = Part> {
        self.findings.iter().filter_map(|finding| {
            let why = Some(finding.code.name().to_owned());
            finding.span.map(|span| Part { chain: self.label(), span, why })
        })
    }
}

impl Report {
    pub(super) fn new(source: String, settings: &Settings, now: Time, chains: Vec<Chain>, loose: Vec<Loose>) -> Self {
        let worst = chains.iter().map(|chain| chain.worst).chain(loose.iter().map(|loose| loose.worst)).flatten().min();
        let verdict = match worst {
            Some(Severity::Invalid) => Verdict::Invalid,
            Some(Severity::Incomplete) => Verdict::Incomplete,
            _ if chains.is_empty() => Verdict::NothingFound,
            _ => Verdict::Proven,
        };
        let covered = |chain: &Chain| {
            let part = |span: &Span| Part { chain: chain.label(), span: *span, why: None };
            chain.covered.iter().map(part).collect::<Vec<_>>()
        };
        let certificate = Certificate {
            verdict,
            from: settings.from.map(Iso),
            to: Iso(settings.to.unwrap_or(now)),
            digests: Counts::sum(chains.iter().map(|chain| chain.digests)),
            logs: Counts::sum(chains.iter().map(|chain| chain.logs)),
            records: chains.iter().map(|chain| chain.records).sum(),
            bytes: chains.iter().map(|chain| chain.bytes).sum(),
            covered: chains.iter().flat_map(covered).collect(),
            gaps: chains.iter().flat_map(Chain::gaps).collect(),
        };
        Self { source, verdict, chains, loose, certificate }
    }

    /// One JSON document.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report has only text, numbers and lists")
    }
}
