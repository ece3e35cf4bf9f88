//! The elements of a statement, read from JSON with a word for everything that is wrong.

use super::principal::{Principal, Principals};
use super::text::{Reading, Text};
use super::{Actions, Resources, glob};
use serde_json::{Map, Value};

/// One text or a list of at least one.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    let text =
        |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| "must be a text or a list of texts".to_owned());
    match value {
        Value::Array(items) if items.is_empty() => Err("must not be empty".to_owned()),
        Value::Array(items) => items.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}

/// The values of a condition: texts, numbers and truths, all read as texts.
pub(super) fn scalars(value: &Value) -> Result<Vec<String>, String> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err("values are texts, numbers, true or false".to_owned()),
    };
    match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        value => Ok(vec![scalar(value)?]),
    }
}

pub(super) fn actions(value: &Value, excluded: bool) -> Result<Actions, String> {
    let mut patterns = Vec::new();
    for text in texts(value)? {
        let service = text.split_once(':').map(|(service, name)| (service, !name.is_empty()));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let known = matches!(service, Some((service, true)) if !service.is_empty() && service.bytes().all(plain));
        if text != "*" && !known {
            return Err(format!("{text:?} is not service:action or *"));
        }
        patterns.push(glob::wild(&text).collect());
    }
    Ok(Actions { excluded, patterns })
}

pub(super) fn resources(value: &Value, excluded: bool, variables: bool) -> Result<Resources, String> {
    let mut patterns = Vec::new();
    for text in texts(value)? {
        let fits =
            text == "*" || text.starts_with("arn:") && text.splitn(6, ':').count() == 6 || text.starts_with("${");
        if !fits {
            return Err(format!("{text:?} is not an ARN or *"));
        }
        patterns.push(Text::read(&text, Reading { wild: true, variables })?);
    }
    Ok(Resources { excluded, patterns })
}

pub(super) fn principals(value: &Value, excluded: bool) -> Result<Principals, String> {
    let named = match value {
        Value::String(text) if text == "*" => vec![Principal::Everybody],
        Value::Object(kinds) if !kinds.is_empty() => by_kind(kinds)?,
        _ => return Err("must be * or an object with AWS, Service or Federated".to_owned()),
    };
    Ok(Principals { excluded, named })
}

fn by_kind(kinds: &Map<String, Value>) -> Result<Vec<Principal>, String> {
    let mut named = Vec::new();
    for (kind, value) in kinds {
        for text in texts(value).map_err(|error| format!("{kind}: {error}"))? {
            let principal = match &**kind {
                "AWS" => Principal::aws(&text).ok_or_else(|| format!("invalid principal: AWS: {text:?}"))?,
                "Service" if text == "*" => Principal::AnyService,
                "Service" if text.ends_with(".amazonaws.com") => Principal::Service(text),
                "Service" => return Err(format!("invalid principal: Service: {text:?}")),
                "Federated" => Principal::Federated,
                "CanonicalUser" => return Err("principals of the kind CanonicalUser are not supported".to_owned()),
                other => return Err(format!("{other:?} is not a kind of principal")),
            };
            named.push(principal);
        }
    }
    Ok(named)
}
