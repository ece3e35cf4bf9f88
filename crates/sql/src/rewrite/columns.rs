//! What the columns of a result are called: as the query wrote them, or as AWS shows them.

use crate::view;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr};
use datafusion::sql::sqlparser::tokenizer::Location;

/// One item of the outermost SELECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Named(String),
    /// `*`: as many columns as it stands for.
    All,
}

/// The outermost SELECT's items, before anything is rewritten; `text` is what the query was read from.
pub fn outputs(query: &Query, text: &str) -> Vec<Output> {
    let items = first(&query.body);
    items.iter().enumerate().map(|(index, item)| output(item, index, text)).collect()
}

fn first(body: &SetExpr) -> &[SelectItem] {
    match body {
        SetExpr::Select(select) => &select.projection,
        SetExpr::Query(query) => first(&query.body),
        SetExpr::SetOperation { left, .. } => first(left),
        _ => &[],
    }
}

fn output(item: &SelectItem, index: usize, text: &str) -> Output {
    let name = match item {
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => return Output::All,
        SelectItem::ExprWithAlias { alias, .. } => written(alias, text),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => written(ident, text),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(idents)) => match idents.last() {
            Some(ident) => written(ident, text),
            None => unnamed(index),
        },
        SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAliases { .. } => unnamed(index),
    };
    Output::Named(name)
}

/// As Trino calls a column without a name.
pub fn unnamed(index: usize) -> String {
    format!("_col{index}")
}

/// A name with the case it has in the text: quoted names have lost it.
fn written(ident: &Ident, text: &str) -> String {
    let end = at(text, ident.span.end).unwrap_or_default();
    let found = at(text, ident.span.start).and_then(|start| text.get(start..end));
    let found = found.map(|found| found.trim_matches('"').replace("\"\"", "\""));
    found.filter(|found| found.to_lowercase() == ident.value.to_lowercase()).unwrap_or_else(|| ident.value.clone())
}

/// Where a place, counted in lines and characters from 1, is in the text.
fn at(text: &str, place: Location) -> Option<usize> {
    let before = text.split_inclusive('\n').take(place.line.checked_sub(1)? as usize).map(str::len).sum::<usize>();
    let line = text.get(before..)?;
    let column = place.column.checked_sub(1)? as usize;
    Some(before + line.char_indices().nth(column).map_or(line.len(), |(index, _)| index))
}

/// Names for `count` columns that the planner calls `planned`.
pub fn named(outputs: &[Output], planned: &[String]) -> Vec<String> {
    let wild = |output: &Output| *output == Output::All;
    let front = outputs.iter().position(wild).unwrap_or(outputs.len());
    let back = outputs.iter().rev().position(wild).unwrap_or(0);
    let count = planned.len();
    let name = |index: usize| {
        let output = if index < front {
            outputs.get(index)
        } else {
            (count - index <= back).then(|| outputs.get(outputs.len() - (count - index))).flatten()
        };
        match output {
            Some(Output::Named(name)) => name.clone(),
            _ => view::written(&planned[index]).to_owned(),
        }
    };
    (0..count).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn check(text: &str, planned: &[&str], expected: &[&str]) {
        let outputs = outputs(&parse(text, &[]).unwrap(), text);
        let planned: Vec<_> = planned.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(named(&outputs, &planned), expected, "{text}");
    }

    #[test]
    fn a_column_is_called_as_the_query_wrote_it() {
        check("SELECT eventName, count(*) AS C FROM x", &["eventname", "c"], &["eventName", "C"]);
        check("SELECT \"eventName\", 'é', e.AwsRegion FROM x", &["a", "b", "c"], &["eventName", "_col1", "AwsRegion"]);
        check("SELECT userIdentity.ARN, 1 FROM x UNION SELECT 1, 2", &["arn", "b"], &["ARN", "_col1"]);
    }

    #[test]
    fn a_star_shows_the_names_of_aws() {
        check("SELECT * FROM x", &["eventname", "useridentity", "b"], &["eventName", "userIdentity", "b"]);
        check("SELECT 1 AS A, *, 2 AS Z FROM x", &["a", "eventid", "z"], &["A", "eventID", "Z"]);
        check("SELECT 1 AS A, x.*, y.* FROM x", &["a", "eventid", "eventid"], &["A", "eventID", "eventID"]);
    }
}
