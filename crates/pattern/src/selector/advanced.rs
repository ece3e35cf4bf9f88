//! Advanced event selectors: conditions over an event's fields.

use super::matcher::Matcher;
use super::{Holder, invalid};
use crate::Error;
use serde::{Deserialize, Serialize};

/// Over all conditions of a trail or of an event data store.
const VALUES_MAX: usize = 500;
const VALUE_CHARS_MAX: usize = 2048;
const NAME_CHARS_MAX: usize = 1000;
const FIELD_CHARS_MAX: usize = 1000;

/// One advanced event selector as AWS writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdvancedSelector {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub field_selectors: Vec<FieldSelector>,
}

/// What one field must be and must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldSelector {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_ends_with: Option<Vec<String>>,
}

impl FieldSelector {
    pub(super) fn equals(field: &str, values: &[&str]) -> Self {
        let equals = Some(values.iter().map(|value| (*value).to_owned()).collect());
        Self { field: field.to_owned(), equals, ..Self::default() }
    }

    pub(super) fn operators(&self) -> [(&'static str, Option<&Vec<String>>); 6] {
        [
            ("Equals", self.equals.as_ref()),
            ("StartsWith", self.starts_with.as_ref()),
            ("EndsWith", self.ends_with.as_ref()),
            ("NotEquals", self.not_equals.as_ref()),
            ("NotStartsWith", self.not_starts_with.as_ref()),
            ("NotEndsWith", self.not_ends_with.as_ref()),
        ]
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &String> {
        self.operators().into_iter().filter_map(|(_, values)| values).flatten()
    }

    /// Lists and values of sizes that any field may have.
    fn check(&self) -> Result<(), Error> {
        let given: Vec<_> = self.operators().into_iter().filter_map(|(name, values)| Some((name, values?))).collect();
        if given.is_empty() {
            return Err(invalid(format!("Field {} has no operator.", self.field)));
        }
        for (name, values) in given {
            if values.is_empty() {
                return Err(invalid(format!("{name} of field {} has no values.", self.field)));
            }
        }
        if self.values().any(|value| value.is_empty() || value.chars().count() > VALUE_CHARS_MAX) {
            return Err(invalid(format!("A value of field {} has 1 to {VALUE_CHARS_MAX} characters.", self.field)));
        }
        Ok(())
    }

    /// The values of `allowed`, the one operator that may be there.
    pub(super) fn only(&self, allowed: &str) -> Result<&Vec<String>, Error> {
        let mut found = None;
        for (name, values) in self.operators() {
            if name == allowed {
                found = values;
            } else if values.is_some() {
                return Err(invalid(format!("Field {} takes the operator {allowed}, not {name}.", self.field)));
            }
        }
        found.ok_or_else(|| invalid(format!("Field {} needs the operator {allowed}.", self.field)))
    }

    /// The one value that must be equalled.
    pub(super) fn one(&self) -> Result<&str, Error> {
        match self.only("Equals")?.as_slice() {
            [value] => Ok(value),
            values => Err(invalid(format!("Field {} equals one value, not {}.", self.field, values.len()))),
        }
    }

    pub(super) fn one_of(&self, allowed: &[&str]) -> Result<(), Error> {
        allowed_only(&self.field, std::iter::once(self.one()?), allowed)
    }
}

pub(super) fn allowed_only<'a>(
    field: &str,
    values: impl Iterator<Item = &'a str>,
    allowed: &[&str],
) -> Result<(), Error> {
    for value in values {
        if !allowed.contains(&value) {
            return Err(invalid(format!("Field {field} has the value {value:?}; it may have {}.", allowed.join(", "))));
        }
    }
    Ok(())
}

/// How the selectors match, if they are within the grammar for their holder.
pub(super) fn check(selectors: &[AdvancedSelector], holder: Holder) -> Result<Vec<Matcher>, Error> {
    if selectors.is_empty() {
        return Err(invalid(format!("There must be at least one event selector on {}.", holder.name())));
    }
    let fields = selectors.iter().flat_map(|selector| &selector.field_selectors);
    let values = fields.flat_map(FieldSelector::values).count();
    if values > VALUES_MAX {
        return Err(invalid(format!(
            "The conditions on {} have at most {VALUES_MAX} values, {values} were given.",
            holder.name()
        )));
    }
    selectors.iter().map(|selector| Matcher::of(selector, holder)).collect()
}

impl AdvancedSelector {
    /// All management events.
    pub(super) fn management(name: &str) -> Self {
        let field_selectors = vec![FieldSelector::equals("eventCategory", &["Management"])];
        Self { name: Some(name.to_owned()), field_selectors }
    }

    pub(super) fn field(&self, name: &str) -> Result<&FieldSelector, Error> {
        let found = self.field_selectors.iter().find(|field| field.field == name);
        found.ok_or_else(|| invalid(format!("An advanced event selector needs the field {name}.")))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
            return Err(invalid(format!("The name of a selector has at most {NAME_CHARS_MAX} characters.")));
        }
        for (index, field) in self.field_selectors.iter().enumerate() {
            if field.field.chars().count() > FIELD_CHARS_MAX {
                return Err(invalid(format!("The name of a field has at most {FIELD_CHARS_MAX} characters.")));
            }
            if self.field_selectors[..index].iter().any(|other| other.field == field.field) {
                return Err(invalid(format!("Field {} stands twice in one selector.", field.field)));
            }
            field.check()?;
        }
        Ok(())
    }
}
