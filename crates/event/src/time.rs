//! One instant, in milliseconds since the Unix epoch, UTC.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// A text that is not one of the accepted ISO 8601 forms.
#[derive(Debug, thiserror::Error)]
#[error("not an ISO 8601 time: {0:?}")]
pub struct InvalidTime(String);

impl Time {
    /// Whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same instant with its milliseconds dropped.
    pub const fn to_second(self) -> Self {
        Self::from_seconds(self.seconds())
    }

    /// Milliseconds from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    fn utc(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0).single().unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }

    /// `2023-07-10T11:42:00Z`, the form of `eventTime` and of digest files.
    pub fn iso(self) -> String {
        self.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `2023-07-10T11:42:00.123Z`.
    pub fn iso_millis(self) -> String {
        self.utc().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// `20230710T114200Z`, the form of SigV4 dates and digest keys.
    pub fn compact(self) -> String {
        self.utc().format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// `20230710T1142Z`, the form of log file keys.
    pub fn compact_minute(self) -> String {
        self.utc().format("%Y%m%dT%H%MZ").to_string()
    }

    /// `20230710`.
    pub fn compact_day(self) -> String {
        self.utc().format("%Y%m%d").to_string()
    }

    /// `2023/07/10`, the folder of a log or digest file.
    pub fn day_path(self) -> String {
        self.utc().format("%Y/%m/%d").to_string()
    }

    /// `Mon, 10 Jul 2023 11:42:00 GMT`, the form of HTTP dates.
    pub fn http(self) -> String {
        self.utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Reads `2023-07-10T11:42:00Z`, with or without a fraction or a numeric offset,
    /// the compact `20230710T114200Z`, or a bare date `2023-07-10`.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime(text.chars().take(64).collect());
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(time.timestamp_millis()));
        }
        if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ") {
            return Ok(Self(time.and_utc().timestamp_millis()));
        }
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| invalid())?;
        let midnight = day.and_hms_opt(0, 0, 0).ok_or_else(invalid)?;
        Ok(Self(midnight.and_utc().timestamp_millis()))
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_the_same_second() {
        let time = Time(1_688_989_320_123);
        for text in [time.iso(), time.iso_millis(), time.compact()] {
            assert_eq!(Time::parse(&text).unwrap().seconds(), time.seconds(), "{text}");
        }
        assert_eq!(time.iso(), "2023-07-10T11:42:00Z");
        assert_eq!(time.compact_minute(), "20230710T1142Z");
        assert_eq!(time.day_path(), "2023/07/10");
        assert_eq!(time.http(), "Mon, 10 Jul 2023 11:42:00 GMT");
    }

    #[test]
    fn nonsense_is_not_a_time() {
        for text in ["", "yesterday", "2023-13-40", "99999999999999999999", "2023-07-10T11:42"] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn absurd_instants_still_print() {
        assert!(!Time(i64::MAX).iso().is_empty());
        assert!(!Time(i64::MIN).iso().is_empty());
    }
}
