//! StartImport: log files of a bucket come into an event data store; or a failed import is taken up again.

use super::imports::{self, ImportSource, Shown};
use super::rights::{check_pass, check_source};
use super::{store, trail};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::import::{From as Origin, NewImport};
use cairn_lake::store::Store;
use cairn_pattern::selector::StoreKind;
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) struct StartImport;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destinations: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    import_source: Option<ImportSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_event_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_event_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<String>,
}

impl Input {
    fn destination(&self) -> Result<&str, Fault> {
        match self.destinations.as_deref().unwrap_or_default() {
            [destination] => Ok(destination),
            others => Err(store::invalid(format!("An import has one destination, not {}.", others.len()))),
        }
    }

    /// The import that is to be taken up again.
    fn retried(&self) -> Result<Option<&str>, Fault> {
        let Some(id) = self.import_id.as_deref().filter(|id| !id.is_empty()) else { return Ok(None) };
        let others = self.destinations.is_some()
            || self.import_source.is_some()
            || self.start_event_time.is_some()
            || self.end_event_time.is_some();
        if others {
            return Err(store::invalid("An ImportId stands alone: the import goes on with its own source and times."));
        }
        Ok(Some(id))
    }

    fn check_span(&self) -> Result<(), Fault> {
        match (self.start_event_time, self.end_event_time) {
            (Some(start), Some(end)) if start > end => Err(store::invalid("StartEventTime is after EndEventTime.")),
            _ => Ok(()),
        }
    }
}

/// The store that an import may fill.
fn destination(call: &Call<'_>, reference: &str) -> Result<Arc<Store>, Fault> {
    let stores = &call.engines.lake.stores;
    let store = stores.active(store::scope(call), reference).map_err(store::fault)?;
    if store.account != call.account() || store.region != call.region {
        let message = format!("The event data store {} does not exist.", store.arn);
        return Err(trail::exception("EventDataStoreNotFound", message));
    }
    if store.kind() != StoreKind::Trail {
        let message = "Log files are imported into event data stores of CloudTrail events only.";
        return Err(trail::exception("InvalidEventDataStoreCategory", message));
    }
    Ok(store)
}

impl Operation for StartImport {
    const NAME: &'static str = "StartImport";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Shown;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        if let Some(id) = input.retried()? {
            return Ok(vec![imports::target(call, id).await?]);
        }
        input.destinations.iter().flatten().map(|reference| store::target(call, reference)).collect()
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Shown, Fault> {
        let all = &call.engines.lake.imports;
        if let Some(id) = input.retried()? {
            let from = all.get(call.account(), call.region, id).await.map_err(store::fault)?.from;
            check_pass(call, &from.role)?;
            check_source(call, &from.uri)?;
            let import = all.retry(call.account(), call.region, id).await.map_err(store::fault)?;
            return Ok(Shown::begun(import));
        }
        input.check_span()?;
        let store = destination(call, input.destination()?)?;
        let source = input.import_source.ok_or_else(|| store::invalid("An ImportSource or an ImportId is needed."))?;
        check_pass(call, &source.s3.role)?;
        check_source(call, &source.s3.uri)?;
        let new = NewImport {
            account: call.account().to_owned(),
            region: call.region.to_owned(),
            from: Origin { uri: source.s3.uri, region: source.s3.region, role: source.s3.role },
            destination: store.arn.clone(),
            table: store.id.clone(),
            start: input.start_event_time.map(|time| time.0),
            end: input.end_event_time.map(|time| time.0),
        };
        Ok(Shown::begun(all.start(new).await.map_err(store::fault)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn input(value: Value) -> Input {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_import_is_new_or_taken_up_again_and_never_both() {
        let source = json!({"S3": {"S3LocationUri": "s3://b", "S3BucketRegion": "r", "S3BucketAccessRoleArn": "a"}});
        assert_eq!(input(json!({"ImportId": "i"})).retried(), Ok(Some("i")));
        assert_eq!(input(json!({"Destinations": ["d"], "ImportSource": source})).retried(), Ok(None));
        for with in [json!({"Destinations": ["d"]}), json!({"ImportSource": source}), json!({"EndEventTime": 5})] {
            let mut both = with;
            both["ImportId"] = "i".into();
            assert_eq!(input(both).retried().unwrap_err().code, "InvalidParameterException");
        }
    }

    #[test]
    fn there_is_one_destination_and_a_span_that_does_not_end_before_it_begins() {
        for destinations in [json!([]), json!(["a", "b"]), Value::Null] {
            let wrong = input(json!({"Destinations": destinations})).destination().unwrap_err();
            assert_eq!(wrong.code, "InvalidParameterException");
        }
        assert!(input(json!({"StartEventTime": 6, "EndEventTime": 5})).check_span().is_err());
        assert_eq!(input(json!({"StartEventTime": 5, "EndEventTime": 5})).check_span(), Ok(()));
    }
}
