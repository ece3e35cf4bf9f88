//! PutEventConfiguration and GetEventConfiguration: how large the events of an event data store may be, and what is
//! told together of the data events of a trail.
//!
//! No event is ever cut here, so either size is kept to. Context keys and aggregation would have to be made while
//! events are recorded; nothing does that, and whoever asks for them is told so.

use super::store;
use super::trail::{self, exception, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::EventSize;
use cairn_pattern::selector::StoreKind;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct PutEventConfiguration;
pub(super) struct GetEventConfiguration;

const SELECTORS_MAX: usize = 2;
const KEYS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_event_size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_key_selectors: Option<Vec<ContextKeys>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregation_configurations: Option<Vec<Aggregation>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContextKeys {
    #[serde(rename = "Type")]
    kind: String,
    equals: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Aggregation {
    templates: Vec<String>,
    event_category: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    #[serde(rename = "TrailARN", skip_serializing_if = "Option::is_none")]
    trail_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_event_size: Option<EventSize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_key_selectors: Option<Vec<ContextKeys>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregation_configurations: Option<Vec<Aggregation>>,
}

impl Output {
    fn of_trail(arn: String) -> Self {
        Self { trail_arn: Some(arn), aggregation_configurations: Some(Vec::new()), ..Self::default() }
    }

    fn of_store(store: &cairn_lake::store::Store) -> Self {
        Self {
            event_data_store_arn: Some(store.arn.clone()),
            max_event_size: Some(store.event_size),
            context_key_selectors: Some(Vec::new()),
            ..Self::default()
        }
    }
}

/// What the configuration is of.
enum Of {
    Trail(String),
    Store(String),
}

fn combination(message: &str) -> Fault {
    exception("InvalidParameterCombination", message)
}

impl Of {
    fn read(trail: Option<&String>, store: Option<&String>) -> Result<Self, Fault> {
        match (filled(trail.cloned()), filled(store.cloned())) {
            (Some(trail), None) => Ok(Self::Trail(trail)),
            (None, Some(store)) => Ok(Self::Store(store)),
            _ => Err(combination("Give either TrailName or EventDataStore.")),
        }
    }

    fn target(&self, call: &Call<'_>) -> Result<Target, Fault> {
        match self {
            Self::Trail(name) => Ok(trail::target(call, name)),
            Self::Store(reference) => store::target(call, reference),
        }
    }
}

fn put_trail(call: &Call<'_>, name: &str, input: &Put) -> Result<Output, Fault> {
    let arn = call.engines.trails.own(trail::scope(call), name).map_err(trail::fault)?.arn;
    if input.max_event_size.is_some() || input.context_key_selectors.is_some() {
        return Err(combination("MaxEventSize and ContextKeySelectors are of event data stores, not of trails."));
    }
    match &input.aggregation_configurations {
        None => Err(store::invalid("Give AggregationConfigurations.")),
        Some(given) if given.is_empty() => Ok(Output::of_trail(arn)),
        Some(_) => {
            let message = "Events are not aggregated by this version of Cairn: trails deliver each of them.";
            Err(exception("UnsupportedOperation", message))
        }
    }
}

async fn put_store(call: &Call<'_>, reference: &str, input: &Put) -> Result<Output, Fault> {
    if input.aggregation_configurations.is_some() {
        return Err(combination("AggregationConfigurations are of trails, not of event data stores."));
    }
    let size = match input.max_event_size.as_deref() {
        None => None,
        Some("Standard") => Some(EventSize::Standard),
        Some("Large") => Some(EventSize::Large),
        Some(_) => return Err(store::invalid("MaxEventSize is Standard or Large.")),
    };
    let (stores, scope) = (&call.engines.lake.stores, store::scope(call));
    let before = stores.active(scope, reference).map_err(store::fault)?;
    let keys = input.context_key_selectors.as_deref().unwrap_or_default();
    check_keys(keys, size.unwrap_or(before.event_size))?;
    let changed = stores.set_event_size(scope, reference, size.unwrap_or(before.event_size)).await;
    Ok(Output::of_store(&*changed.map_err(store::fault)?))
}

fn check_keys(selectors: &[ContextKeys], size: EventSize) -> Result<(), Fault> {
    if selectors.is_empty() {
        return Ok(());
    }
    if selectors.len() > SELECTORS_MAX {
        return Err(store::invalid("ContextKeySelectors has at most one TagContext and one RequestContext."));
    }
    for (index, selector) in selectors.iter().enumerate() {
        let twice = selectors[..index].iter().any(|other| other.kind == selector.kind);
        if twice || !matches!(selector.kind.as_str(), "TagContext" | "RequestContext") {
            return Err(store::invalid("ContextKeySelectors has at most one TagContext and one RequestContext."));
        }
        let chars = |key: &String| (1..=KEY_CHARS_MAX).contains(&key.chars().count());
        if !(1..=KEYS_MAX).contains(&selector.equals.len()) || !selector.equals.iter().all(chars) {
            let message = format!("Equals has 1 to {KEYS_MAX} keys of 1 to {KEY_CHARS_MAX} characters.");
            return Err(store::invalid(message));
        }
    }
    if size != EventSize::Large {
        return Err(store::invalid("ContextKeySelectors need the MaxEventSize Large."));
    }
    let message = "This version of Cairn adds no context keys to events.";
    Err(exception("UnsupportedOperation", message))
}

impl Operation for PutEventConfiguration {
    const NAME: &'static str = "PutEventConfiguration";
    const ACCESS: Access = Access::Write;
    type Input = Put;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Put) -> Result<Vec<Target>, Fault> {
        Ok(vec![Of::read(input.trail_name.as_ref(), input.event_data_store.as_ref())?.target(call)?])
    }

    async fn call(call: &Call<'_>, input: Put) -> Result<Output, Fault> {
        match Of::read(input.trail_name.as_ref(), input.event_data_store.as_ref())? {
            Of::Trail(name) => put_trail(call, &name, &input),
            Of::Store(reference) => put_store(call, &reference, &input).await,
        }
    }
}

impl Operation for GetEventConfiguration {
    const NAME: &'static str = "GetEventConfiguration";
    const ACCESS: Access = Access::Read;
    type Input = Get;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Get) -> Result<Vec<Target>, Fault> {
        Ok(vec![Of::read(input.trail_name.as_ref(), input.event_data_store.as_ref())?.target(call)?])
    }

    async fn call(call: &Call<'_>, input: Get) -> Result<Output, Fault> {
        match Of::read(input.trail_name.as_ref(), input.event_data_store.as_ref())? {
            Of::Trail(name) => {
                let found = call.engines.trails.get(trail::scope(call), &name).map_err(trail::fault)?;
                Ok(Output::of_trail(found.arn))
            }
            Of::Store(reference) => {
                let found = call.engines.lake.stores.get(store::scope(call), &reference).map_err(store::fault)?;
                if found.kind() != StoreKind::Trail {
                    let message = format!("The event data store {} has no event configuration.", found.arn);
                    return Err(exception("InvalidEventDataStoreCategory", message));
                }
                Ok(Output::of_store(&found))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keys_are_refused_for_their_form_or_because_nothing_adds_them() {
        let keys =
            |kind: &str, count: usize| ContextKeys { kind: kind.to_owned(), equals: vec!["k".to_owned(); count] };
        let code = |keys: &[ContextKeys], size| check_keys(keys, size).err().map(|fault| fault.code.into_owned());
        let (invalid, unsupported) = ("InvalidParameterException", "UnsupportedOperationException");
        assert_eq!(code(&[], EventSize::Standard), None);
        let both = [keys("TagContext", 50), keys("RequestContext", 1)];
        assert_eq!(code(&both, EventSize::Large).as_deref(), Some(unsupported));
        assert_eq!(code(&both, EventSize::Standard).as_deref(), Some(invalid));
        for wrong in [
            [keys("TagContext", 1), keys("TagContext", 1)],
            [keys("X", 1), keys("TagContext", 1)],
            [keys("TagContext", 51), keys("RequestContext", 1)],
        ] {
            assert_eq!(code(&wrong, EventSize::Large).as_deref(), Some(invalid));
        }
    }
}
