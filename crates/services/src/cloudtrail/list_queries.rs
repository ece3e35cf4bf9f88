//! ListQueries: the queries of an event data store that are still known, newest first.

use super::query;
use super::trail::{exception, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_event::Time;
use cairn_lake::query::{Entry, Filter, Source, Status};
use cairn_wire::{Fault, Timestamp, page};
use serde::{Deserialize, Serialize};

pub(super) struct ListQueries;

const MAX: i64 = 1000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    event_data_store: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_status: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    queries: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    query_id: String,
    query_status: &'static str,
    creation_time: Timestamp,
}

impl Input {
    fn source(&self, call: &Call<'_>) -> Result<Source, Fault> {
        let found = call.engines.lake.queries.source(call.account(), None, call.region, &self.event_data_store);
        found.map_err(query::refused)
    }

    fn status(&self) -> Result<Option<Status>, Fault> {
        let Some(text) = filled(self.query_status.clone()) else { return Ok(None) };
        let status = Status::ALL.into_iter().find(|status| status.text() == text);
        let bad = || exception("InvalidQueryStatus", format!("{text} is not the status of a query."));
        status.map(Some).ok_or_else(bad)
    }

    fn max(&self) -> Result<usize, Fault> {
        match self.max_results.unwrap_or(MAX) {
            max @ 1..=MAX => Ok(max as usize),
            _ => Err(exception("InvalidMaxResults", format!("MaxResults is from 1 to {MAX}."))),
        }
    }

    fn after(&self) -> Result<Option<(Time, String)>, Fault> {
        let Some(token) = filled(self.next_token.clone()) else { return Ok(None) };
        let invalid = || exception("InvalidNextToken", "The token is not one of this list.");
        page::decode(&token).map(Some).ok_or_else(invalid)
    }

    fn span(&self) -> Result<(Option<Time>, Option<Time>), Fault> {
        let (from, to) = (self.start_time.map(|time| time.0), self.end_time.map(|time| time.0));
        if from.is_some_and(|from| to.is_some_and(|to| from > to)) {
            return Err(exception("InvalidDateRange", "StartTime is after EndTime."));
        }
        Ok((from, to))
    }
}

impl Operation for ListQueries {
    const NAME: &'static str = "ListQueries";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(query::targets(call, &[input.source(call)?], None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let (status, max, (from, to)) = (input.status()?, input.max()?, input.span()?);
        let filter = Filter {
            source: Some(input.source(call)?.arn),
            from,
            to,
            status,
            after: input.after()?,
            max: max + 1,
            ..Filter::default()
        };
        let mut entries = call.engines.lake.queries.list(&filter).await.map_err(query::fault)?;
        let more = entries.len() > max;
        entries.truncate(max);
        let place = |last: &Entry| page::encode(&(last.created, &last.id));
        let next_token = entries.last().filter(|_| more).map(place);
        let listed = |entry: Entry| Listed {
            query_id: entry.id,
            query_status: entry.status.text(),
            creation_time: Timestamp(entry.created),
        };
        Ok(Output { queries: entries.into_iter().map(listed).collect(), next_token })
    }
}
