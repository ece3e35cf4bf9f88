//! Regular expressions, by an engine that takes time linear in the text, whatever the pattern.

use super::{BOOL, Call, Function, INT, Kind, TEXT, TEXTS, at};
use datafusion::arrow::array::{Array, ArrayRef, ListBuilder, StringViewBuilder};
use datafusion::common::{Result, exec_err};
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub const FUNCTIONS: &[Function] = &[
    Function::new("regexp_like", &[Kind::Text, Kind::Text], BOOL, like),
    Function::new("regexp_extract", &[Kind::Text, Kind::Text, Kind::Int], TEXT, extract).least(2),
    Function::new("regexp_extract_all", &[Kind::Text, Kind::Text, Kind::Int], TEXTS, extract_all).least(2),
    Function::new("regexp_replace", &[Kind::Text, Kind::Text, Kind::Text], TEXT, replace).least(2),
    Function::new("regexp_count", &[Kind::Text, Kind::Text], INT, count),
    Function::new("regexp_position", &[Kind::Text, Kind::Text], INT, position),
    Function::new("regexp_split", &[Kind::Text, Kind::Text], TEXTS, split),
];

/// A compiled pattern may take this much memory, and this much more while it runs.
const BYTES_MAX: usize = 2 << 20;
/// What a replacement may make of a text, when it stands for each of its characters.
const REPLACED_MAX: usize = 64 << 20;
/// Patterns kept compiled, in all queries.
const KEPT_MAX: usize = 64;

/// Compiled patterns, for all queries.
#[derive(Default)]
pub struct Regexes {
    compiled: Mutex<HashMap<String, Arc<Regex>>>,
}

impl Regexes {
    fn get(&self, pattern: &str) -> Result<Arc<Regex>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = compiled.get(pattern) {
            return Ok(regex.clone());
        }
        let built = RegexBuilder::new(pattern).size_limit(BYTES_MAX).dfa_size_limit(BYTES_MAX).build();
        let regex = match built {
            Ok(regex) => Arc::new(regex),
            Err(regex::Error::CompiledTooBig(_)) => {
                return exec_err!("the regular expression takes more than {BYTES_MAX} bytes when compiled");
            }
            Err(error) => return exec_err!("invalid regular expression {pattern}: {}", reason(&error)),
        };
        if compiled.len() >= KEPT_MAX {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }
}

/// The last line of what the parser draws.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}

/// The compiled pattern of the second argument, which is nearly always the same in every row.
struct Pattern<'a> {
    call: &'a Call<'a>,
    last: Option<(&'a str, Arc<Regex>)>,
}

impl<'a> Pattern<'a> {
    fn of(call: &'a Call<'a>) -> Self {
        Self { call, last: None }
    }

    /// Text and pattern of a row, when it has both.
    fn at(&mut self, row: usize) -> Result<Option<(&'a str, Arc<Regex>)>> {
        let (Some(text), Some(pattern)) = (at(self.call.text(0), row), at(self.call.text(1), row)) else {
            return Ok(None);
        };
        if let Some((last, regex)) = &self.last
            && *last == pattern
        {
            return Ok(Some((text, regex.clone())));
        }
        let regex = self.call.regexes.get(pattern)?;
        self.last = Some((pattern, regex.clone()));
        Ok(Some((text, regex)))
    }
}

fn like(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    call.bools(|row| Ok(pattern.at(row)?.map(|(text, regex)| regex.is_match(text))))
}

/// Which group is asked for: all of it when none is.
fn group(call: &Call, row: usize, regex: &Regex) -> Result<usize> {
    if !call.has(2) || call.int(2).is_null(row) {
        return Ok(0);
    }
    let (group, groups) = (call.int(2).value(row), regex.captures_len());
    match usize::try_from(group) {
        Ok(group) if group < groups => Ok(group),
        _ => exec_err!("the pattern has {} groups; there is no group {group}", groups - 1),
    }
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    call.texts(|row| {
        let Some((text, regex)) = pattern.at(row)? else { return Ok(None) };
        let group = group(call, row, &regex)?;
        Ok(regex.captures(text).and_then(|found| found.get(group)).map(|found| found.as_str()))
    })
}

fn extract_all(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    for row in 0..call.rows {
        let found = pattern.at(row)?;
        if let Some((text, regex)) = &found {
            let group = group(call, row, regex)?;
            let all = regex.captures_iter(text).map(|found| found.get(group));
            all.for_each(|found| lists.values().append_option(found.map(|found| found.as_str())));
        }
        lists.append(found.is_some());
    }
    Ok(Arc::new(lists.finish()))
}

/// `$1` and `${name}` in the replacement are groups, as in Trino.
fn replace(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    call.texts(|row| {
        let Some((text, regex)) = pattern.at(row)? else { return Ok(None) };
        let to = if call.has(2) { at(call.text(2), row) } else { Some("") };
        match to {
            Some(to) if to.len().saturating_mul(text.len() + 1) > REPLACED_MAX => {
                exec_err!("the replacement is too long for a text of {} bytes", text.len())
            }
            to => Ok(to.map(|to| regex.replace_all(text, to))),
        }
    })
}

fn count(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    call.ints(|row| Ok(pattern.at(row)?.map(|(text, regex)| regex.find_iter(text).count() as i64)))
}

fn position(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    let place = |text: &str, regex: &Regex| {
        regex.find(text).map_or(-1, |found| text[..found.start()].chars().count() as i64 + 1)
    };
    call.ints(|row| Ok(pattern.at(row)?.map(|(text, regex)| place(text, &regex))))
}

fn split(call: &Call) -> Result<ArrayRef> {
    let mut pattern = Pattern::of(call);
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    for row in 0..call.rows {
        let found = pattern.at(row)?;
        if let Some((text, regex)) = &found {
            regex.split(text).for_each(|part| lists.values().append_value(part));
        }
        lists.append(found.is_some());
    }
    Ok(Arc::new(lists.finish()))
}
