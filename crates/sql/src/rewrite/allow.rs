//! What is SQL and parses, but is not a query over tables.

use cairn_lake::sql::Error;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Select, SetExpr, TableFactor};

fn refused(what: &str) -> Result<(), Error> {
    Err(Error::Refused(format!("{what} is not allowed")))
}

pub fn query(query: &Query) -> Result<(), Error> {
    if !query.locks.is_empty() || query.for_clause.is_some() {
        return refused("FOR behind a query");
    }
    if query.settings.is_some() || query.format_clause.is_some() || !query.pipe_operators.is_empty() {
        return refused("SETTINGS, FORMAT or |> behind a query");
    }
    body(&query.body)
}

fn body(body: &SetExpr) -> Result<(), Error> {
    match body {
        SetExpr::Insert(_) => refused("INSERT"),
        SetExpr::Update(_) => refused("UPDATE"),
        SetExpr::Delete(_) => refused("DELETE"),
        SetExpr::Merge(_) => refused("MERGE"),
        SetExpr::Table(_) => refused("TABLE"),
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
        SetExpr::SetOperation { left, right, .. } => self::body(left).and_then(|()| self::body(right)),
    }
}

pub fn select(select: &Select) -> Result<(), Error> {
    if select.into.is_some() {
        return refused("SELECT INTO");
    }
    let strange = select.top.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some();
    if strange { refused("a clause of another SQL's SELECT (TOP, PREWHERE, CONNECT BY, …)") } else { Ok(()) }
}

pub fn factor(factor: &TableFactor) -> Result<(), Error> {
    match factor {
        TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
            refused(&format!("the table function {name}"))
        }
        TableFactor::Table { name, sample: Some(_), .. } => refused(&format!("TABLESAMPLE of {name}")),
        TableFactor::Table { name, version: Some(_), .. } => refused(&format!("a version of {name}")),
        TableFactor::Table { name, .. } if !plain(name) => Err(Error::NoTable(name.to_string())),
        TableFactor::Table { .. }
        | TableFactor::Derived { .. }
        | TableFactor::UNNEST { .. }
        | TableFactor::NestedJoin { .. } => Ok(()),
        _ => refused("a table function, PIVOT or MATCH_RECOGNIZE after FROM"),
    }
}

/// Neither the name of a file in quotes nor one of another catalog.
fn plain(name: &ObjectName) -> bool {
    let quotes = |quote: Option<char>| matches!(quote, None | Some('"'));
    name.0.len() == 1 && name.0.iter().all(|part| part.as_ident().is_some_and(|ident| quotes(ident.quote_style)))
}

/// No column is called so, without quotes.
const RESERVED: [&str; 24] = [
    "and",
    "as",
    "between",
    "cross",
    "else",
    "except",
    "exists",
    "from",
    "group",
    "having",
    "in",
    "intersect",
    "interval",
    "is",
    "join",
    "like",
    "on",
    "or",
    "order",
    "select",
    "then",
    "union",
    "when",
    "where",
];

/// The parser takes these words for columns where it expects an expression.
pub fn expr(expr: &Expr) -> Result<(), Error> {
    match expr {
        Expr::Identifier(ident) if ident.quote_style.is_none() => {
            if !RESERVED.contains(&ident.value.to_lowercase().as_str()) {
                return Ok(());
            }
            let (place, found) = (ident.span.start, &ident.value);
            let message = format!("expected an expression, found {found}");
            Err(Error::Syntax { line: place.line, column: place.column, message })
        }
        _ => Ok(()),
    }
}
