//! Arrays and maps.

use super::{Call, Function, Gives, INT, Kind};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListBuilder, UInt64Array};
use datafusion::arrow::array::{Int64Builder, MapArray, make_comparator};
use datafusion::arrow::compute::{SortOptions, cast, take};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};
use std::cmp::Ordering;
use std::sync::Arc;

pub const FUNCTIONS: &[Function] = &[
    Function::new("cardinality", &[Kind::Any], INT, cardinality),
    Function::new("element_at", &[Kind::Any, Kind::Any], Gives::Types(element_type), element_at),
    Function::new("slice", &[Kind::Any, Kind::Int, Kind::Int], Gives::Types(|types| Ok(types[0].clone())), slice),
    Function::new("ordinals", &[Kind::Any], Gives::This(ordinal_type), |call| Ok(ordinals(call))).more(),
];

/// The elements of one row: where they begin, how many there are.
fn span(array: &dyn Array, row: usize) -> Option<(usize, usize)> {
    if array.is_null(row) {
        return None;
    }
    let offsets = |offsets: &[i32]| (offsets[row] as usize, (offsets[row + 1] - offsets[row]) as usize);
    match array.data_type() {
        DataType::List(_) => Some(offsets(array.as_list::<i32>().value_offsets())),
        DataType::Map(..) => Some(offsets(array.as_map().value_offsets())),
        DataType::LargeList(_) => {
            let offsets = array.as_list::<i64>().value_offsets();
            Some((offsets[row] as usize, (offsets[row + 1] - offsets[row]) as usize))
        }
        DataType::FixedSizeList(_, length) => Some((row * *length as usize, *length as usize)),
        _ => None,
    }
}

fn values(array: &dyn Array) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::List(_) => Ok(array.as_list::<i32>().values().clone()),
        DataType::LargeList(_) => Ok(array.as_list::<i64>().values().clone()),
        DataType::FixedSizeList(..) => Ok(array.as_fixed_size_list().values().clone()),
        DataType::Map(..) => Ok(array.as_map().values().clone()),
        other => exec_err!("an array or map is expected, not {}", crate::kind::kind(other)),
    }
}

fn cardinality(call: &Call) -> Result<ArrayRef> {
    let array = &call.arrays[0];
    match array.data_type() {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Map(..)
        | DataType::Null => call.ints(|row| Ok(span(array, row).map(|(_, length)| length as i64))),
        other => exec_err!("cardinality takes an array or a map, not {}", crate::kind::kind(other)),
    }
}

fn element_type(types: &[DataType]) -> Result<DataType> {
    match &types[0] {
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            if types[1].is_integer() || types[1].is_null() {
                Ok(element.data_type().clone())
            } else {
                plan_err!("element_at takes the number of an array's element, not {}", crate::kind::kind(&types[1]))
            }
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => Ok(fields[1].data_type().clone()),
            other => plan_err!("element_at takes an array or a map, not {other}"),
        },
        other => plan_err!("element_at takes an array or a map, not {}", crate::kind::kind(other)),
    }
}

fn element_at(call: &Call) -> Result<ArrayRef> {
    let array = &call.arrays[0];
    let indices = match array.data_type() {
        DataType::Map(..) => by_key(array.as_map(), &call.arrays[1])?,
        _ => by_index(array, &call.arrays[1])?,
    };
    Ok(take(&values(array)?, &indices, None)?)
}

fn by_key(map: &MapArray, keys: &ArrayRef) -> Result<UInt64Array> {
    let keys = cast(keys, map.keys().data_type())?;
    let compare = make_comparator(map.keys().as_ref(), keys.as_ref(), SortOptions::default())?;
    let find = |row: usize| {
        let (start, length) = span(map, row).filter(|_| keys.is_valid(row))?;
        (start..start + length).find(|entry| compare(*entry, row) == Ordering::Equal).map(|entry| entry as u64)
    };
    Ok((0..map.len()).map(find).collect())
}

/// Counted from 1, from the end when negative.
fn by_index(array: &ArrayRef, indices: &ArrayRef) -> Result<UInt64Array> {
    let indices = cast(indices, &DataType::Int64)?;
    let indices: &Int64Array = indices.as_primitive::<Int64Type>();
    let find = |row: usize| {
        let Some((start, length)) = span(array, row).filter(|_| indices.is_valid(row)) else { return Ok(None) };
        let index = match indices.value(row) {
            0 => return exec_err!("elements of an array are counted from 1"),
            index if index > 0 => index - 1,
            index => length as i64 + index,
        };
        let there = usize::try_from(index).ok().filter(|index| *index < length);
        Ok(there.map(|index| (start + index) as u64))
    };
    (0..array.len()).map(find).collect()
}

fn slice(call: &Call) -> Result<ArrayRef> {
    use datafusion::arrow::array::ListArray;
    use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
    let array = &call.arrays[0];
    let DataType::List(field) = array.data_type() else { return exec_err!("slice takes an array") };
    let (mut indices, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..call.rows {
        let there = span(array, row).filter(|_| call.int(1).is_valid(row) && call.int(2).is_valid(row));
        valid.push(there.is_some());
        let (start, length) = there.unwrap_or_default();
        let (first, count) = (call.int(1).value(row), call.int(2).value(row).max(0) as usize);
        let first = if first < 0 { length as i64 + first } else { first - 1 };
        let first = usize::try_from(first).unwrap_or(length).min(length);
        let count = count.min(length - first);
        indices.extend((0..count).map(|index| (start + first + index) as u64));
        lengths.push(count);
    }
    let values = take(&values(array)?, &UInt64Array::from(indices), None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, Some(NullBuffer::from(valid)))?))
}

fn ordinal_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)))
}

/// 1, 2, 3 … as far as the longest of the lists, for UNNEST WITH ORDINALITY.
fn ordinals(call: &Call) -> ArrayRef {
    let mut lists = ListBuilder::new(Int64Builder::new());
    for row in 0..call.rows {
        let longest = call.arrays.iter().filter_map(|array| span(array, row)).map(|(_, length)| length).max();
        (0..longest.unwrap_or_default()).for_each(|index| lists.values().append_value(index as i64 + 1));
        lists.append(true);
    }
    Arc::new(lists.finish())
}
