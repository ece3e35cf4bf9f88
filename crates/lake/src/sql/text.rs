//! Values as Trino writes them: what `GetQueryResults`, CSV files and tables on a terminal show.

use arrow::array::types::{Float16Type, Float32Type, Float64Type};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::temporal_conversions::as_datetime;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::fmt::Write;

/// Trino's text of the value in `row`; None where there is none.
pub fn text(array: &dyn Array, row: usize) -> Option<String> {
    let mut out = String::new();
    write(array, row, &mut out).then_some(out)
}

/// Appends the value; false, and nothing appended, where there is none.
fn write(array: &dyn Array, row: usize, out: &mut String) -> bool {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return false;
    }
    match array.data_type() {
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Float16 => double(f64::from(array.as_primitive::<Float16Type>().value(row).to_f32()), out),
        DataType::Float32 => double(f64::from(array.as_primitive::<Float32Type>().value(row)), out),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Timestamp(..) => return timestamp(array, row, out),
        DataType::List(_) => list(&array.as_list::<i32>().value(row), out),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), out),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row), out),
        DataType::Map(..) => map(array, row, out),
        DataType::Struct(_) => record(array, row, out),
        DataType::Dictionary(..) => return entry(array, row, out),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), out),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row), out),
        DataType::BinaryView => bytes(array.as_binary_view().value(row), out),
        _ => return other(array, row, out),
    }
    true
}

fn or_null(array: &dyn Array, row: usize, out: &mut String) {
    if !write(array, row, out) {
        out.push_str("null");
    }
}

fn list(values: &ArrayRef, out: &mut String) {
    out.push('[');
    for row in 0..values.len() {
        out.push_str(if row == 0 { "" } else { ", " });
        or_null(values, row, out);
    }
    out.push(']');
}

fn map(array: &dyn Array, row: usize, out: &mut String) {
    let entries = array.as_map().value(row);
    out.push('{');
    for entry in 0..entries.len() {
        out.push_str(if entry == 0 { "" } else { ", " });
        or_null(entries.column(0), entry, out);
        out.push('=');
        or_null(entries.column(1), entry, out);
    }
    out.push('}');
}

fn record(array: &dyn Array, row: usize, out: &mut String) {
    let fields = array.as_struct();
    out.push('{');
    for (index, (field, values)) in fields.fields().iter().zip(fields.columns()).enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        out.push_str(field.name());
        out.push('=');
        or_null(values, row, out);
    }
    out.push('}');
}

fn entry(array: &dyn Array, row: usize, out: &mut String) -> bool {
    let entries = array.as_any_dictionary();
    match entries.normalized_keys().get(row) {
        Some(key) => write(entries.values(), *key, out),
        None => false,
    }
}

/// Hexadecimal digits, as Trino shows `varbinary`.
fn bytes(bytes: &[u8], out: &mut String) {
    for (index, byte) in bytes.iter().enumerate() {
        let gap = if index == 0 { "" } else { " " };
        let _ = write!(out, "{gap}{byte:02x}");
    }
}

fn timestamp(array: &dyn Array, row: usize, out: &mut String) -> bool {
    use arrow::datatypes as types;
    let (value, zone) = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => (
            as_datetime::<types::TimestampSecondType>(array.as_primitive::<types::TimestampSecondType>().value(row)),
            zone,
        ),
        DataType::Timestamp(TimeUnit::Millisecond, zone) => {
            let value = array.as_primitive::<types::TimestampMillisecondType>().value(row);
            (as_datetime::<types::TimestampMillisecondType>(value), zone)
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let value = array.as_primitive::<types::TimestampMicrosecondType>().value(row);
            (as_datetime::<types::TimestampMicrosecondType>(value), zone)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let value = array.as_primitive::<types::TimestampNanosecondType>().value(row);
            (as_datetime::<types::TimestampNanosecondType>(value), zone)
        }
        _ => return false,
    };
    let Some(value) = value else { return false };
    if matches!(zone.as_deref(), None | Some("UTC" | "+00:00" | "Z")) {
        let _ = write!(out, "{}", value.format("%Y-%m-%d %H:%M:%S%.3f"));
        return true;
    }
    zoned(array, row, out)
}

/// A time in another zone, with the zone behind it.
fn zoned(array: &dyn Array, row: usize, out: &mut String) -> bool {
    let format = FormatOptions::new().with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.3f"));
    let Ok(formatter) = ArrayFormatter::try_new(array, &format) else { return false };
    let DataType::Timestamp(_, Some(zone)) = array.data_type() else { return false };
    write!(out, "{} {zone}", formatter.value(row)).is_ok()
}

fn other(array: &dyn Array, row: usize, out: &mut String) -> bool {
    let Ok(formatter) = ArrayFormatter::try_new(array, &FormatOptions::new()) else { return false };
    write!(out, "{}", formatter.value(row)).is_ok()
}

/// As Java prints doubles: always a fraction, and an exponent from 10^7 up and below 10^-3.
fn double(value: f64, out: &mut String) {
    let size = value.abs();
    let done = if value.is_nan() {
        out.write_str("NaN")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if value == 0.0 || (1e-3..1e7).contains(&size) {
        write!(out, "{value:?}")
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = if digits.contains('.') { "" } else { ".0" };
        write!(out, "{digits}{fraction}E{exponent}")
    };
    let _ = done;
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, MapBuilder, StringArray, StringBuilder,
        StructArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Field, Int32Type};
    use std::sync::Arc;

    fn check(array: &dyn Array, expected: &[Option<&str>]) {
        let texts: Vec<_> = (0..array.len()).map(|row| text(array, row)).collect();
        assert_eq!(texts.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn plain_values_are_written_as_trino_writes_them() {
        check(&StringArray::from(vec![Some("a b"), None]), &[Some("a b"), None]);
        check(&Int64Array::from(vec![Some(-7), None]), &[Some("-7"), None]);
        check(&BooleanArray::from(vec![true, false]), &[Some("true"), Some("false")]);
        check(&"a b a".split(' ').collect::<DictionaryArray<Int32Type>>(), &[Some("a"), Some("b"), Some("a")]);
    }

    #[test]
    fn doubles_have_a_fraction_and_an_exponent_when_they_are_far_from_one() {
        let values = vec![1.0, 0.25, 1e7, 123_456_789.5, 0.0001, f64::NAN, f64::NEG_INFINITY, 0.0];
        let texts = ["1.0", "0.25", "1.0E7", "1.234567895E8", "1.0E-4", "NaN", "-Infinity", "0.0"];
        check(&Float64Array::from(values), &texts.map(Some));
    }

    #[test]
    fn times_have_milliseconds_and_no_zone_when_it_is_utc() {
        let times = TimestampMicrosecondArray::from(vec![Some(1_795_629_600_000_000), None]).with_timezone("UTC");
        check(&times, &[Some("2026-11-25 18:00:00.000"), None]);
        let east = TimestampMicrosecondArray::from(vec![1_795_629_600_123_456]).with_timezone("+02:00");
        check(&east, &[Some("2026-11-25 20:00:00.123 +02:00")]);
    }

    #[test]
    fn nested_values_are_written_with_their_names() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("IAMUser"), None]));
        let lists: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]));
        let fields = vec![
            (Arc::new(Field::new("type", DataType::Utf8, true)), names),
            (Arc::new(Field::new("counts", lists.data_type().clone(), true)), lists),
        ];
        let rows = StructArray::from(fields);
        check(&rows, &[Some("{type=IAMUser, counts=[1, null]}"), Some("{type=null, counts=null}")]);
    }

    #[test]
    fn maps_are_written_with_an_equals_sign() {
        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        maps.keys().append_value("bucketName");
        maps.values().append_value("b1");
        maps.keys().append_value("key");
        maps.values().append_null();
        maps.append(true).unwrap();
        maps.append(true).unwrap();
        check(&maps.finish(), &[Some("{bucketName=b1, key=null}"), Some("{}")]);
    }
}
