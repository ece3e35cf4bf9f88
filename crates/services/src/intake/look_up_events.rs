//! LookUpEvents: recorded events as the house's own tools look them up, `POST /history/events`.
//!
//! Unlike CloudTrail's LookupEvents it takes any number of attributes, looks at all regions unless one is
//! named, and shows callers of the house's own account the events of all accounts.

use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_lake::history::{Attribute, Found, Look, Place, Scope};
use cairn_wire::{Fault, Timestamp, page};
use serde::{Deserialize, Serialize};

pub(super) struct LookUpEvents;

const PAGE_MAX: usize = 1000;
const ATTRIBUTES_MAX: usize = 20;
const VALUE_BYTES_MAX: usize = 8192;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(default)]
    attributes: Vec<Wanted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// `Management` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Wanted {
    key: Attribute,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    events: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The event's JSON, byte for byte.
    event: String,
}

impl From<Found> for Shown {
    fn from(found: Found) -> Self {
        Self { username: found.username, event: found.event }
    }
}

impl Input {
    fn look(self, call: &Call<'_>) -> Result<Look, Fault> {
        let max = self.max.unwrap_or(PAGE_MAX);
        if max == 0 || max > PAGE_MAX {
            return Err(Fault::validation(format!("max {max} is not between 1 and {PAGE_MAX}")));
        }
        if self.attributes.len() > ATTRIBUTES_MAX {
            return Err(Fault::validation(format!("attributes has more than {ATTRIBUTES_MAX} members")));
        }
        if self.attributes.iter().any(|wanted| wanted.value.len() > VALUE_BYTES_MAX) {
            return Err(Fault::validation(format!("a value in attributes is longer than {VALUE_BYTES_MAX} bytes")));
        }
        let own = call.account();
        let account = if own == call.engines.account { self.account } else { Some(own.to_owned()) };
        let after = self.next_token.map(|token| page::decode::<Place>(&token));
        Ok(Look {
            account,
            region: self.region,
            scope: self.scope.unwrap_or(Scope::Management),
            attributes: self.attributes.into_iter().map(|wanted| (wanted.key, wanted.value)).collect(),
            from: self.from.map(|time| time.0),
            to: self.to.map(|time| time.0),
            after: after.map(|place| place.ok_or_else(|| Fault::validation("nextToken is not valid"))).transpose()?,
            max,
        })
    }
}

impl Operation for LookUpEvents {
    const NAME: &'static str = "LookUpEvents";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let look = input.look(call)?;
        let page = call.engines.lake.history.look(&look).await.map_err(Fault::internal)?;
        let next_token = page.next.map(|place| page::encode(&place));
        Ok(Output { events: page.events.into_iter().map(Shown::from).collect(), next_token })
    }
}
