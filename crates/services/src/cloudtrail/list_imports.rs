//! ListImports and ListImportFailures: what is imported, and what could not be.

use super::{imports, store, trail};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_event::Time;
use cairn_lake::import::{Failure, Import, List, Status};
use cairn_wire::{Fault, Timestamp, page};
use serde::{Deserialize, Serialize};

pub(super) struct ListImports;
pub(super) struct ListImportFailures;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImportsInput {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImportsOutput {
    imports: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    import_id: String,
    import_status: &'static str,
    destinations: [String; 1],
    created_timestamp: Timestamp,
    updated_timestamp: Timestamp,
}

impl From<Import> for Entry {
    fn from(import: Import) -> Self {
        Self {
            import_id: import.id,
            import_status: import.status.name(),
            destinations: [import.destination],
            created_timestamp: Timestamp(import.created),
            updated_timestamp: Timestamp(import.updated),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailuresInput {
    import_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailuresOutput {
    failures: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    location: String,
    status: &'static str,
    error_type: String,
    error_message: String,
    last_updated_time: Timestamp,
}

impl From<Failure> for Shown {
    fn from(failure: Failure) -> Self {
        Self {
            location: failure.location,
            status: failure.status.name(),
            error_type: failure.kind,
            error_message: failure.message,
            last_updated_time: Timestamp(failure.updated),
        }
    }
}

fn invalid_token() -> Fault {
    trail::exception("InvalidNextToken", "The token is not valid.")
}

fn status(name: &str) -> Result<Status, Fault> {
    let status = Status::ALL.into_iter().find(|status| status.name() == name);
    status.ok_or_else(|| store::invalid(format!("ImportStatus {name:?} is not valid.")))
}

impl Operation for ListImports {
    const NAME: &'static str = "ListImports";
    const ACCESS: Access = Access::Read;
    type Input = ImportsInput;
    type Output = ImportsOutput;

    async fn call(call: &Call<'_>, input: ImportsInput) -> Result<ImportsOutput, Fault> {
        let max = imports::max(input.max_results)?;
        let destination = trail::filled(input.destination)
            .map(|reference| call.engines.lake.stores.arn(store::scope(call), &reference))
            .transpose()
            .map_err(store::fault)?;
        let after = trail::filled(input.next_token)
            .map(|token| page::decode::<(Time, String)>(&token).ok_or_else(invalid_token))
            .transpose()?;
        let list = List {
            account: call.account(),
            region: call.region,
            destination: destination.as_deref(),
            status: trail::filled(input.import_status).as_deref().map(status).transpose()?,
            after,
            max: max + 1,
        };
        let mut found = call.engines.lake.imports.list(&list).await.map_err(store::fault)?;
        let more = found.len() > max;
        found.truncate(max);
        let next_token = found.last().filter(|_| more).map(|last| page::encode(&(last.created, &last.id)));
        Ok(ImportsOutput { imports: found.into_iter().map(Entry::from).collect(), next_token })
    }
}

impl Operation for ListImportFailures {
    const NAME: &'static str = "ListImportFailures";
    const ACCESS: Access = Access::Read;
    type Input = FailuresInput;
    type Output = FailuresOutput;

    async fn targets(call: &Call<'_>, input: &FailuresInput) -> Result<Vec<Target>, Fault> {
        Ok(vec![imports::target(call, &input.import_id).await?])
    }

    async fn call(call: &Call<'_>, input: FailuresInput) -> Result<FailuresOutput, Fault> {
        let max = imports::max(input.max_results)?;
        let after = trail::filled(input.next_token)
            .map(|token| page::decode::<String>(&token).ok_or_else(invalid_token))
            .transpose()?;
        let all = &call.engines.lake.imports;
        let found = all.failures(call.account(), call.region, &input.import_id, after.as_deref(), max + 1).await;
        let mut found = found.map_err(store::fault)?;
        let more = found.len() > max;
        found.truncate(max);
        let next_token = found.last().filter(|_| more).map(|last| page::encode(&last.location));
        Ok(FailuresOutput { failures: found.into_iter().map(Shown::from).collect(), next_token })
    }
}
