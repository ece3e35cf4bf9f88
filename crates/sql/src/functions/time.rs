//! Times: what is added, cut, counted between them and taken out of them.

use super::time_format::{self, Dialect};
use super::{Call, DATE, DOUBLE, Function, Gives, INT, Kind, TEXT, TIME, at, time_type};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array, ArrayRef, Date32Array};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, exec_err, plan_err};
use std::str::FromStr;
use std::sync::Arc;

pub const FUNCTIONS: &[Function] = &[
    Function::new("date_add", &[Kind::Text, Kind::Int, Kind::Time], Gives::Types(|types| Ok(types[2].clone())), add),
    Function::new("date_diff", &[Kind::Text, Kind::Time, Kind::Time], INT, difference),
    Function::new("date_format", &[Kind::Time, Kind::Text], TEXT, |call| format(call, Dialect::Mysql)),
    Function::new("format_datetime", &[Kind::Time, Kind::Text], TEXT, |call| format(call, Dialect::Joda)),
    Function::new("date_parse", &[Kind::Text, Kind::Text], TIME, |call| parse(call, Dialect::Mysql, false)),
    Function::new("try_date_parse", &[Kind::Text, Kind::Text], TIME, |call| parse(call, Dialect::Mysql, true)),
    Function::new("parse_datetime", &[Kind::Text, Kind::Text], TIME, |call| parse(call, Dialect::Joda, false)),
    Function::new("from_iso8601_timestamp", &[Kind::Text], TIME, |call| read(call, iso, false)),
    Function::new("try_from_iso8601_timestamp", &[Kind::Text], TIME, |call| read(call, iso, true)),
    Function::new("from_iso8601_date", &[Kind::Text], DATE, |call| date(call, false)),
    Function::new("try_from_iso8601_date", &[Kind::Text], DATE, |call| date(call, true)),
    Function::new("timestamp_of", &[Kind::Any], TIME, |call| timestamp_of(call, false)),
    Function::new("try_timestamp", &[Kind::Any], TIME, |call| timestamp_of(call, true)),
    Function::new("to_iso8601", &[Kind::Time], TEXT, to_iso),
    Function::new("from_unixtime", &[Kind::Double], TIME, from_unix),
    Function::new("to_unixtime", &[Kind::Time], DOUBLE, |call| Ok(to_unix(call))),
    Function::new("at_timezone", &[Kind::Time, Kind::Any], Gives::Texts(zoned_type), |call| {
        call.times(|row| Ok(call.time(0).is_valid(row).then(|| call.time(0).value(row))))
    }),
    Function::new("year", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.year()))),
    Function::new("quarter", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.month0() / 3 + 1))),
    Function::new("month", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.month()))),
    Function::new("week", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.iso_week().week()))),
    Function::new("week_of_year", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.iso_week().week()))),
    Function::new("year_of_week", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.iso_week().year()))),
    Function::new("day", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.day()))),
    Function::new("day_of_month", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.day()))),
    Function::new("day_of_week", &[Kind::Time], INT, |call| part(call, weekday)),
    Function::new("dow", &[Kind::Time], INT, |call| part(call, weekday)),
    Function::new("day_of_year", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.ordinal()))),
    Function::new("doy", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.ordinal()))),
    Function::new("hour", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.hour()))),
    Function::new("minute", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.minute()))),
    Function::new("second", &[Kind::Time], INT, |call| part(call, |time| i64::from(time.second()))),
    Function::new("millisecond", &[Kind::Time], INT, |call| {
        part(call, |time| i64::from(time.nanosecond() / 1_000_000))
    }),
    Function::new("last_day_of_month", &[Kind::Time], DATE, last_day),
];

/// Monday is 1.
fn weekday(time: &NaiveDateTime) -> i64 {
    i64::from(time.weekday().number_from_monday())
}

/// The zone that the times of an argument are shown in.
fn zone(data_type: &DataType) -> Result<Option<Tz>> {
    match data_type {
        DataType::Timestamp(_, Some(zone)) if !matches!(&**zone, "UTC" | "+00:00" | "Z") => {
            Ok(Some(Tz::from_str(zone)?))
        }
        _ => Ok(None),
    }
}

fn utc(micros: i64) -> Result<DateTime<Utc>> {
    out_of_range(DateTime::from_timestamp_micros(micros))
}

/// Wall-clock time of a row in its zone.
fn local(call: &Call, index: usize, row: usize) -> Result<Option<NaiveDateTime>> {
    if call.time(index).is_null(row) {
        return Ok(None);
    }
    let time = utc(call.time(index).value(row))?;
    Ok(Some(match zone(call.arrays[index].data_type())? {
        Some(zone) => time.with_timezone(&zone).naive_local(),
        None => time.naive_utc(),
    }))
}

fn part(call: &Call, part: fn(&NaiveDateTime) -> i64) -> Result<ArrayRef> {
    call.ints(|row| Ok(local(call, 0, row)?.as_ref().map(part)))
}

/// What a unit is: so many microseconds, or so many months.
enum Unit {
    Micros(i64),
    Months(i64),
}

const SECOND: i64 = 1_000_000;

fn unit(name: &str) -> Result<Unit> {
    Ok(match name.to_lowercase().as_str() {
        "millisecond" => Unit::Micros(1_000),
        "second" => Unit::Micros(SECOND),
        "minute" => Unit::Micros(60 * SECOND),
        "hour" => Unit::Micros(3_600 * SECOND),
        "day" => Unit::Micros(86_400 * SECOND),
        "week" => Unit::Micros(7 * 86_400 * SECOND),
        "month" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" => Unit::Months(12),
        other => {
            let known = ["millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"];
            return exec_err!("there is no unit {other} of time{}", crate::near::hint(other, known));
        }
    })
}

fn out_of_range<T>(value: Option<T>) -> Result<T> {
    if let Some(value) = value { Ok(value) } else { exec_err!("the time is out of range") }
}

fn add(call: &Call) -> Result<ArrayRef> {
    call.times(|row| {
        let Some(name) = at(call.text(0), row) else { return Ok(None) };
        if call.int(1).is_null(row) || call.time(2).is_null(row) {
            return Ok(None);
        }
        let (count, time) = (call.int(1).value(row), call.time(2).value(row));
        Ok(Some(match unit(name)? {
            Unit::Micros(micros) => {
                out_of_range(count.checked_mul(micros).and_then(|micros| time.checked_add(micros)))?
            }
            Unit::Months(months) => out_of_range(count.checked_mul(months).and_then(|months| shift(time, months)))?,
        }))
    })
}

pub fn shift(micros: i64, months: i64) -> Option<i64> {
    let time = DateTime::from_timestamp_micros(micros)?;
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let shifted = if months < 0 { time.checked_sub_months(count) } else { time.checked_add_months(count) };
    shifted.map(|time| time.timestamp_micros())
}

/// Whole units between two times.
fn difference(call: &Call) -> Result<ArrayRef> {
    call.ints(|row| {
        let Some(name) = at(call.text(0), row) else { return Ok(None) };
        if call.time(1).is_null(row) || call.time(2).is_null(row) {
            return Ok(None);
        }
        let (from, to) = (call.time(1).value(row), call.time(2).value(row));
        Ok(Some(match unit(name)? {
            Unit::Micros(micros) => out_of_range(to.checked_sub(from))? / micros,
            Unit::Months(months) => whole_months(from, to)? / months,
        }))
    })
}

fn whole_months(from: i64, to: i64) -> Result<i64> {
    if to < from {
        return Ok(-whole_months(to, from)?);
    }
    let (start, end) = (utc(from)?, utc(to)?);
    let months = i64::from(end.year() - start.year()) * 12 + i64::from(end.month()) - i64::from(start.month());
    let whole = shift(from, months).is_some_and(|time| time <= to);
    Ok(if whole { months } else { months - 1 })
}

fn format(call: &Call, dialect: Dialect) -> Result<ArrayRef> {
    let mut formats = time_format::Formats::new(dialect);
    call.texts(|row| {
        let (Some(time), Some(format)) = (local(call, 0, row)?, at(call.text(1), row)) else { return Ok(None) };
        formats.write(&time, format).map(Some)
    })
}

fn parse(call: &Call, dialect: Dialect, lenient: bool) -> Result<ArrayRef> {
    let mut formats = time_format::Formats::new(dialect);
    call.times(|row| {
        let (Some(text), Some(format)) = (at(call.text(0), row), at(call.text(1), row)) else { return Ok(None) };
        match formats.read(text, format) {
            Ok(time) => Ok(Some(time.and_utc().timestamp_micros())),
            Err(_) if lenient => Ok(None),
            Err(error) => Err(error),
        }
    })
}

fn read(call: &Call, read: fn(&str) -> Option<i64>, lenient: bool) -> Result<ArrayRef> {
    call.times(|row| match at(call.text(0), row) {
        None => Ok(None),
        Some(text) => match read(text) {
            None if !lenient => exec_err!("{text} is not an ISO 8601 time such as 2026-11-01T00:00:00Z"),
            time => Ok(time),
        },
    })
}

/// A time in ISO 8601: extended or basic, with or without time and zone.
pub fn iso(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y%m%dT%H%M%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.timestamp_micros());
        }
    }
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y%m%dT%H%M%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc().timestamp_micros());
        }
    }
    day(text).map(midnight)
}

fn day(text: &str) -> Option<NaiveDate> {
    let formats = ["%Y-%m-%d", "%Y%m%d", "%G-W%V-%u", "%Y-%j"];
    formats.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok())
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

/// A time as SQL writes it, `2026-11-01 00:00:00.000`, or in ISO 8601.
pub fn sql(text: &str) -> Option<i64> {
    let text = text.trim();
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text.strip_suffix(" UTC").unwrap_or(text), format) {
            return Some(time.and_utc().timestamp_micros());
        }
    }
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %#z") {
        return Some(time.timestamp_micros());
    }
    zoned(text).or_else(|| iso(text))
}

/// `2026-11-01 00:00:00 Europe/Berlin`.
fn zoned(text: &str) -> Option<i64> {
    let (time, zone) = text.rsplit_once(' ')?;
    let zone = Tz::from_str(zone).ok()?;
    let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_local_timezone(zone).earliest()?.timestamp_micros())
}

fn timestamp_of(call: &Call, lenient: bool) -> Result<ArrayRef> {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::compute::cast;
    let array = &call.arrays[0];
    let texts = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => cast(array, &DataType::Utf8View)?,
        _ => return Ok(cast(array, &time_type())?),
    };
    let texts = texts.as_string_view();
    call.times(|row| match at(texts, row) {
        None => Ok(None),
        Some(text) => match sql(text) {
            None if !lenient => exec_err!("{text} is not a time such as 2026-11-01 00:00:00"),
            time => Ok(time),
        },
    })
}

fn date(call: &Call, lenient: bool) -> Result<ArrayRef> {
    let epoch = NaiveDate::default();
    let days = (0..call.rows).map(|row| match at(call.text(0), row) {
        None => Ok(None),
        Some(text) => match day(text) {
            Some(day) => Ok(Some((day - epoch).num_days() as i32)),
            None if lenient => Ok(None),
            None => exec_err!("{text} is not an ISO 8601 date such as 2026-11-01"),
        },
    });
    Ok(Arc::new(days.collect::<Result<Date32Array>>()?))
}

fn to_iso(call: &Call) -> Result<ArrayRef> {
    let zone = zone(call.arrays[0].data_type())?;
    call.texts(|row| {
        if call.time(0).is_null(row) {
            return Ok(None);
        }
        let time = utc(call.time(0).value(row))?;
        Ok(Some(match &zone {
            Some(zone) => time.with_timezone(zone).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
            None => time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        }))
    })
}

fn from_unix(call: &Call) -> Result<ArrayRef> {
    call.times(|row| {
        if call.double(0).is_null(row) {
            return Ok(None);
        }
        let micros = (call.double(0).value(row) * 1e6).round();
        if micros.abs() < 9e18 { Ok(Some(micros as i64)) } else { exec_err!("the time is out of range") }
    })
}

fn to_unix(call: &Call) -> ArrayRef {
    use datafusion::arrow::array::Float64Array;
    let seconds = call.time(0).iter().map(|time| time.map(|micros| micros as f64 / 1e6));
    Arc::new(seconds.collect::<Float64Array>())
}

fn zoned_type(_: &[DataType], texts: &[Option<&str>]) -> Result<DataType> {
    let Some(zone) = texts.get(1).copied().flatten() else {
        return plan_err!("the time zone is a literal such as 'Europe/Berlin'");
    };
    if Tz::from_str(zone).is_err() {
        return plan_err!("there is no time zone {zone}");
    }
    Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into())))
}

fn last_day(call: &Call) -> Result<ArrayRef> {
    let epoch = NaiveDate::default();
    let days = (0..call.rows).map(|row| {
        let Some(time) = local(call, 0, row)? else { return Ok(None) };
        let next = time.date().with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
        let last = out_of_range(next.and_then(|next| next.checked_sub_days(Days::new(1))))?;
        Ok(Some((last - epoch).num_days() as i32))
    });
    Ok(Arc::new(days.collect::<Result<Date32Array>>()?))
}
