//! The columns of a batch while it grows.
//!
//! Most columns are empty in most events, so nothing is done for them: a column catches up with the
//! rows that it has missed when it gets its next value, or at the end.

use crate::schema::{self, COLUMNS, Kind};
use arrow::array::{ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use std::sync::Arc;

/// One bit a row.
#[derive(Debug, Default)]
struct Bits(Vec<u8>);

impl Bits {
    #[inline]
    fn set(&mut self, row: usize) {
        let byte = row / 8;
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= 1 << (row % 8);
    }

    fn clear(&mut self, row: usize) {
        if let Some(byte) = self.0.get_mut(row / 8) {
            *byte &= !(1 << (row % 8));
        }
    }

    fn get(&self, row: usize) -> bool {
        self.0.get(row / 8).is_some_and(|byte| byte & 1 << (row % 8) != 0)
    }

    fn take(&mut self, rows: usize) -> BooleanBuffer {
        let mut bytes = std::mem::take(&mut self.0);
        bytes.resize(rows.div_ceil(8), 0);
        BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows)
    }
}

/// Where each row of a column ends.
#[derive(Debug)]
struct Ends(Vec<i32>);

impl Default for Ends {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Ends {
    fn last(&self) -> i32 {
        self.0.last().copied().unwrap_or(0)
    }

    /// Rows up to this one, which have nothing, end where the last one did.
    #[inline]
    fn reach(&mut self, row: usize) {
        if self.0.len() <= row {
            let last = self.last();
            self.0.resize(row + 1, last);
        }
    }

    fn take(&mut self, rows: usize) -> OffsetBuffer<i32> {
        self.reach(rows);
        let ends = std::mem::take(self).0;
        self.0.reserve(ends.len());
        OffsetBuffer::new(ScalarBuffer::from(fitted(ends)))
    }
}

/// What has grown by doubling gives back what it does not need; rows may stay in memory for long.
fn fitted<T>(mut grown: Vec<T>) -> Vec<T> {
    if grown.capacity() > grown.len() + grown.len() / 4 {
        grown.shrink_to_fit();
    }
    grown
}

/// A column of texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    ends: Ends,
    bytes: Vec<u8>,
    present: Bits,
}

impl Texts {
    #[inline]
    pub(super) fn put(&mut self, row: usize, text: &str) {
        self.ends.reach(row);
        self.bytes.extend_from_slice(text.as_bytes());
        self.close(row);
    }

    /// Where the text of the row that is being made is written; [`Texts::close`] ends it.
    pub(super) fn open(&mut self, row: usize) -> &mut Vec<u8> {
        self.ends.reach(row);
        &mut self.bytes
    }

    #[inline]
    pub(super) fn close(&mut self, row: usize) {
        self.ends.0.push(self.bytes.len() as i32);
        self.present.set(row);
    }

    /// The text of a row that has been put.
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        if !self.present.get(row) {
            return None;
        }
        let range = *self.ends.0.get(row)? as usize..*self.ends.0.get(row + 1)? as usize;
        std::str::from_utf8(self.bytes.get(range)?).ok()
    }

    fn cut(&mut self, row: usize) {
        self.ends.0.truncate(row + 1);
        self.bytes.truncate(self.ends.last() as usize);
        self.present.clear(row);
    }

    fn size(&self, rows: usize) -> usize {
        self.bytes.len() + rows * 4 + rows / 8
    }

    fn take(&mut self, rows: usize) -> ArrayRef {
        let ends = self.ends.take(rows);
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes.reserve(bytes.len());
        let nulls = NullBuffer::new(self.present.take(rows));
        let texts = StringArray::try_new(ends, Buffer::from_vec(fitted(bytes)), Some(nulls));
        Arc::new(texts.expect("a column is made of whole texts in order"))
    }
}

/// A column of lists of texts.
#[derive(Debug, Default)]
pub(super) struct Lists {
    ends: Ends,
    texts: Texts,
    elements: usize,
    present: Bits,
}

impl Lists {
    pub(super) fn put<'t>(&mut self, row: usize, texts: impl Iterator<Item = &'t str>) {
        let before = self.elements;
        for text in texts {
            self.texts.put(self.elements, text);
            self.elements += 1;
        }
        if self.elements > before {
            self.ends.reach(row);
            self.ends.0.push(self.elements as i32);
            self.present.set(row);
        }
    }

    fn size(&self, rows: usize) -> usize {
        self.texts.size(self.elements) + rows * 4 + rows / 8
    }

    fn take(&mut self, rows: usize, kind: &DataType) -> ArrayRef {
        let DataType::List(field) = kind else { unreachable!("only lists are kept in lists") };
        let elements = std::mem::take(&mut self.elements);
        let ends = self.texts.ends.take(elements);
        let bytes = fitted(std::mem::take(&mut self.texts.bytes));
        self.texts = Texts::default();
        let texts =
            StringArray::try_new(ends, Buffer::from_vec(bytes), None).expect("elements are whole texts in order");
        let nulls = NullBuffer::new(self.present.take(rows));
        Arc::new(ListArray::new(Arc::clone(field), self.ends.take(rows), Arc::new(texts), Some(nulls)))
    }
}

/// All columns. Those of another kind than an index says are simply never asked for.
#[derive(Debug)]
pub(super) struct Columns {
    schema: SchemaRef,
    texts: Vec<Texts>,
    flags: Vec<(Bits, Bits)>,
    times: Vec<Vec<i64>>,
    lists: Vec<Lists>,
}

impl Columns {
    pub(super) fn new() -> Self {
        fn each<T: Default>() -> Vec<T> {
            COLUMNS.iter().map(|_| T::default()).collect()
        }
        Self { schema: schema::arrow(), texts: each(), flags: each(), times: each(), lists: each() }
    }

    #[inline]
    pub(super) fn text(&mut self, column: usize) -> &mut Texts {
        &mut self.texts[column]
    }

    pub(super) fn text_at(&self, column: usize, row: usize) -> Option<&str> {
        self.texts[column].get(row)
    }

    pub(super) fn flag(&mut self, column: usize, row: usize, value: bool) {
        let (present, values) = &mut self.flags[column];
        present.set(row);
        if value {
            values.set(row);
        }
    }

    /// Times have a value in every row.
    pub(super) fn time(&mut self, column: usize, micros: i64) {
        self.times[column].push(micros);
    }

    pub(super) fn list(&mut self, column: usize) -> &mut Lists {
        &mut self.lists[column]
    }

    /// Takes away what an event that turned out to be none has put into this row: texts and flags.
    /// Times and lists are put last, when nothing can fail any more.
    pub(super) fn cut(&mut self, row: usize) {
        for texts in &mut self.texts {
            texts.cut(row);
        }
        for (present, values) in &mut self.flags {
            present.clear(row);
            values.clear(row);
        }
    }

    pub(super) fn size(&self, rows: usize) -> usize {
        let of = |(index, column): (usize, &schema::Column)| match column.kind {
            Kind::Text | Kind::Json => self.texts[index].size(rows),
            Kind::Bool => rows / 4,
            Kind::Time => rows * 8,
            Kind::Texts => self.lists[index].size(rows),
        };
        COLUMNS.iter().enumerate().map(of).sum()
    }

    pub(super) fn finish(&mut self, rows: usize) -> RecordBatch {
        let schema = Arc::clone(&self.schema);
        let arrays = COLUMNS.iter().enumerate().map(|(index, column)| -> ArrayRef {
            match column.kind {
                Kind::Text | Kind::Json => self.texts[index].take(rows),
                Kind::Bool => {
                    let (present, values) = &mut self.flags[index];
                    Arc::new(BooleanArray::new(values.take(rows), Some(NullBuffer::new(present.take(rows)))))
                }
                Kind::Time => {
                    let times = fitted(std::mem::take(&mut self.times[index]));
                    Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
                }
                Kind::Texts => self.lists[index].take(rows, schema.field(index).data_type()),
            }
        });
        let arrays = arrays.collect();
        RecordBatch::try_new(schema, arrays).expect("the arrays are of the schema's types and of one length")
    }
}
