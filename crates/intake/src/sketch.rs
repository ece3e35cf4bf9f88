//! What a record is known by: its identity and its part of the index.

use aws_lc_rs::digest;
use cairn_event::Time;
use cairn_event::json::Scanner;
use cairn_event::log::{Sketch, members};

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

/// `raw` is the whole record, from which an id is made when it has none.
pub fn id(sketch: &Sketch, bytes: &[u8], raw: &[u8]) -> Id {
    match sketch.id_text(bytes) {
        Some(text) => parse_uuid(text.as_bytes()).unwrap_or_else(|| hashed(b"id", text.as_bytes())),
        None => hashed(b"record", raw),
    }
}

pub fn shard(sketch: &Sketch, bytes: &[u8]) -> Shard {
    let account = sketch.account(bytes).unwrap_or_default();
    Shard::new(sketch.day(bytes), &account, &sketch.region(bytes).unwrap_or_default())
}

/// Identity and shard of a record that was accepted once, to be found again.
pub fn identify(raw: &str) -> Option<(Id, Shard)> {
    let bytes = raw.as_bytes();
    let mut scanner = Scanner::new(bytes);
    scanner.space();
    scanner.take(b'{').then_some(())?;
    let mut sketch = Sketch::default();
    members(&mut scanner, u32::MAX, |key, value| sketch.member(bytes, key, value)).ok()?;
    Some((id(&sketch, bytes, bytes), shard(&sketch, bytes)))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
