//! AWS CloudTrail: trails, their selectors and their keys.
//!
//! Operations on a trail are authorized on the trail's ARN, whether it exists or not. As in
//! AWS's own records, none of their records names a resource.

mod cancel_query;
mod create_trail;
mod delete_trail;
mod describe_query;
mod describe_trails;
mod destination;
mod event_selectors;
mod get_import;
mod get_query_results;
mod get_trail;
mod get_trail_status;
mod imports;
mod list_imports;
mod list_public_keys;
mod list_queries;
mod list_tags;
mod list_trails;
mod logging;
mod lookup_events;
mod query;
mod start_import;
mod start_query;
mod tags;
mod trail;
mod update_trail;

use crate::Service;
use crate::operation::row;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "cloudtrail",
    source: "cloudtrail.amazonaws.com",
    target: "CloudTrail_20131101",
    protocol: Protocol::Json { version: "1.1" },
    api_version: "2013-11-01",
    global: false,
    operations: &[
        row::<create_trail::CreateTrail>(),
        row::<update_trail::UpdateTrail>(),
        row::<delete_trail::DeleteTrail>(),
        row::<get_trail::GetTrail>(),
        row::<describe_trails::DescribeTrails>(),
        row::<list_trails::ListTrails>(),
        row::<get_trail_status::GetTrailStatus>(),
        row::<logging::StartLogging>(),
        row::<logging::StopLogging>(),
        row::<event_selectors::PutEventSelectors>(),
        row::<event_selectors::GetEventSelectors>(),
        row::<list_public_keys::ListPublicKeys>(),
        row::<tags::AddTags>(),
        row::<tags::RemoveTags>(),
        row::<list_tags::ListTags>(),
        row::<start_query::StartQuery>(),
        row::<describe_query::DescribeQuery>(),
        row::<get_query_results::GetQueryResults>(),
        row::<list_queries::ListQueries>(),
        row::<cancel_query::CancelQuery>(),
        row::<lookup_events::LookupEvents>(),
        row::<start_import::StartImport>(),
        row::<get_import::GetImport>(),
        row::<list_imports::ListImports>(),
        row::<list_imports::ListImportFailures>(),
        row::<get_import::StopImport>(),
    ],
    unsupported: &[
        "CreateChannel",
        "CreateDashboard",
        "CreateEventDataStore",
        "DeleteChannel",
        "DeleteDashboard",
        "DeleteEventDataStore",
        "DeleteResourcePolicy",
        "DeregisterOrganizationDelegatedAdmin",
        "DisableFederation",
        "EnableFederation",
        "GenerateQuery",
        "GetChannel",
        "GetDashboard",
        "GetEventConfiguration",
        "GetEventDataStore",
        "GetInsightSelectors",
        "GetResourcePolicy",
        "ListChannels",
        "ListDashboards",
        "ListEventDataStores",
        "ListInsightsData",
        "ListInsightsMetricData",
        "PutEventConfiguration",
        "PutInsightSelectors",
        "PutResourcePolicy",
        "RegisterOrganizationDelegatedAdmin",
        "RestoreEventDataStore",
        "SearchSampleQueries",
        "StartDashboardRefresh",
        "StartEventDataStoreIngestion",
        "StopEventDataStoreIngestion",
        "UpdateChannel",
        "UpdateDashboard",
        "UpdateEventDataStore",
    ],
};
