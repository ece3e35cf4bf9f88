//! Errors of the planner and of running queries, as their writers understand them.

use crate::near::hint;
use cairn_lake::sql::{Error, Limits};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;

/// When something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Planning,
    Running,
}

/// What a query says to its writer; `functions` are the names that there are.
pub fn translate(error: &DataFusionError, stage: Stage, limits: &Limits, functions: &[String]) -> Error {
    if let Some(own) = own(error) {
        return own;
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::Memory(limits.memory_bytes_max),
        DataFusionError::SchemaError(error, _) => Error::Invalid(schema(error)),
        DataFusionError::SQL(error, _) => match &**error {
            ParserError::RecursionLimitExceeded => Error::Invalid("the query is nested too deeply".to_owned()),
            other => Error::Invalid(other.to_string()),
        },
        DataFusionError::Plan(message) | DataFusionError::NotImplemented(message) => {
            Error::Invalid(planned(message, functions))
        }
        DataFusionError::ArrowError(error, _) => arrow(error),
        DataFusionError::Execution(message) => Error::Invalid(clean(message)),
        other if stage == Stage::Planning => Error::Invalid(clean(&other.to_string())),
        other => Error::Failed(clean(&other.to_string())),
    }
}

/// An error of ours that has come up through the planner.
fn own(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        let boxed = match error.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(boxed)) => self::own(boxed.as_ref()),
            Some(DataFusionError::Shared(shared)) => self::own(shared.as_ref()),
            Some(DataFusionError::Collection(errors)) => errors.iter().find_map(|error| self::own(error)),
            _ => None,
        };
        if boxed.is_some() {
            return boxed;
        }
        next = error.source();
    }
    None
}

fn arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::DivideByZero => Error::Invalid("division by zero".to_owned()),
        ArrowError::ExternalError(error) => Error::Failed(clean(&error.to_string())),
        ArrowError::ParquetError(message) => Error::Corrupt(clean(message)),
        other => Error::Invalid(clean(&other.to_string())),
    }
}

fn schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known: Vec<_> =
                valid_fields.iter().map(|field| field.name.as_str()).filter(|name| !name.starts_with('·')).collect();
            format!("there is no column {}{}", field.flat_name(), hint(&field.name, known))
        }
        SchemaError::AmbiguousReference { field } => format!("the column {} is ambiguous", field.flat_name()),
        other => clean(&other.to_string()),
    }
}

fn planned(message: &str, functions: &[String]) -> String {
    if let Some(rest) = message.strip_prefix("Invalid function '")
        && let Some((name, _)) = rest.split_once('\'')
    {
        return format!("there is no function {name}{}", hint(name, functions.iter().map(String::as_str)));
    }
    clean(message)
}

/// The first line, without the wrappings of those who passed it on.
fn clean(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let mut rest = message;
    for prefix in [
        "Error during planning: ",
        "Execution error: ",
        "This feature is not implemented: ",
        "Arrow error: ",
        "External error: ",
        "Optimizer rule ",
        "Parser error: ",
    ] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    crate::lexer::lower_first(rest.trim_end_matches('.'))
}
