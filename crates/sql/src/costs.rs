//! What a plan has cost so far.

use cairn_lake::sql::Statistics;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Writes what the scans of a plan have read and let through into `costs`.
pub fn count(plan: &Arc<dyn ExecutionPlan>, costs: &Statistics) {
    let (mut scanned, mut matched) = (0, 0);
    walk(plan, &mut scanned, &mut matched);
    costs.rows_scanned.store(scanned, Ordering::Relaxed);
    costs.rows_matched.store(matched, Ordering::Relaxed);
}

fn walk(plan: &Arc<dyn ExecutionPlan>, scanned: &mut u64, matched: &mut u64) {
    if plan.is::<DataSourceExec>() {
        let read = rows(plan);
        *scanned += read + metric(plan, "pushdown_rows_pruned");
        *matched += read;
        return;
    }
    let mut below = 0;
    for child in plan.children() {
        walk(child, scanned, &mut below);
    }
    let scan = plan.children().first().is_some_and(|child| child.is::<DataSourceExec>());
    *matched += if scan && plan.is::<FilterExec>() { rows(plan) } else { below };
}

fn rows(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or_default() as u64
}

fn metric(plan: &Arc<dyn ExecutionPlan>, name: &str) -> u64 {
    plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |value| value.as_usize() as u64)
}
