//! What the keys of an archive say.
//!
//! ```text
//! …/<acct>/CloudTrail-Digest/<region>/YYYY/MM/DD/
//!     <acct>_CloudTrail-Digest_<region>_<trail>_<home region>_YYYYMMDDTHHMMSSZ[_backfill].json.gz
//! …/<acct>/CloudTrail[-…]/<region>/YYYY/MM/DD/<acct>_CloudTrail[-…]_<region>_YYYYMMDDTHHMMZ_<16>.json.gz
//! ```

use cairn_event::Time;
use std::time::Duration;

const END: &str = ".json.gz";
const BACKFILL: &str = "_backfill";
const ACCOUNT_CHARS: usize = 12;
/// `YYYYMMDDTHHMMSSZ`.
const TIME_CHARS: usize = 16;
/// `YYYYMMDDTHHMM`.
const MINUTE_CHARS: usize = 13;

/// The name of a digest file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub account: String,
    pub trail: String,
    pub home_region: String,
    pub end: Time,
    pub backfill: bool,
}

impl Digest {
    /// Reads a key below `CloudTrail-Digest/<region>/`; None for what is no digest file.
    pub fn parse(key: &str, region: &str) -> Option<Self> {
        let name = file(key).strip_suffix(END)?;
        let (name, backfill) = name.strip_suffix(BACKFILL).map_or((name, false), |name| (name, true));
        let account = account(name)?;
        let rest =
            name[ACCOUNT_CHARS..].strip_prefix("_CloudTrail-Digest_")?.strip_prefix(region)?.strip_prefix('_')?;
        let (rest, time) = rest.rsplit_once('_')?;
        let (trail, home_region) = rest.rsplit_once('_')?;
        if time.len() != TIME_CHARS || trail.is_empty() {
            return None;
        }
        let end = Time::parse(time).ok()?;
        Some(Self { account, trail: trail.to_owned(), home_region: home_region.to_owned(), end, backfill })
    }
}

/// The key of another digest of the same chain, from one of its keys and another end.
pub fn sibling(key: &str, end: Time) -> Option<String> {
    let backfill = if key.ends_with(&format!("{BACKFILL}{END}")) { BACKFILL } else { "" };
    let stem = key.strip_suffix(END)?.strip_suffix(backfill)?;
    let (folder, name) = stem.rsplit_once('/')?;
    let (name, _) = name.rsplit_once('_')?;
    // YYYY/MM/DD
    let region = folder.rsplitn(4, '/').nth(3)?;
    Some(format!("{region}/{}/{name}_{}{backfill}{END}", end.day_path(), end.compact()))
}

/// The end that a digest's key tells, of whatever chain it is.
pub fn digest_end(key: &str) -> Option<Time> {
    let name = file(key).strip_suffix(END)?;
    let name = name.strip_suffix(BACKFILL).unwrap_or(name);
    Time::parse(name.rsplit_once('_')?.1).ok()
}

/// The minute that a log file's key tells; None for what is no log file.
pub fn log_minute(key: &str) -> Option<Time> {
    let name = file(key).strip_suffix(END)?;
    account(name)?;
    let (rest, _) = name.rsplit_once('_')?;
    let (_, time) = rest.rsplit_once('_')?;
    let minute = time.strip_suffix('Z').filter(|minute| minute.len() == MINUTE_CHARS)?;
    Time::parse(&format!("{minute}00Z")).ok()
}

/// Account and region of the folders that a log file stands in.
pub fn log_place(key: &str) -> Option<(&str, &str)> {
    // file, day, month, year, region, kind, account
    let mut parts = key.rsplit('/').skip(4);
    let region = parts.next()?;
    let account = parts.nth(1)?;
    Some((account, region))
}

/// The days of a span, as folders `YYYY/MM/DD/`; None when there are more than `days_max`.
pub fn days(from: Time, to: Time, days_max: usize) -> Option<Vec<String>> {
    const DAY: Duration = Duration::from_hours(24);
    let count = to.since(from).as_secs() / DAY.as_secs() + 2;
    if count > days_max as u64 {
        return None;
    }
    let mut days: Vec<String> = (0..count).map(|day| format!("{}/", (from + DAY * day as u32).day_path())).collect();
    let last = format!("{}/", to.day_path());
    days.retain(|day| *day <= last);
    Some(days)
}

/// Whether a folder's last part can be an account's number.
pub fn is_account(name: &str) -> bool {
    name.len() == ACCOUNT_CHARS && account(name).is_some()
}

fn account(name: &str) -> Option<String> {
    let digits = name.get(..ACCOUNT_CHARS)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.to_owned())
}

fn file(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "p/AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/\
        111122223333_CloudTrail-Digest_us-east-2_my_trail_us-east-1_20150817T150131Z.json.gz";

    #[test]
    fn a_digest_key_tells_its_chain_and_end_even_with_underscores_in_the_trail() {
        let name = Digest::parse(DIGEST, "us-east-2").unwrap();
        assert_eq!((name.account.as_str(), name.trail.as_str()), ("111122223333", "my_trail"));
        assert_eq!((name.home_region.as_str(), name.backfill), ("us-east-1", false));
        assert_eq!(name.end.iso(), "2015-08-17T15:01:31Z");
        let backfill = DIGEST.replace(".json.gz", "_backfill.json.gz");
        assert!(Digest::parse(&backfill, "us-east-2").unwrap().backfill);
        assert_eq!(digest_end(&backfill), Some(name.end));
        for wrong in ["", "x.json.gz", &DIGEST.replace("us-east-2", "eu-west-1"), &DIGEST.replace("131Z", "131")] {
            assert_eq!(Digest::parse(wrong, "us-east-2"), None, "{wrong}");
        }
    }

    #[test]
    fn a_sibling_stands_in_the_folder_of_its_own_day() {
        let end = Time::parse("2015-08-16T23:01:31Z").unwrap();
        let sibling = sibling(DIGEST, end).unwrap();
        assert!(sibling.ends_with(
            "/2015/08/16/111122223333_CloudTrail-Digest_us-east-2_my_trail_us-east-1_20150816T230131Z.json.gz"
        ));
        assert!(sibling.starts_with("p/AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015"));
    }

    #[test]
    fn a_log_key_tells_minute_and_place() {
        let key = "AWSLogs/o-abc/111122223333/CloudTrail/us-east-2/2015/08/17/\
            111122223333_CloudTrail_us-east-2_20150817T1445Z_9nYN7gp2eWAJHIfT.json.gz";
        assert_eq!(log_minute(key).unwrap().iso(), "2015-08-17T14:45:00Z");
        assert_eq!(log_place(key), Some(("111122223333", "us-east-2")));
        assert_eq!(log_minute("AWSLogs/notes.txt"), None);
    }

    #[test]
    fn days_of_a_span_include_both_ends() {
        let (from, to) = (Time::parse("2024-02-28T23:00:00Z").unwrap(), Time::parse("2024-03-01T00:30:00Z").unwrap());
        assert_eq!(days(from, to, 10).unwrap(), ["2024/02/28/", "2024/02/29/", "2024/03/01/"]);
        assert_eq!(days(from, to, 2), None);
    }
}
