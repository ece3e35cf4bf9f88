//! ListPastQueries: the newest queries of the account, with what they asked and what they cost.

use crate::call::Call;
use crate::cloudtrail::query;
use crate::operation::{Access, Operation};
use cairn_lake::query::{Entry, Filter};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) struct ListPastQueries;

const MAX: usize = 1000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    max: usize,
}

#[derive(Serialize)]
pub(crate) struct Output {
    queries: Vec<Past>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Past {
    id: String,
    status: &'static str,
    created: Timestamp,
    millis: u64,
    rows: u64,
    bytes_scanned: u64,
    statement: String,
}

impl From<Entry> for Past {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            status: entry.status.text(),
            created: Timestamp(entry.created),
            millis: entry.millis,
            rows: entry.rows,
            bytes_scanned: entry.cost.bytes_scanned,
            statement: entry.text,
        }
    }
}

impl Operation for ListPastQueries {
    const NAME: &'static str = "ListPastQueries";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let filter = Filter {
            account: Some(call.account().to_owned()),
            region: Some(call.region.to_owned()),
            max: input.max.clamp(1, MAX),
            ..Filter::default()
        };
        let entries = call.engines.lake.queries.list(&filter).await.map_err(query::fault)?;
        Ok(Output { queries: entries.into_iter().map(Past::from).collect() })
    }
}
