//! Queries over a few events whose answers are worked out by hand.

mod data;
mod files;
mod functions;
mod grammar;
mod limits;
mod views;

use crate::Engine;
use cairn_event::Time;
use cairn_lake::sql::{Column, Cost, Error, Limits, Query, Shape, Sql, View, text};
use cairn_world::sim::Sim;
use data::Shelf;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The id of an event data store that shows the same rows as `events`, as CloudTrail Lake would.
pub const STORE: &str = "1b2c3d4e-0000-4a6b-8c9d-0123456789ab";
/// Now, in the tests.
pub const NOW: &str = "2026-11-25T18:00:00Z";

pub struct House {
    pub sim: Sim,
    engine: Engine,
    _dir: tempfile::TempDir,
}

pub struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    pub cost: Cost,
}

impl House {
    pub fn over(shelf: Shelf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time::parse(NOW).unwrap());
        let engine = Engine::new(sim.world(), Arc::new(shelf), dir.path().join("spill"));
        Self { sim, engine, _dir: dir }
    }

    /// Half of the rows in files, half fresh.
    pub fn new() -> Self {
        Self::over(Shelf::halves())
    }

    pub async fn ask(&self, query: Query) -> Result<Answer, Error> {
        let rows = self.engine.run(query).await?;
        let mut batches = rows.batches;
        let mut texts = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let value = |column| text(column, row).unwrap_or_else(|| "NULL".to_owned());
                texts.push(batch.columns().iter().map(|column| value(column.as_ref())).collect());
            }
        }
        Ok(Answer { columns: rows.columns, rows: texts, cost: rows.statistics.cost() })
    }

    pub async fn rows(&self, text: &str) -> Vec<Vec<String>> {
        match self.ask(query(text)).await {
            Ok(answer) => answer.rows,
            Err(error) => panic!("{text}: {error}"),
        }
    }

    /// Whether no query runs.
    pub fn idle(&self) -> bool {
        Arc::strong_count(&self.engine.inner) == 1
    }

    /// `expected` has a line for each row and a bar between values.
    pub async fn check(&self, text: &str, expected: &str) {
        let rows: Vec<_> = self.rows(text).await.into_iter().map(|row| row.join("|")).collect();
        assert_eq!(rows.join("\n"), expected, "{text}");
    }

    pub async fn fails(&self, text: &str) -> Error {
        match self.ask(query(text)).await {
            Ok(answer) => panic!("{text}: {:?}", answer.rows),
            Err(error) => error,
        }
    }

    pub async fn says(&self, text: &str, expected: &str) {
        assert_eq!(self.fails(text).await.to_string(), expected, "{text}");
    }
}

pub fn limits() -> Limits {
    Limits { memory_bytes_max: 256 << 20, time_max: Duration::from_mins(10) }
}

pub fn view(shape: Shape) -> View {
    View { table: "events".to_owned(), shape }
}

pub fn query(text: &str) -> Query {
    let tables = BTreeMap::from([
        ("events".to_owned(), view(Shape::Everything)),
        (STORE.to_owned(), view(Shape::Trail)),
        ("activity".to_owned(), view(Shape::Activity)),
    ]);
    Query { text: text.to_owned(), parameters: Vec::new(), tables, limits: limits(), cancel: CancellationToken::new() }
}
