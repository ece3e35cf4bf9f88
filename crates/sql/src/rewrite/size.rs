//! How large a query is once every name of its WITH stands for what it means: the planner writes it out, so
//! that a short text may mean a plan without end.

use cairn_lake::sql::Error;
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, TableFactor, Visit, Visitor};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Tables, SELECTs and sub-queries of one query, written out.
const PARTS_MAX: usize = 1_000;
/// Expressions within arguments that are written twice, such as those of `greatest`.
const COPIES_MAX: usize = 10_000;

/// Errors: Invalid.
pub fn check(query: &Query) -> Result<(), Error> {
    match query.visit(&mut Sizes::default()) {
        ControlFlow::Break(()) => {
            let what = "written out, with a copy for every use of a WITH query";
            Err(Error::Invalid(format!(
                "the query is too large: {what}, it has more than {PARTS_MAX} tables and SELECTs"
            )))
        }
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// A query that is being read.
struct Frame {
    /// Names of its WITH that come after what has been read.
    coming: std::vec::IntoIter<String>,
    /// What those before mean, in parts.
    known: HashMap<String, usize>,
    parts: usize,
}

#[derive(Default)]
struct Sizes {
    frames: Vec<Frame>,
}

impl Sizes {
    /// One name may mean several things, as names within hide those without: it counts as the largest.
    fn of(&self, name: &str) -> usize {
        self.frames.iter().filter_map(|frame| frame.known.get(name).copied()).max().unwrap_or(1)
    }

    fn add(&mut self, parts: usize) -> ControlFlow<()> {
        let Some(frame) = self.frames.last_mut() else { return ControlFlow::Continue(()) };
        frame.parts = frame.parts.saturating_add(parts);
        if frame.parts > PARTS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Sizes {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let names = query.with.iter().flat_map(|with| &with.cte_tables);
        let coming = names.map(|cte| cte.alias.name.value.to_lowercase()).collect::<Vec<_>>().into_iter();
        self.frames.push(Frame { coming, known: HashMap::new(), parts: 0 });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        let parts = self.frames.pop().map_or(0, |frame| frame.parts);
        let Some(around) = self.frames.last_mut() else { return ControlFlow::Continue(()) };
        // the queries of WITH are read before all others, in order
        if let Some(name) = around.coming.next() {
            let known = around.known.entry(name).or_default();
            *known = parts.max(*known).max(1);
            return ControlFlow::Continue(());
        }
        self.add(parts)
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.add(1)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, .. } = factor else { return ControlFlow::Continue(()) };
        let name = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_lowercase());
        let parts = self.of(name.as_deref().unwrap_or_default());
        self.add(parts)
    }
}

/// Counts what the rewriting of a query writes twice.
#[derive(Default)]
pub struct Copies(usize);

impl Copies {
    /// To be asked before `expr` is rewritten. Errors: Invalid.
    pub fn check(&mut self, expr: &Expr) -> Result<(), Error> {
        let Expr::Function(function) = expr else { return Ok(()) };
        let name = function.name.to_string().to_lowercase();
        if !matches!(name.as_str(), "greatest" | "least" | "max_by" | "min_by") {
            return Ok(());
        }
        if expr.visit(self).is_break() {
            let message =
                format!("the arguments of {name} are too large: they are written out more than {COPIES_MAX} times");
            return Err(Error::Invalid(message));
        }
        Ok(())
    }
}

impl Visitor for Copies {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.0 += 1;
        if self.0 > COPIES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
