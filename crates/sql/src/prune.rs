//! Which files cannot hold what a query asks for.

use cairn_lake::table::File;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use std::collections::BTreeSet;

/// A column, and the keys that lead into it where it is an object.
type Place = Vec<String>;

/// What all conditions of a scan together say of every row that they let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `eventTime` in microseconds, both included.
    from: i64,
    to: i64,
    timed: bool,
    /// Places, and the texts of which they hold one.
    values: Vec<(Place, BTreeSet<String>)>,
}

impl Wanted {
    pub fn of(filters: &[Expr]) -> Self {
        let mut wanted = Self { from: i64::MIN, to: i64::MAX, timed: false, values: Vec::new() };
        for filter in filters {
            wanted.and(filter);
        }
        wanted
    }

    /// Whether a file may hold such a row.
    pub fn may_be_in(&self, file: &File) -> bool {
        let oldest = file.times.start.millis().saturating_mul(1000);
        let newest = file.times.end.millis().saturating_mul(1000).saturating_add(999);
        if self.timed && (newest < self.from || oldest > self.to) {
            return false;
        }
        self.values.iter().all(|(place, values)| values.iter().any(|value| may_hold(file, place, value)))
    }

    fn and(&mut self, filter: &Expr) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.and(left);
                self.and(right);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op != Operator::Or => match (&**left, &**right) {
                (Expr::Column(column), Expr::Literal(value, _)) => self.compare(&column.name, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => {
                    if let Some(op) = op.swap() {
                        self.compare(&column.name, op, value);
                    }
                }
                _ => self.one_of(filter),
            },
            Expr::Between(between) if !between.negated => {
                if let (Expr::Column(column), Expr::Literal(low, _), Expr::Literal(high, _)) =
                    (&*between.expr, &*between.low, &*between.high)
                {
                    self.compare(&column.name, Operator::GtEq, low);
                    self.compare(&column.name, Operator::LtEq, high);
                }
            }
            other => self.one_of(other),
        }
    }

    fn one_of(&mut self, filter: &Expr) {
        self.values.extend(either(filter));
    }

    fn compare(&mut self, column: &str, op: Operator, value: &ScalarValue) {
        if let ScalarValue::TimestampMicrosecond(Some(time), _) = value
            && column == "eventtime"
        {
            self.timed = true;
            match op {
                Operator::Eq => (self.from, self.to) = (self.from.max(*time), self.to.min(*time)),
                Operator::Gt => self.from = self.from.max(time.saturating_add(1)),
                Operator::GtEq => self.from = self.from.max(*time),
                Operator::Lt => self.to = self.to.min(time.saturating_sub(1)),
                Operator::LtEq => self.to = self.to.min(*time),
                _ => {}
            }
        } else if let (Operator::Eq, Some(Some(text))) = (op, value.try_as_str()) {
            self.values.push((vec![column.to_owned()], BTreeSet::from([text.to_owned()])));
        }
    }
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_owned),
        _ => None,
    }
}

/// A condition that holds when one place is, or holds, one of some texts.
fn either(filter: &Expr) -> Option<(Place, BTreeSet<String>)> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (left, right) = (either(left)?, either(right)?);
            (left.0 == right.0).then(|| (left.0, left.1.into_iter().chain(right.1).collect()))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            Some((place(left)?, BTreeSet::from([text(right)?])))
        }
        Expr::InList(list) if !list.negated => {
            Some((place(&list.expr)?, list.list.iter().map(text).collect::<Option<_>>()?))
        }
        Expr::ScalarFunction(function) if function.func.name() == "array_has" => {
            let [list, value] = function.args.as_slice() else { return None };
            Some((vec![list.try_as_col()?.name.clone()], BTreeSet::from([text(value)?])))
        }
        _ => None,
    }
}

fn place(expr: &Expr) -> Option<Place> {
    match expr {
        Expr::Column(column) => Some(vec![column.name.clone()]),
        Expr::ScalarFunction(function) if function.func.name() == "json_field" => {
            let [object, key] = function.args.as_slice() else { return None };
            let column = object.try_as_col()?.name.clone();
            (column == "requestparameters").then_some(vec![column, text(key)?])
        }
        _ => None,
    }
}

/// What is known of the file beside its times.
fn may_hold(file: &File, place: &Place, value: &str) -> bool {
    match place.as_slice() {
        [column] => file.facts.may_hold(column, value),
        // an object or array is there as its text, of which nothing is known
        [_, ..] if value.starts_with(['{', '[']) => true,
        [_, keys @ ..] => file.facts.may_hold_parameter(&keys.iter().map(String::as_str).collect::<Vec<_>>(), value),
        [] => true,
    }
}
