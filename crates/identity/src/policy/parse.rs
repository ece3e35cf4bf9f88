//! From the text of a policy to its statements.

use super::condition::Condition;
use super::{PolicyError, PolicyKind, Statement, element};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

type Object = Map<String, Value>;

fn error<T>(message: impl Into<String>) -> Result<T, PolicyError> {
    Err(PolicyError(message.into()))
}

pub(super) fn statements(text: &str, kind: PolicyKind) -> Result<Vec<Statement>, PolicyError> {
    let value: Value = serde_json::from_str(text).map_err(|error| PolicyError(format!("not JSON: {error}")))?;
    let Value::Object(policy) = value else { return error("a policy is a JSON object") };
    if let Some(other) = policy.keys().find(|name| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return error(format!("{other:?} is not an element of a policy"));
    }
    let variables = match policy.get("Version") {
        None => false,
        Some(Value::String(version)) if version == "2008-10-17" => false,
        Some(Value::String(version)) if version == "2012-10-17" => true,
        Some(_) => return error("Version: must be \"2012-10-17\" or \"2008-10-17\""),
    };
    if policy.get("Id").is_some_and(|id| !id.is_string()) {
        return error("Id: must be a text");
    }
    let listed: Vec<&Value> = match policy.get("Statement") {
        Some(Value::Array(items)) if !items.is_empty() => items.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        Some(_) => return error("Statement: must be an object or a list of at least one"),
        None => return error("Statement: is missing"),
    };
    let mut sids = BTreeSet::new();
    let mut statements = Vec::with_capacity(listed.len());
    for (index, value) in listed.into_iter().enumerate() {
        let place = Place::of(index, value);
        let Value::Object(members) = value else { return place.error("", "must be an object") };
        if let Some(Value::String(sid)) = members.get("Sid")
            && !sid.is_empty()
            && !sids.insert(sid.as_str())
        {
            return place.error("Sid", "is not unique in the policy");
        }
        statements.push(statement(&place, members, kind, variables)?);
    }
    Ok(statements)
}

/// Names a statement in messages.
struct Place(String);

impl Place {
    fn of(index: usize, value: &Value) -> Self {
        let number = index + 1;
        match value.get("Sid").and_then(Value::as_str) {
            Some(sid) if !sid.is_empty() => Self(format!("statement {number} ({sid:.64})")),
            _ => Self(format!("statement {number}")),
        }
    }

    fn say(&self, element: &str, message: &str) -> PolicyError {
        let Self(place) = self;
        PolicyError(if element.is_empty() {
            format!("{place}: {message}")
        } else {
            format!("{place}: {element}: {message}")
        })
    }

    fn error<T>(&self, element: &str, message: &str) -> Result<T, PolicyError> {
        Err(self.say(element, message))
    }

    /// An element that comes plain or as its opposite, `Not…`, and must or must not be there.
    fn either<'a>(&self, members: &'a Object, name: &str, wanted: bool) -> Result<Option<Either<'a>>, PolicyError> {
        let opposite = format!("Not{name}");
        match (members.get(name), members.get(&opposite)) {
            (Some(_), Some(_)) => self.error(name, &format!("cannot stand beside {opposite}")),
            (Some(_), None) if !wanted => self.error(name, "is not allowed in this kind of policy"),
            (None, Some(_)) if !wanted => self.error(&opposite, "is not allowed in this kind of policy"),
            (Some(value), None) => Ok(Some(Either { name: name.to_owned(), value, excluded: false })),
            (None, Some(value)) => Ok(Some(Either { name: opposite, value, excluded: true })),
            (None, None) if wanted => self.error(name, "is missing"),
            (None, None) => Ok(None),
        }
    }
}

struct Either<'a> {
    name: String,
    value: &'a Value,
    excluded: bool,
}

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn statement(place: &Place, members: &Object, kind: PolicyKind, variables: bool) -> Result<Statement, PolicyError> {
    if let Some(other) = members.keys().find(|name| !ELEMENTS.contains(&name.as_str())) {
        return place.error(other, "is not an element of a statement");
    }
    check_sid(place, members, kind)?;
    let allows = match members.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return place.error("Effect", "must be Allow or Deny"),
    };
    let principals = place.either(members, "Principal", kind != PolicyKind::Identity)?;
    let principals = principals.map(|found| {
        element::principals(found.value, found.excluded).map_err(|message| place.say(&found.name, &message))
    });
    let actions = place.either(members, "Action", true)?;
    let actions = actions
        .map(|found| element::actions(found.value, found.excluded).map_err(|message| place.say(&found.name, &message)));
    let resources = place.either(members, "Resource", kind != PolicyKind::Trust)?;
    let resources = resources.map(|found| {
        element::resources(found.value, found.excluded, variables).map_err(|message| place.say(&found.name, &message))
    });
    Ok(Statement {
        allows,
        principals: principals.transpose()?,
        actions: actions.transpose()?.ok_or_else(|| place.say("Action", "is missing"))?,
        resources: resources.transpose()?,
        conditions: conditions(place, members.get("Condition"), variables)?,
    })
}

/// IAM takes letters and digits; services that keep policies of their own take any text.
fn check_sid(place: &Place, members: &Object, kind: PolicyKind) -> Result<(), PolicyError> {
    match members.get("Sid") {
        None => Ok(()),
        Some(Value::String(sid)) => {
            let plain = sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if plain || kind == PolicyKind::Resource {
                Ok(())
            } else {
                place.error("Sid", "takes only letters and digits")
            }
        }
        Some(_) => place.error("Sid", "must be a text"),
    }
}

fn conditions(place: &Place, value: Option<&Value>, variables: bool) -> Result<Vec<Condition>, PolicyError> {
    let operators = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return place.error("Condition", "must be an object"),
    };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else {
            return place.error("Condition", &format!("{operator}: must be an object of keys and values"));
        };
        for (key, values) in keys {
            let read = element::scalars(values).and_then(|values| Condition::read(operator, key, &values, variables));
            let read = read.map_err(|message| place.say("Condition", &format!("{operator}: {key}: {message}")))?;
            conditions.push(read);
        }
    }
    Ok(conditions)
}
