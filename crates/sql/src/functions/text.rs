//! Texts.

use super::{Call, Function, INT, Kind, TEXT, TEXTS, at};
use datafusion::arrow::array::{Array, ArrayRef, ListBuilder, StringViewBuilder};
use datafusion::common::{Result, exec_err};
use std::sync::Arc;

pub const FUNCTIONS: &[Function] = &[
    Function::new("split", &[Kind::Text, Kind::Text, Kind::Int], TEXTS, split).least(2),
    Function::new("split_part", &[Kind::Text, Kind::Text, Kind::Int], TEXT, split_part),
    Function::new("strpos", &[Kind::Text, Kind::Text], INT, strpos),
    Function::new("length", &[Kind::Text], INT, length),
    Function::new("replace", &[Kind::Text, Kind::Text, Kind::Text], TEXT, replace).least(2),
    Function::new("substr", &[Kind::Text, Kind::Int, Kind::Int], TEXT, substr).least(2),
    Function::new("substring", &[Kind::Text, Kind::Int, Kind::Int], TEXT, substr).least(2),
];

fn split(call: &Call) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    for row in 0..call.rows {
        let (text, delimiter) = (at(call.text(0), row), at(call.text(1), row));
        let limit = if call.has(2) { call.int(2).value(row) } else { i64::MAX };
        if limit < 1 {
            return exec_err!("the limit of split is greater than 0, not {limit}");
        }
        let (Some(text), Some(delimiter)) = (text, delimiter) else {
            lists.append(false);
            continue;
        };
        if delimiter.is_empty() {
            return exec_err!("the delimiter of split is not empty");
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        text.splitn(limit, delimiter).for_each(|part| lists.values().append_value(part));
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn split_part(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let (Some(text), Some(delimiter)) = (at(call.text(0), row), at(call.text(1), row)) else { return Ok(None) };
        if call.int(2).is_null(row) {
            return Ok(None);
        }
        match (delimiter, call.int(2).value(row)) {
            (_, index) if index < 1 => exec_err!("the index of split_part is greater than 0, not {index}"),
            ("", 1) => Ok(Some(text)),
            ("", _) => Ok(None),
            (_, index) => Ok(text.split(delimiter).nth(index as usize - 1)),
        }
    })
}

/// Where a text begins in another, counted in characters from 1; 0 when nowhere.
fn strpos(call: &Call) -> Result<ArrayRef> {
    call.ints(|row| {
        let (Some(text), Some(part)) = (at(call.text(0), row), at(call.text(1), row)) else { return Ok(None) };
        Ok(Some(text.find(part).map_or(0, |index| text[..index].chars().count() as i64 + 1)))
    })
}

fn length(call: &Call) -> Result<ArrayRef> {
    call.ints(|row| Ok(at(call.text(0), row).map(|text| text.chars().count() as i64)))
}

/// No result of one value is longer.
const BYTES_MAX: usize = 16 << 20;

fn replace(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let (Some(text), Some(from)) = (at(call.text(0), row), at(call.text(1), row)) else { return Ok(None) };
        let Some(to) = (if call.has(2) { at(call.text(2), row) } else { Some("") }) else { return Ok(None) };
        if text.len().saturating_add(1).saturating_mul(to.len()) > BYTES_MAX
            && text.matches(from).count() * to.len() > BYTES_MAX
        {
            return exec_err!("replace would give a text of more than {BYTES_MAX} bytes");
        }
        Ok(Some(text.replace(from, to)))
    })
}

/// From the end when the start is negative.
fn substr(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let Some(text) = at(call.text(0), row) else { return Ok(None) };
        if call.int(1).is_null(row) || (call.has(2) && call.int(2).is_null(row)) {
            return Ok(None);
        }
        let length = if call.has(2) { call.int(2).value(row) } else { i64::MAX };
        Ok(Some(part(text, call.int(1).value(row), length)))
    })
}

fn part(text: &str, start: i64, length: i64) -> &str {
    let count = if text.is_ascii() { text.len() } else { text.chars().count() } as i64;
    let first = match start {
        1.. => start - 1,
        0 => return "",
        _ => count + start,
    };
    if first < 0 || first >= count || length <= 0 {
        return "";
    }
    let last = first.saturating_add(length).min(count);
    let byte = |index: i64| {
        if text.is_ascii() {
            index as usize
        } else {
            text.char_indices().nth(index as usize).map_or(text.len(), |(byte, _)| byte)
        }
    };
    &text[byte(first)..byte(last)]
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_part_is_counted_in_characters() {
        assert_eq!(part("hello", 2, 3), "ell");
        assert_eq!(part("hello", -3, 2), "ll");
        assert_eq!(part("hello", 4, i64::MAX), "lo");
        assert_eq!(part("grüße", 3, 2), "üß");
        for (start, length) in [(0, 3), (6, 1), (-6, 1), (1, 0), (1, -1)] {
            assert_eq!(part("hello", start, length), "", "{start} {length}");
        }
    }
}
