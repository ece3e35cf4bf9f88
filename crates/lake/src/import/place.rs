//! Which objects of a bucket are log files of the import.

use crate::Error;
use cairn_event::Time;

/// A folder of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub bucket: String,
    /// Empty, or with a slash at its end.
    pub folder: String,
}

const URI_CHARS_MAX: usize = 2048;
const SUFFIX: &str = ".json.gz";

impl Place {
    /// Errors, refused: InvalidImportSource.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        let invalid = || {
            let shown: String = uri.chars().take(200).collect();
            Error::refused(
                "InvalidImportSource",
                format!("S3LocationUri {shown:?} is not s3://bucket or s3://bucket/prefix."),
            )
        };
        let rest = uri.strip_prefix("s3://").filter(|_| uri.len() <= URI_CHARS_MAX).ok_or_else(invalid)?;
        let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        if bucket.len() < 3 || bucket.len() > 63 || !bucket.bytes().all(plain) {
            return Err(invalid());
        }
        let folder = folder.trim_end_matches('/');
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Ok(Self { bucket: bucket.to_owned(), folder })
    }

    pub fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The key that a location names.
    pub fn key<'l>(&self, location: &'l str) -> Option<&'l str> {
        location.strip_prefix("s3://")?.strip_prefix(self.bucket.as_str())?.strip_prefix('/')
    }

    /// Whether a key is that of a log file: of CloudTrail's folder, unless the import names another one.
    pub fn holds(&self, key: &str) -> bool {
        if !key.starts_with(&self.folder) || !key.ends_with(SUFFIX) {
            return false;
        }
        let segments: Vec<&str> = key.split('/').collect();
        let folders = &segments[..segments.len() - 1];
        match folders.iter().position(|segment| *segment == "AWSLogs") {
            // AWSLogs/[organization/]account/SERVICE/…
            Some(at) => {
                let service = folders[at + 1..].iter().find(|segment| !is_owner(segment));
                service.is_some_and(|service| *service == "CloudTrail" || self.names(service))
            }
            None => !self.folder.is_empty() || folders.contains(&"CloudTrail"),
        }
    }

    fn names(&self, segment: &str) -> bool {
        self.folder.split('/').any(|own| own == segment)
    }
}

/// An account, or an organization.
fn is_owner(segment: &str) -> bool {
    segment.starts_with("o-") || (segment.len() == 12 && segment.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The folder of a key.
pub(super) fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a file is of a time, as far as its name or its folders tell. What tells no time is of none.
pub(super) fn is_within(key: &str, start: Option<Time>, end: Option<Time>) -> bool {
    if start.is_none() && end.is_none() {
        return true;
    }
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    let Some((from, to)) = minute(name).or_else(|| day(folder)) else { return false };
    start.is_none_or(|start| to > start) && end.is_none_or(|end| from <= end)
}

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MILLIS: i64 = 86_400_000;

/// The minute in a name such as `111122223333_CloudTrail_us-east-1_20230710T1142Z_x.json.gz`.
fn minute(name: &str) -> Option<(Time, Time)> {
    let part = name.split('_').find(|part| part.len() == 14 && part.ends_with('Z'))?;
    let from = Time::parse(&format!("{}00Z", part.strip_suffix('Z')?)).ok()?;
    Some((from, Time(from.0 + MINUTE_MILLIS)))
}

/// The day of folders that end in `2023/07/10`.
fn day(folder: &str) -> Option<(Time, Time)> {
    let mut parts = folder.rsplit('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let from = Time::parse(&format!("{year}-{month}-{day}")).ok()?;
    Some((from, Time(from.0 + DAY_MILLIS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2023/07/10/\
                       111122223333_CloudTrail_us-east-1_20230710T1142Z_a.json.gz";

    fn place(uri: &str) -> Place {
        Place::parse(uri).unwrap()
    }

    #[test]
    fn a_uri_names_a_bucket_and_a_folder() {
        assert_eq!(place("s3://logs"), place("s3://logs/"));
        assert_eq!(place("s3://logs/a/b"), Place { bucket: "logs".into(), folder: "a/b/".into() });
        assert_eq!(place("s3://logs/a").key("s3://logs/a/x.gz"), Some("a/x.gz"));
        for uri in
            ["", "logs", "s3://", "s3:///a", "https://logs/a", "s3://Lo/a", &format!("s3://logs/{}", "x".repeat(3000))]
        {
            assert!(matches!(Place::parse(uri), Err(Error::Refused { code: "InvalidImportSource", .. })), "{uri}");
        }
    }

    #[test]
    fn only_folders_of_cloudtrail_hold_log_files_unless_another_is_named() {
        let own = place("s3://logs");
        assert!(own.holds(LOG) && own.holds(&format!("prefix/{LOG}")));
        assert!(own.holds("AWSLogs/o-abc123/111122223333/CloudTrail/us-east-1/2023/07/10/x.json.gz"));
        for key in [
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2023/07/10/x.json.gz",
            "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2023/07/10/x.json.gz",
            "AWSLogs/111122223333/Config/us-east-1/2023/7/10/x.json.gz",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2023/07/10/x.json",
            "other/x.json.gz",
        ] {
            assert!(!own.holds(key), "{key}");
        }
        let named = place("s3://logs/other/");
        assert!(named.holds("other/x.json.gz") && !named.holds("others/x.json.gz") && !named.holds(LOG));
        assert!(!named.holds("other/AWSLogs/111122223333/CloudTrail-Digest/x.json.gz"));
        let insights = place("s3://logs/AWSLogs/111122223333/CloudTrail-Insight");
        assert!(insights.holds("AWSLogs/111122223333/CloudTrail-Insight/us-east-1/x.json.gz"));
    }

    #[test]
    fn names_and_folders_tell_the_time_of_a_file() {
        let within = |key: &str, start: &str, end: &str| {
            is_within(key, Some(Time::parse(start).unwrap()), Some(Time::parse(end).unwrap()))
        };
        assert!(within(LOG, "2023-07-10T11:42:00Z", "2023-07-10T11:42:00Z"));
        assert!(within(LOG, "2023-07-10T11:42:59Z", "2023-07-11"));
        assert!(!within(LOG, "2023-07-10T11:43:00Z", "2023-07-11"));
        assert!(!within(LOG, "2023-07-10", "2023-07-10T11:41:59Z"));
        let bare = "logs/2023/07/10/x.json.gz";
        assert!(within(bare, "2023-07-10T23:59:00Z", "2023-07-11") && within(bare, "2023-07-01", "2023-07-10"));
        assert!(!within(bare, "2023-07-11", "2023-07-12") && !within(bare, "2023-07-01", "2023-07-09"));
        assert!(!within("x.json.gz", "2023-07-10", "2023-07-12") && is_within("x.json.gz", None, None));
    }
}
