//! What the operations on imports share: shapes and bounds.

use super::store::{self, invalid};
use crate::call::Call;
use crate::operation::Target;
use cairn_lake::import::{From as Origin, Import, Statistics as Counts};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

const RESULTS_MAX: i64 = 1000;

/// An import is authorized on the event data store that it fills. Errors: ImportNotFound.
pub(super) async fn target(call: &Call<'_>, id: &str) -> Result<Target, Fault> {
    let import = call.engines.lake.imports.get(call.account(), call.region, id).await.map_err(store::fault)?;
    store::target(call, &import.destination)
}

/// How many results a page is to have.
pub(super) fn max(results: Option<i64>) -> Result<usize, Fault> {
    let max = results.unwrap_or(RESULTS_MAX);
    if (1..=RESULTS_MAX).contains(&max) {
        return Ok(max as usize);
    }
    Err(invalid(format!("MaxResults {max} is not between 1 and {RESULTS_MAX}.")))
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImportSource {
    #[serde(rename = "S3")]
    pub s3: S3Source,
}

#[derive(Clone, Deserialize, Serialize)]
pub(super) struct S3Source {
    #[serde(rename = "S3LocationUri")]
    pub uri: String,
    #[serde(rename = "S3BucketRegion")]
    pub region: String,
    #[serde(rename = "S3BucketAccessRoleArn")]
    pub role: String,
}

impl From<Origin> for ImportSource {
    fn from(origin: Origin) -> Self {
        Self { s3: S3Source { uri: origin.uri, region: origin.region, role: origin.role } }
    }
}

/// An import as StartImport answers it, and with its counts GetImport and StopImport.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shown {
    import_id: String,
    destinations: [String; 1],
    import_source: ImportSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_event_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_event_time: Option<Timestamp>,
    import_status: &'static str,
    created_timestamp: Timestamp,
    updated_timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_statistics: Option<Statistics>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    prefixes_found: u64,
    prefixes_completed: u64,
    files_completed: u64,
    events_completed: u64,
    failed_entries: u64,
}

impl Shown {
    pub fn begun(import: Import) -> Self {
        Self {
            import_id: import.id,
            destinations: [import.destination],
            import_source: import.from.into(),
            start_event_time: import.start.map(Timestamp),
            end_event_time: import.end.map(Timestamp),
            import_status: import.status.name(),
            created_timestamp: Timestamp(import.created),
            updated_timestamp: Timestamp(import.updated),
            import_statistics: None,
        }
    }

    pub fn counted(import: Import) -> Self {
        let Counts { prefixes_found, prefixes_completed, files_completed, events_completed, failed_entries } =
            import.statistics;
        let statistics =
            Statistics { prefixes_found, prefixes_completed, files_completed, events_completed, failed_entries };
        Self { import_statistics: Some(statistics), ..Self::begun(import) }
    }
}
