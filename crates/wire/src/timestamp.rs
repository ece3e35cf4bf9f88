//! Instants on the wire.

use cairn_event::Time;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The last millisecond of the year 9999; nothing later (or as far before 1970) is taken.
const MILLIS_MAX: i64 = 253_402_300_799_999;

/// An instant as a member of an input or output.
///
/// Epoch seconds in JSON, with a fraction only where there is one; ISO 8601 in Query
/// and in records. Either form is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub Time);

impl Timestamp {
    /// The name by which serializers know it.
    pub(crate) const NAME: &'static str = "Timestamp";
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self(time)
    }
}

/// `2023-07-10T11:42:00Z`, with milliseconds where there are any.
pub(crate) fn iso(time: Time) -> String {
    if time.to_second() == time { time.iso() } else { time.iso_millis() }
}

/// Epoch seconds as a number.
struct Seconds(Time);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.to_second() == self.0 {
            serializer.serialize_i64(self.0.seconds())
        } else {
            serializer.serialize_f64(self.0.millis() as f64 / 1000.0)
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, &Seconds(self.0))
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Timestamp, E> {
        from_millis(i128::from(seconds) * 1000).ok_or_else(|| E::invalid_value(Unexpected::Signed(seconds), &self))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Timestamp, E> {
        from_millis(i128::from(seconds) * 1000).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(seconds), &self))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Timestamp, E> {
        from_millis((seconds * 1000.0).round() as i128)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(seconds), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        Time::parse(text)
            .ok()
            .and_then(|time| from_millis(time.millis().into()))
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

fn from_millis(millis: i128) -> Option<Timestamp> {
    let millis = i64::try_from(millis).ok().filter(|millis| (-MILLIS_MAX..=MILLIS_MAX).contains(millis))?;
    Some(Timestamp(Time(millis)))
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<i64> {
        serde_json::from_str::<Timestamp>(text).ok().map(|timestamp| timestamp.0.millis())
    }

    #[test]
    fn a_fraction_is_written_only_where_there_is_one() {
        assert_eq!(serde_json::to_string(&Timestamp(Time(1_688_989_320_000))).unwrap(), "1688989320");
        assert_eq!(serde_json::to_string(&Timestamp(Time(1_688_989_320_123))).unwrap(), "1688989320.123");
        assert_eq!(iso(Time(1_688_989_320_000)), "2023-07-10T11:42:00Z");
        assert_eq!(iso(Time(1_688_989_320_123)), "2023-07-10T11:42:00.123Z");
    }

    #[test]
    fn seconds_fractions_and_iso_are_read() {
        assert_eq!(json("1688989320"), Some(1_688_989_320_000));
        assert_eq!(json("1688989320.123"), Some(1_688_989_320_123));
        assert_eq!(json("1.688989320123E9"), Some(1_688_989_320_123));
        assert_eq!(json("-1.5"), Some(-1500));
        assert_eq!(json("\"2023-07-10T11:42:00Z\""), Some(1_688_989_320_000));
    }

    #[test]
    fn absurd_times_are_refused() {
        for text in ["1e300", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "\"soon\"", "true"]
        {
            assert_eq!(json(text), None, "{text}");
        }
    }
}
