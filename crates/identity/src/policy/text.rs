//! Texts in policies, with wildcards and variables: `arn:aws:s3:::home/${aws:username}/*`.

use super::glob::{self, Atom};
use crate::caller::Facts;
use std::borrow::Cow;

#[derive(Debug)]
pub(super) enum Text {
    Fixed(Vec<Atom>),
    Template(Vec<Part>),
}

#[derive(Debug)]
pub(super) enum Part {
    Fixed(Vec<Atom>),
    Variable { key: String, default: Option<String> },
}

/// How a text is to be read.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub wild: bool,
    /// From version 2012-10-17 on; before, `${` is text like any other.
    pub variables: bool,
}

impl Text {
    pub fn read(text: &str, how: Reading) -> Result<Self, String> {
        let atoms = |text: &str| -> Vec<Atom> {
            if how.wild { glob::wild(text).collect() } else { glob::literal(text).collect() }
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${").filter(|_| how.variables) {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("{text:?} has a ${{ without its }}"))?;
            if !before.is_empty() {
                parts.push(Part::Fixed(atoms(before)));
            }
            parts.push(Part::variable(name).ok_or_else(|| format!("{text:?}: ${{{name}}} is not a policy variable"))?);
            rest = after;
        }
        if parts.is_empty() {
            return Ok(Self::Fixed(atoms(rest)));
        }
        if !rest.is_empty() {
            parts.push(Part::Fixed(atoms(rest)));
        }
        Ok(Self::Template(parts))
    }

    /// The pattern for this call; None when a variable has no value, and then nothing matches.
    pub fn atoms(&self, facts: &Facts<'_>) -> Option<Cow<'_, [Atom]>> {
        let parts = match self {
            Self::Fixed(atoms) => return Some(Cow::Borrowed(atoms)),
            Self::Template(parts) => parts,
        };
        let mut atoms = Vec::new();
        for part in parts {
            match part {
                Part::Fixed(fixed) => atoms.extend_from_slice(fixed),
                Part::Variable { key, default } => {
                    atoms.extend(glob::literal(facts.only(key).or(default.as_deref())?));
                }
            }
        }
        Some(Cow::Owned(atoms))
    }

    pub fn matches(&self, facts: &Facts<'_>, text: &str, fold: bool) -> bool {
        self.atoms(facts).is_some_and(|atoms| glob::matches(&atoms, text, fold))
    }
}

impl Part {
    /// `*`, `?` and `$` name themselves; else a condition key, perhaps with `, 'default'`.
    fn variable(name: &str) -> Option<Self> {
        if let "*" | "?" | "$" = name {
            return Some(Self::Fixed(glob::literal(name).collect()));
        }
        let (key, default) = match name.split_once(',') {
            Some((key, quoted)) => (key, Some(quoted.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned())),
            None => (name, None),
        };
        let key = key.trim();
        let named = key.contains(':') && !key.contains(char::is_control);
        named.then(|| Self::Variable { key: key.to_owned(), default })
    }
}
