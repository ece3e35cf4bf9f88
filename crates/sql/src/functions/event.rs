//! What the views make of the columns of files: maps of JSON, resources, the original event.

use super::{Call, Function, Gives, Kind, TEXT, at, json, text_type};
use datafusion::arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder, StructBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::common::Result;
use sonic_rs::{JsonValueTrait, LazyValue, PointerNode};
use std::sync::Arc;

pub const FUNCTIONS: &[Function] = &[
    Function::new("json_map", &[Kind::Text], Gives::This(json_map_type), |call| json::maps(call.text(0))),
    Function::new("json_resources", &[Kind::Text], Gives::This(resource_type), |call| Ok(resources(call))),
    Function::new("json_member", &[Kind::Text, Kind::Text], TEXT, member).more(),
    Function::new("event_json", &[Kind::Any], TEXT, event_json).more(),
];

/// `map(varchar, varchar)`.
pub fn json_map_type() -> DataType {
    let fields = vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8, true)];
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields.into()), false)), false)
}

/// Fields of a resource as CloudTrail Lake shows them, and as events write them.
const RESOURCES: [(&str, &str); 4] =
    [("accountid", "accountId"), ("type", "type"), ("arn", "ARN"), ("arnprefix", "ARNPrefix")];

fn resource_fields() -> Fields {
    RESOURCES.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect()
}

fn resource_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Struct(resource_fields()), true)))
}

fn resources(call: &Call) -> ArrayRef {
    let mut lists = ListBuilder::new(StructBuilder::from_fields(resource_fields(), call.rows));
    for row in 0..call.rows {
        let text = at(call.text(0), row).filter(|text| text.starts_with('['));
        for resource in text.map(sonic_rs::to_array_iter).into_iter().flatten().flatten() {
            push(lists.values(), &resource);
        }
        lists.append(text.is_some());
    }
    Arc::new(lists.finish())
}

fn push(rows: &mut StructBuilder, resource: &LazyValue) {
    for (index, (_, key)) in RESOURCES.iter().enumerate() {
        let value = resource.get(key);
        let text = value.as_ref().and_then(json::plain);
        if let Some(column) = rows.field_builder::<StringBuilder>(index) {
            column.append_option(text);
        }
    }
    rows.append(true);
}

/// The text of a value by the names that lead to it.
fn member(call: &Call) -> Result<ArrayRef> {
    let keys = 1..call.arrays.len();
    call.texts(|row| {
        let Some(text) = at(call.text(0), row) else { return Ok(None) };
        let path: Option<Vec<_>> = keys.clone().map(|index| at(call.text(index), row)).collect();
        let path = path.unwrap_or_default().into_iter().map(|key| PointerNode::Key(key.to_owned().into()));
        let value = sonic_rs::get(text, path.collect::<Vec<_>>()).ok();
        Ok(value.and_then(|value| json::plain(&value).map(std::borrow::Cow::into_owned)))
    })
}

/// The original event, of all columns in the order of [`cairn_lake::schema::COLUMNS`].
fn event_json(call: &Call) -> Result<ArrayRef> {
    let schema = cairn_lake::schema::arrow();
    let fields = schema.fields().iter().zip(&call.arrays);
    let columns =
        fields.map(|(field, array)| cast(array, field.data_type())).collect::<std::result::Result<Vec<_>, _>>()?;
    let rows = RecordBatch::try_new(Arc::new(Schema::new(schema.fields().clone())), columns)?;
    Ok(cast(&cairn_lake::shred::originals(&rows), &text_type())?)
}
