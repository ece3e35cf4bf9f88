//! EnableFederation and DisableFederation: whether query engines elsewhere read an event data store.

use super::{rights, store};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::Store;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct EnableFederation;
pub(super) struct DisableFederation;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Enable {
    event_data_store: String,
    federation_role_arn: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Disable {
    event_data_store: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    event_data_store_arn: String,
    federation_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    federation_role_arn: Option<String>,
}

impl From<&Store> for Output {
    fn from(store: &Store) -> Self {
        Self {
            event_data_store_arn: store.arn.clone(),
            federation_status: store::federation_status(store),
            federation_role_arn: store.federation.clone(),
        }
    }
}

impl Operation for EnableFederation {
    const NAME: &'static str = "EnableFederation";
    const ACCESS: Access = Access::Write;
    type Input = Enable;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Enable) -> Result<Vec<Target>, Fault> {
        Ok(vec![store::target(call, &input.event_data_store)?])
    }

    async fn call(call: &Call<'_>, input: Enable) -> Result<Output, Fault> {
        rights::check_pass(call, &input.federation_role_arn)?;
        let stores = &call.engines.lake.stores;
        let enabled =
            stores.enable_federation(store::scope(call), &input.event_data_store, &input.federation_role_arn).await;
        Ok((&*enabled.map_err(store::fault)?).into())
    }
}

impl Operation for DisableFederation {
    const NAME: &'static str = "DisableFederation";
    const ACCESS: Access = Access::Write;
    type Input = Disable;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Disable) -> Result<Vec<Target>, Fault> {
        Ok(vec![store::target(call, &input.event_data_store)?])
    }

    async fn call(call: &Call<'_>, input: Disable) -> Result<Output, Fault> {
        let disabled = call.engines.lake.stores.disable_federation(store::scope(call), &input.event_data_store).await;
        Ok((&*disabled.map_err(store::fault)?).into())
    }
}
