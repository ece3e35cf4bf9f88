//! Policies: parsed and checked once, then asked often.
//!
//! Grammar and evaluation: IAM User Guide, "Grammar of the IAM JSON policy language" and
//! "Policy evaluation logic".

mod address;
mod condition;
mod element;
mod glob;
mod parse;
mod principal;
mod text;

use crate::caller::Facts;
use condition::Condition;
use glob::Atom;
use principal::Principals;
pub(crate) use principal::Strength;
use std::sync::Arc;
use text::Text;

/// What a policy stands on, which decides the elements that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    Identity,
    /// Has principals.
    Resource,
    /// A role's trust policy: principals, no resource.
    Trust,
}

/// A policy, parsed and checked once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Arc<[Statement]>,
}

/// What is wrong with a policy: the statement, the element and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

#[derive(Debug)]
struct Statement {
    allows: bool,
    /// None in identity policies: whoever has the policy.
    principals: Option<Principals>,
    actions: Actions,
    /// None in trust policies: the role itself.
    resources: Option<Resources>,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Actions {
    excluded: bool,
    patterns: Vec<Vec<Atom>>,
}

#[derive(Debug)]
struct Resources {
    excluded: bool,
    patterns: Vec<Text>,
}

/// What policies say to one question.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    pub denied: bool,
    /// How closely the caller is named by what allows it.
    pub allowed: Strength,
}

impl Verdict {
    pub fn merge(&mut self, other: Self) {
        self.denied |= other.denied;
        self.allowed = self.allowed.max(other.allowed);
    }
}

impl Policy {
    /// Reads a policy of this kind. Its size is limited by whoever keeps it.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        Ok(Self { statements: parse::statements(text, kind)?.into() })
    }

    pub(crate) fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for statement in &*self.statements {
            let strength = statement.applies(facts);
            if strength == Strength::None {
                continue;
            }
            if statement.allows {
                verdict.allowed = verdict.allowed.max(strength);
            } else {
                verdict.denied = true;
            }
        }
        verdict
    }
}

impl Statement {
    fn applies(&self, facts: &Facts<'_>) -> Strength {
        let strength = match &self.principals {
            None => Strength::Entity,
            Some(principals) => principals.strength(facts.who, self.allows),
        };
        let applies = strength != Strength::None
            && self.actions.cover(facts.action)
            && self.resources.as_ref().is_none_or(|resources| resources.cover(facts))
            && self.conditions.iter().all(|condition| condition.holds(facts));
        if applies { strength } else { Strength::None }
    }
}

impl Actions {
    fn cover(&self, action: &str) -> bool {
        self.excluded != self.patterns.iter().any(|pattern| glob::matches(pattern, action, true))
    }
}

impl Resources {
    fn cover(&self, facts: &Facts<'_>) -> bool {
        self.excluded != self.patterns.iter().any(|pattern| pattern.matches(facts, facts.resource, false))
    }
}
