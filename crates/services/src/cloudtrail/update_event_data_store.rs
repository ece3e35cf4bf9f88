//! UpdateEventDataStore: changes what is given of an event data store.

use super::store::{self, Description};
use super::trail::filled;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::StoreUpdate;
use cairn_pattern::selector::AdvancedSelector;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct UpdateEventDataStore;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    event_data_store: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_event_selectors: Option<Vec<AdvancedSelector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_region_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_period: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination_protection_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_mode: Option<String>,
}

impl Operation for UpdateEventDataStore {
    const NAME: &'static str = "UpdateEventDataStore";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Description;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![store::target(call, &input.event_data_store)?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Description, Fault> {
        let update = StoreUpdate {
            billing: store::billing(input.billing_mode.as_deref())?,
            retention_days: store::days(input.retention_period)?,
            name: input.name,
            selectors: input.advanced_event_selectors.filter(|selectors| !selectors.is_empty()),
            multi_region: input.multi_region_enabled,
            organization: input.organization_enabled,
            protected: input.termination_protection_enabled,
            kms_key: filled(input.kms_key_id),
        };
        let updated = call.engines.lake.stores.update(store::scope(call), &input.event_data_store, update).await;
        Ok(Description::with_federation(&*updated.map_err(store::fault)?))
    }
}
