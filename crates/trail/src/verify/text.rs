//! The report as people read it.

use super::finding::{Finding, Severity, Span};
use super::report::{Certificate, Counts, Loose, Part, Report, Verdict};
use std::fmt;

/// Gaps and covered spans printed in the certificate; `--json` has all.
const PARTS_MAX: usize = 50;

impl Verdict {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Proven => "ALL PROVEN",
            Self::Invalid => "INVALID",
            Self::Incomplete => "INCOMPLETE",
            Self::NothingFound => "NOTHING FOUND",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Archive {}", self.source)?;
        for chain in &self.chains {
            writeln!(f, "\n{}", uppercased(&chain.label()))?;
            findings(f, &chain.findings, chain.findings_omitted)?;
            writeln!(f, "  {} digest files: {}", grouped(chain.digests.total()), chain.digests)?;
            writeln!(f, "  {} log files: {}", grouped(chain.logs.total()), chain.logs)?;
        }
        for loose in &self.loose {
            let Loose { account, region, files, .. } = loose;
            writeln!(f, "\nLog files that no digest names, account {account}, {region}: {}", grouped(*files))?;
            findings(f, &loose.findings, loose.findings_omitted)?;
        }
        write!(f, "\n{}", self.certificate)
    }
}

fn findings(f: &mut fmt::Formatter<'_>, findings: &[Finding], omitted: u64) -> fmt::Result {
    for finding in findings {
        let severity = match finding.severity {
            Severity::Invalid => "INVALID",
            Severity::Incomplete => "incomplete",
            Severity::Note => "note",
        };
        writeln!(f, "  {severity:<10}  {}: {}", finding.code.name(), finding.message)?;
        if !finding.key.is_empty() {
            writeln!(f, "              {}", finding.key)?;
        }
    }
    if omitted > 0 {
        writeln!(f, "  … and {} findings more", grouped(omitted))?;
    }
    Ok(())
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} proven", grouped(self.proven))?;
        for (count, what) in [(self.invalid, "INVALID"), (self.missing, "MISSING"), (self.unproven, "unproven")] {
            if count > 0 {
                write!(f, ", {} {what}", grouped(count))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.map_or_else(|| "the beginning".to_owned(), |from| from.0.iso());
        writeln!(f, "Certificate of completeness")?;
        writeln!(f, "  verdict       {}", self.verdict.words())?;
        writeln!(f, "  asked for     {from} to {}", self.to.0.iso())?;
        writeln!(f, "  digest files  {} of {} proven", grouped(self.digests.proven), grouped(self.digests.total()))?;
        writeln!(f, "  log files     {} of {} proven", grouped(self.logs.proven), grouped(self.logs.total()))?;
        writeln!(f, "  records       {} proven, {} bytes of JSON", grouped(self.records), grouped(self.bytes))?;
        parts(f, "covered", &self.covered)?;
        parts(f, "gaps", &self.gaps)
    }
}

fn parts(f: &mut fmt::Formatter<'_>, title: &str, parts: &[Part]) -> fmt::Result {
    if parts.is_empty() {
        return writeln!(f, "  {title:<13} none");
    }
    writeln!(f, "  {title}")?;
    for Part { chain, span: Span { from, to }, why } in parts.iter().take(PARTS_MAX) {
        let why = why.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
        writeln!(f, "    {from} to {to}  {chain}{why}")?;
    }
    if parts.len() > PARTS_MAX {
        writeln!(f, "    … and {} more", parts.len() - PARTS_MAX)?;
    }
    Ok(())
}

/// 1234567 as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn uppercased(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
