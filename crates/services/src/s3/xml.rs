//! XML documents as the JSON that records show.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

const DEPTH_MAX: usize = 32;

/// The name and the content of a document's root. None for what is no XML, or nested
/// deeper than any S3 document.
///
/// Attributes stand beside the children, repeated children become an array, whole
/// numbers and truth values lose their quotes: so do AWS's records.
pub(super) fn parse(document: &[u8]) -> Option<(String, Value)> {
    let mut reader = Reader::from_reader(document);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = name(&start)?;
                return Some((name, element(&mut reader, &start, 0)?));
            }
            Event::Empty(start) => return Some((name(&start)?, Value::Object(attributes(&start)?))),
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn element(reader: &mut Reader<&[u8]>, start: &BytesStart<'_>, depth: usize) -> Option<Value> {
    let mut children = attributes(start)?;
    let mut text = String::new();
    if depth == DEPTH_MAX {
        return None;
    }
    loop {
        match reader.read_event().ok()? {
            Event::Start(child) => add(&mut children, name(&child)?, element(reader, &child, depth + 1)?),
            Event::Empty(child) => add(&mut children, name(&child)?, Value::String(String::new())),
            Event::Text(piece) => text.push_str(&piece.decode().ok()?),
            Event::GeneralRef(reference) => text.push(character(&reference.decode().ok()?)?),
            Event::CData(piece) => text.push_str(&piece.decode().ok()?),
            Event::End(_) if children.is_empty() => return Some(scalar(text)),
            Event::End(_) => return Some(Value::Object(children)),
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn name(start: &BytesStart<'_>) -> Option<String> {
    String::from_utf8(start.local_name().as_ref().to_vec()).ok()
}

fn attributes(start: &BytesStart<'_>) -> Option<Map<String, Value>> {
    let mut found = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = String::from_utf8(attribute.key.as_ref().to_vec()).ok()?;
        found.insert(name, Value::String(String::from_utf8(attribute.value.to_vec()).ok()?));
    }
    Some(found)
}

fn add(children: &mut Map<String, Value>, name: String, value: Value) {
    match children.get_mut(&name) {
        Some(Value::Array(several)) => several.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => _ = children.insert(name, value),
    }
}

/// What `&name;` stands for.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn scalar(text: String) -> Value {
    match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        // A number that would be written otherwise is an identifier.
        digits => match digits.parse::<i64>() {
            Ok(number) if number.to_string() == text => number.into(),
            _ => Value::String(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(document: &str, expected: Option<(&str, Value)>) {
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(parse(document.as_bytes()), expected, "{document}");
    }

    #[test]
    fn a_document_becomes_json() {
        check("<A xmlns=\"u\"><B>1</B><C/></A>", Some(("A", json!({"xmlns": "u", "B": 1, "C": ""}))));
        check("<?xml version=\"1.0\"?><A><B>x</B><B>true</B></A>", Some(("A", json!({"B": ["x", true]}))));
        check("<A><K>007</K><V>a&amp;b&#x41;</V></A>", Some(("A", json!({"K": "007", "V": "a&bA"}))));
        check("<A>\n  <B>\n <C>1</C></B></A>", Some(("A", json!({"B": {"C": 1}}))));
        check("<A/>", Some(("A", json!({}))));
    }

    #[test]
    fn what_is_no_document_is_nothing() {
        check("", None);
        check("plain", None);
        check("<A><B></A>", None);
        check("<A>&unknown;</A>", None);
        check(&"<A>".repeat(100), None);
    }
}
