//! Operations that take nothing but an event data store: GetEventDataStore, DeleteEventDataStore,
//! RestoreEventDataStore, StartEventDataStoreIngestion, StopEventDataStoreIngestion.

use super::store::{self, Description};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::Store;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct GetEventDataStore;
pub(super) struct DeleteEventDataStore;
pub(super) struct RestoreEventDataStore;
pub(super) struct StartEventDataStoreIngestion;
pub(super) struct StopEventDataStoreIngestion;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    event_data_store: String,
}

#[derive(Serialize)]
pub(super) struct Output {}

fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
    Ok(vec![store::target(call, &input.event_data_store)?])
}

async fn switch(call: &Call<'_>, input: &Input, on: bool) -> Result<Output, Fault> {
    let switched = call.engines.lake.stores.ingest(store::scope(call), &input.event_data_store, on).await;
    switched.map(|_| Output {}).map_err(store::fault)
}

impl Operation for GetEventDataStore {
    const NAME: &'static str = "GetEventDataStore";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Description;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        targets(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Description, Fault> {
        let store = call.engines.lake.stores.get(store::scope(call), &input.event_data_store);
        Ok(Description::with_federation(&*store.map_err(store::fault)?))
    }
}

impl Operation for DeleteEventDataStore {
    const NAME: &'static str = "DeleteEventDataStore";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        targets(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let (lake, scope) = (&call.engines.lake, store::scope(call));
        let importing = lake.imports.tables().await.map_err(store::fault)?;
        let busy = move |store: &Store| importing.contains(&store.id);
        let deleted = lake.stores.delete(scope, &input.event_data_store, busy).await;
        deleted.map(|_| Output {}).map_err(store::fault)
    }
}

impl Operation for RestoreEventDataStore {
    const NAME: &'static str = "RestoreEventDataStore";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Description;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        targets(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Description, Fault> {
        let restored = call.engines.lake.stores.restore(store::scope(call), &input.event_data_store).await;
        Ok((&*restored.map_err(store::fault)?).into())
    }
}

impl Operation for StartEventDataStoreIngestion {
    const NAME: &'static str = "StartEventDataStoreIngestion";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        targets(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        switch(call, &input, true).await
    }
}

impl Operation for StopEventDataStoreIngestion {
    const NAME: &'static str = "StopEventDataStoreIngestion";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        targets(call, input)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        switch(call, &input, false).await
    }
}
