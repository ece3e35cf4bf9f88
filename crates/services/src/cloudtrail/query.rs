//! What operations on queries share: whose query it is, authorizing on what it reads, faults.

use super::trail::exception;
use crate::call::Call;
use crate::operation::Target;
use cairn_lake::query::{Entry, Plan, Refusal, Source};
use cairn_lake::store::Scope;
use cairn_lake::{Error, sql};
use cairn_wire::Fault;

const STATEMENT_CHARS_MAX: usize = 10_000;
const PARAMETERS_MAX: usize = 10;
const PARAMETER_CHARS_MAX: usize = 1024;
const ALIAS_CHARS_MAX: usize = 256;

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    exception("InvalidParameter", message)
}

/// A query of the caller's account, or one on what the caller's account owns.
pub(crate) async fn find(call: &Call<'_>, id: &str) -> Result<Entry, Fault> {
    if id.len() != 36 || !id.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9' | b'-')) {
        return Err(invalid("QueryId is not valid: it has 36 characters: lower-case hexadecimal digits and hyphens."));
    }
    let found = call.engines.lake.queries.get(id).await.map_err(fault)?;
    let mine = |entry: &Entry| {
        entry.account == call.account() || entry.sources.iter().any(|source| source.account == call.account())
    };
    found.filter(|entry| entry.region == call.region && mine(entry)).ok_or_else(|| missing(id))
}

pub(crate) fn missing(id: &str) -> Fault {
    exception("QueryIdNotFound", format!("The query {id} does not exist."))
}

/// A query is authorized on everything that it reads; one that reads nothing, on everything.
pub(crate) fn targets(call: &Call<'_>, sources: &[Source], action: Option<&'static str>) -> Vec<Target> {
    sources.iter().map(|source| target(call, source, action)).collect()
}

fn target(call: &Call<'_>, source: &Source, action: Option<&'static str>) -> Target {
    let scope = Scope { account: &source.account, region: call.region };
    let policy = call.engines.lake.stores.readable(scope, &source.arn).ok().and_then(|readable| readable.policy);
    Target { arn: source.arn.clone(), account: source.account.clone(), policy, action, ..Target::default() }
}

/// The owner of the event data stores, when the caller named one, and it is another.
pub(crate) fn owner<'a>(call: &Call<'_>, given: Option<&'a String>) -> Result<Option<&'a str>, Fault> {
    let Some(owner) = given.filter(|owner| !owner.is_empty()) else { return Ok(None) };
    if !(12..=16).contains(&owner.len()) || !owner.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("EventDataStoreOwnerAccountId is not valid: it is the ID of an account, 12 digits."));
    }
    Ok((owner != call.account()).then_some(owner))
}

/// What a statement reads, as the caller may write it.
pub(crate) async fn plan(
    call: &Call<'_>,
    owner: Option<&str>,
    statement: &str,
    parameters: &[String],
) -> Result<Plan, Fault> {
    check_statement(statement)?;
    check_parameters(parameters)?;
    let text = cairn_lake::query::filled(statement, parameters).map_err(|error| invalid(error.to_string()))?;
    let planned = call.engines.lake.queries.plan(call.account(), owner, call.region, &text).await;
    planned.map_err(refused)
}

pub(crate) fn check_statement(statement: &str) -> Result<(), Fault> {
    match statement.chars().count() {
        0 => Err(invalid("QueryStatement has at least one character.")),
        1..=STATEMENT_CHARS_MAX => Ok(()),
        long => {
            Err(invalid(format!("QueryStatement has {long} characters, at most {STATEMENT_CHARS_MAX} are allowed.")))
        }
    }
}

pub(crate) fn check_parameters(parameters: &[String]) -> Result<(), Fault> {
    if parameters.len() > PARAMETERS_MAX {
        return Err(invalid(format!("QueryParameters has at most {PARAMETERS_MAX} members.")));
    }
    let fits = |value: &String| (1..=PARAMETER_CHARS_MAX).contains(&value.chars().count());
    if !parameters.iter().all(fits) {
        return Err(invalid(format!("A member of QueryParameters has 1 to {PARAMETER_CHARS_MAX} characters.")));
    }
    Ok(())
}

pub(crate) fn check_alias(alias: &str) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let letter = alias.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if letter && alias.len() <= ALIAS_CHARS_MAX && alias.bytes().all(plain) {
        return Ok(());
    }
    let form = "it begins with a letter, then letters, digits and . _ -";
    Err(invalid(format!("QueryAlias is not valid: {form}, at most {ALIAS_CHARS_MAX} characters.")))
}

pub(crate) fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Sql(error) => sql_fault(&error),
        Refusal::Store(error) => fault(error),
    }
}

fn sql_fault(error: &sql::Error) -> Fault {
    match error {
        sql::Error::Failed(_) | sql::Error::Corrupt(_) => Fault::internal(error),
        sql::Error::NoTable(name) => {
            exception("EventDataStoreNotFound", format!("The event data store {name} does not exist."))
        }
        _ => exception("InvalidQueryStatement", error.to_string()),
    }
}

/// The engine's errors in the words of AWS.
pub(crate) fn fault(error: Error) -> Fault {
    match error {
        Error::Refused { code, message } => exception(code, message),
        Error::NotFound(message) => exception("QueryIdNotFound", message),
        Error::Conflict(message) => exception("InactiveQuery", message),
        Error::Invalid(message) => invalid(message),
        Error::Limit(message) => exception("MaxConcurrentQueries", message),
        Error::Unavailable(_) | Error::Corrupt(_) => Fault::internal(error),
    }
}

/// Whoever names an owner means a query that reads what that account owns.
pub(crate) fn check_owner(entry: &Entry, owner: Option<&str>) -> Result<(), Fault> {
    match owner {
        Some(owner) if !entry.sources.iter().any(|source| source.account == owner) => Err(missing(&entry.id)),
        _ => Ok(()),
    }
}

/// The account that owns what a query reads, when that is not the caller's.
pub(crate) fn other_owner(call: &Call<'_>, entry: &Entry) -> Option<String> {
    entry.sources.iter().map(|source| &source.account).find(|account| *account != call.account()).cloned()
}
