//! One line of a Condition: an operator, a key, and the values to compare with.

use super::address::Range;
use super::glob::{self, Atom};
use super::text::{Reading, Text};
use crate::caller::Facts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_event::Time;
use std::cmp::Ordering;

#[derive(Debug)]
pub(super) struct Condition {
    key: String,
    test: Test,
    /// `…Not…` operators hold where the plain test does not, also when the key is absent.
    negated: bool,
    if_exists: bool,
    over: Over,
}

/// Which of the key's values must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// No set operator: the key has one value.
    One,
    All,
    Any,
}

#[derive(Debug)]
enum Test {
    Text { values: Vec<Text>, fold: bool },
    Arn(Vec<Text>),
    Number(Compare, Vec<f64>),
    Date(Compare, Vec<Time>),
    Bool(Vec<bool>),
    Binary(Vec<Vec<u8>>),
    Address(Vec<Range>),
    Null(bool),
}

#[derive(Clone, Copy, Debug)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// An operator without its prefix and suffix: what it tests, and whether it is turned round.
#[derive(Clone, Copy)]
enum Operator {
    Text { wild: bool, fold: bool },
    Arn,
    Number(Compare),
    Date(Compare),
    Bool,
    Binary,
    Address,
    Null,
}

#[rustfmt::skip]
const OPERATORS: &[(&str, Operator, bool)] = &[
    ("StringEquals", Operator::Text { wild: false, fold: false }, false),
    ("StringNotEquals", Operator::Text { wild: false, fold: false }, true),
    ("StringEqualsIgnoreCase", Operator::Text { wild: false, fold: true }, false),
    ("StringNotEqualsIgnoreCase", Operator::Text { wild: false, fold: true }, true),
    ("StringLike", Operator::Text { wild: true, fold: false }, false),
    ("StringNotLike", Operator::Text { wild: true, fold: false }, true),
    ("NumericEquals", Operator::Number(Compare::Equal), false),
    ("NumericNotEquals", Operator::Number(Compare::Equal), true),
    ("NumericLessThan", Operator::Number(Compare::Less), false),
    ("NumericLessThanEquals", Operator::Number(Compare::LessOrEqual), false),
    ("NumericGreaterThan", Operator::Number(Compare::Greater), false),
    ("NumericGreaterThanEquals", Operator::Number(Compare::GreaterOrEqual), false),
    ("DateEquals", Operator::Date(Compare::Equal), false),
    ("DateNotEquals", Operator::Date(Compare::Equal), true),
    ("DateLessThan", Operator::Date(Compare::Less), false),
    ("DateLessThanEquals", Operator::Date(Compare::LessOrEqual), false),
    ("DateGreaterThan", Operator::Date(Compare::Greater), false),
    ("DateGreaterThanEquals", Operator::Date(Compare::GreaterOrEqual), false),
    ("Bool", Operator::Bool, false),
    ("BinaryEquals", Operator::Binary, false),
    ("IpAddress", Operator::Address, false),
    ("NotIpAddress", Operator::Address, true),
    ("ArnEquals", Operator::Arn, false),
    ("ArnLike", Operator::Arn, false),
    ("ArnNotEquals", Operator::Arn, true),
    ("ArnNotLike", Operator::Arn, true),
    ("Null", Operator::Null, false),
];

impl Condition {
    /// Reads one line. What is wrong is said without naming the operator and key.
    pub fn read(operator: &str, key: &str, values: &[String], variables: bool) -> Result<Self, String> {
        let (over, bare) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Over::All, rest),
            Some(("ForAnyValue", rest)) => (Over::Any, rest),
            _ => (Over::One, operator),
        };
        let (bare, if_exists) = bare.strip_suffix("IfExists").map_or((bare, false), |bare| (bare, true));
        let found = OPERATORS.iter().find(|(name, ..)| *name == bare);
        let Some(&(_, operator, negated)) = found else { return Err("not a condition operator".to_owned()) };
        if matches!(operator, Operator::Null) && (if_exists || over != Over::One) {
            return Err("Null is about the key itself: it takes no prefix and no IfExists".to_owned());
        }
        if !key.contains(':') {
            return Err("a condition key begins with a service, such as aws: or s3:".to_owned());
        }
        let test = Test::read(operator, values, variables)?;
        Ok(Self { key: key.to_owned(), test, negated, if_exists, over })
    }

    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let mut values = facts.values(&self.key).peekable();
        let absent = values.peek().is_none();
        if let Test::Null(wanted) = self.test {
            return absent == wanted;
        }
        if absent {
            return self.if_exists || self.over == Over::All || self.negated && self.over == Over::One;
        }
        let mut passes = values.map(|value| self.test.passes(facts, value));
        match (self.over, self.negated) {
            (Over::One | Over::Any, false) => passes.any(|passed| passed),
            (Over::All, false) => passes.all(|passed| passed),
            (Over::Any, true) => passes.any(|passed| !passed),
            (Over::One | Over::All, true) => passes.all(|passed| !passed),
        }
    }
}

/// Every value, read, or the first that cannot be.
fn each<T>(values: &[String], what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    values.iter().map(|value| read(value).ok_or_else(|| format!("{value:?} is not {what}"))).collect()
}

fn truth(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// ISO 8601, or seconds since the epoch.
fn date(text: &str) -> Option<Time> {
    Time::parse(text).ok().or_else(|| number(text).map(|seconds| Time((seconds * 1000.0) as i64)))
}

impl Test {
    fn read(operator: Operator, values: &[String], variables: bool) -> Result<Self, String> {
        let texts = |wild| -> Result<Vec<Text>, String> {
            values.iter().map(|value| Text::read(value, Reading { wild, variables })).collect()
        };
        Ok(match operator {
            Operator::Text { wild, fold } => Self::Text { values: texts(wild)?, fold },
            Operator::Arn => Self::Arn(texts(true)?),
            Operator::Number(compare) => Self::Number(compare, each(values, "a number", number)?),
            Operator::Date(compare) => Self::Date(compare, each(values, "a date", date)?),
            Operator::Bool => Self::Bool(each(values, "true or false", truth)?),
            Operator::Binary => Self::Binary(each(values, "base64", |text| STANDARD.decode(text).ok())?),
            Operator::Address => Self::Address(each(values, "an IP address or range", Range::parse)?),
            Operator::Null => match each(values, "true or false", truth)?[..] {
                [wanted] => Self::Null(wanted),
                _ => return Err("Null takes one value".to_owned()),
            },
        })
    }

    /// Whether one value of the call is as any of the policy's values.
    fn passes(&self, facts: &Facts<'_>, value: &str) -> bool {
        match self {
            Self::Text { values, fold } => values.iter().any(|text| text.matches(facts, value, *fold)),
            Self::Arn(values) => values.iter().any(|text| text.atoms(facts).is_some_and(|atoms| arn(&atoms, value))),
            Self::Number(compare, values) => number(value).is_some_and(|value| {
                values.iter().any(|other| value.partial_cmp(other).is_some_and(|ordering| compare.holds(ordering)))
            }),
            Self::Date(compare, values) => {
                date(value).is_some_and(|value| values.iter().any(|other| compare.holds(value.cmp(other))))
            }
            Self::Bool(values) => truth(value).is_some_and(|value| values.contains(&value)),
            Self::Binary(values) => STANDARD.decode(value).is_ok_and(|value| values.contains(&value)),
            Self::Address(ranges) => {
                value.parse().is_ok_and(|address| ranges.iter().any(|range| range.contains(address)))
            }
            Self::Null(_) => false,
        }
    }
}

/// Each of the six parts of an ARN for itself: a wildcard does not reach over a colon,
/// but in the last.
fn arn(pattern: &[Atom], value: &str) -> bool {
    let wanted = pattern.splitn(6, |atom| *atom == Atom::Letter(':'));
    let mut found = value.splitn(6, ':');
    let mut parts = 0;
    for part in wanted {
        parts += 1;
        if !found.next().is_some_and(|text| glob::matches(part, text, false)) {
            return false;
        }
    }
    parts == 6 && found.next().is_none()
}
