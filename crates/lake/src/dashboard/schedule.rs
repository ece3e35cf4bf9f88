//! When a dashboard is refreshed by itself.

use crate::Error;
use cairn_event::Time;
use serde::{Deserialize, Serialize};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unit {
    Hours,
    Days,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    pub unit: Unit,
    pub value: i64,
    pub enabled: bool,
    /// `HH:MM`, UTC: refreshes fall on it, and on multiples of the interval after it.
    pub time_of_day: Option<String>,
}

impl Schedule {
    /// Errors: Invalid.
    pub fn check(&self) -> Result<(), Error> {
        match (self.unit, self.value) {
            (Unit::Hours, 1 | 6 | 12 | 24) | (Unit::Days, 1) => {}
            (Unit::Hours, _) => {
                return Err(Error::Invalid("a schedule in HOURS has the value 1, 6, 12 or 24".to_owned()));
            }
            (Unit::Days, _) => return Err(Error::Invalid("a schedule in DAYS has the value 1".to_owned())),
        }
        match &self.time_of_day {
            Some(text) if offset(text).is_none() => {
                Err(Error::Invalid(format!("{text:?} is not a time of day, HH:MM")))
            }
            _ => Ok(()),
        }
    }

    /// The first refresh after `counted`; None when the schedule is off.
    pub fn next(&self, counted: Time) -> Option<Time> {
        let interval = self.value * if self.unit == Unit::Hours { HOUR } else { DAY };
        let next = match self.time_of_day.as_deref().and_then(offset) {
            Some(offset) => ((counted.millis() - offset).div_euclid(interval) + 1) * interval + offset,
            None => counted.millis() + interval,
        };
        self.enabled.then_some(Time(next))
    }
}

/// Milliseconds from midnight.
fn offset(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, max: i64| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|number| plain && *number <= max)
    };
    Some(number(hours, 23)? * HOUR + number(minutes, 59)? * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(unit: Unit, value: i64, time_of_day: Option<&str>) -> Schedule {
        Schedule { unit, value, enabled: true, time_of_day: time_of_day.map(str::to_owned) }
    }

    #[test]
    fn a_refresh_is_due_an_interval_later_or_at_its_time_of_day() {
        let next = |schedule: Schedule, at: &str| schedule.next(Time::parse(at).unwrap()).map(Time::iso);
        for (unit, value, time, at, expected) in [
            (Unit::Hours, 6, None, "2026-01-10T03:04:05Z", "2026-01-10T09:04:05Z"),
            (Unit::Hours, 6, Some("01:30"), "2026-01-10T03:04:05Z", "2026-01-10T07:30:00Z"),
            (Unit::Days, 1, Some("02:00"), "2026-01-10T03:04:05Z", "2026-01-11T02:00:00Z"),
            (Unit::Days, 1, Some("23:59"), "2026-01-10T03:04:05Z", "2026-01-10T23:59:00Z"),
            (Unit::Days, 1, Some("02:00"), "2026-01-10T02:00:00Z", "2026-01-11T02:00:00Z"),
        ] {
            assert_eq!(next(schedule(unit, value, time), at).as_deref(), Some(expected), "{value} {time:?}");
        }
        assert_eq!(Schedule { enabled: false, ..schedule(Unit::Days, 1, None) }.next(Time(0)), None);
    }

    #[test]
    fn only_the_intervals_of_aws_are_taken() {
        for (unit, value, time, good) in [
            (Unit::Hours, 1, None, true),
            (Unit::Hours, 24, Some("00:00"), true),
            (Unit::Hours, 2, None, false),
            (Unit::Days, 2, None, false),
            (Unit::Days, 1, Some("24:00"), false),
            (Unit::Days, 1, Some("1:00"), false),
            (Unit::Days, 1, Some("+1:00"), false),
        ] {
            assert_eq!(schedule(unit, value, time).check().is_ok(), good, "{unit:?} {value} {time:?}");
        }
    }
}
