//! One log file against what its digest says of it.

use super::digest::{HASH_ALGORITHM, LogFile, hash};
use super::finding::{Code, Finding};
use super::source::{Object, Unread};
use super::{Job, Progress, name};
use cairn_event::Time;
use cairn_store::gzip;
use serde::Deserialize;
use std::borrow::Cow;

/// Compressed and inflated. AWS cuts log files at 50 MB of JSON. A larger file is refused
/// as malformed: whatever it is, it is not what was signed.
pub const BYTES_MAX: u64 = 256 << 20;

/// What became of one log file.
#[derive(Debug)]
pub struct Checked {
    pub outcome: Outcome,
    pub records: u64,
    /// Of JSON.
    pub bytes: u64,
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the hash that its digest names.
    Same,
    Different,
    Missing,
    Unreadable,
}

/// Reads and checks one log file.
pub async fn check(job: Job, file: LogFile, key: String) -> Checked {
    let object = job.source.get(&key, BYTES_MAX).await;
    let work = move || judge(object, &file, &key);
    let checked = tokio::task::spawn_blocking(work).await.expect("judging a log file does not panic");
    Progress::add(&job.progress.logs_done, 1);
    Progress::add(&job.progress.bytes, checked.bytes);
    checked
}

fn judge(object: Result<Object, Unread>, file: &LogFile, key: &str) -> Checked {
    let failed = |outcome, code, message: String| Checked {
        outcome,
        records: 0,
        bytes: 0,
        findings: vec![Finding::new(code, key, message)],
    };
    let object = match object {
        Ok(object) => object,
        Err(Unread::Missing) => return failed(Outcome::Missing, Code::LogMissing, "it is not there".to_owned()),
        Err(Unread::Failed(reason)) => return failed(Outcome::Unreadable, Code::LogUnreadable, reason),
    };
    let json = match gzip::inflate_one(&object.bytes, BYTES_MAX) {
        Ok(json) => json,
        Err(error @ gzip::Error::Trailing { .. }) => {
            return failed(Outcome::Different, Code::LogTrailing, error.to_string());
        }
        Err(error) => return failed(Outcome::Different, Code::LogMalformed, error.to_string()),
    };
    if file.hash_algorithm != HASH_ALGORITHM {
        let message = format!("its digest names {:?}, not {HASH_ALGORITHM:?}", file.hash_algorithm);
        return failed(Outcome::Different, Code::LogAlgorithm, message);
    }
    let found = hash(&json);
    if found != file.hash {
        let message = format!("its SHA-256 is {found}, its digest says {}", file.hash);
        return failed(Outcome::Different, Code::LogAltered, message);
    }
    let (records, findings) = read(&json, file, key);
    Checked { outcome: Outcome::Same, records, bytes: json.len() as u64, findings }
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    event_time: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    aws_region: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    recipient_account_id: Option<Cow<'a, str>>,
}

/// Counts the records of a file that is as it was signed, and says what is odd about them.
fn read(json: &[u8], file: &LogFile, key: &str) -> (u64, Vec<Finding>) {
    let records = match sonic_rs::from_slice::<File<'_>>(json) {
        Ok(file) => file.records,
        Err(error) => {
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            return (0, vec![Finding::new(Code::LogRecords, key, reason)]);
        }
    };
    let mut findings = Vec::new();
    findings.extend(odd_times(&records, file).map(|message| Finding::new(Code::LogTimes, key, message)));
    findings.extend(odd_place(&records, key).map(|message| Finding::new(Code::LogPlace, key, message)));
    (records.len() as u64, findings)
}

fn odd_times(records: &[Record<'_>], file: &LogFile) -> Option<String> {
    // CloudTrail writes all times of a file in one form, so their order as texts is theirs as times.
    let times = || records.iter().filter_map(|record| record.event_time.as_deref());
    let time = |text: &str| Time::parse(text).map(Time::to_second);
    let (Ok(first), Ok(last)) = (time(times().min()?), time(times().max()?)) else {
        return Some("a record's eventTime cannot be read".to_owned());
    };
    let (oldest, newest) = (file.oldest?, file.newest?);
    (first < oldest.to_second() || last > newest)
        .then(|| format!("its records are of {first} to {last}, its digest says {oldest} to {newest}"))
}

fn odd_place(records: &[Record<'_>], key: &str) -> Option<String> {
    let (account, region) = name::log_place(key)?;
    let other_account = |record: &&Record<'_>| record.recipient_account_id.as_deref().is_some_and(|own| own != account);
    let other_region = |record: &&Record<'_>| record.aws_region.as_deref().is_some_and(|own| own != region);
    let accounts = records.iter().filter(other_account).count();
    let regions = records.iter().filter(other_region).count();
    (accounts + regions > 0).then(|| {
        let of = records.len();
        format!("of {of} records {accounts} are of another account than {account} and {regions} of another region than {region}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(oldest: &str, newest: &str) -> LogFile {
        LogFile {
            bucket: "b".to_owned(),
            object: String::new(),
            hash: String::new(),
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            newest: Time::parse(newest).ok(),
            oldest: Time::parse(oldest).ok(),
        }
    }

    fn check(json: &str, records: u64, codes: &[Code]) {
        let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/10/x.json.gz";
        let (count, findings) = read(json.as_bytes(), &file("2026-01-10T00:00:00Z", "2026-01-10T00:10:00Z"), key);
        assert_eq!(count, records, "{json}");
        assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), codes, "{json} {findings:?}");
    }

    #[test]
    fn records_are_counted_and_oddities_named() {
        check(r#"{"Records":[]}"#, 0, &[]);
        check(
            r#"{"Records":[{"eventTime":"2026-01-10T00:00:00Z","x":{"y":[1]}},{"eventTime":"2026-01-10T00:10:00Z"}]}"#,
            2,
            &[],
        );
        check(r#"{"Records":[{"eventTime":"2026-01-09T23:59:59Z"}]}"#, 1, &[Code::LogTimes]);
        check(r#"{"Records":[{"eventTime":"soon"}]}"#, 1, &[Code::LogTimes]);
        check(r#"{"Records":[{"awsRegion":"eu-west-1","recipientAccountId":"111122223333"}]}"#, 1, &[Code::LogPlace]);
        check(r#"{"Records":[{"recipientAccountId":"444455556666"}]}"#, 1, &[Code::LogPlace]);
        for json in ["", "[]", "{}", r#"{"Records":{}}"#, r#"{"Records":[7]}"#, r#"{"Records":[]"#] {
            check(json, 0, &[Code::LogRecords]);
        }
    }
}
