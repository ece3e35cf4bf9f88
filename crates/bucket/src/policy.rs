//! What buckets themselves read in their policies: whether one is public, and whose resources it names.
//! Who may do what is identity's to decide.

use crate::Error;
use serde_json::Value;
use std::net::IpAddr;

/// Conditions that bind the caller to a fixed place or name, so that a statement for everybody is
/// not public (as Block Public Access means it).
const BINDING: [&str; 14] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:accesspointnetworkorigin",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Operators that a caller passes only with one of the values given. Others let pass who brings no value,
/// or all but a few.
const ADMITTING: [&str; 6] =
    ["stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"];

/// Ranges with shorter prefixes bind nobody to a place.
const IPV4_PREFIX_MIN: u32 = 8;
const IPV6_PREFIX_MIN: u32 = 32;

fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.into_iter().flat_map(|value| match value {
        Value::Array(many) => many.as_slice(),
        one => std::slice::from_ref(one),
    })
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    each(policy.get("Statement"))
}

/// Whether a policy lets anybody in: an `Allow` for everybody without a binding condition.
pub(crate) fn is_public(policy: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    statements(&policy).any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && for_everybody(statement)
            && !bound(statement)
    })
}

fn for_everybody(statement: &Value) -> bool {
    let everybody = |names: &Value| each(Some(names)).any(|name| name.as_str() == Some("*"));
    let open = match statement.get("Principal") {
        Some(Value::Object(kinds)) => kinds.values().any(everybody),
        principal => principal.is_some_and(everybody),
    };
    open || statement.get("NotPrincipal").is_some()
}

/// Whether some condition admits only fixed values of a binding key.
fn bound(statement: &Value) -> bool {
    let Some(Value::Object(operators)) = statement.get("Condition") else { return false };
    operators.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        ADMITTING.contains(&operator.strip_prefix("foranyvalue:").unwrap_or(&operator))
            && keys.as_object().is_some_and(|keys| {
                keys.iter().any(|(key, values)| {
                    let key = key.to_ascii_lowercase();
                    BINDING.contains(&&*key) && each(Some(values)).all(|value| fixed(&key, value))
                })
            })
    })
}

/// Whether a value of a binding key is one and the same for all callers.
fn fixed(key: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    if key == "aws:sourceip" {
        return narrow(text);
    }
    !text.contains(['*', '?']) && !text.contains("${")
}

/// Whether it is an address or a range of few enough of them.
fn narrow(range: &str) -> bool {
    let (address, prefix) = range.split_once('/').map_or((range, None), |(address, prefix)| (address, Some(prefix)));
    let least = match address.parse() {
        Ok(IpAddr::V4(_)) => IPV4_PREFIX_MIN,
        Ok(IpAddr::V6(_)) => IPV6_PREFIX_MIN,
        Err(_) => return false,
    };
    prefix.is_none_or(|prefix| prefix.parse().is_ok_and(|bits: u32| bits >= least))
}

/// Whether every resource that a policy names is this bucket or in it. Errors: MalformedPolicy.
pub(crate) fn check_resources(policy: &str, bucket: &str) -> Result<(), Error> {
    let policy: Value = serde_json::from_str(policy).map_err(|error| Error::MalformedPolicy(error.to_string()))?;
    let named =
        |statement| ["Resource", "NotResource"].into_iter().flat_map(move |name| each(Value::get(statement, name)));
    for resource in statements(&policy).flat_map(named) {
        let text = resource.as_str().unwrap_or_default();
        let name = text.strip_prefix("arn:aws:s3:::").map(|rest| rest.split_once('/').map_or(rest, |(name, _)| name));
        if text != "*" && !name.is_some_and(|name| glob(name.as_bytes(), bucket.as_bytes())) {
            return Err(Error::MalformedPolicy(format!(
                "policy has invalid resource: {text:?} is not in bucket {bucket}"
            )));
        }
    }
    Ok(())
}

/// Whether `*` and `?` can be filled so that the pattern is the name. Each `*` takes as little as it can and
/// only the latest is ever widened, so the time is at most the product of the lengths.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(statement: &str, public: bool) {
        let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
        assert_eq!(is_public(&policy), public, "{statement}");
    }

    #[test]
    fn a_policy_for_everybody_is_public_unless_a_condition_binds_it() {
        check(r#"{"Effect": "Allow", "Principal": "*"}"#, true);
        check(r#"{"Effect": "Allow", "Principal": {"AWS": ["*"]}}"#, true);
        check(r#"{"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}}"#, true);
        check(r#"{"Effect": "Deny", "Principal": "*"}"#, false);
        check(r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}}"#, false);
        check(r#"{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}"#, false);
        let with = |condition: &str| format!(r#"{{"Effect": "Allow", "Principal": "*", "Condition": {condition}}}"#);
        check(&with(r#"{"StringEquals": {"aws:SourceAccount": "111122223333"}}"#), false);
        check(&with(r#"{"StringLike": {"AWS:SourceArn": ["*"]}}"#), true);
        check(&with(r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#), false);
        check(&with(r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#), true);
        check(&with(r#"{"StringNotEquals": {"aws:SourceAccount": "111122223333"}}"#), true);
        check(&with(r#"{"Bool": {"aws:SecureTransport": "true"}}"#), true);
    }

    #[test]
    fn a_condition_that_anybody_can_meet_does_not_bind() {
        check(r#"{"Effect": "Allow", "Principal": {"Service": "*"}}"#, true);
        for (condition, public) in [
            (r#"{"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "11.0.0.0/7"]}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": "2000::/3"}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": "2001:db8::/31"}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": "nowhere"}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": ["203.0.113.9", "2001:db8::/32"]}}"#, false),
            (r#"{"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#, true),
            (r#"{"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}}"#, false),
            (r#"{"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}}"#, true),
            (r#"{"NumericGreaterThan": {"aws:SourceAccount": "0"}}"#, true),
            (r#"{"Null": {"aws:SourceArn": "false"}}"#, true),
            (r#"{"ArnLike": {"aws:SourceArn": "arn:*"}}"#, true),
            (r#"{"StringLike": {"aws:SourceAccount": "????????????"}}"#, true),
            (r#"{"StringLike": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:root", "arn*"]}}"#, true),
            (r#"{"StringEquals": {"aws:userid": "${aws:userid}"}}"#, true),
            (r#"{"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:t"}}"#, false),
        ] {
            check(&format!(r#"{{"Effect": "Allow", "Principal": "*", "Condition": {condition}}}"#), public);
        }
    }

    #[test]
    fn a_policy_names_resources_of_its_own_bucket_only() {
        let policy = |resource: &str| format!(r#"{{"Statement": {{"Resource": "{resource}"}}}}"#);
        for resource in ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*", "arn:aws:s3:::lo*", "arn:aws:s3:::log?/a", "*"] {
            check_resources(&policy(resource), "logs").unwrap();
        }
        for resource in ["arn:aws:s3:::other/*", "logs", "arn:aws:sqs:us-east-1:111122223333:logs", ""] {
            assert!(matches!(check_resources(&policy(resource), "logs"), Err(Error::MalformedPolicy(_))), "{resource}");
        }
    }
}
