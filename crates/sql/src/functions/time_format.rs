//! Formats of times: MySQL's (`date_format`) and Joda's (`format_datetime`), said as chrono's.

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::{Result, exec_err};
use std::fmt::Write;

#[derive(Clone, Copy)]
pub enum Dialect {
    Mysql,
    Joda,
}

/// Formats of a column are nearly always the same literal: the last one is kept.
pub struct Formats {
    dialect: Dialect,
    last: (String, Vec<Item<'static>>),
}

impl Formats {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, last: (String::new(), Vec::new()) }
    }

    fn items(&mut self, format: &str) -> Result<&[Item<'static>]> {
        if self.last.0 != format {
            let chronos = match self.dialect {
                Dialect::Mysql => mysql(format)?,
                Dialect::Joda => joda(format)?,
            };
            let items = StrftimeItems::new(&chronos).parse_to_owned();
            match items {
                Ok(items) => self.last = (format.to_owned(), items),
                Err(_) => return exec_err!("invalid format of a time: {format}"),
            }
        }
        Ok(&self.last.1)
    }

    pub fn write(&mut self, time: &NaiveDateTime, format: &str) -> Result<String> {
        let items = self.items(format)?;
        let mut text = String::new();
        if write!(text, "{}", time.and_utc().format_with_items(items.iter())).is_err() {
            return exec_err!("a time cannot be written as {format}");
        }
        Ok(text)
    }

    pub fn read(&mut self, text: &str, format: &str) -> Result<NaiveDateTime> {
        let items = self.items(format)?;
        let mut parsed = Parsed::new();
        if chrono::format::parse(&mut parsed, text, items.iter()).is_err() {
            return exec_err!("{text} is not a time of the format {format}");
        }
        if let Ok(time) = parsed.to_datetime() {
            return Ok(time.naive_utc());
        }
        let Some(date) = date(&parsed) else { return exec_err!("{text} has no date by the format {format}") };
        Ok(date.and_time(time(&parsed)))
    }
}

/// What the format leaves out is the first.
fn date(parsed: &Parsed) -> Option<NaiveDate> {
    parsed.to_naive_date().ok().or_else(|| {
        let year = parsed.year()?;
        NaiveDate::from_ymd_opt(year, parsed.month().unwrap_or(1), parsed.day().unwrap_or(1))
    })
}

fn time(parsed: &Parsed) -> NaiveTime {
    parsed.to_naive_time().unwrap_or_else(|_| {
        let hour = parsed.hour_div_12().unwrap_or(0) * 12 + parsed.hour_mod_12().unwrap_or(0);
        NaiveTime::from_hms_opt(hour, parsed.minute().unwrap_or(0), 0).unwrap_or_default()
    })
}

fn mysql(format: &str) -> Result<String> {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        let sign = chars.next();
        let chronos = match sign {
            Some('a') => "%a",
            Some('b') => "%b",
            Some('c') => "%-m",
            Some('d') => "%d",
            Some('e') => "%-d",
            Some('f') => "%6f",
            Some('H') => "%H",
            Some('h' | 'I') => "%I",
            Some('i') => "%M",
            Some('j') => "%j",
            Some('k') => "%-H",
            Some('l') => "%-I",
            Some('M') => "%B",
            Some('m') => "%m",
            Some('p') => "%p",
            Some('r') => "%I:%M:%S %p",
            Some('S' | 's') => "%S",
            Some('T') => "%H:%M:%S",
            Some('v') => "%V",
            Some('W') => "%A",
            Some('x') => "%G",
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('%') => "%%",
            Some(other) => return exec_err!("%{other} is not supported in the format of a time"),
            None => return exec_err!("% at the end of the format of a time"),
        };
        out.push_str(chronos);
    }
    Ok(out)
}

fn joda(format: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let Some((quoted, after)) = rest[1..].split_once('\'') else {
                return exec_err!("a quote is open in {format}");
            };
            out.push_str(&if quoted.is_empty() { "'".to_owned() } else { quoted.replace('%', "%%") });
            rest = after;
            continue;
        }
        let count = rest.chars().take_while(|char| *char == first).count();
        rest = &rest[count * first.len_utf8()..];
        match letters(first, count) {
            Some(chronos) => out.push_str(chronos),
            None if first.is_ascii_alphabetic() => {
                return exec_err!("{first} is not supported in the format of a time");
            }
            None => {
                let literal = if first == '%' { "%%".to_owned() } else { first.to_string() };
                out.extend(std::iter::repeat_n(literal, count));
            }
        }
    }
    Ok(out)
}

fn letters(letter: char, count: usize) -> Option<&'static str> {
    Some(match (letter, count) {
        ('y' | 'Y', 2) => "%y",
        ('y' | 'Y', _) => "%Y",
        ('x', _) => "%G",
        ('M', 1) => "%-m",
        ('M', 2) => "%m",
        ('M', 3) => "%b",
        ('M', _) => "%B",
        ('d', 1) => "%-d",
        ('d', _) => "%d",
        ('D', _) => "%j",
        ('e', _) => "%u",
        ('E', 1..=3) => "%a",
        ('E', _) => "%A",
        ('w', _) => "%V",
        ('a', _) => "%p",
        ('H', 1) => "%-H",
        ('H', _) => "%H",
        ('h', 1) => "%-I",
        ('h', _) => "%I",
        ('m', 1) => "%-M",
        ('m', _) => "%M",
        ('s', 1) => "%-S",
        ('s', _) => "%S",
        ('S', 1..=3) => "%3f",
        ('S', 4..=6) => "%6f",
        ('S', _) => "%9f",
        ('Z', 1) => "+0000",
        ('Z', 2) => "+00:00",
        ('z' | 'Z', _) => "UTC",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time() -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, 11, 5).unwrap().and_hms_micro_opt(15, 4, 9, 123_456).unwrap()
    }

    #[test]
    fn a_time_is_written_by_mysqls_letters() {
        let mut formats = Formats::new(Dialect::Mysql);
        let mut check = |format: &str, expected: &str| assert_eq!(formats.write(&time(), format).unwrap(), expected);
        check("%Y-%m-%d %H:%i:%s", "2026-11-05 15:04:09");
        check("%a %e %b %y, %l %p %f %%", "Thu 5 Nov 26, 3 PM 123456 %");
        check("%W %M %j %k %T", "Thursday November 309 15 15:04:09");
        assert!(formats.write(&time(), "%Q").is_err());
        assert!(formats.write(&time(), "%").is_err());
    }

    #[test]
    fn a_time_is_written_by_jodas_letters() {
        let mut formats = Formats::new(Dialect::Joda);
        let mut check = |format: &str, expected: &str| assert_eq!(formats.write(&time(), format).unwrap(), expected);
        check("yyyy-MM-dd'T'HH:mm:ss.SSS", "2026-11-05T15:04:09.123");
        check("EEE d MMM yy h a '%'", "Thu 5 Nov 26 3 PM %");
        check("yyyy''MM", "2026'11");
        assert!(formats.write(&time(), "Q").is_err());
    }

    #[test]
    fn a_time_is_read_and_what_is_left_out_is_the_first() {
        let mut formats = Formats::new(Dialect::Mysql);
        let mut check = |text: &str, format: &str, expected: &str| {
            assert_eq!(formats.read(text, format).unwrap().to_string(), expected);
        };
        check("2026-11-05 15:04:09", "%Y-%m-%d %H:%i:%s", "2026-11-05 15:04:09");
        check("2026-11", "%Y-%m", "2026-11-01 00:00:00");
        check("05/11/2026 15", "%d/%m/%Y %H", "2026-11-05 15:00:00");
        assert!(formats.read("yesterday", "%Y").is_err());
    }
}
