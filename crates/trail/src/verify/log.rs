//! One log file against what its digest says of it.

use super::digest::{HASH_ALGORITHM, LogFile, hash};
use super::finding::{Code, Finding};
use super::source::{Object, Unread};
use super::{Job, Progress, name};
use cairn_event::Time;
use cairn_store::gzip::{self, Inflater};
use sonic_rs::{Array, JsonContainerTrait, JsonValueTrait, Value};

/// Compressed and inflated. AWS cuts log files at 50 MB of JSON. A larger file is refused
/// as malformed: whatever it is, it is not what was signed.
pub const BYTES_MAX: u64 = 256 << 20;
/// Enough to make the change of thread cheap beside it, and few to be lost when all are slow.
const BATCH_FILES: usize = 16;
/// The same over a network, where a task that ends wakes others; few, since they wait for one another.
const REMOTE_BATCH_FILES: usize = 8;
/// Compressed; checked in a millisecond or two, for which no thread is changed.
const SMALL_BYTES: usize = 64 << 10;

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

/// A log file to be checked.
#[derive(Debug)]
pub struct Task {
    pub file: LogFile,
    /// In the source.
    pub key: String,
    /// Whether the digest that names it is proven.
    pub proven: bool,
}

/// Log files that one task checks one after the other. A thread that waits for the disk
/// had better not be changed for each small file; over a network tasks wait side by side.
pub fn batch(job: &Job) -> usize {
    if job.source.blocks() { BATCH_FILES } else { REMOTE_BATCH_FILES }
}

/// Reads and checks log files; never more than one of them is in memory.
pub async fn check(job: Job, tasks: Vec<Task>) -> Vec<(Checked, bool)> {
    if job.source.blocks() {
        let work = move || {
            let mut inflater = Inflater::default();
            let check = |task: Task| {
                let object = job.source.get_blocking(&task.key, BYTES_MAX).unwrap_or(Err(Unread::Missing));
                done(&job, judge(object, &task.file, &task.key, &mut inflater), task.proven)
            };
            tasks.into_iter().map(check).collect()
        };
        return off_thread(work).await;
    }
    let mut checked = Vec::with_capacity(tasks.len());
    for Task { file, key, proven } in tasks {
        let object = job.source.get(&key, BYTES_MAX).await;
        let is_small = object.as_ref().is_ok_and(|object| object.bytes.len() <= SMALL_BYTES);
        let work = move || judge(object, &file, &key, &mut Inflater::default());
        let found = if is_small { work() } else { off_thread(work).await };
        checked.push(done(&job, found, proven));
    }
    checked
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("judging log files does not panic")
}

fn done(job: &Job, checked: Checked, proven: bool) -> (Checked, bool) {
    Progress::add(&job.progress.logs_done, 1);
    Progress::add(&job.progress.bytes, checked.bytes);
    (checked, proven)
}

fn judge(object: Result<Object, Unread>, file: &LogFile, key: &str, inflater: &mut Inflater) -> Checked {
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
    let json = match inflater.one(&object.bytes, BYTES_MAX) {
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
    let found = hash(json);
    if found != file.hash {
        let message = format!("its SHA-256 is {found}, its digest says {}", file.hash);
        return failed(Outcome::Different, Code::LogAltered, message);
    }
    let (records, findings) = read(json, file, key);
    Checked { outcome: Outcome::Same, records, bytes: json.len() as u64, findings }
}

/// Counts the records of a file that is as it was signed, and says what is odd about them.
fn read(json: &[u8], file: &LogFile, key: &str) -> (u64, Vec<Finding>) {
    let value: Value = match sonic_rs::from_slice(json) {
        Ok(value) => value,
        Err(error) => {
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            return (0, vec![Finding::new(Code::LogRecords, key, reason)]);
        }
    };
    let records = value.get("Records").and_then(|records| records.as_array());
    let Some(records) = records.filter(|records| records.iter().all(JsonValueTrait::is_object)) else {
        return (0, vec![Finding::new(Code::LogRecords, key, "it has no list of Records that are objects")]);
    };
    let mut findings = Vec::new();
    findings.extend(odd_times(records, file).map(|message| Finding::new(Code::LogTimes, key, message)));
    findings.extend(odd_place(records, key).map(|message| Finding::new(Code::LogPlace, key, message)));
    (records.len() as u64, findings)
}

fn odd_times(records: &Array, file: &LogFile) -> Option<String> {
    // CloudTrail writes all times of a file in one form, so their order as texts is theirs as times.
    let times = || records.iter().filter_map(|record| record.get("eventTime")?.as_str());
    let time = |text: &str| Time::parse(text).map(Time::to_second);
    let (Ok(first), Ok(last)) = (time(times().min()?), time(times().max()?)) else {
        return Some("a record's eventTime cannot be read".to_owned());
    };
    let (oldest, newest) = (file.oldest?, file.newest?);
    (first < oldest.to_second() || last > newest)
        .then(|| format!("its records are of {first} to {last}, its digest says {oldest} to {newest}"))
}

fn odd_place(records: &Array, key: &str) -> Option<String> {
    let (account, region) = name::log_place(key)?;
    let others = |name: &str, own: &str| {
        let is_other = |record: &&Value| record.get(name).is_some_and(|value| value.as_str() != Some(own));
        records.iter().filter(is_other).count()
    };
    let (accounts, regions) = (others("recipientAccountId", account), others("awsRegion", region));
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
