//! GetCatalogConfig: what a client needs to know before anything else, `GET /iceberg/v1/config`.

use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) struct GetCatalogConfig;

/// What clients may call; they leave alone what is not here.
const ENDPOINTS: [&str; 8] = [
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
];

#[derive(Deserialize, Serialize)]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    defaults: BTreeMap<String, String>,
    overrides: BTreeMap<String, String>,
    endpoints: [&'static str; 8],
}

impl Operation for GetCatalogConfig {
    const NAME: &'static str = "GetCatalogConfig";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let account = &call.engines.account;
        if let Some(other) = input.warehouse.filter(|name| !["", "cairn", account].contains(&name.as_str())) {
            let message = format!("there is no warehouse {other:.150?}: leave it out, or say cairn");
            return Err(Fault::new("NoSuchWarehouseException", 404, message));
        }
        let prefix = ("prefix".to_owned(), account.clone());
        Ok(Output { defaults: BTreeMap::new(), overrides: [prefix].into(), endpoints: ENDPOINTS })
    }
}
