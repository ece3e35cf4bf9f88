//! Puts views over files, and what queries ask of rows and maps onto the columns that hold it.
//!
//! Below the columns that a view shows it also gives, under names that no query can write (`·column`), the
//! columns of files that they are made of. What is asked of a row or map then asks the column instead; the
//! optimizer drops whatever nobody asks.

use super::part::Part;
use super::{Functions, Shown, ViewSource};
use datafusion::common::TableReference;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableSource};
use datafusion::prelude::lit;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Gives the files of a view.
pub type Files<'a> = &'a dyn Fn(&ViewSource) -> Result<Arc<dyn TableSource>>;

pub fn place(plan: LogicalPlan, functions: &Functions, files: Files) -> Result<LogicalPlan> {
    let mut placer = Placer { functions, files, used: used(&plan)?, parts: HashMap::new() };
    placer.place(plan, false)
}

/// Names of all columns that a plan speaks of.
fn used(plan: &LogicalPlan) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Column(column) | Expr::OuterReferenceColumn(_, column) = expr {
                    names.insert(column.name.clone());
                }
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            })
        })
    })?;
    // columns that joins are made over stand in no expression
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Join(join) = node {
            let both = join.on.iter().flat_map(|(left, right)| [left, right]);
            names.extend(both.filter_map(|expr| Some(expr.try_as_col()?.name.clone())));
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

fn hidden(flat: &str) -> String {
    format!("·{flat}")
}

struct Placer<'a> {
    functions: &'a Functions,
    files: Files<'a>,
    used: BTreeSet<String>,
    /// Of all views met, by name.
    parts: HashMap<&'static str, Part>,
}

impl Placer<'_> {
    /// `widen`: whether the plan may give more columns than it did, because whoever takes them names those it takes.
    fn place(&mut self, plan: LogicalPlan, widen: bool) -> Result<LogicalPlan> {
        if let LogicalPlan::TableScan(scan) = &plan
            && let Some(source) = scan.source.downcast_ref::<ViewSource>()
        {
            return self.view(scan, source);
        }
        let below = match &plan {
            LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) => true,
            LogicalPlan::Union(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::RecursiveQuery(_)
            | LogicalPlan::Unnest(_)
            | LogicalPlan::Subquery(_) => false,
            _ => widen,
        };
        let plan = plan.map_subqueries(|subquery| Ok(Transformed::yes(self.place(subquery, false)?)))?.data;
        let placed = plan.map_children(|child| Ok(Transformed::yes(self.place(child, below)?)))?.data;
        let placed = self.rewrite(placed)?;
        let placed = if widen { self.widen(placed)? } else { placed };
        placed.recompute_schema()
    }

    fn view(&mut self, scan: &TableScan, source: &ViewSource) -> Result<LogicalPlan> {
        let (exprs, columns) = self.shown(&scan.table_name, &source.shown);
        let files = (self.files)(source)?;
        let schema = files.schema();
        let indices: Vec<_> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        let indices = if indices.is_empty() { vec![0] } else { indices };
        let plan = LogicalPlanBuilder::scan(scan.table_name.clone(), files, Some(indices))?;
        plan.project(exprs)?.build()
    }

    /// What the view gives, as far as the query speaks of it, and the columns that it takes for it.
    fn shown(&mut self, table: &TableReference, shown: &Shown) -> (Vec<Expr>, BTreeSet<&'static str>) {
        let flat = |name: &str| column(table, name);
        let (mut exprs, mut columns, mut below) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for field in shown.schema.fields() {
            let Some((name, part)) = shown.columns.get_key_value(field.name().as_str()) else { continue };
            self.parts.insert(name, *part);
            if !self.used.contains(*name) {
                continue;
            }
            exprs.push(part.expr(self.functions, &flat).alias_qualified(Some(table.clone()), *name));
            let mut made = Vec::new();
            part.columns(&mut made);
            if !matches!(part, Part::Flat(_)) {
                below.extend(made.iter().copied());
            }
            columns.extend(made);
        }
        let hide = |name: &&'static str| flat(name).alias_qualified(Some(table.clone()), hidden(name));
        exprs.extend(below.iter().map(hide));
        if exprs.is_empty() {
            // a query that only counts still needs a column to count
            exprs.push(flat("eventtime").alias_qualified(Some(table.clone()), hidden("eventtime")));
            columns.insert("eventtime");
        }
        (exprs, columns)
    }

    /// Asks columns instead of rows and maps, where they are there.
    fn rewrite(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let schemas: Vec<_> = plan.inputs().iter().map(|input| input.schema().clone()).collect();
        let there = |column: &Column| schemas.iter().any(|schema| schema.has_column(column));
        let names = NamePreserver::new(&plan);
        let rewritten = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_down(|expr| {
                Ok(match self.asks(&expr, &there) {
                    Some(new) => Transformed::yes(new),
                    None => Transformed::no(expr),
                })
            })?;
            Ok(if expr.transformed { Transformed::yes(name.restore(expr.data)) } else { expr })
        })?;
        Ok(rewritten.data)
    }

    fn asks(&self, expr: &Expr, there: &dyn Fn(&Column) -> bool) -> Option<Expr> {
        let Expr::ScalarFunction(function) = expr else { return None };
        match function.func.name() {
            "get_field" => self.field(function, there),
            "element_at" => {
                let [map, key] = function.args.as_slice() else { return None };
                let (column, path) = path(map)?;
                self.value(&column, &path, text(key)?, there)
            }
            _ => None,
        }
    }

    fn field(&self, function: &ScalarFunction, there: &dyn Fn(&Column) -> bool) -> Option<Expr> {
        let (column, path) = field_path(function)?;
        let part = self.parts.get(column.name.as_str())?;
        if let Some(part) = part.at(&path) {
            return of(part, &column, there, |flat| part.expr(self.functions, flat));
        }
        let (key, path) = path.split_last()?;
        self.value(&column, path, key, there)
    }

    fn value(&self, column: &Column, path: &[&str], key: &str, there: &dyn Fn(&Column) -> bool) -> Option<Expr> {
        let part = self.parts.get(column.name.as_str())?.at(path)?;
        let mut value = None;
        of(part, column, there, |flat| {
            value = part.value(self.functions, flat, key);
            lit(ScalarValue::Null)
        })?;
        value
    }

    /// Lets what a row or map is made of through with it, for those above that ask.
    fn widen(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let LogicalPlan::Projection(projection) = plan else { return Ok(plan) };
        let mut exprs = projection.expr.clone();
        let input: &DFSchema = projection.input.schema();
        for expr in &projection.expr {
            let Expr::Column(column) = expr else { continue };
            let Some(part) = self.parts.get(column.name.as_str()).filter(|part| !matches!(part, Part::Flat(_))) else {
                continue;
            };
            let mut columns = Vec::new();
            part.columns(&mut columns);
            let below = columns.iter().map(|flat| Column::new(column.relation.clone(), hidden(flat)));
            for column in below.filter(|column| input.has_column(column)).map(Expr::Column) {
                if !exprs.contains(&column) {
                    exprs.push(column);
                }
            }
        }
        LogicalPlanBuilder::from(Arc::unwrap_or_clone(projection.input)).project(exprs)?.build()
    }
}

/// Makes an expression of hidden columns, if the input has all of them.
fn of(
    part: Part,
    shown: &Column,
    there: &dyn Fn(&Column) -> bool,
    make: impl FnOnce(&dyn Fn(&str) -> Expr) -> Expr,
) -> Option<Expr> {
    let below = |flat: &str| Column::new(shown.relation.clone(), hidden(flat));
    let mut columns = Vec::new();
    part.columns(&mut columns);
    let all = columns.iter().all(|flat| there(&below(flat)));
    all.then(|| make(&|flat| Expr::Column(below(flat))))
}

fn column(table: &TableReference, name: &str) -> Expr {
    Expr::Column(Column::new(Some(table.clone()), name))
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

/// The column and the names of fields that lead into it.
fn path(expr: &Expr) -> Option<(Column, Vec<&str>)> {
    match expr {
        Expr::Column(column) => Some((column.clone(), Vec::new())),
        Expr::ScalarFunction(function) if function.func.name() == "get_field" => field_path(function),
        Expr::Alias(alias) => path(&alias.expr),
        _ => None,
    }
}

fn field_path(function: &ScalarFunction) -> Option<(Column, Vec<&str>)> {
    let (base, names) = function.args.split_first()?;
    let (column, mut path) = path(base)?;
    for name in names {
        path.push(text(name)?);
    }
    Some((column, path))
}
