//! JSON, which is text here.

use super::{BOOL, Call, Function, Gives, INT, Kind, TEXT, at, path};
use datafusion::arrow::array::{ArrayRef, ListBuilder, StringViewBuilder, new_null_array};
use datafusion::arrow::array::{MapBuilder, MapFieldNames, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use sonic_rs::{JsonType, JsonValueTrait, LazyValue, PointerNode};
use std::borrow::Cow;
use std::sync::Arc;

pub const FUNCTIONS: &[Function] = &[
    Function::new("json_extract", &[Kind::Text, Kind::Text], TEXT, extract),
    Function::new("json_extract_scalar", &[Kind::Text, Kind::Text], TEXT, extract_scalar),
    Function::new("json_field", &[Kind::Text, Kind::Text], TEXT, field),
    Function::new("json_parse", &[Kind::Text], TEXT, |call| parse(call, false)),
    Function::new("try_json_parse", &[Kind::Text], TEXT, |call| parse(call, true)),
    Function::new("json_format", &[Kind::Text], TEXT, |call| Ok(call.arrays[0].clone())),
    Function::new("json_scalar", &[Kind::Text], TEXT, scalar),
    Function::new("json_of", &[Kind::Any], TEXT, of),
    Function::new("json_array_length", &[Kind::Text], INT, array_length),
    Function::new("json_size", &[Kind::Text, Kind::Text], INT, size),
    Function::new("json_array_get", &[Kind::Text, Kind::Int], TEXT, array_get),
    Function::new("json_array_contains", &[Kind::Text, Kind::Any], BOOL, array_contains),
    Function::new("is_json_scalar", &[Kind::Text], BOOL, is_scalar),
    Function::new("json_cast", &[Kind::Text, Kind::Any], Gives::Texts(cast_type), cast),
];

/// The text of a value: of a text without quotes, of anything else as it is written; null has none.
pub fn plain<'a>(value: &'a LazyValue<'a>) -> Option<Cow<'a, str>> {
    match value.get_type() {
        JsonType::Null => None,
        JsonType::String => value.as_str().map(Cow::Borrowed),
        _ => Some(Cow::Borrowed(value.as_raw_str())),
    }
}

/// Paths of a column are nearly always the same literal: the last one is kept.
struct Paths(String, Vec<PointerNode>);

impl Paths {
    fn new() -> Self {
        Self("$".to_owned(), Vec::new())
    }

    fn get(&mut self, text: &str) -> Result<&[PointerNode]> {
        if self.0 != text {
            *self = Self(text.to_owned(), path::parse(text)?);
        }
        Ok(&self.1)
    }
}

/// Calls `then` with the value that the path in the second argument leads to, where there is one.
fn found<T>(
    call: &Call,
    paths: &mut Paths,
    row: usize,
    then: impl FnOnce(&LazyValue) -> Option<T>,
) -> Result<Option<T>> {
    let (Some(text), Some(path)) = (at(call.text(0), row), at(call.text(1), row)) else { return Ok(None) };
    let path = paths.get(path)?;
    Ok(sonic_rs::get(text, path).ok().and_then(|value| then(&value)))
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let mut paths = Paths::new();
    call.texts(|row| found(call, &mut paths, row, |value| Some(value.as_raw_str().to_owned())))
}

fn extract_scalar(call: &Call) -> Result<ArrayRef> {
    let mut paths = Paths::new();
    let scalar = |value: &LazyValue| {
        let nested = matches!(value.get_type(), JsonType::Object | JsonType::Array);
        if nested { None } else { plain(value).map(Cow::into_owned) }
    };
    call.texts(|row| found(call, &mut paths, row, scalar))
}

/// What `element_at(map, key)` gives for a map that is the object.
fn field(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let (Some(text), Some(key)) = (at(call.text(0), row), at(call.text(1), row)) else { return Ok(None) };
        let value = if text.starts_with('{') { sonic_rs::get(text, [key]).ok() } else { None };
        Ok(value.and_then(|value| plain(&value).map(Cow::into_owned)))
    })
}

fn parse(call: &Call, lenient: bool) -> Result<ArrayRef> {
    call.texts(|row| match at(call.text(0), row) {
        None => Ok(None),
        Some(text) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => Ok(Some(value.to_string())),
            Err(_) if lenient => Ok(None),
            Err(error) => exec_err!("cannot parse as JSON: {error}"),
        },
    })
}

/// A JSON value as a text, as a cast to varchar gives it.
fn scalar(call: &Call) -> Result<ArrayRef> {
    call.texts(|row| {
        let Some(text) = at(call.text(0), row) else { return Ok(None) };
        let value = sonic_rs::get(text, std::iter::empty::<&str>()).ok();
        Ok(value.and_then(|value| plain(&value).map(Cow::into_owned)))
    })
}

/// Anything as JSON, as a cast to JSON gives it.
fn of(call: &Call) -> Result<ArrayRef> {
    let values = &call.arrays[0];
    call.texts(|row| {
        let value = json_of(values, row);
        Ok((!value.is_null()).then(|| value.to_string()))
    })
}

fn json_of(array: &ArrayRef, row: usize) -> serde_json::Value {
    use datafusion::arrow::array::{Array, AsArray};
    if array.is_null(row) {
        return serde_json::Value::Null;
    }
    let list = |values: &ArrayRef| (0..values.len()).map(|row| json_of(values, row)).collect();
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::Struct(_) => {
            let fields = array.as_struct();
            let named = fields.fields().iter().zip(fields.columns());
            named.map(|(field, values)| (field.name().clone(), json_of(values, row))).collect()
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let entry = |row| {
                (cairn_lake::sql::text(entries.column(0), row).unwrap_or_default(), json_of(entries.column(1), row))
            };
            (0..entries.len()).map(entry).collect()
        }
        numeric if numeric.is_numeric() => {
            let text = cairn_lake::sql::text(array, row).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or(serde_json::Value::Null)
        }
        _ => cairn_lake::sql::text(array, row).into(),
    }
}

fn elements(text: &str) -> Option<Vec<LazyValue<'_>>> {
    let iterator = sonic_rs::to_array_iter(text);
    iterator.collect::<std::result::Result<Vec<_>, _>>().ok()
}

fn array_length(call: &Call) -> Result<ArrayRef> {
    call.ints(|row| Ok(at(call.text(0), row).and_then(|text| elements(text).map(|elements| elements.len() as i64))))
}

fn count(value: &LazyValue) -> i64 {
    match value.get_type() {
        JsonType::Array => value.clone().into_array_iter().map_or(0, |iterator| iterator.count() as i64),
        JsonType::Object => value.clone().into_object_iter().map_or(0, |iterator| iterator.count() as i64),
        _ => 0,
    }
}

fn size(call: &Call) -> Result<ArrayRef> {
    let mut paths = Paths::new();
    call.ints(|row| found(call, &mut paths, row, |value| Some(count(value))))
}

fn array_get(call: &Call) -> Result<ArrayRef> {
    use datafusion::arrow::array::Array;
    call.texts(|row| {
        let Some(elements) = at(call.text(0), row).and_then(elements) else { return Ok(None) };
        if call.int(1).is_null(row) {
            return Ok(None);
        }
        let index = call.int(1).value(row);
        let index = if index < 0 { elements.len() as i64 + index } else { index };
        let value = usize::try_from(index).ok().and_then(|index| elements.get(index));
        Ok(value.map(|value| value.as_raw_str().to_owned()))
    })
}

fn array_contains(call: &Call) -> Result<ArrayRef> {
    call.bools(|row| {
        let Some(elements) = at(call.text(0), row).and_then(elements) else { return Ok(None) };
        let Some(wanted) = cairn_lake::sql::text(&call.arrays[1], row) else { return Ok(None) };
        Ok(Some(elements.iter().any(|element| plain(element).is_some_and(|text| text == wanted))))
    })
}

fn is_scalar(call: &Call) -> Result<ArrayRef> {
    call.bools(|row| {
        let Some(text) = at(call.text(0), row) else { return Ok(None) };
        let value = sonic_rs::get(text, std::iter::empty::<&str>()).ok();
        Ok(value.map(|value| !matches!(value.get_type(), JsonType::Object | JsonType::Array)))
    })
}

/// Lists of texts and maps of texts: those that people take out of events.
fn cast_type(_: &[DataType], texts: &[Option<&str>]) -> Result<DataType> {
    let name = texts.get(1).copied().flatten().unwrap_or_default().to_uppercase();
    let name: String = name.chars().filter(|char| !char.is_whitespace()).collect();
    match name.as_str() {
        "ARRAY<VARCHAR>" | "ARRAY(VARCHAR)" | "ARRAY<JSON>" => Ok(super::texts_type()),
        "MAP(VARCHAR,VARCHAR)" | "MAP(VARCHAR,JSON)" | "MAP<VARCHAR,VARCHAR>" | "MAP<VARCHAR,JSON>" => {
            Ok(super::json_map_type())
        }
        _ => plan_err!("JSON can be cast to array(varchar), map(varchar, varchar) and plain types, not to {name}"),
    }
}

fn cast(call: &Call) -> Result<ArrayRef> {
    match call.gives {
        DataType::List(_) => {
            let mut lists = ListBuilder::new(StringViewBuilder::new());
            for row in 0..call.rows {
                let elements = at(call.text(0), row).and_then(elements);
                let there = elements.is_some();
                elements.iter().flatten().for_each(|element| lists.values().append_option(plain(element)));
                lists.append(there);
            }
            Ok(Arc::new(lists.finish()))
        }
        DataType::Map(..) => maps(call.text(0)),
        other => Ok(new_null_array(other, call.rows)),
    }
}

/// Objects as maps of texts.
pub fn maps(texts: &datafusion::arrow::array::StringViewArray) -> Result<ArrayRef> {
    let names = MapFieldNames { entry: "entries".to_owned(), key: "keys".to_owned(), value: "values".to_owned() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for text in texts {
        let object = text.filter(|text| text.starts_with('{'));
        for (key, value) in object.map(sonic_rs::to_object_iter).into_iter().flatten().flatten() {
            maps.keys().append_value(&*key);
            maps.values().append_option(plain(&value));
        }
        maps.append(object.is_some())?;
    }
    Ok(Arc::new(maps.finish()))
}
