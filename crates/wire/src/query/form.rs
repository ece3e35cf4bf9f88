//! Forms: `Action=CreateUser&Tags.member.1.Key=Team`.

use crate::Fault;
use crate::node::{Branch, Node, Twig};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::fmt;

/// Longer forms are refused unread, like AWS's.
const BYTES_MAX: usize = 1024 * 1024;
/// Forms with more parameters are refused.
const PARAMETERS_MAX: usize = 20_000;
/// Names with more parts are refused.
const PARTS_MAX: usize = 32;

/// The parameters of a request. Of several with the same name, the last counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    parameters: Vec<(String, String)>,
}

/// Shows the names alone: the values may be secrets.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.parameters.iter().map(|(name, _)| name)).finish()
    }
}

impl Form {
    /// Reads a body or a query string. Empty text is an empty form.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        if text.len() > BYTES_MAX {
            return Err(Fault::too_large(format!("the form is longer than {BYTES_MAX} bytes")));
        }
        let text = std::str::from_utf8(text).map_err(|_| not_utf8())?;
        let mut parameters = Vec::new();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            if parameters.len() == PARAMETERS_MAX {
                return Err(Fault::serialization(format!("the form has more than {PARAMETERS_MAX} parameters")));
            }
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            parameters.push((decoded(name)?, decoded(value)?));
        }
        Ok(Self { parameters })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let mut root = Branch::new();
        for (name, value) in &self.parameters {
            plant(&mut root, name, value)?;
        }
        Node::Branch(&root).read()
    }
}

/// Puts a value at the place that its name describes.
fn plant<'a>(root: &mut Branch<'a>, name: &'a str, value: &'a str) -> Result<(), Fault> {
    let crossed = || Fault::serialization(format!("{name:.128} is both a value and a structure"));
    let mut parts = name.split('.');
    let last = parts.next_back().unwrap_or_default();
    let mut branch = root;
    for (depth, part) in parts.enumerate() {
        if depth + 1 == PARTS_MAX {
            return Err(Fault::serialization(format!("the name of a parameter has more than {PARTS_MAX} parts")));
        }
        match branch.entry(part).or_insert_with(|| Twig::Branch(Branch::new())) {
            Twig::Branch(next) => branch = next,
            Twig::Text(_) => return Err(crossed()),
        }
    }
    match branch.entry(last) {
        Entry::Occupied(mut place) => match place.get_mut() {
            Twig::Text(text) => *text = value,
            Twig::Branch(_) => return Err(crossed()),
        },
        Entry::Vacant(place) => _ = place.insert(Twig::Text(value)),
    }
    Ok(())
}

fn decoded(text: &str) -> Result<String, Fault> {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| not_utf8())
}

fn not_utf8() -> Fault {
    Fault::serialization("the form is not UTF-8")
}
