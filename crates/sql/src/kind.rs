//! Trino's names of types.

use datafusion::arrow::datatypes::{DataType, Field};

pub fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "unknown".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt16 => "integer".to_owned(),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time(3)".to_owned(),
        DataType::Timestamp(_, zone) => match zone.as_deref() {
            None | Some("UTC" | "+00:00") => "timestamp(3)".to_owned(),
            Some(_) => "timestamp(3) with time zone".to_owned(),
        },
        DataType::Interval(_) | DataType::Duration(_) => "interval day to second".to_owned(),
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => format!("decimal({digits},{scale})"),
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            format!("array({})", kind(element.data_type()))
        }
        DataType::Struct(fields) => {
            let field = |field: &std::sync::Arc<Field>| format!("{} {}", field.name(), kind(field.data_type()));
            format!("row({})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                format!("map({}, {})", kind(fields[0].data_type()), kind(fields[1].data_type()))
            }
            other => format!("map({other})"),
        },
        DataType::Dictionary(_, values) => kind(values),
        _ => "varbinary".to_owned(),
    }
}
