//! Results as CSV: RFC 4180, a header with the names of the columns, lines that end in CR LF.
//!
//! A null is nothing at all, an empty text is `""`.

use super::result;
use crate::Error;
use crate::sql::Column;
use bytes::Bytes;
use cairn_world::File;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::Arc;

/// Rows in memory at a time.
const BATCH_ROWS: usize = 1024;

/// One line.
pub fn line<'a>(values: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut line = String::new();
    for (number, value) in values.enumerate() {
        if number > 0 {
            line.push(',');
        }
        match value {
            None => {}
            Some(text) if is_plain(text) => line.push_str(text),
            Some(text) => {
                line.push('"');
                line.push_str(&text.replace('"', "\"\""));
                line.push('"');
            }
        }
    }
    line.push_str("\r\n");
    line
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) && text.trim().len() == text.len()
}

/// Gives a result as gzip files of about `bytes_max` bytes, each with a header; at least one. Blocks.
pub fn files(
    file: Arc<dyn File>,
    columns: &[Column],
    bytes_max: usize,
    mut give: impl FnMut(Bytes) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Unavailable(format!("compressing a result: {error}"));
    let header = line(columns.iter().map(|column| Some(column.name.as_str())));
    let begin = || {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(header.as_bytes()).map(|()| gzip)
    };
    let mut gzip = begin().map_err(failed)?;
    for batch in result::batches(file, 0, BATCH_ROWS)? {
        let batch = batch.map_err(|error| Error::Corrupt(format!("the result cannot be read: {error}")))?;
        if gzip.get_ref().len() > bytes_max {
            let full = std::mem::replace(&mut gzip, begin().map_err(failed)?);
            give(full.finish().map_err(failed)?.into())?;
        }
        for text in lines(&batch) {
            gzip.write_all(text.as_bytes()).map_err(failed)?;
        }
    }
    give(gzip.finish().map_err(failed)?.into())
}

/// The lines of a batch.
pub fn lines(batch: &arrow::array::RecordBatch) -> impl Iterator<Item = String> {
    (0..batch.num_rows()).map(|row| {
        let values: Vec<_> = batch.columns().iter().map(|column| crate::sql::text(column, row)).collect();
        line(values.iter().map(Option::as_deref))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        for (values, expected) in [
            (&[Some("a"), None, Some("")][..], "a,,\"\"\r\n"),
            (&[Some("say \"x\""), Some("a,b")], "\"say \"\"x\"\"\",\"a,b\"\r\n"),
            (&[Some("two\nlines"), Some(" x ")], "\"two\nlines\",\" x \"\r\n"),
        ] {
            assert_eq!(line(values.iter().copied()), expected);
        }
    }
}
