//! What Trino means, said so that the planner understands it: names of columns, functions, UNNEST.

mod allow;
mod calls;
mod columns;
mod names;
mod size;
mod unnest;

pub use columns::{named, outputs};
pub use unnest::Unnests;

use cairn_lake::sql::Error;
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, TableFactor, VisitMut, VisitorMut};
use std::ops::ControlFlow;

/// Rewrites a query in place. Errors: Refused for what is no plain query, Invalid.
pub fn rewrite(query: &mut Query) -> Result<(), Error> {
    size::check(query)?;
    match query.visit(&mut Rewriter::default()) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

#[derive(Default)]
struct Rewriter {
    copies: size::Copies,
}

fn flow(result: Result<(), Error>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Rewriter {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        flow(allow::query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let allowed = allow::select(select);
        names::name(select);
        unnest::nest_all(&mut select.from);
        flow(allowed)
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let allowed = allow::factor(factor);
        unnest::nest_within(factor);
        flow(allowed)
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let allowed = allow::expr(expr).and_then(|()| self.copies.check(expr));
        flow(allowed.and_then(|()| calls::rewrite(expr)))
    }
}

/// Functions that are rewritten, so that no registry knows them.
pub const FUNCTIONS: [&str; 28] = [
    "all_match",
    "any_match",
    "approx_percentile",
    "arbitrary",
    "array_average",
    "array_join",
    "ceiling",
    "codepoint",
    "contains",
    "count_if",
    "date",
    "every",
    "filter",
    "greatest",
    "if",
    "least",
    "levenshtein_distance",
    "localtimestamp",
    "max_by",
    "min_by",
    "mod",
    "none_match",
    "pow",
    "rand",
    "row",
    "transform",
    "truncate",
    "try",
];
