//! Runs one query: planned, started, its rows handed on one batch at a time, until it ends, is cancelled or
//! has had its time.

use crate::Inner;
use crate::costs;
use crate::error::{Stage, translate};
use crate::planned::{self, Planned};
use crate::provider::Table;
use crate::reader::Readers;
use crate::view::ViewSource;
use cairn_lake::sql::{Checked, Column, Error, Limits, Query, Statistics};
use cairn_lake::table::Snapshot;
use chrono::DateTime;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result as Planning;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::TableSource;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Written to disk by one query, at most.
const SPILL_BYTES_MAX: u64 = 20 << 30;

/// A query that is ready to run.
struct Ready {
    plan: Arc<dyn ExecutionPlan>,
    columns: Vec<Column>,
    context: Arc<TaskContext>,
    costs: Arc<Statistics>,
}

/// What the caller gets when a query has begun.
pub struct Begun {
    pub columns: Vec<Column>,
    pub costs: Arc<Statistics>,
}

impl Inner {
    /// The planner as of now.
    fn state(&self) -> SessionState {
        let mut state = self.state.clone();
        let now = DateTime::from_timestamp_millis(self.world.now().millis()).unwrap_or_default();
        let properties = state.execution_props_mut();
        *properties = properties.clone().with_query_execution_start_time(now);
        state
    }

    pub fn check(&self, query: &Query) -> Result<Checked, Error> {
        let state = self.state();
        let checked = || -> Planning<Checked> {
            let planned = planned::plan(&state, &self.views, query)?;
            let empty = provider_as_source(Arc::new(EmptyTable::new(crate::view::flat())));
            let plan = planned.optimized(&state, &self.views, &|_| Ok(empty.clone()))?;
            Ok(Checked { columns: planned.columns(&plan), tables: planned.tables })
        };
        checked().map_err(|error| translate(&error, Stage::Planning, &query.limits, &self.functions))
    }

    /// Makes a plan on a thread where it stands in nobody's way. A planner cannot be stopped: one that has had its
    /// time goes on to its end in its place, and the caller is free.
    pub async fn planning<T: Send + 'static>(
        self: &Arc<Self>,
        limits: &Limits,
        plan: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let time = limits.time_max.min(crate::PLANNING_TIME_MAX);
        let planned = async {
            let stopped = || Error::Failed("the engine has stopped".to_owned());
            let place = self.plans.clone().acquire_owned().await.map_err(|_| stopped())?;
            let inner = self.clone();
            let task = tokio::task::spawn_blocking(move || {
                let planned = plan(&inner);
                drop(place);
                planned
            });
            match task.await {
                Ok(planned) => planned,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(stopped()),
            }
        };
        tokio::select! {
            planned = planned => planned,
            () = self.world.clock.sleep(time) => Err(Error::Time(time)),
        }
    }

    async fn ready(self: &Arc<Self>, query: &Query) -> Result<Ready, Error> {
        let (runtime, own) = (Handle::current(), query.clone());
        self.planning(&query.limits, move |inner| runtime.block_on(inner.planned(&own))).await
    }

    async fn planned(&self, query: &Query) -> Result<Ready, Error> {
        let state = self.state();
        let invalid = |error| translate(&error, Stage::Planning, &query.limits, &self.functions);
        let planned = planned::plan(&state, &self.views, query).map_err(invalid)?;
        let snapshots = self.snapshots(query, &planned).await?;
        let costs = Arc::new(Statistics::default());
        let readers =
            Arc::new(Readers { store: self.store.clone(), footers: self.footers.clone(), costs: costs.clone() });
        let files = |source: &ViewSource| -> Planning<Arc<dyn TableSource>> {
            let snapshot = snapshots.get(&source.view.table).cloned();
            let snapshot = snapshot.ok_or_else(|| datafusion::common::internal_datafusion_err!("no snapshot"))?;
            Ok(provider_as_source(Arc::new(Table::new(snapshot, readers.clone()))))
        };
        let optimized = planned.optimized(&state, &self.views, &files).map_err(invalid)?;
        let plan = state.query_planner().create_physical_plan(&optimized, &state).await.map_err(invalid)?;
        let plan = cooperative(plan).map_err(invalid)?;
        let context = self.context(query, &state).map_err(invalid)?;
        Ok(Ready { plan, columns: planned.columns(&optimized), context, costs })
    }

    async fn snapshots(&self, query: &Query, planned: &Planned) -> Result<HashMap<String, Snapshot>, Error> {
        let mut snapshots = HashMap::new();
        for name in &planned.tables {
            let Some(view) = query.tables.get(name) else { continue };
            if snapshots.contains_key(&view.table) {
                continue;
            }
            let snapshot = self.store.snapshot(&view.table).await.map_err(|error| match error {
                cairn_lake::Error::NotFound(_) => Error::NoTable(name.clone()),
                other => Error::Failed(other.to_string()),
            })?;
            snapshots.insert(view.table.clone(), snapshot);
        }
        Ok(snapshots)
    }

    fn context(&self, query: &Query, state: &SessionState) -> Planning<Arc<TaskContext>> {
        let bytes = usize::try_from(query.limits.memory_bytes_max).unwrap_or(usize::MAX);
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![self.spill.clone()]))
            .with_max_temp_directory_size(SPILL_BYTES_MAX);
        let runtime: RuntimeEnv = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(bytes)))
            .with_disk_manager_builder(disk)
            .build()?;
        Ok(Arc::new(TaskContext::from(state).with_runtime(Arc::new(runtime))))
    }

    /// Plans and runs a query, and hands its rows to `rows` until it ends or nobody takes them.
    pub async fn run(
        self: &Arc<Self>,
        query: Query,
        mut begun: oneshot::Sender<Result<Begun, Error>>,
        rows: mpsc::Sender<Result<RecordBatch, Error>>,
    ) {
        let ready = tokio::select! {
            biased;
            () = query.cancel.cancelled() => Err(Error::Cancelled),
            () = begun.closed() => return,
            ready = self.ready(&query) => ready,
        };
        let ready = match ready {
            Ok(ready) => ready,
            Err(error) => {
                // whoever asked has gone when this fails
                let _ = begun.send(Err(error));
                return;
            }
        };
        if begun.send(Ok(Begun { columns: ready.columns.clone(), costs: ready.costs.clone() })).is_err() {
            return;
        }
        let result = tokio::select! {
            biased;
            () = query.cancel.cancelled() => Err(Error::Cancelled),
            () = rows.closed() => Ok(()),
            () = self.world.clock.sleep(query.limits.time_max) => Err(Error::Time(query.limits.time_max)),
            result = self.pump(&ready, &query, &rows) => result,
        };
        costs::count(&ready.plan, &ready.costs);
        if let Err(error) = result {
            // as above
            let _ = rows.send(Err(error)).await;
        }
    }

    async fn pump(
        &self,
        ready: &Ready,
        query: &Query,
        rows: &mpsc::Sender<Result<RecordBatch, Error>>,
    ) -> Result<(), Error> {
        let failed = |error| translate(&error, Stage::Running, &query.limits, &self.functions);
        let mut stream = execute_stream(ready.plan.clone(), ready.context.clone()).map_err(failed)?;
        let schema = outside(&stream.schema(), &ready.columns);
        while let Some(batch) = stream.next().await {
            let batch = batch.and_then(|batch| fit(&batch, &schema)).map_err(failed)?;
            costs::count(&ready.plan, &ready.costs);
            if batch.num_rows() > 0 && rows.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    pub async fn explain(self: &Arc<Self>, query: Query, analyze: bool) -> Result<String, Error> {
        let ready = self.ready(&query).await?;
        if analyze {
            let failed = |error| translate(&error, Stage::Running, &query.limits, &self.functions);
            let drain = async {
                let mut stream = execute_stream(ready.plan.clone(), ready.context.clone()).map_err(failed)?;
                while let Some(batch) = stream.next().await {
                    batch.map_err(failed)?;
                }
                Ok(())
            };
            tokio::select! {
                biased;
                () = query.cancel.cancelled() => Err(Error::Cancelled),
                () = self.world.clock.sleep(query.limits.time_max) => Err(Error::Time(query.limits.time_max)),
                done = drain => done,
            }?;
            costs::count(&ready.plan, &ready.costs);
        }
        Ok(explained(&ready, analyze))
    }
}

/// What may give many rows for few: whoever only counts them must still let the clock and the caller be heard.
const MULTIPLY: [&str; 5] = ["CrossJoinExec", "NestedLoopJoinExec", "HashJoinExec", "SortMergeJoinExec", "UnnestExec"];

fn cooperative(plan: Arc<dyn ExecutionPlan>) -> Planning<Arc<dyn ExecutionPlan>> {
    let wrap = |plan: Arc<dyn ExecutionPlan>| {
        if !MULTIPLY.contains(&plan.name()) {
            return Ok(Transformed::no(plan));
        }
        let wrapped: Arc<dyn ExecutionPlan> = Arc::new(CooperativeExec::new(plan));
        Ok(Transformed::yes(wrapped))
    };
    plan.transform_up(wrap).map(|plan| plan.data)
}

fn explained(ready: &Ready, analyze: bool) -> String {
    let cost = ready.costs.cost();
    let (known, planned) = (cost.files_known, cost.bytes_planned);
    let (files, bytes, rows) = (cost.files_scanned, cost.bytes_scanned, cost.rows_scanned);
    let matched = cost.rows_matched;
    let read = format!("read: {files} files, {bytes} bytes, {rows} rows; matched: {matched} rows\n");
    let read = if analyze { read } else { String::new() };
    let plan = if analyze {
        DisplayableExecutionPlan::with_metrics(ready.plan.as_ref())
    } else {
        DisplayableExecutionPlan::new(ready.plan.as_ref())
    };
    format!("files: {known} known, {planned} bytes to read at most\n{read}{}", plan.indent(false))
}

/// Rows as they leave: named as the query names them, texts in their usual form.
fn outside(schema: &SchemaRef, columns: &[Column]) -> SchemaRef {
    let fields = schema.fields().iter().zip(columns);
    let fields = fields.map(|(field, column)| Field::new(&column.name, usual(field.data_type()), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn usual(data_type: &DataType) -> DataType {
    let inner = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_data_type(usual(field.data_type())));
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::Dictionary(_, values) => usual(values),
        DataType::List(element) => DataType::List(inner(element)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        other => other.clone(),
    }
}

fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Planning<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<Vec<_>, _>>()?;
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
