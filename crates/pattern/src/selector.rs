//! Which events a trail or an event data store wants: event selectors as they are given, checked and matched.
//!
//! Selectors are alternatives; the fields of one must all agree. There are two grammars, the basic
//! and the advanced. A trail has one of them ([`Selectors`]), an event data store has the advanced
//! one, with more fields and categories ([`StoreSelectors`]). Their serialized form is AWS's.

mod advanced;
mod basic;
mod condition;
mod look;
mod matcher;
mod store;

pub use advanced::{AdvancedSelector, FieldSelector};
pub use basic::{BasicSelector, DataResource};
pub use store::{StoreKind, StoreSelectors};

use crate::Error;
use cairn_event::Head;
use look::Look;
use matcher::Matcher;
use serde::{Deserialize, Serialize};

/// Selectors as they were given, missing members filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Given {
    Basic(Vec<BasicSelector>),
    Advanced(Vec<AdvancedSelector>),
}

/// The checked selectors of one trail, ready to match.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Selectors {
    given: Given,
    compiled: Compiled,
}

#[derive(Clone, Debug)]
enum Compiled {
    Basic(Vec<basic::Matcher>),
    Advanced(Vec<Matcher>),
}

impl PartialEq for Selectors {
    fn eq(&self, other: &Self) -> bool {
        self.given == other.given
    }
}

impl Eq for Selectors {}

impl From<Selectors> for Given {
    fn from(selectors: Selectors) -> Self {
        selectors.given
    }
}

impl TryFrom<Given> for Selectors {
    type Error = Error;

    /// Checks what was given against every rule for trails.
    fn try_from(given: Given) -> Result<Self, Error> {
        match given {
            Given::Basic(selectors) => {
                let (given, matchers) = basic::check(selectors)?;
                Ok(Self { given: Given::Basic(given), compiled: Compiled::Basic(matchers) })
            }
            Given::Advanced(selectors) => {
                let matchers = advanced::check(&selectors, Holder::Trail)?;
                Ok(Self { given: Given::Advanced(selectors), compiled: Compiled::Advanced(matchers) })
            }
        }
    }
}

impl Default for Selectors {
    /// What a new trail records: all management events.
    fn default() -> Self {
        let selector = AdvancedSelector::management("Management events selector");
        Self::try_from(Given::Advanced(vec![selector])).expect("the selector is within the grammar")
    }
}

impl Selectors {
    pub const fn given(&self) -> &Given {
        &self.given
    }

    /// Whether any of them wants this event. Allocates nothing for management events.
    pub fn matches(&self, event: &Head<'_>) -> bool {
        let Some(look) = Look::at(event) else { return false };
        match &self.compiled {
            Compiled::Basic(matchers) => basic::matches(matchers, &look),
            Compiled::Advanced(matchers) => matchers.iter().any(|matcher| matcher.matches(&look)),
        }
    }
}

/// What has selectors, and so which of the advanced grammar it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Trail,
    Store,
}

impl Holder {
    const fn name(self) -> &'static str {
        match self {
            Self::Trail => "a trail",
            Self::Store => "an event data store",
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::Selector(message.into())
}

#[cfg(test)]
mod tests;
