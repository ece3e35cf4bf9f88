//! What comes in: one kind of node for every protocol, and the serde deserializer over it.
//!
//! Reading is as lenient as AWS's services are: unknown members are ignored, null is the
//! same as absent, the last of several equal keys counts. It is as strict where they are:
//! in JSON a number is no string and a string no boolean.

mod deserializer;
mod error;

pub(crate) use error::Error;

use crate::Fault;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A value as it came, not yet asked for as any type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'a> {
    Json(&'a serde_json::Value),
    /// The value of a form's parameter: whatever it can be read as.
    Text(&'a str),
    /// The parameters of a form that have a part of their name in common.
    Branch(&'a Branch<'a>),
}

/// Parameters of a form by the next part of their name.
pub(crate) type Branch<'a> = BTreeMap<&'a str, Twig<'a>>;

/// What stands at one place of a form.
#[derive(Debug)]
pub(crate) enum Twig<'a> {
    Text(&'a str),
    Branch(Branch<'a>),
}

impl<'a> Node<'a> {
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Fault> {
        T::deserialize(self).map_err(Error::into_fault)
    }

    fn of_twig(twig: &'a Twig<'a>) -> Self {
        match twig {
            Twig::Text(text) => Self::Text(text),
            Twig::Branch(branch) => Self::Branch(branch),
        }
    }

    fn is_null(self) -> bool {
        matches!(self, Self::Json(serde_json::Value::Null))
    }

    /// What it is, in words that do not repeat the caller's value.
    fn kind(self) -> &'static str {
        use serde_json::Value;
        match self {
            Self::Json(Value::Null) => "null",
            Self::Json(Value::Bool(_)) => "a boolean",
            Self::Json(Value::Number(_)) => "a number",
            Self::Json(Value::String(_)) => "a string",
            Self::Json(Value::Array(_)) => "a list",
            Self::Json(Value::Object(_)) | Self::Branch(_) => "a structure",
            Self::Text(_) => "this value",
        }
    }
}
