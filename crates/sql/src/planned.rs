//! From text to a plan over views, and from there over files.

use crate::catalog::Catalog;
use crate::parse::parse;
use crate::rewrite::{self, outputs};
use crate::view::{Files, Views, place};
use cairn_lake::sql::{Column, Error, Query};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::planner::SqlToRel;
use datafusion::sql::sqlparser::ast::Statement;
use std::sync::Mutex;

/// A query over views.
pub struct Planned {
    pub plan: LogicalPlan,
    /// As the query names its columns.
    pub names: Vec<String>,
    /// Tables that it speaks of.
    pub tables: Vec<String>,
}

/// Plans a query. Errors of its grammar come as they are.
pub fn plan(state: &SessionState, views: &Views, query: &Query) -> Result<Planned> {
    let external = |error: Error| DataFusionError::External(Box::new(error));
    let mut parsed = parse(&query.text, &query.parameters).map_err(external)?;
    let outputs = outputs(&parsed, &query.text);
    rewrite::rewrite(&mut parsed).map_err(external)?;
    let catalog = Catalog { state, views, tables: &query.tables, asked: Mutex::default() };
    let plan = SqlToRel::new(&catalog).sql_statement_to_plan(Statement::Query(Box::new(parsed)))?;
    let planned: Vec<_> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
    Ok(Planned { names: rewrite::named(&outputs, &planned), tables: catalog.asked(), plan })
}

impl Planned {
    /// Puts it over files and makes it cheap.
    pub fn optimized(&self, state: &SessionState, views: &Views, files: Files) -> Result<LogicalPlan> {
        let placed = place(self.plan.clone(), &views.functions, files)?;
        state.optimize(&placed)
    }

    pub fn columns(&self, plan: &LogicalPlan) -> Vec<Column> {
        let fields = plan.schema().fields().iter();
        let column = |(name, kind): (&String, String)| Column { name: name.clone(), kind };
        self.names.iter().zip(fields.map(|field| crate::kind::kind(field.data_type()))).map(column).collect()
    }
}
