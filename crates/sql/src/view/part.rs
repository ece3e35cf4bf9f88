//! What one column of a view is made of.

use super::Functions;
use cairn_lake::schema::COLUMNS;
use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;

/// Made of columns of files.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The column itself.
    Flat(&'static str),
    /// A text that is a time.
    Time(&'static str),
    /// Fields of a row.
    Row(&'static [(&'static str, Part)]),
    /// An object as a map of texts.
    Map(&'static str),
    /// An object within an object as a map of texts.
    MapWithin(&'static str, &'static [&'static str]),
    /// A text within an object.
    Within(&'static str, &'static [&'static str]),
    /// A time within an object.
    TimeWithin(&'static str, &'static [&'static str]),
    Resources(&'static str),
    /// The original event.
    Event,
    Checksum,
}

impl Part {
    /// It, of the files' columns as `column` gives them.
    pub fn expr(self, functions: &Functions, column: &dyn Fn(&str) -> Expr) -> Expr {
        match self {
            Self::Flat(name) => column(name),
            Self::Time(name) => functions.call("try_from_iso8601_timestamp", vec![column(name)]),
            Self::Row(fields) => {
                let pairs = fields.iter().flat_map(|(name, part)| [lit(*name), part.expr(functions, column)]);
                functions.call("named_struct", pairs.collect())
            }
            Self::Map(name) => functions.call("json_map", vec![column(name)]),
            Self::MapWithin(name, keys) => {
                functions.call("json_map", vec![member(functions, column(name), keys, None)])
            }
            Self::Within(name, keys) => member(functions, column(name), keys, None),
            Self::TimeWithin(name, keys) => {
                functions.call("try_from_iso8601_timestamp", vec![member(functions, column(name), keys, None)])
            }
            Self::Resources(name) => functions.call("json_resources", vec![column(name)]),
            Self::Event => functions.call("event_json", COLUMNS.iter().map(|flat| column(flat.name)).collect()),
            Self::Checksum => {
                let digest = functions.call("sha256", vec![Self::Event.expr(functions, column)]);
                functions.call("encode", vec![digest, lit("hex")])
            }
        }
    }

    /// The value of one key, where it is a map.
    pub fn value(self, functions: &Functions, column: &dyn Fn(&str) -> Expr, key: &str) -> Option<Expr> {
        match self {
            Self::Map(name) => Some(functions.call("json_field", vec![column(name), lit(key)])),
            Self::MapWithin(name, keys) => Some(member(functions, column(name), keys, Some(key))),
            _ => None,
        }
    }

    /// The part that the names of fields lead to.
    pub fn at(self, path: &[&str]) -> Option<Self> {
        match (self, path) {
            (part, []) => Some(part),
            (Self::Row(fields), [first, rest @ ..]) => {
                let field = fields.iter().find(|(name, _)| name == first)?;
                field.1.at(rest)
            }
            _ => None,
        }
    }

    /// The columns that it is made of.
    pub fn columns(self, out: &mut Vec<&'static str>) {
        match self {
            Self::Flat(name)
            | Self::Time(name)
            | Self::Map(name)
            | Self::MapWithin(name, _)
            | Self::Within(name, _)
            | Self::TimeWithin(name, _)
            | Self::Resources(name) => out.push(name),
            Self::Row(fields) => fields.iter().for_each(|(_, part)| part.columns(out)),
            Self::Event | Self::Checksum => out.extend(COLUMNS.iter().map(|flat| flat.name)),
        }
    }
}

fn member(functions: &Functions, column: Expr, keys: &[&str], last: Option<&str>) -> Expr {
    let keys = keys.iter().copied().chain(last).map(lit);
    functions.call("json_member", std::iter::once(column).chain(keys).collect())
}
