//! What is looked at in one record: what it calls itself, its day, what kind it is.

use crate::Time;
use crate::json::{Bad, Scanner};
use std::borrow::Cow;
use std::ops::Range;

const DAYS_2000: i64 = 10_957;
const DAY_SECONDS: i64 = 86_400;

/// `eventCategory`, as far as it decides what kind of file this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    Activity,
    Insight,
    Aggregated,
}

const ID: usize = 0;
const LOWER_ID: usize = 1;
const TIME: usize = 2;
const SOURCE: usize = 3;
const NAME: usize = 4;
const CATEGORY: usize = 5;
const REGION: usize = 6;
const RECIPIENT: usize = 7;
const ACCOUNT: usize = 8;
const VALUES: usize = 9;

/// The members of a record that matter here, and those that readers choose by: a record
/// that has one of them twice means different things to different readers and is refused.
fn field(key: &[u8]) -> Option<usize> {
    Some(match key {
        b"eventID" => ID,
        b"eventId" => LOWER_ID,
        b"eventTime" => TIME,
        b"eventSource" => SOURCE,
        b"eventName" => NAME,
        b"eventCategory" => CATEGORY,
        b"awsRegion" => REGION,
        b"recipientAccountId" => RECIPIENT,
        b"accountId" => ACCOUNT,
        b"eventType" => VALUES,
        b"errorCode" => VALUES + 1,
        b"vpcEndpointId" => VALUES + 2,
        b"readOnly" => VALUES + 3,
        b"managementEvent" => VALUES + 4,
        b"sessionCredentialFromConsole" => VALUES + 5,
        _ => return None,
    })
}

/// The members of one object that [`field`] knows.
#[derive(Debug, Default)]
pub struct Sketch {
    values: [Range<usize>; VALUES],
    present: u16,
    twice: Option<String>,
}

impl Sketch {
    /// Takes note of a member: `key` without its quotes, `value` with them.
    #[inline]
    pub fn member(&mut self, bytes: &[u8], key: Range<usize>, value: Range<usize>) {
        let key = &bytes[key];
        let found = if key.contains(&b'\\') { unescape(key).and_then(|key| field(key.as_bytes())) } else { field(key) };
        let Some(index) = found else { return };
        if self.present & (1 << index) != 0 {
            self.twice = Some(String::from_utf8_lossy(key).into_owned());
        }
        self.present |= 1 << index;
        if index < VALUES {
            self.values[index] = value;
        }
    }

    fn text<'a>(&self, bytes: &'a [u8], index: usize) -> Option<Cow<'a, str>> {
        let value = bytes[self.values[index].clone()].strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if value.contains(&b'\\') {
            return unescape(value).map(Cow::Owned);
        }
        std::str::from_utf8(value).ok().map(Cow::Borrowed)
    }

    /// The member that stands there more than once.
    pub fn twice(&self) -> Option<&str> {
        self.twice.as_deref()
    }

    /// Whether the record names itself; aggregated events write `eventId`.
    pub fn has_id(&self, bytes: &[u8]) -> bool {
        self.id_text(bytes).is_some()
    }

    /// What it names itself by.
    pub fn id_text<'a>(&self, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        self.text(bytes, ID).or_else(|| self.text(bytes, LOWER_ID)).filter(|id| !id.is_empty())
    }

    /// Whether an object that stands alone, outside `Records`, is an event.
    pub fn is_event(&self, bytes: &[u8]) -> bool {
        let has = |index: usize| self.present & (1 << index) != 0;
        (self.has_id(bytes) || has(TIME)) && (has(NAME) || has(CATEGORY)) && !self.is_notification(bytes)
    }

    /// Whether this is an element of some other `Records` array: S3 notifications and
    /// Lambda's queue and stream records call their source `aws:s3`, `aws:sqs` …
    pub fn is_notification(&self, bytes: &[u8]) -> bool {
        self.text(bytes, SOURCE).is_some_and(|source| source.starts_with("aws:"))
    }

    /// The day of `eventTime`, if it is a time between 2000 and 2099, counted from the first of them.
    pub fn day(&self, bytes: &[u8]) -> Option<u32> {
        let text = self.text(bytes, TIME)?;
        let days =
            plain_days(text.as_bytes()).or_else(|| Some(Time::parse(&text).ok()?.seconds().div_euclid(DAY_SECONDS)))?;
        u32::try_from(days - DAYS_2000).ok().filter(|day| *day < 36_525)
    }

    /// The account that it was recorded for.
    pub fn account<'a>(&self, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        self.text(bytes, RECIPIENT).or_else(|| self.text(bytes, ACCOUNT))
    }

    pub fn region<'a>(&self, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        self.text(bytes, REGION)
    }

    pub fn category(&self, bytes: &[u8]) -> Category {
        match self.text(bytes, CATEGORY).as_deref() {
            Some("Insight") => Category::Insight,
            Some("Aggregated") => Category::Aggregated,
            _ => Category::Activity,
        }
    }
}

/// Skips the members of an object, the scanner standing behind its opening brace, and
/// shows each: the place of its key and of its value.
pub fn members(
    scanner: &mut Scanner<'_>,
    depth_max: u32,
    mut show: impl FnMut(Range<usize>, Range<usize>),
) -> Result<(), Bad> {
    scanner.space();
    if scanner.take(b'}') {
        return Ok(());
    }
    loop {
        let key = scanner.key()?;
        let start = scanner.at;
        scanner.value(depth_max)?;
        show(key, start..scanner.at);
        scanner.space();
        if !scanner.take(b',') {
            return scanner.expect(b'}', "a comma or a closing brace");
        }
        scanner.space();
    }
}

#[cold]
fn unescape(text: &[u8]) -> Option<String> {
    let quoted = [b"\"", text, b"\""].concat();
    serde_json::from_slice(&quoted).ok()
}

/// Days since 1970 of the one form that AWS writes, `2023-07-10T11:42:00Z`.
fn plain_days(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let shape = b"0000-00-00T00:00:00Z";
    let fits =
        text.iter().zip(shape).all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like });
    if !fits {
        return None;
    }
    let number =
        |range: Range<usize>| text[range].iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Days past a month's end are left to the full parser, which refuses them.
    let plausible = (1..=12).contains(&month) && (1..=28).contains(&day);
    if !plausible || number(11..13) > 23 || number(14..16) > 59 || number(17..19) > 59 {
        return None;
    }
    // Counted from 1 March of the year 0, so that leap days end their years.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_way_to_a_day_agrees_with_the_full_parser(seconds in 0_i64..4_102_444_800) {
            let time = Time::from_seconds(seconds);
            let days = plain_days(time.iso().as_bytes());
            prop_assert!(days.is_none_or(|days| days == seconds.div_euclid(DAY_SECONDS)));
            let late = time.compact_day().ends_with("29") || time.compact_day().ends_with("30") || time.compact_day().ends_with("31");
            prop_assert_eq!(days.is_none(), late);
        }
    }
}
