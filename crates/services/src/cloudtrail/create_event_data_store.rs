//! CreateEventDataStore: a new event data store, which takes events at once.

use super::store::{self, Description};
use super::tags::{Tag, unique};
use super::trail::filled;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::NewStore;
use cairn_pattern::selector::AdvancedSelector;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CreateEventDataStore;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
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
    tags_list: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ingestion: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_mode: Option<String>,
}

impl Input {
    fn into_new(self) -> Result<NewStore, Fault> {
        Ok(NewStore {
            billing: store::billing(self.billing_mode.as_deref())?,
            retention_days: store::days(self.retention_period)?,
            name: self.name,
            // Clients write an empty list where they mean none.
            selectors: self.advanced_event_selectors.filter(|selectors| !selectors.is_empty()),
            multi_region: self.multi_region_enabled,
            organization: self.organization_enabled,
            protected: self.termination_protection_enabled,
            start_ingestion: self.start_ingestion,
            kms_key: filled(self.kms_key_id),
            tags: unique(self.tags_list.unwrap_or_default())?,
        })
    }
}

impl Operation for CreateEventDataStore {
    const NAME: &'static str = "CreateEventDataStore";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Description;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![store::new_target(call, "eventdatastore", input.tags_list.as_ref())])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Description, Fault> {
        let made = call.engines.lake.stores.create(store::scope(call), input.into_new()?).await;
        Ok(Description::with_tags(&*made.map_err(store::fault)?))
    }
}
