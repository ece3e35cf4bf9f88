//! Functions and operators that Trino calls or means otherwise.

use cairn_lake::sql::Error;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, OrderByExpr, OrderByOptions, TypedString, Value,
    VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Trino's name, and the planner's for the same with the same arguments.
const RENAMED: [(&str, &str); 18] = [
    ("approx_percentile", "approx_percentile_cont"),
    ("arbitrary", "any_value"),
    ("array_average", "array_avg"),
    ("array_join", "array_to_string"),
    ("ceiling", "ceil"),
    ("codepoint", "ascii"),
    ("contains", "array_has"),
    ("every", "bool_and"),
    ("filter", "array_filter"),
    ("levenshtein_distance", "levenshtein"),
    ("localtimestamp", "now"),
    ("pow", "power"),
    ("rand", "random"),
    ("row", "struct"),
    ("transform", "array_transform"),
    ("truncate", "trunc"),
    ("typeof", "arrow_typeof"),
    ("any_match", "array_any_match"),
];

/// What gives JSON, which is text here: casting it to a text takes the quotes away.
const JSON: [&str; 3] = ["json_extract", "json_parse", "json_array_get"];

pub fn rewrite(expr: &mut Expr) -> Result<(), Error> {
    match expr {
        Expr::Function(function) => {
            if let Some(new) = self::function(function)? {
                *expr = new;
            }
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            like(pattern, escape_char)?;
        }
        Expr::TypedString(typed) if matches!(typed.data_type, DataType::Timestamp(..)) => *expr = timestamp(typed),
        Expr::Substring { expr: text, substring_from: Some(from), substring_for, .. } => {
            let parts = [Some(text), Some(from), substring_for.as_mut()].into_iter().flatten();
            *expr = call("substr", parts.map(|part| (**part).clone()).collect());
        }
        Expr::AtTimeZone { timestamp, time_zone } => {
            *expr = call("at_timezone", vec![(**timestamp).clone(), (**time_zone).clone()]);
        }
        Expr::Cast { kind, expr: inner, data_type, .. } => {
            if let Some(new) = cast(kind, inner, data_type) {
                *expr = new;
            }
        }
        _ => {}
    }
    Ok(())
}

fn function(function: &mut Function) -> Result<Option<Expr>, Error> {
    let [part] = function.name.0.as_slice() else { return Ok(None) };
    let Some(name) = part.as_ident().map(|ident| ident.value.to_lowercase()) else { return Ok(None) };
    if let Some((_, planners)) = RENAMED.iter().find(|(trinos, _)| *trinos == name) {
        function.name = ObjectName::from(Ident::new(*planners));
        return Ok(None);
    }
    let args = args(function);
    Ok(match (name.as_str(), args.as_slice()) {
        ("if", [condition, then]) => Some(case(vec![(condition.clone(), then.clone())], None)),
        ("if", [condition, then, other]) => Some(case(vec![(condition.clone(), then.clone())], Some(other.clone()))),
        ("max_by" | "min_by", [value, by]) => Some(by_order(function, value, by, name == "max_by")),
        ("max_by" | "min_by", [_, _, _]) => {
            return Err(Error::Invalid(format!("{name} with three arguments is not supported; {name}(x, y) is")));
        }
        ("count_if", [condition]) => Some(count_if(function, condition)),
        ("greatest" | "least", [_, ..]) => {
            Some(case(vec![(any_null(&args), null())], Some(Expr::Function(function.clone()))))
        }
        ("try", [inner]) => Some(attempt(inner.clone())),
        ("current_timestamp" | "now", [_]) => Some(call("now", Vec::new())),
        ("mod", [left, right]) => Some(binary(left.clone(), BinaryOperator::Modulo, right.clone())),
        ("none_match", [list, matches]) => Some(not(call("array_any_match", vec![list.clone(), matches.clone()]))),
        ("all_match", [list, Expr::Lambda(lambda)]) => {
            let mut lambda = lambda.clone();
            lambda.body = Box::new(not(Expr::Nested(lambda.body)));
            Some(not(call("array_any_match", vec![list.clone(), Expr::Lambda(lambda)])))
        }
        ("date", [inner]) => Some(to(inner.clone(), DataType::Date, CastKind::Cast)),
        _ => None,
    })
}

/// The arguments, when they are plain.
fn args(function: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let plain = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().map(plain).collect::<Option<_>>().unwrap_or_default()
}

fn list(args: Vec<Expr>, clauses: Vec<FunctionArgumentClause>) -> FunctionArguments {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses })
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(Ident::new(name)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: list(args, Vec::new()),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn null() -> Expr {
    Expr::value(Value::Null)
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: datafusion::sql::sqlparser::ast::UnaryOperator::Not, expr: Box::new(expr) }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }))
}

fn to(expr: Expr, data_type: DataType, kind: CastKind) -> Expr {
    Expr::Cast { kind, expr: Box::new(expr), data_type, array: false, format: None }
}

fn case(conditions: Vec<(Expr, Expr)>, other: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: conditions.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: other.map(Box::new),
    }
}

fn any_null(args: &[Expr]) -> Expr {
    let nulls = args.iter().map(|arg| Expr::IsNull(Box::new(Expr::Nested(Box::new(arg.clone())))));
    nulls.reduce(|left, right| binary(left, BinaryOperator::Or, right)).unwrap_or_else(null)
}

/// The value that comes with the greatest (least) `by`: the first in that order.
fn by_order(function: &Function, value: &Expr, by: &Expr, greatest: bool) -> Expr {
    let options = OrderByOptions { asc: Some(!greatest), nulls_first: Some(false) };
    let order = OrderByExpr { expr: by.clone(), options, with_fill: None };
    let there = Expr::IsNotNull(Box::new(Expr::Nested(Box::new(by.clone()))));
    let filter = match &function.filter {
        Some(filter) => binary((**filter).clone(), BinaryOperator::And, there),
        None => there,
    };
    let mut function = function.clone();
    function.name = ObjectName::from(Ident::new("first_value"));
    function.filter = Some(Box::new(filter));
    function.args = list(vec![value.clone()], vec![FunctionArgumentClause::OrderBy(vec![order])]);
    Expr::Function(function)
}

fn count_if(function: &Function, condition: &Expr) -> Expr {
    let one = Expr::value(Value::Number("1".to_owned(), false));
    let mut function = function.clone();
    function.name = ObjectName::from(Ident::new("count"));
    function.args = list(vec![case(vec![(condition.clone(), one)], None)], Vec::new());
    Expr::Function(function)
}

/// Backslashes mean nothing in Trino's patterns; the planner's escape is always one.
fn like(pattern: &mut Expr, escape: &mut Option<datafusion::sql::sqlparser::ast::ValueWithSpan>) -> Result<(), Error> {
    let escape = match escape.take().map(|escape| escape.value) {
        None => None,
        Some(Value::SingleQuotedString(text)) if text.chars().count() == 1 => text.chars().next(),
        Some(other) => return Err(Error::Invalid(format!("ESCAPE {other} is not one character"))),
    };
    let Expr::Value(value) = pattern else {
        return if escape.is_none() {
            Ok(())
        } else {
            Err(Error::Invalid("ESCAPE needs a literal pattern".to_owned()))
        };
    };
    if let Value::SingleQuotedString(text) = &mut value.value {
        *text = escaped(text, escape)?;
    }
    Ok(())
}

fn escaped(pattern: &str, escape: Option<char>) -> Result<String, Error> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        if Some(char) == escape {
            match chars.next() {
                Some(next) if next == '%' || next == '_' || Some(next) == escape => {
                    out.push('\\');
                    out.push(next);
                }
                _ => {
                    return Err(Error::Invalid(format!(
                        "ESCAPE {char} stands before neither %, _ nor itself in {pattern}"
                    )));
                }
            }
        } else {
            if char == '\\' {
                out.push('\\');
            }
            out.push(char);
        }
    }
    Ok(out)
}

fn timestamp(typed: &TypedString) -> Expr {
    call("timestamp_of", vec![Expr::Value(typed.value.clone())])
}

fn is_json(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.to_string().to_lowercase();
    JSON.contains(&name.as_str())
}

/// JSON is text here, so casts from and to it are calls.
fn cast(kind: &CastKind, inner: &Expr, data_type: &DataType) -> Option<Expr> {
    match data_type {
        DataType::JSON => Some(call("json_of", vec![inner.clone()])),
        DataType::Array(_) | DataType::Map(..) if is_json(inner) => {
            let name = Expr::value(Value::SingleQuotedString(data_type.to_string()));
            Some(call("json_cast", vec![inner.clone(), name]))
        }
        DataType::Timestamp(..) => {
            let name = if *kind == CastKind::TryCast { "try_timestamp" } else { "timestamp_of" };
            Some(call(name, vec![inner.clone()]))
        }
        _ if is_json(inner) => Some(to(call("json_scalar", vec![inner.clone()]), data_type.clone(), kind.clone())),
        _ => None,
    }
}

/// `try(x)`: what would fail is null.
fn attempt(mut expr: Expr) -> Expr {
    let _ = expr.visit(&mut Attempt);
    expr
}

struct Attempt;

impl VisitorMut for Attempt {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Cast { kind, .. } => *kind = CastKind::TryCast,
            Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } => {
                let zero = Expr::value(Value::Number("0".to_owned(), false));
                **right = call("nullif", vec![(**right).clone(), zero]);
            }
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                if let Some(safe) = SAFE.iter().find(|safe| safe.strip_prefix("try_") == Some(name.as_str())) {
                    function.name = ObjectName::from(Ident::new(*safe));
                } else if name == "timestamp_of" {
                    function.name = ObjectName::from(Ident::new("try_timestamp"));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Functions that give null where those without `try_` fail.
const SAFE: [&str; 4] = ["try_json_parse", "try_from_iso8601_timestamp", "try_date_parse", "try_from_iso8601_date"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_their_meaning() {
        assert_eq!(escaped("a%_", None).unwrap(), "a%_");
        assert_eq!(escaped(r"a\b%", None).unwrap(), r"a\\b%");
        assert_eq!(escaped("a!%b!!c!_", Some('!')).unwrap(), r"a\%b\!c\_");
        assert!(escaped("a!b", Some('!')).is_err());
        assert!(escaped("a!", Some('!')).is_err());
    }
}
