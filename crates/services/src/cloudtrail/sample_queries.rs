//! SearchSampleQueries: shipped queries that match a phrase. GenerateQuery: one from a prompt, by a model.

use super::query;
use super::trail::{exception, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::query::sample;
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};

pub(super) struct SearchSampleQueries;
pub(super) struct GenerateQuery;

const PHRASE_CHARS_MAX: usize = 1000;
const PROMPT_CHARS_MAX: usize = 500;
const PAGE: i64 = 10;
const PAGE_MAX: i64 = 50;

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wanted {
    search_phrase: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    search_results: Vec<Sample>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sample {
    name: &'static str,
    description: &'static str,
    #[serde(rename = "SQL")]
    sql: &'static str,
    relevance: f32,
}

impl Operation for SearchSampleQueries {
    const NAME: &'static str = "SearchSampleQueries";
    const ACCESS: Access = Access::Read;
    type Input = Wanted;
    type Output = Found;

    async fn call(_: &Call<'_>, input: Wanted) -> Result<Found, Fault> {
        let phrase = &input.search_phrase;
        if !(2..=PHRASE_CHARS_MAX).contains(&phrase.len()) || !is_plain(phrase) {
            return Err(query::invalid(format!("SearchPhrase has 2 to {PHRASE_CHARS_MAX} ASCII characters.")));
        }
        let max = match input.max_results.unwrap_or(PAGE) {
            max @ 1..=PAGE_MAX => max as usize,
            _ => return Err(query::invalid(format!("MaxResults is from 1 to {PAGE_MAX}."))),
        };
        let from = match filled(input.next_token) {
            None => 0,
            Some(token) => match page::decode::<(String, usize)>(&token) {
                Some((of, from)) if of == *phrase => from,
                _ => return Err(query::invalid("NextToken is not one of this search.")),
            },
        };
        let found = sample::search(phrase);
        let next_token = (found.len() > from.saturating_add(max)).then(|| page::encode(&(phrase, from + max)));
        let shown = |(sample, relevance): (sample::Sample, f32)| Sample {
            name: sample.name,
            description: sample.description,
            sql: sample.sql,
            relevance,
        };
        Ok(Found { search_results: found.into_iter().skip(from).take(max).map(shown).collect(), next_token })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prompted {
    event_data_stores: Vec<String>,
    prompt: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Generated {
    query_statement: String,
}

impl Operation for GenerateQuery {
    const NAME: &'static str = "GenerateQuery";
    const ACCESS: Access = Access::Read;
    type Input = Prompted;
    type Output = Generated;

    async fn targets(call: &Call<'_>, input: &Prompted) -> Result<Vec<Target>, Fault> {
        let [store] = input.event_data_stores.as_slice() else {
            return Err(query::invalid("EventDataStores has exactly one member."));
        };
        let source = call.engines.lake.queries.source(call.account(), None, call.region, store);
        Ok(query::targets(call, &[source.map_err(query::refused)?], None))
    }

    async fn call(_: &Call<'_>, input: Prompted) -> Result<Generated, Fault> {
        if !(3..=PROMPT_CHARS_MAX).contains(&input.prompt.len()) || !is_plain(&input.prompt) {
            return Err(query::invalid(format!("Prompt has 3 to {PROMPT_CHARS_MAX} ASCII characters.")));
        }
        let message = "No language model is configured here, so no query can be generated from a prompt. \
                       SearchSampleQueries finds queries for many questions.";
        Err(exception("GenerateResponse", message))
    }
}
