//! A result in the formats that people ask for.

use super::Column;
use bytes::Bytes;
use cairn_lake::query::{csv, result};
use serde_json::{Map, Value};
use std::fmt::Write as _;

const BATCH_ROWS: usize = 1024;

/// A whole result.
pub struct Answer<'a> {
    pub columns: &'a [Column],
    /// In Parquet.
    pub file: Bytes,
}

impl Answer<'_> {
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn each(&self, mut take: impl FnMut(Vec<Option<String>>)) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("the result cannot be read: {error}");
        for batch in result::batches_of(self.file.clone(), BATCH_ROWS).map_err(|error| failed(&error))? {
            let batch = batch.map_err(|error| failed(&error))?;
            result::each_row(&batch, &mut take);
        }
        Ok(())
    }

    pub fn rows(&self) -> Result<Vec<Vec<Option<String>>>, String> {
        let mut rows = Vec::new();
        self.each(|row| rows.push(row))?;
        Ok(rows)
    }

    pub fn csv(&self) -> Result<String, String> {
        let mut text = csv::line(self.columns.iter().map(|column| Some(column.name.as_str())));
        self.each(|row| text.push_str(&csv::line(row.iter().map(Option::as_deref))))?;
        Ok(text)
    }

    /// One object a line; numbers and truths are what they are, everything else is text.
    pub fn json(&self) -> Result<String, String> {
        let mut text = String::new();
        self.each(|row| {
            let named = self.columns.iter().zip(row);
            let object: Map<String, Value> =
                named.map(|(column, value)| (column.name.clone(), json_value(&column.kind, value))).collect();
            let _ = writeln!(text, "{}", Value::Object(object));
        })?;
        Ok(text)
    }
}

fn json_value(kind: &str, value: Option<String>) -> Value {
    let Some(text) = value else { return Value::Null };
    let plain = matches!(kind, "boolean" | "tinyint" | "smallint" | "integer" | "bigint" | "real" | "double");
    match serde_json::from_str::<Value>(&text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) if plain => value,
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_truths_are_not_texts_in_json() {
        for (kind, text, expected) in [
            ("bigint", "5", "5"),
            ("double", "1.5E3", "1500.0"),
            ("double", "NaN", "\"NaN\""),
            ("boolean", "true", "true"),
            ("varchar", "5", "\"5\""),
            ("varchar", "null", "\"null\""),
        ] {
            assert_eq!(json_value(kind, Some(text.to_owned())).to_string(), expected, "{kind} {text}");
        }
        assert_eq!(json_value("bigint", None), Value::Null);
    }
}
