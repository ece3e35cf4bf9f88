//! Rows in the order of their times.

use crate::schema;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use std::borrow::Cow;

const EVENT_TIME: usize = schema::index("eventtime");

fn of(rows: &RecordBatch) -> &[i64] {
    rows.column(EVENT_TIME).as_primitive_opt::<TimestampMicrosecondType>().map_or(&[], |times| times.values())
}

/// The times of the first and of the last row.
pub(super) fn times(rows: &[RecordBatch]) -> (i64, i64) {
    let first = rows.iter().find_map(|rows| of(rows).first());
    let last = rows.iter().rev().find_map(|rows| of(rows).last());
    first.copied().zip(last.copied()).unwrap_or((0, 0))
}

/// The same rows in order; those of one time stay in the order in which they came.
pub(super) fn ordered(rows: &[RecordBatch]) -> Result<Cow<'_, [RecordBatch]>, ArrowError> {
    if rows.iter().flat_map(of).is_sorted() {
        return Ok(Cow::Borrowed(rows));
    }
    let each = |(batch, rows): (usize, &RecordBatch)| {
        of(rows).iter().enumerate().map(|(row, time)| (*time, batch, row)).collect::<Vec<_>>()
    };
    let mut order: Vec<_> = rows.iter().enumerate().flat_map(each).collect();
    order.sort_unstable();
    let batches: Vec<&RecordBatch> = rows.iter().collect();
    let gather = |places: &[(i64, usize, usize)]| {
        let indices: Vec<_> = places.iter().map(|(_, batch, row)| (*batch, *row)).collect();
        interleave_record_batch(&batches, &indices)
    };
    order.chunks(super::BATCH_ROWS).map(gather).collect::<Result<Vec<_>, _>>().map(Cow::Owned)
}
