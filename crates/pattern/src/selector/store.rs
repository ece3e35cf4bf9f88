//! What an event data store takes: advanced selectors, of one kind.

use super::look::{Category, Look};
use super::matcher::Matcher;
use super::{AdvancedSelector, Holder, advanced, invalid};
use crate::Error;
use cairn_event::Head;
use serde::{Deserialize, Serialize};

/// The checked selectors of one event data store, ready to match.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<AdvancedSelector>", into = "Vec<AdvancedSelector>")]
pub struct StoreSelectors {
    given: Vec<AdvancedSelector>,
    kind: StoreKind,
    matchers: Vec<Matcher>,
}

/// What an event data store holds. It never changes, and decides which columns there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreKind {
    /// Management, data and network activity events, in any mixture.
    Trail,
    Insight,
    ConfigurationItem,
    Evidence,
    ActivityAuditLog,
}

impl StoreKind {
    const fn of(category: Category) -> Self {
        match category {
            Category::Management | Category::Data | Category::NetworkActivity => Self::Trail,
            Category::Insight => Self::Insight,
            Category::ConfigurationItem => Self::ConfigurationItem,
            Category::Evidence => Self::Evidence,
            Category::ActivityAuditLog => Self::ActivityAuditLog,
        }
    }
}

impl PartialEq for StoreSelectors {
    fn eq(&self, other: &Self) -> bool {
        self.given == other.given
    }
}

impl Eq for StoreSelectors {}

impl From<StoreSelectors> for Vec<AdvancedSelector> {
    fn from(selectors: StoreSelectors) -> Self {
        selectors.given
    }
}

impl TryFrom<Vec<AdvancedSelector>> for StoreSelectors {
    type Error = Error;

    /// Checks what was given against every rule for event data stores.
    fn try_from(given: Vec<AdvancedSelector>) -> Result<Self, Error> {
        let matchers = advanced::check(&given, Holder::Store)?;
        let kind = one_kind(&matchers)?;
        Ok(Self { given, kind, matchers })
    }
}

fn one_kind(matchers: &[Matcher]) -> Result<StoreKind, Error> {
    let mut categories = matchers.iter().map(Matcher::category);
    let first = categories.next().ok_or_else(|| invalid("An event data store has at least one event selector."))?;
    match categories.find(|category| StoreKind::of(*category) != StoreKind::of(first)) {
        None => Ok(StoreKind::of(first)),
        Some(other) => Err(invalid(format!(
            "An event data store has events of one kind: eventCategory {} cannot stand beside {}.",
            other.name(),
            first.name()
        ))),
    }
}

impl Default for StoreSelectors {
    /// What a new event data store takes if nothing is said: all management events.
    fn default() -> Self {
        let selector = AdvancedSelector::management("Default management events");
        Self::try_from(vec![selector]).expect("the selector is within the grammar")
    }
}

impl StoreSelectors {
    pub fn given(&self) -> &[AdvancedSelector] {
        &self.given
    }

    pub const fn kind(&self) -> StoreKind {
        self.kind
    }

    /// Whether any of them wants this event. What many of them ask about it is read once.
    pub fn matches(&self, event: &Head<'_>) -> bool {
        Look::at(event).is_some_and(|look| self.matchers.iter().any(|matcher| matcher.matches(&look)))
    }
}

#[cfg(test)]
mod tests;
