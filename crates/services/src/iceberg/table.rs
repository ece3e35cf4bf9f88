//! Tables: `events`, and the caller's event data stores.

use super::vend::{self, Credentials};
use super::{NAMESPACE, check_namespace};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::catalog::Published;
use cairn_lake::store::{Readable, Scope, Store};
use cairn_lake::table::EVENTS;
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GET /iceberg/v1/{prefix}/namespaces/{namespace}/tables`
pub(super) struct ListTables;
/// `GET /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}`
pub(super) struct LoadTable;
/// `HEAD` of the same.
pub(super) struct TableExists;
/// `POST …/metrics`: what a client has to say of its scans is not kept.
pub(super) struct ReportMetrics;

const KIND: &str = "AWS::CloudTrail::EventDataStore";
const PAGE: usize = 1000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    namespace: String,
    table: String,
    /// `vended-credentials` among what is listed asks for temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_delegation: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Tables {
    identifiers: Vec<Identifier>,
    #[serde(rename = "next-page-token", skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct Identifier {
    namespace: [&'static str; 1],
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Loaded {
    metadata_location: String,
    metadata: Value,
    config: BTreeMap<&'static str, vend::Setting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    storage_credentials: Vec<Credentials>,
}

fn scope<'a>(call: &'a Call<'_>) -> Scope<'a> {
    Scope { account: call.account(), region: call.region }
}

impl Named {
    /// The table that is meant. Errors: NoSuchNamespaceException, NoSuchTableException.
    pub fn find(&self, call: &Call<'_>) -> Result<Readable, Fault> {
        check_namespace(&self.namespace)?;
        let missing = || {
            let message = format!("Table does not exist: {}.{:.150}", self.namespace, self.table);
            Fault::new("NoSuchTableException", 404, message)
        };
        let stores = &call.engines.lake.stores;
        let named = |store: &Arc<Store>| store.name == self.table;
        let reference = stores
            .list(scope(call))
            .into_iter()
            .find(named)
            .map_or_else(|| self.table.clone(), |store| store.id.clone());
        stores.readable(scope(call), &reference).map_err(|_| missing())
    }

    pub fn target(&self, call: &Call<'_>, action: &'static str) -> Result<Target, Fault> {
        let found = self.find(call)?;
        Ok(Target {
            arn: found.arn,
            kind: Some(KIND),
            account: found.account,
            policy: found.policy,
            action: Some(action),
            ..Target::default()
        })
    }

    pub async fn published(&self, call: &Call<'_>) -> Result<Published, Fault> {
        let table = self.find(call)?.view.table;
        call.engines.lake.catalog.load(&table).await.map_err(|error| match error {
            cairn_lake::Error::NotFound(message) => Fault::new("NoSuchTableException", 404, message),
            error => Fault::unavailable("the table cannot be shown now; try again later").because(error),
        })
    }

    /// Whether the client asks for credentials to read with.
    fn delegates(&self) -> bool {
        let asked = self.access_delegation.as_deref().unwrap_or_default();
        asked.split(',').any(|way| way.trim().eq_ignore_ascii_case("vended-credentials"))
    }
}

impl Operation for ListTables {
    const NAME: &'static str = "ListTables";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Tables;

    async fn call(call: &Call<'_>, input: List) -> Result<Tables, Fault> {
        check_namespace(&input.namespace)?;
        let invalid = |what: &str| Fault::new("BadRequestException", 400, format!("{what} is not valid"));
        let size = match input.page_size.as_deref() {
            None => PAGE,
            Some(text) => {
                text.parse().ok().filter(|size| (1..=PAGE).contains(size)).ok_or_else(|| invalid("pageSize"))?
            }
        };
        let after: Option<String> = match input.page_token.filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => Some(page::decode(&token).ok_or_else(|| invalid("pageToken"))?),
        };
        let mut names: Vec<String> =
            call.engines.lake.stores.list(scope(call)).iter().map(|store| store.id.clone()).collect();
        if call.account() == call.engines.account {
            names.push(EVENTS.to_owned());
        }
        names.sort_unstable();
        let mut rest = names.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after));
        let identifier = |name| Identifier { namespace: [NAMESPACE], name };
        let identifiers: Vec<Identifier> = rest.by_ref().take(size).map(identifier).collect();
        let next_page_token = identifiers.last().filter(|_| rest.next().is_some()).map(|last| page::encode(&last.name));
        Ok(Tables { identifiers, next_page_token })
    }
}

impl Operation for LoadTable {
    const NAME: &'static str = "LoadTable";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Loaded;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![input.target(call, "LoadTable")?])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Loaded, Fault> {
        let published = input.published(call).await?;
        let mut config = vend::settings(call, &published);
        let mut storage_credentials = Vec::new();
        if input.delegates()
            && let Some(credentials) = vend::credentials(call, &published)?
        {
            config.extend(credentials.config.clone());
            storage_credentials.push(credentials);
        }
        let Published { metadata_location, metadata, .. } = published;
        Ok(Loaded { metadata_location, metadata, config, storage_credentials })
    }
}

impl Operation for TableExists {
    const NAME: &'static str = "TableExists";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![input.target(call, "LoadTable")?])
    }

    async fn call(_: &Call<'_>, _: Named) -> Result<(), Fault> {
        Ok(())
    }
}

impl Operation for ReportMetrics {
    const NAME: &'static str = "ReportMetrics";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = ();

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![input.target(call, "LoadTable")?])
    }

    async fn call(_: &Call<'_>, _: Named) -> Result<(), Fault> {
        Ok(())
    }
}
