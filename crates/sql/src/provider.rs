//! One table of one query: the files and fresh rows of a snapshot.

use crate::prune::Wanted;
use crate::reader::{Opened, Readers};
use crate::view;
use cairn_lake::table::Snapshot;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::filter_pushdown::PushedDown;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::union::UnionExec;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Files beyond this many are read without what is known of their times, which is then looked up in each.
const KNOWN_MAX: usize = 2_000;

/// One table of one query.
#[derive(Debug)]
pub struct Table {
    snapshot: Snapshot,
    readers: Arc<Readers>,
    schema: SchemaRef,
}

impl Table {
    pub fn new(snapshot: Snapshot, readers: Arc<Readers>) -> Self {
        Self { snapshot, readers, schema: view::flat() }
    }

    /// The files that may hold what is wanted, newest first, spread over groups that are read side by side.
    fn groups(&self, wanted: &Wanted, count: usize) -> Vec<FileGroup> {
        let costs = &self.readers.costs;
        costs.files_known.fetch_add(self.snapshot.files.len() as u64, Ordering::Relaxed);
        let files: Vec<_> = self.snapshot.files.iter().rev().filter(|file| wanted.may_be_in(file)).collect();
        costs.bytes_planned.fetch_add(files.iter().map(|file| file.bytes).sum(), Ordering::Relaxed);
        let mut groups = vec![Vec::new(); count.clamp(1, files.len().max(1))];
        let known = files.len() <= KNOWN_MAX;
        for (index, file) in files.into_iter().enumerate() {
            let mut part = PartitionedFile::new(file.key.clone(), file.bytes).with_extension(Opened::new(file.clone()));
            if known {
                part = part.with_statistics(Arc::new(self.known(file)));
            }
            let group = index % groups.len();
            groups[group].push(part);
        }
        groups.into_iter().map(FileGroup::new).collect()
    }

    fn known(&self, file: &cairn_lake::table::File) -> Statistics {
        let mut known = Statistics::new_unknown(&self.schema);
        known.num_rows = Precision::Exact(file.rows as usize);
        known.total_byte_size = Precision::Inexact(file.bytes as usize);
        if let Ok(index) = self.schema.index_of("eventtime") {
            let time = |micros| Precision::Inexact(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
            known.column_statistics[index] = ColumnStatistics {
                min_value: time(file.times.start.millis().saturating_mul(1000)),
                max_value: time(file.times.end.millis().saturating_mul(1000).saturating_add(999)),
                ..ColumnStatistics::new_unknown()
            };
        }
        known
    }

    fn source(&self, state: &dyn Session) -> ParquetSource {
        let mut options = state.table_options().parquet.clone();
        options.global = state.config_options().execution.parquet.clone();
        ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(self.readers.clone())
    }

    fn files(&self, state: &dyn Session, scan: &Scan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let groups = self.groups(&scan.wanted, state.config_options().execution.target_partitions);
        let rows = groups
            .iter()
            .flat_map(FileGroup::iter)
            .filter_map(|file| file.extension::<Opened>())
            .map(|file| file.file.rows)
            .sum::<u64>();
        if rows == 0 {
            return Ok(None);
        }
        let mut source: Arc<dyn FileSource> = Arc::new(self.source(state));
        let mut rest = Vec::new();
        if !scan.filters.is_empty() {
            let pushed = source.try_pushdown_filters(scan.filters.clone(), state.config_options())?;
            source = pushed.updated_node.unwrap_or(source);
            let kept = pushed.filters.iter().zip(&scan.filters).filter(|(pushed, _)| matches!(pushed, PushedDown::No));
            rest.extend(kept.map(|(_, filter)| filter.clone()));
        }
        let columns = scan.columns(&rest);
        let mut all = Statistics::new_unknown(&self.schema);
        all.num_rows =
            if scan.filters.is_empty() { Precision::Exact(rows as usize) } else { Precision::Inexact(rows as usize) };
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups)
            .with_statistics(all)
            .with_projection_indices(Some(columns.clone()))?
            .with_limit(scan.limit.filter(|_| rest.is_empty()))
            .build();
        let plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        scan.finish(plan, &columns, &rest).map(Some)
    }

    fn fresh(&self, scan: &Scan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let batches: Vec<_> = self.snapshot.fresh.iter().filter(|batch| batch.num_rows() > 0).collect();
        if batches.is_empty() {
            return Ok(None);
        }
        let columns = scan.columns(&scan.filters);
        let schema = Arc::new(self.schema.project(&columns)?);
        let batches = batches.iter().map(|batch| fit(batch, &schema)).collect::<Result<Vec<_>>>()?;
        let plan: Arc<dyn ExecutionPlan> = MemorySourceConfig::try_new_exec(&[batches], schema, None)?;
        scan.finish(plan, &columns, &scan.filters).map(Some)
    }
}

/// Rows with the columns of `schema`; what they have not is null.
fn fit(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch> {
    let column = |field: &Arc<datafusion::arrow::datatypes::Field>| match batch.column_by_name(field.name()) {
        Some(column) => Ok(cast(column, field.data_type())?),
        None => Ok(datafusion::arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// What one scan is to give.
struct Scan {
    /// Of the table's columns, in order.
    projection: Vec<usize>,
    /// Over the table's columns.
    filters: Vec<Arc<dyn PhysicalExpr>>,
    wanted: Wanted,
    limit: Option<usize>,
}

impl Scan {
    /// The columns to be read when these filters are applied afterwards.
    fn columns(&self, filters: &[Arc<dyn PhysicalExpr>]) -> Vec<usize> {
        let mut columns = self.projection.clone();
        let asked: BTreeSet<_> = filters.iter().flat_map(collect_columns).map(|column| column.index()).collect();
        columns.extend(asked.into_iter().filter(|column| !self.projection.contains(column)));
        columns
    }

    /// Filters the rows of `plan`, which has these columns, and keeps the columns that are asked for.
    fn finish(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        columns: &[usize],
        filters: &[Arc<dyn PhysicalExpr>],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = plan.schema();
        let mut plan = plan;
        if !filters.is_empty() {
            let filters = filters
                .iter()
                .map(|filter| reassign_expr_columns(filter.clone(), &schema))
                .collect::<Result<Vec<_>>>()?;
            plan = Arc::new(FilterExec::try_new(conjunction(filters), plan)?);
        }
        if columns.len() > self.projection.len() {
            let kept = schema.fields().iter().take(self.projection.len()).enumerate();
            let kept = kept.map(|(index, field)| ProjectionExpr {
                expr: Arc::new(Column::new(field.name(), index)),
                alias: field.name().clone(),
            });
            plan = Arc::new(ProjectionExec::try_new(kept.collect::<Vec<_>>(), plan)?);
        }
        Ok(plan)
    }
}

#[async_trait::async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // each scan applies all of its filters itself: in the files, or behind them
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = DFSchema::try_from(self.schema.clone())?;
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let wanted = Wanted::of(filters);
        let filters = filters.iter().map(|filter| state.create_physical_expr(filter.clone(), &schema));
        let scan = Scan { filters: filters.collect::<Result<_>>()?, projection, wanted, limit };
        let mut parts: Vec<_> = self.files(state, &scan)?.into_iter().collect();
        parts.extend(self.fresh(&scan)?);
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(&scan.projection)?)))),
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }
}
