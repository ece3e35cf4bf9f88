//! Parts of URLs.

use super::{Call, Function, INT, Kind, TEXT, at};
use datafusion::arrow::array::ArrayRef;
use datafusion::common::{Result, exec_err};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

pub const FUNCTIONS: &[Function] = &[
    Function::new("url_extract_protocol", &[Kind::Text], TEXT, |call| part(call, |url| Some(url.scheme().to_owned()))),
    Function::new("url_extract_host", &[Kind::Text], TEXT, |call| part(call, |url| url.host_str().map(str::to_owned))),
    Function::new("url_extract_path", &[Kind::Text], TEXT, |call| part(call, |url| Some(url.path().to_owned()))),
    Function::new("url_extract_query", &[Kind::Text], TEXT, |call| part(call, |url| url.query().map(str::to_owned))),
    Function::new("url_extract_fragment", &[Kind::Text], TEXT, |call| {
        part(call, |url| url.fragment().map(str::to_owned))
    }),
    Function::new("url_extract_port", &[Kind::Text], INT, port),
    Function::new("url_extract_parameter", &[Kind::Text, Kind::Text], TEXT, parameter),
    Function::new("url_decode", &[Kind::Text], TEXT, decode),
    Function::new("url_encode", &[Kind::Text], TEXT, encode),
];

/// What a form leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

fn read(call: &Call, row: usize) -> Option<Url> {
    at(call.text(0), row).and_then(|text| Url::parse(text).ok())
}

fn part(call: &Call, part: fn(&Url) -> Option<String>) -> Result<ArrayRef> {
    call.texts(|row| Ok(read(call, row).as_ref().and_then(part)))
}

fn port(call: &Call) -> Result<ArrayRef> {
    call.ints(|row| Ok(read(call, row).and_then(|url| url.port()).map(i64::from)))
}

fn parameter(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let (Some(url), Some(name)) = (read(call, row), at(call.text(1), row)) else { return Ok(None) };
        Ok(url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()))
    })
}

fn decode(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let Some(text) = at(call.text(0), row) else { return Ok(None) };
        let text = text.replace('+', " ");
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else {
            return exec_err!("{text} is not UTF-8 when decoded");
        };
        Ok(Some(decoded.into_owned()))
    })
}

fn encode(call: &Call) -> Result<ArrayRef> {
    let encoded = |text: &str| utf8_percent_encode(text, FORM).to_string().replace(' ', "+");
    call.texts(|row| Ok(at(call.text(0), row).map(encoded)))
}
