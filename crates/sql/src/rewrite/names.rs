//! Every column of every SELECT gets a name of its own, as the planner wants it.

use super::columns::unnamed;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Select, SelectItem, TableFactor, TableWithJoins};
use std::collections::BTreeSet;

pub fn name(select: &mut Select) {
    let mut tables = BTreeSet::new();
    select.from.iter().for_each(|from| relations(from, &mut tables));
    let mut taken = BTreeSet::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        alias(item, index, &tables, &mut taken);
    }
}

/// What columns may be qualified with.
fn relations(from: &TableWithJoins, names: &mut BTreeSet<String>) {
    let joined = from.joins.iter().map(|join| &join.relation);
    for factor in std::iter::once(&from.relation).chain(joined) {
        match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => {
                names.insert(alias.name.value.to_lowercase());
            }
            TableFactor::Table { name, .. } => {
                names.extend(name.0.iter().filter_map(|part| Some(part.as_ident()?.value.to_lowercase())));
            }
            TableFactor::NestedJoin { table_with_joins, .. } => relations(table_with_joins, names),
            _ => {}
        }
    }
}

fn alias(item: &mut SelectItem, index: usize, tables: &BTreeSet<String>, taken: &mut BTreeSet<String>) {
    let (expr, name) = match item {
        SelectItem::UnnamedExpr(expr) => {
            let name = own(expr, tables);
            (expr, name)
        }
        SelectItem::ExprWithAlias { alias, .. } => {
            taken.insert(alias.value.to_lowercase());
            return;
        }
        _ => return,
    };
    let name = match name {
        Own::Kept(name) if taken.insert(name.clone()) => return,
        Own::Named(name) if taken.insert(name.clone()) => name,
        Own::Kept(name) | Own::Named(name) => format!("{name}·{index}"),
        Own::None => unnamed(index),
    };
    let expr = expr.clone();
    *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
}

enum Own {
    /// The planner gives it this name.
    Kept(String),
    /// Trino gives it this name.
    Named(String),
    None,
}

fn own(expr: &Expr, tables: &BTreeSet<String>) -> Own {
    match expr {
        Expr::Identifier(ident) => Own::Kept(ident.value.to_lowercase()),
        Expr::CompoundIdentifier(idents) => {
            let Some(last) = idents.last() else { return Own::None };
            let last = last.value.to_lowercase();
            let column = idents.len() == 2 && tables.contains(&idents[0].value.to_lowercase());
            if column { Own::Kept(last) } else { Own::Named(last) }
        }
        _ => Own::None,
    }
}
