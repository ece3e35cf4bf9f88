//! `CROSS JOIN UNNEST(list) AS t (element)`: each row once for each element of its own lists.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::TableReference;
use datafusion::common::{Column, DFSchema, NullHandling, Result, UnnestOptions, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarUDF};
use datafusion::sql::sqlparser::ast::{self, Join, JoinOperator, TableAlias, TableFactor, TableWithJoins};
use std::sync::Arc;

/// Puts each UNNEST and all that stands before it into parentheses of their own, for [`Unnests`] to find.
pub fn nest_all(from: &mut Vec<TableWithJoins>) {
    while let Some(index) = from.iter().skip(1).position(|table| is_unnest(&table.relation)) {
        let table = from.remove(index + 1);
        let before = &mut from[index];
        before.joins.push(cross(table.relation));
        before.joins.extend(table.joins);
    }
    from.iter_mut().for_each(nest);
}

pub fn nest_within(factor: &mut TableFactor) {
    if let TableFactor::NestedJoin { table_with_joins, .. } = factor
        && table_with_joins.joins.len() > 1
    {
        nest(table_with_joins);
    }
}

fn cross(relation: TableFactor) -> Join {
    let join_operator = JoinOperator::CrossJoin(ast::JoinConstraint::None);
    Join { relation, global: false, join_operator }
}

fn is_unnest(factor: &TableFactor) -> bool {
    matches!(factor, TableFactor::UNNEST { .. })
}

fn nest(table: &mut TableWithJoins) {
    let Some(last) = table.joins.iter().rposition(|join| is_unnest(&join.relation)) else { return };
    let rest = table.joins.split_off(last + 1);
    let Some(join) = table.joins.pop() else { return };
    nest(table);
    let left = std::mem::replace(table, TableWithJoins { relation: join.relation.clone(), joins: Vec::new() });
    let left = if left.joins.is_empty() { left.relation } else { parentheses(left) };
    let nested = TableWithJoins { relation: left, joins: vec![join] };
    *table = TableWithJoins { relation: parentheses(nested), joins: rest };
}

fn parentheses(table: TableWithJoins) -> TableFactor {
    TableFactor::NestedJoin { table_with_joins: Box::new(table), alias: None }
}

/// Plans what [`nest_all`] has put into parentheses.
#[derive(Debug)]
pub struct Unnests {
    /// Makes a list, map or list of rows into lists, one a column.
    pub keys: Arc<ScalarUDF>,
    pub values: Arc<ScalarUDF>,
    pub ordinals: Arc<ScalarUDF>,
    pub field: Arc<ScalarUDF>,
}

/// An UNNEST as it was written.
struct Asked {
    left: Option<TableFactor>,
    lists: Vec<ast::Expr>,
    alias: Option<TableAlias>,
    ordinality: bool,
    /// Rows without elements stay.
    keep: bool,
}

impl RelationPlanner for Unnests {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match asked(relation) {
            Ok(asked) => {
                let plan = self.plan(asked, context)?;
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
            }
            Err(other) => Ok(RelationPlanning::Original(other)),
        }
    }
}

fn ends_with_unnest(table: &TableWithJoins) -> bool {
    matches!(table.joins.as_slice(), [join] if is_unnest(&join.relation))
}

fn asked(relation: TableFactor) -> std::result::Result<Asked, Box<TableFactor>> {
    match relation {
        TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
            Ok(Asked { left: None, lists: array_exprs, alias, ordinality: with_ordinality, keep: false })
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } if ends_with_unnest(&table_with_joins) => {
            let mut table = *table_with_joins;
            let join = table.joins.pop().map(|join| (join.relation, join.join_operator));
            let Some((TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. }, operator)) = join else {
                return Err(Box::new(parentheses(table)));
            };
            let keep = matches!(operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
            Ok(Asked { left: Some(table.relation), lists: array_exprs, alias, ordinality: with_ordinality, keep })
        }
        other => Err(Box::new(other)),
    }
}

/// A list that becomes columns: one, or one for each field of its rows.
struct List {
    expr: Expr,
    fields: Vec<String>,
}

impl Unnests {
    fn plan(&self, asked: Asked, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        let left = match asked.left {
            Some(left) => context.plan(left)?,
            None => LogicalPlanBuilder::empty(true).build()?,
        };
        let schema = left.schema().clone();
        let mut lists = Vec::new();
        for list in asked.lists {
            let expr = context.sql_to_expr(list, &schema)?;
            lists.extend(self.lists(expr, &schema)?);
        }
        if lists.is_empty() {
            return plan_err!("UNNEST needs at least one array or map");
        }
        if asked.ordinality {
            let exprs = lists.iter().map(|list| list.expr.clone()).collect();
            lists.push(List { expr: call(&self.ordinals, exprs), fields: Vec::new() });
        }
        let names = names(asked.alias.as_ref(), &lists, context)?;
        self.unnest(left, &lists, names, asked.keep)
    }

    fn lists(&self, expr: Expr, schema: &DFSchema) -> Result<Vec<List>> {
        match expr.get_type(schema)? {
            DataType::Map(..) => {
                let keys = List { expr: call(&self.keys, vec![expr.clone()]), fields: Vec::new() };
                Ok(vec![keys, List { expr: call(&self.values, vec![expr]), fields: Vec::new() }])
            }
            DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
                let fields = match element.data_type() {
                    DataType::Struct(fields) => fields.iter().map(|field| field.name().clone()).collect(),
                    _ => Vec::new(),
                };
                Ok(vec![List { expr, fields }])
            }
            other => plan_err!("UNNEST takes arrays and maps, not {other}"),
        }
    }

    fn unnest(&self, left: LogicalPlan, lists: &[List], names: Names, keep: bool) -> Result<LogicalPlan> {
        let kept: Vec<Expr> = left.schema().columns().into_iter().map(Expr::Column).collect();
        let hidden = |index: usize| Column::new_unqualified(format!("·unnest{index}"));
        let mut inner = kept.clone();
        inner.extend(lists.iter().enumerate().map(|(index, list)| list.expr.clone().alias(hidden(index).name)));
        let columns = (0..lists.len()).map(hidden).collect();
        let handling = if keep { NullHandling::PreserveAndExpandEmpty } else { NullHandling::Drop };
        let options = UnnestOptions::new().with_null_handling(handling);
        let plan = LogicalPlanBuilder::from(left).project(inner)?.unnest_columns_with_options(columns, options)?;
        let mut outer = kept;
        let mut given = names.columns.into_iter();
        for (index, list) in lists.iter().enumerate() {
            let column = Expr::Column(hidden(index));
            let parts = if list.fields.is_empty() {
                vec![column]
            } else {
                let part = |field: &String| call(&self.field, vec![column.clone(), datafusion::prelude::lit(field)]);
                list.fields.iter().map(part).collect()
            };
            outer.extend(
                parts
                    .into_iter()
                    .zip(given.by_ref())
                    .map(|(part, name)| part.alias_qualified(names.table.clone(), name)),
            );
        }
        plan.project(outer)?.build()
    }
}

fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(function.clone(), args))
}

struct Names {
    table: Option<TableReference>,
    columns: Vec<String>,
}

/// The alias's names for the new columns; those that it does not name are numbered, or called as their fields.
fn names(alias: Option<&TableAlias>, lists: &[List], context: &dyn RelationPlannerContext) -> Result<Names> {
    let mut columns: Vec<String> = Vec::new();
    for list in lists {
        if list.fields.is_empty() {
            columns.push(format!("_col{}", columns.len()));
        } else {
            columns.extend(list.fields.iter().cloned());
        }
    }
    let Some(alias) = alias else { return Ok(Names { table: None, columns }) };
    if alias.columns.len() > columns.len() {
        let (named, there) = (alias.columns.len(), columns.len());
        return plan_err!("UNNEST gives {there} columns, and {} names {named}", alias.name);
    }
    for (column, given) in columns.iter_mut().zip(&alias.columns) {
        *column = context.normalize_ident(given.name.clone());
    }
    Ok(Names { table: Some(TableReference::bare(context.normalize_ident(alias.name.clone()))), columns })
}
