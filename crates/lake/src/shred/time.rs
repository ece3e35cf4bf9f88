//! `eventTime` as microseconds.

use cairn_event::Time;

/// The instant of a text that is written exactly as [`Time::iso`] would write it, in the years 1 to 9999.
pub(super) fn canonical(text: &[u8]) -> Option<i64> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'Z'] = text else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0, |value: i64, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?);
    let there = year >= 1 && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !there || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000)
}

/// The instant of a text in any form that [`Time::parse`] knows, in the years 1 to 9999: other readers of
/// the files know no others.
pub(super) fn readable(text: &str) -> Option<i64> {
    let years = canonical(b"0001-01-01T00:00:00Z")?..=canonical(b"9999-12-31T23:59:59Z")?;
    let micros = Time::parse(text).ok()?.millis().checked_mul(1000)?;
    years.contains(&micros).then_some(micros)
}

const fn leaps(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if leaps(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that a leap day is the last of its year.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_month = (153 * month + 2) / 5;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + before_month + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_written_canonically_is_not_canonical() {
        for text in [
            "",
            "2023-07-10T11:42:00",
            "2023-07-10T11:42:00.000Z",
            "2023-07-10t11:42:00Z",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-01-00T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-06-30T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "2023-07-1OT11:42:00Z",
            "+023-07-10T11:42:00Z",
        ] {
            assert_eq!(canonical(text.as_bytes()), None, "{text}");
        }
        assert_eq!(readable("2023-07-10T11:42:00.123Z"), Some(1_688_989_320_123_000));
        assert_eq!(readable("0000-01-01T00:00:00Z"), None);
        assert_eq!(readable("10000-01-01T00:00:00Z"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn canonical_times_agree_with_the_words_of_the_house(seconds in -62_135_596_800_i64..=253_402_300_799) {
            let time = Time::from_seconds(seconds);
            prop_assert_eq!(canonical(time.iso().as_bytes()), Some(seconds * 1_000_000));
        }
    }
}
