//! What intake looks at in one record: its identity, its day, what kind it is.

use aws_lc_rs::digest;
use cairn_event::Time;
use cairn_event::json::{Bad, Scanner};
use std::borrow::Cow;
use std::ops::Range;

/// The identity of an event: its UUID, or a digest of whatever stands in its place.
pub type Id = [u8; 16];

/// The part of the seen index that an event belongs to: its day (UTC) and a number made
/// of its account and region. Equal records are always of one shard. Log files of one
/// folder, as AWS lays them out, need one or two shards, so that importing a tree
/// touches each shard in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(u32);

const LANE_BITS: u32 = 12;
const UNDATED: u32 = 0xffff;
const DAYS_2000: i64 = 10_957;
const DAY_SECONDS: i64 = 86_400;

impl Shard {
    fn new(day: Option<u32>, account: &str, region: &str) -> Self {
        let lane = account
            .bytes()
            .chain([0])
            .chain(region.bytes())
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let lane = (lane ^ (lane >> 16)) & ((1 << LANE_BITS) - 1);
        Self(day.unwrap_or(UNDATED) << LANE_BITS | lane)
    }

    /// `20230710`, or `undated` for events without a usable time.
    pub fn folder(self) -> String {
        match self.0 >> LANE_BITS {
            UNDATED => "undated".to_owned(),
            day => Time::from_seconds((i64::from(day) + DAYS_2000) * DAY_SECONDS).compact_day(),
        }
    }

    /// Three hexadecimal digits.
    pub fn lane(self) -> String {
        format!("{:03x}", self.0 & ((1 << LANE_BITS) - 1))
    }
}

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

    fn id_text<'a>(&self, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
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

    /// `raw` is the whole record, from which an id is made when it has none.
    pub fn id(&self, bytes: &[u8], raw: &[u8]) -> Id {
        match self.id_text(bytes) {
            Some(text) => parse_uuid(text.as_bytes()).unwrap_or_else(|| hashed(b"id", text.as_bytes())),
            None => hashed(b"record", raw),
        }
    }

    /// The day of `eventTime`, if it is a time between 2000 and 2099.
    pub fn day(&self, bytes: &[u8]) -> Option<u32> {
        let text = self.text(bytes, TIME)?;
        let days =
            plain_days(text.as_bytes()).or_else(|| Some(Time::parse(&text).ok()?.seconds().div_euclid(DAY_SECONDS)))?;
        u32::try_from(days - DAYS_2000).ok().filter(|day| *day < 36_525)
    }

    pub fn shard(&self, bytes: &[u8]) -> Shard {
        let account = self.text(bytes, RECIPIENT).or_else(|| self.text(bytes, ACCOUNT)).unwrap_or_default();
        Shard::new(self.day(bytes), &account, &self.text(bytes, REGION).unwrap_or_default())
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

/// Identity and shard of a record that was accepted once, to be found again.
pub fn identify(raw: &str) -> Option<(Id, Shard)> {
    let bytes = raw.as_bytes();
    let mut scanner = Scanner::new(bytes);
    scanner.space();
    scanner.take(b'{').then_some(())?;
    let mut sketch = Sketch::default();
    members(&mut scanner, u32::MAX, |key, value| sketch.member(bytes, key, value)).ok()?;
    Some((sketch.id(bytes, bytes), sketch.shard(bytes)))
}

#[cold]
fn unescape(text: &[u8]) -> Option<String> {
    let quoted = [b"\"", text, b"\""].concat();
    serde_json::from_slice(&quoted).ok()
}

/// The sixteen bytes of a UUID in its canonical form of 36 characters, in either case.
fn parse_uuid(text: &[u8]) -> Option<Id> {
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|dash| text[*dash] != b'-') {
        return None;
    }
    let mut id = [0; 16];
    let mut digits = text.iter().enumerate().filter(|(index, _)| ![8, 13, 18, 23].contains(index));
    for byte in &mut id {
        let mut digit = || char::from(*digits.next()?.1).to_digit(16);
        *byte = (digit()? << 4 | digit()?) as u8;
    }
    Some(id)
}

/// Half a SHA-256; `what` keeps ids and records apart.
fn hashed(what: &[u8], text: &[u8]) -> Id {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(what);
    context.update(&[0]);
    context.update(text);
    *context.finish().as_ref().first_chunk().expect("a SHA-256 has 32 bytes")
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

    fn sketch(raw: &str) -> Sketch {
        let mut scanner = Scanner::new(raw.as_bytes());
        scanner.take(b'{');
        let mut sketch = Sketch::default();
        members(&mut scanner, 100, |key, value| sketch.member(raw.as_bytes(), key, value)).unwrap();
        sketch
    }

    fn id(raw: &str) -> Id {
        identify(raw).unwrap().0
    }

    #[test]
    fn a_uuid_is_itself_and_anything_else_is_hashed() {
        let plain = r#"{"eventID":"8f8ec2a4-6b9d-4b52-9b1c-0123456789ab"}"#;
        assert_eq!(id(plain), *b"\x8f\x8e\xc2\xa4\x6b\x9d\x4b\x52\x9b\x1c\x01\x23\x45\x67\x89\xab");
        assert_eq!(id(plain), id(&plain.to_uppercase().replace("EVENTID", "eventID")));
        assert_eq!(id(plain), id(&plain.replace("eventID", "eventId")));
        assert_eq!(id(plain), id(&plain.replace("eventID", r"event\u0049D")));
        assert_eq!(id(r#"{"eventID":"a"}"#), id(r#"{"eventID":"\u0061","x":1}"#));
        assert_ne!(id(r#"{"eventID":"a"}"#), id(r#"{"eventID":"b"}"#));
        for without in [r#"{"x":1}"#, r#"{"eventID":7}"#, r#"{"eventID":null}"#, r#"{"eventID":""}"#] {
            assert!(!sketch(without).has_id(without.as_bytes()));
            assert_ne!(id(without), id(r#"{"x":2}"#));
        }
    }

    #[test]
    fn a_record_is_sharded_by_day_account_and_region() {
        let shard = |time: &str, account: &str, region: &str| {
            let raw = format!(r#"{{"eventTime":"{time}","recipientAccountId":"{account}","awsRegion":"{region}"}}"#);
            identify(&raw).unwrap().1
        };
        let one = shard("2023-07-10T11:42:00Z", "111122223333", "us-east-1");
        assert_eq!(one.folder(), "20230710");
        assert_eq!(one.lane().len(), 3);
        assert_eq!(one, shard("2023-07-10T23:59:59Z", "111122223333", "us-east-1"));
        assert_ne!(one, shard("2023-07-11T00:00:00Z", "111122223333", "us-east-1"));
        assert_ne!(one, shard("2023-07-10T11:42:00Z", "111122223333", "us-east-2"));
        assert_ne!(one, shard("2023-07-10T11:42:00Z", "111122223334", "us-east-1"));
    }

    #[test]
    fn an_absurd_time_has_no_day() {
        let folder = |time: &str| identify(&format!(r#"{{"eventTime":{time}}}"#)).unwrap().1.folder();
        for (time, day) in [
            ("\"2023-07-10T11:42:00Z\"", "20230710"),
            ("\"2024-02-29T00:00:00Z\"", "20240229"),
            ("\"2023-07-10T23:30:00-02:00\"", "20230711"),
            ("\"2023-07-10T11:42:00.123Z\"", "20230710"),
            ("\"2000-01-01T00:00:00Z\"", "20000101"),
            ("\"2099-12-31T23:59:59Z\"", "20991231"),
            ("\"2023-02-29T00:00:00Z\"", "undated"),
            ("\"2023-13-01T00:00:00Z\"", "undated"),
            ("\"2023-07-10T24:00:00Z\"", "undated"),
            ("\"1999-12-31T23:59:59Z\"", "undated"),
            ("\"2100-01-01T00:00:00Z\"", "undated"),
            ("\"9999-99-99T99:99:99Z\"", "undated"),
            ("\"+262143-12-31T00:00:00Z\"", "undated"),
            ("\"yesterday\"", "undated"),
            ("1688989320", "undated"),
            ("null", "undated"),
        ] {
            assert_eq!(folder(time), day, "{time}");
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_noticed_also_when_it_is_disguised() {
        assert_eq!(sketch(r#"{"eventID":"a","userAgent":1,"userAgent":2}"#).twice(), None);
        assert_eq!(sketch(r#"{"eventID":"a","eventID":"b"}"#).twice(), Some("eventID"));
        assert_eq!(sketch(r#"{"errorCode":"a","error\u0043ode":"b"}"#).twice(), Some(r"error\u0043ode"));
    }

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
