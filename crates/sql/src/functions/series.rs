//! What makes long values out of short ones, with a limit on how long.

use super::time::shift;
use super::{Call, Function, Gives, Kind, TEXT, at};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Builder, ListArray, ListBuilder, UInt64Array};
use datafusion::arrow::array::{Int64Array, TimestampMicrosecondArray, TimestampMicrosecondBuilder};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{
    DataType, Field, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, plan_err};
use std::sync::Arc;

pub const FUNCTIONS: &[Function] = &[
    Function::new("sequence", &[Kind::Any, Kind::Any, Kind::Any], Gives::Types(sequence_type), sequence).least(2),
    Function::new("repeat", &[Kind::Any, Kind::Int], Gives::Types(|types| Ok(list(types[0].clone()))), repeat),
    Function::new("lpad", &[Kind::Text, Kind::Int, Kind::Text], TEXT, |call| pad(call, true)),
    Function::new("rpad", &[Kind::Text, Kind::Int, Kind::Text], TEXT, |call| pad(call, false)),
];

/// Elements of one array, as in Trino.
const ELEMENTS_MAX: usize = 10_000;
/// Characters of a padded text.
const PADDED_MAX: i64 = 1 << 20;

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

fn sequence_type(types: &[DataType]) -> Result<DataType> {
    match &types[0] {
        first if first.is_integer() && types[1..].iter().all(DataType::is_integer) => Ok(list(DataType::Int64)),
        DataType::Timestamp(..) | DataType::Date32 => {
            if !matches!(types.get(2), Some(DataType::Interval(_))) {
                return plan_err!("a sequence of times needs a step such as interval '1' day");
            }
            Ok(list(super::time_type()))
        }
        other => plan_err!("sequence takes whole numbers or times, not {}", crate::kind::kind(other)),
    }
}

fn too_long<T>() -> Result<T> {
    exec_err!("an array made by a function has at most {ELEMENTS_MAX} elements")
}

fn sequence(call: &Call) -> Result<ArrayRef> {
    if call.arrays[0].data_type().is_integer() { numbers(call) } else { times(call) }
}

fn numbers(call: &Call) -> Result<ArrayRef> {
    let of = |index: usize| -> Result<Int64Array> {
        Ok(cast(&call.arrays[index], &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    };
    let (from, to) = (of(0)?, of(1)?);
    let step = if call.has(2) { Some(of(2)?) } else { None };
    let mut lists = ListBuilder::new(Int64Builder::new());
    for row in 0..call.rows {
        if from.is_null(row) || to.is_null(row) || step.as_ref().is_some_and(|step| step.is_null(row)) {
            lists.append(false);
            continue;
        }
        let (mut next, last) = (from.value(row), to.value(row));
        let step = step.as_ref().map_or(if last < next { -1 } else { 1 }, |step| step.value(row));
        if step == 0 {
            return exec_err!("the step of a sequence is not 0");
        }
        let mut count = 0;
        while if step > 0 { next <= last } else { next >= last } {
            count += 1;
            if count > ELEMENTS_MAX {
                return too_long();
            }
            lists.values().append_value(next);
            let Some(after) = next.checked_add(step) else { break };
            next = after;
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn times(call: &Call) -> Result<ArrayRef> {
    let of = |index: usize| -> Result<TimestampMicrosecondArray> {
        Ok(cast(&call.arrays[index], &super::time_type())?.as_primitive::<TimestampMicrosecondType>().clone())
    };
    let (from, to) = (of(0)?, of(1)?);
    let steps = cast(&call.arrays[2], &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let steps = steps.as_primitive::<IntervalMonthDayNanoType>();
    let mut lists = ListBuilder::new(TimestampMicrosecondBuilder::new().with_timezone("UTC"));
    for row in 0..call.rows {
        if from.is_null(row) || to.is_null(row) || steps.is_null(row) {
            lists.append(false);
            continue;
        }
        let (mut next, last, step) = (from.value(row), to.value(row), steps.value(row));
        let mut count = 0;
        let Some(second) = after(next, step).filter(|second| *second != next) else {
            return exec_err!("the step of a sequence is not 0");
        };
        let forwards = second > next;
        while if forwards { next <= last } else { next >= last } {
            count += 1;
            if count > ELEMENTS_MAX {
                return too_long();
            }
            lists.values().append_value(next);
            let Some(later) = after(next, step) else { break };
            next = later;
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn after(micros: i64, step: IntervalMonthDayNano) -> Option<i64> {
    let shifted = shift(micros, i64::from(step.months))?;
    let days = i64::from(step.days).checked_mul(86_400_000_000)?;
    shifted.checked_add(days)?.checked_add(step.nanoseconds / 1_000)
}

fn repeat(call: &Call) -> Result<ArrayRef> {
    let (mut indices, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..call.rows {
        let count = if call.int(1).is_null(row) { 0 } else { call.int(1).value(row) };
        let count = usize::try_from(count).unwrap_or_default();
        if count > ELEMENTS_MAX {
            return too_long();
        }
        indices.extend(std::iter::repeat_n(row as u64, count));
        lengths.push(count);
    }
    let values = take(&call.arrays[0], &UInt64Array::from(indices), None)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?))
}

fn pad(call: &Call, left: bool) -> Result<ArrayRef> {
    call.texts(|row| {
        let (Some(text), Some(with)) = (at(call.text(0), row), at(call.text(2), row)) else { return Ok(None) };
        if call.int(1).is_null(row) {
            return Ok(None);
        }
        let length = call.int(1).value(row);
        if !(0..=PADDED_MAX).contains(&length) || with.is_empty() {
            return exec_err!("a text is padded to 0 to {PADDED_MAX} characters, with at least one");
        }
        let (length, count) = (length as usize, text.chars().count());
        let padding: String = with.chars().cycle().take(length.saturating_sub(count)).collect();
        let text: String = text.chars().take(length).collect();
        Ok(Some(if left { padding + &text } else { text + &padding }))
    })
}
