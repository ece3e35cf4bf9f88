//! Files of results.

use crate::query::csv;
use crate::query::result::{self, Unwritten, Writer};
use crate::sql::Column;
use arrow::array::{ArrayRef, Int32Array, IntervalMonthDayNanoArray, NullArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, IntervalMonthDayNano, Schema};
use cairn_store::Blobs;
use cairn_world::World;
use std::sync::Arc;

fn blobs(dir: &tempfile::TempDir) -> Blobs {
    Blobs::open(&World::system(), dir.path()).unwrap()
}

fn columns(names: &[&str]) -> Vec<Column> {
    names.iter().map(|&name| Column { name: name.to_owned(), kind: "varchar".to_owned() }).collect()
}

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<_> = columns.iter().map(|column| Field::new("x", column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn written(blobs: &Blobs, names: &[&str], batches: &[RecordBatch]) -> Arc<dyn cairn_world::File> {
    let mut writer = Writer::create(blobs, columns(names), 1 << 20).unwrap_or_else(|_| panic!());
    for batch in batches {
        writer.write(batch).unwrap_or_else(|_| panic!());
    }
    let (id, bytes) = writer.finish().unwrap_or_else(|_| panic!());
    let file = result::file(blobs, id.as_str()).unwrap();
    assert_eq!(file.len().unwrap(), bytes);
    file
}

#[test]
fn columns_of_one_name_and_types_that_files_do_not_know_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let interval = IntervalMonthDayNano::new(0, 1, 0);
    let all = batch(vec![
        Arc::new(Int32Array::from(vec![Some(1), None])),
        Arc::new(Int32Array::from(vec![2, 3])),
        Arc::new(IntervalMonthDayNanoArray::from(vec![Some(interval), None])),
        Arc::new(NullArray::new(2)),
    ]);
    let expected: Vec<_> = all.columns().iter().map(|column| crate::sql::text(column, 0)).collect();
    let file = written(&blobs(&dir), &["a", "a", "b", "c"], &[all]);
    let page = result::page(file, 0, 10, 1000).unwrap();
    assert_eq!(page.rows[0], expected);
    assert_eq!(page.rows[1], [None, Some("3".to_owned()), None, None]);
}

#[test]
fn an_empty_result_has_its_columns_and_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(&blobs(&dir), &["a", "b"], &[]);
    assert_eq!(result::page(file.clone(), 0, 10, 1000).unwrap(), result::Page::default());
    let mut files = Vec::new();
    let give = |body| {
        files.push(body);
        Ok(())
    };
    csv::files(file, &columns(&["a", "b"]), 1 << 20, give).unwrap();
    assert_eq!(cairn_store::gzip::inflate_one(&files[0], 100).unwrap(), b"a,b\r\n");
}

#[test]
fn a_result_past_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&blobs(&dir), columns(&["a"]), 1000).unwrap_or_else(|_| panic!());
    // Texts that do not compress.
    let texts = (0..2000_u64).map(|number| Some(format!("{:x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
    let refused = writer.write(&batch(vec![Arc::new(texts.collect::<StringArray>())]));
    assert!(matches!(refused, Err(Unwritten::TooLarge)));
    drop(writer);
    assert!(blobs(&dir).list().unwrap().is_empty());
}

#[test]
fn a_damaged_file_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = blobs(&dir).create().unwrap();
    writer.write(b"PAR1 this is no result PAR1").unwrap();
    let id = writer.finish().unwrap();
    let file = result::file(&blobs(&dir), id.as_str()).unwrap();
    assert!(matches!(result::page(file, 0, 1, 1), Err(crate::Error::Corrupt(_))));
}

#[test]
fn a_large_result_has_several_csv_files_each_with_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let text = |number: u64| format!("{:x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let rows = |from: u64| batch(vec![Arc::new((from..from + 1024).map(|n| Some(text(n))).collect::<StringArray>())]);
    let file = written(&blobs(&dir), &["a"], &[rows(0), rows(1024), rows(2048)]);
    let mut all = Vec::new();
    let give = |body: bytes::Bytes| {
        let csv = String::from_utf8(cairn_store::gzip::inflate_one(&body, 1 << 20).unwrap()).unwrap();
        let (header, rest) = csv.split_once("\r\n").unwrap();
        assert_eq!(header, "a");
        all.push(rest.to_owned());
        Ok(())
    };
    csv::files(file, &columns(&["a"]), 1000, give).unwrap();
    assert_eq!(all.len(), 3);
    let expected: String = (0..3072).map(|number| text(number) + "\r\n").collect();
    assert_eq!(all.concat(), expected);
}
