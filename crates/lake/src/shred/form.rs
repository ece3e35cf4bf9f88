//! Marks: how a form says "here stands what is in that column".
//!
//! ```text
//! 0x01 c    VALUE
//! 0x02 c    "KEY":VALUE
//! 0x03 c    ,"KEY":VALUE
//! 0x04 c    ,"KEY":null          (the column is null)
//! ```
//!
//! `c` is 0x20 + the column's field id, KEY the last key of its path. JSON has no bare control
//! characters but tab, line feed and carriage return, so no event can contain a mark.

use crate::schema::{COLUMNS, Column, Kind};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringBuilder, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use cairn_event::Time;

pub(super) const VALUE: u8 = 1;
pub(super) const MEMBER: u8 = 2;
pub(super) const NEXT_MEMBER: u8 = 3;
pub(super) const NEXT_NULL: u8 = 4;

const BASE: u8 = 0x20;

const _: () = {
    let mut index = 0;
    while index < COLUMNS.len() {
        let field = COLUMNS[index].field;
        assert!(field > 0 && BASE as i32 + field < 0x80, "a mark is one byte of ASCII");
        index += 1;
    }
};

/// The second byte of a column's marks.
#[inline]
pub(super) const fn code(column: &Column) -> u8 {
    BASE + column.field as u8
}

/// The original events of rows that have at least the columns `form` and those that its marks name.
/// Columns may come in any type that reads as theirs (views, dictionaries). Null where a row has no form,
/// or names a column that is not there.
pub fn originals(rows: &RecordBatch) -> StringArray {
    let mut made = StringBuilder::with_capacity(rows.num_rows(), rows.get_array_memory_size());
    let Some(form) = rows.column_by_name(super::FORM).and_then(texts) else {
        return StringArray::new_null(rows.num_rows());
    };
    let filler = Filler::new(rows);
    let mut event = Vec::new();
    for row in 0..rows.num_rows() {
        event.clear();
        let whole = form.get(row).is_some_and(|form| filler.fill(form.as_bytes(), row, &mut event).is_some());
        match std::str::from_utf8(&event) {
            Ok(event) if whole => made.append_value(event),
            _ => made.append_null(),
        }
    }
    made.finish()
}

/// A column's texts, however they are kept.
enum Texts {
    Plain(StringArray),
    View(StringViewArray),
}

impl Texts {
    #[inline]
    fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Plain(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::View(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }
}

fn texts(array: &ArrayRef) -> Option<Texts> {
    match array.data_type() {
        DataType::Utf8 => array.as_string_opt::<i32>().cloned().map(Texts::Plain),
        DataType::Utf8View => array.as_string_view_opt().cloned().map(Texts::View),
        DataType::Null => None,
        _ => cast(array, &DataType::Utf8).ok()?.as_string_opt::<i32>().cloned().map(Texts::Plain),
    }
}

enum Values {
    Absent,
    /// Written between quotes.
    Text(Texts),
    Json(Texts),
    Bool(BooleanArray),
    /// Microseconds.
    Time(arrow::array::TimestampMicrosecondArray),
}

impl Values {
    fn of(rows: &RecordBatch, column: &Column) -> Self {
        let Some(array) = rows.column_by_name(column.name) else { return Self::Absent };
        let values = match column.kind {
            Kind::Text => texts(array).map(Self::Text),
            Kind::Json => texts(array).map(Self::Json),
            Kind::Bool => array.as_boolean_opt().cloned().map(Self::Bool),
            Kind::Time => cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))
                .ok()
                .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>().cloned())
                .map(Self::Time),
            Kind::Texts => None,
        };
        values.unwrap_or(Self::Absent)
    }

    #[inline]
    fn write(&self, row: usize, into: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Absent => return None,
            Self::Text(texts) => {
                let text = texts.get(row)?;
                into.push(b'"');
                into.extend_from_slice(text.as_bytes());
                into.push(b'"');
            }
            Self::Json(texts) => into.extend_from_slice(texts.get(row)?.as_bytes()),
            Self::Bool(flags) => {
                let flag = flags.is_valid(row).then(|| flags.value(row))?;
                into.extend_from_slice(if flag { b"true" } else { b"false" });
            }
            Self::Time(times) => {
                let micros = times.is_valid(row).then(|| times.value(row))?;
                into.push(b'"');
                into.extend_from_slice(Time(micros.div_euclid(1000)).iso().as_bytes());
                into.push(b'"');
            }
        }
        Some(())
    }
}

/// The values of each column, and what stands before them, by the columns' codes.
struct Filler {
    columns: Vec<(Vec<u8>, Values)>,
}

impl Filler {
    fn new(rows: &RecordBatch) -> Self {
        let mut columns: Vec<_> = (0..128).map(|_| (Vec::new(), Values::Absent)).collect();
        for column in COLUMNS {
            if let Some(key) = column.path.last() {
                columns[usize::from(code(column))] = (format!(",\"{key}\":").into_bytes(), Values::of(rows, column));
            }
        }
        Self { columns }
    }

    /// Writes an event; None when its form names what is not there.
    fn fill(&self, form: &[u8], row: usize, into: &mut Vec<u8>) -> Option<()> {
        let (mut copied, mut at) = (0, 0);
        while at < form.len() {
            let mark = form[at];
            if !(VALUE..=NEXT_NULL).contains(&mark) {
                at += 1;
                continue;
            }
            into.extend_from_slice(&form[copied..at]);
            let (before, values) = self.columns.get(usize::from(*form.get(at + 1)?))?;
            match mark {
                VALUE => values.write(row, into)?,
                MEMBER => {
                    into.extend_from_slice(before.get(1..)?);
                    values.write(row, into)?;
                }
                NEXT_MEMBER => {
                    into.extend_from_slice(before);
                    values.write(row, into)?;
                }
                _ => {
                    into.extend_from_slice(before);
                    into.extend_from_slice(b"null");
                }
            }
            at += 2;
            copied = at;
        }
        into.extend_from_slice(&form[copied..]);
        Some(())
    }
}
