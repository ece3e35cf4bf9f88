//! Which events a trail wants: event selectors as they are given, checked and matched.
//!
//! Selectors are alternatives; the fields of one must all agree. There are two grammars,
//! the basic and the advanced, and a trail has one of them. Their serialized form is AWS's.

mod advanced;
mod basic;
mod condition;

pub use advanced::{AdvancedSelector, FieldSelector};
pub use basic::{BasicSelector, DataResource};

use crate::Error;
use cairn_event::Head;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    Advanced(Vec<advanced::Matcher>),
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
                let matchers = advanced::check(&selectors)?;
                Ok(Self { given: Given::Advanced(selectors), compiled: Compiled::Advanced(matchers) })
            }
        }
    }
}

impl Default for Selectors {
    /// What a new trail records: all management events.
    fn default() -> Self {
        let selector = AdvancedSelector {
            name: Some("Management events selector".to_owned()),
            field_selectors: vec![FieldSelector::equals("eventCategory", &["Management"])],
        };
        Self::try_from(Given::Advanced(vec![selector])).expect("the selector is within the grammar")
    }
}

impl Selectors {
    pub const fn given(&self) -> &Given {
        &self.given
    }

    /// Whether any of them wants this event. Allocates nothing for management events.
    pub fn matches(&self, event: &Head<'_>) -> bool {
        let Some(category) = Category::of(event) else { return false };
        match &self.compiled {
            Compiled::Basic(matchers) => basic::matches(matchers, category, event),
            Compiled::Advanced(matchers) => matchers.iter().any(|matcher| matcher.matches(category, event)),
        }
    }
}

/// The categories that a trail can record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Management,
    Data,
    NetworkActivity,
}

impl Category {
    /// Events older than version 1.07 have no category but say whether they manage.
    fn of(event: &Head<'_>) -> Option<Self> {
        match event.event_category.as_deref() {
            Some("Management") => Some(Self::Management),
            Some("Data") => Some(Self::Data),
            Some("NetworkActivity") => Some(Self::NetworkActivity),
            Some(_) => None,
            None if event.management_event == Some(false) => Some(Self::Data),
            None => Some(Self::Management),
        }
    }
}

/// One of an event's `resources`.
#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, rename = "ARN", default)]
    arn: Option<Text<'a>>,
    #[serde(borrow, rename = "ARNPrefix", default)]
    arn_prefix: Option<Text<'a>>,
    #[serde(borrow, rename = "type", default)]
    kind: Option<Text<'a>>,
}

/// A text that is borrowed also inside of an `Option`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Resource<'_> {
    fn kind(&self) -> Option<&str> {
        Some(&self.kind.as_ref()?.0)
    }

    /// Calls on many objects at once, as ListObjects, name what their ARNs begin with.
    fn arn(&self) -> Option<&str> {
        Some(&self.arn.as_ref().or(self.arn_prefix.as_ref())?.0)
    }
}

fn resources<'a>(event: &Head<'a>) -> Vec<Resource<'a>> {
    let Ok(value) = sonic_rs::get(event.raw(), &["resources"]) else { return Vec::new() };
    match value.as_raw_cow() {
        Cow::Borrowed(raw) => sonic_rs::from_str(raw).unwrap_or_default(),
        Cow::Owned(_) => Vec::new(),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::Selector(message.into())
}

#[cfg(test)]
mod tests;
