//! Why a node could not be read, and where.

use crate::Fault;
use crate::record::member_name;
use serde::de::{self, Expected, Unexpected};
use std::fmt::{self, Display, Write};

/// How much of a caller's value a message repeats.
const SHOWN_CHARS_MAX: usize = 128;

/// One step on the way from the input to the member at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Index(usize),
}

#[derive(Debug, PartialEq, Eq)]
enum Why {
    Missing(&'static str),
    Variant { found: String, expected: &'static [&'static str] },
    Unreadable(String),
}

/// The innermost step stands first, since errors are given back from the inside out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Error {
    steps: Vec<Step>,
    why: Why,
}

impl Error {
    fn new(why: Why) -> Self {
        Self { steps: Vec::new(), why }
    }

    pub(super) fn mismatch(found: &str, wanted: &str) -> Self {
        Self::new(Why::Unreadable(format!("{found} cannot be read as {wanted}")))
    }

    pub(super) fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Members that are missing or no value of their enumeration are constraints that
    /// were not kept, in AWS's words; everything else is no input at all.
    pub(crate) fn into_fault(mut self) -> Fault {
        match self.why {
            Why::Missing(name) => {
                self.steps.insert(0, Step::Member(name.to_owned()));
                let path = constrained(&self.steps);
                Fault::validation(format!(
                    "1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must not be null"
                ))
            }
            Why::Variant { found, expected } => Fault::validation(format!(
                "1 validation error detected: Value '{found}' at '{}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                constrained(&self.steps),
                expected.join(", ")
            )),
            Why::Unreadable(why) if self.steps.is_empty() => Fault::serialization(why),
            Why::Unreadable(why) => Fault::serialization(format!("{}: {why}", plain(&self.steps))),
        }
    }
}

/// `advancedEventSelectors.1.member.fieldSelectors`: how AWS names a member of an input.
fn constrained(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps.iter().rev() {
        if !path.is_empty() {
            path.push('.');
        }
        match step {
            Step::Member(name) => path.push_str(&member_name(&shown(name))),
            Step::Index(index) => _ = write!(path, "{}.member", index + 1),
        }
    }
    path
}

/// `AdvancedEventSelectors[0].FieldSelectors`: the names as the caller wrote them.
fn plain(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps.iter().rev() {
        match step {
            Step::Member(name) if path.is_empty() => path.push_str(&shown(name)),
            Step::Member(name) => _ = write!(path, ".{}", shown(name)),
            Step::Index(index) => _ = write!(path, "[{index}]"),
        }
    }
    path
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", plain(&self.steps), self.why)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Why::Unreadable(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::mismatch("this value", &expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::mismatch("this value", &expected.to_string())
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Why::Variant { found: shown(found), expected })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Why::Missing(name))
    }
}
