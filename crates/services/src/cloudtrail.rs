//! AWS CloudTrail: trails, their selectors and their keys; event data stores and channels.
//!
//! Operations on a trail are authorized on the trail's ARN, whether it exists or not. As in
//! AWS's own records, none of their records names a resource.

mod cancel_query;
mod channel;
mod create_dashboard;
mod create_event_data_store;
mod create_trail;
mod dashboard;
mod delete_trail;
mod describe_query;
mod describe_trails;
mod destination;
mod event_configuration;
mod event_data_store;
mod event_selectors;
mod federation;
mod get_dashboard;
mod get_import;
mod get_query_results;
mod get_trail;
mod get_trail_status;
mod imports;
mod list_channels;
mod list_dashboards;
mod list_event_data_stores;
mod list_imports;
mod list_public_keys;
mod list_queries;
mod list_tags;
mod list_trails;
mod logging;
mod lookup_events;
pub(crate) mod query;
mod resource_policy;
mod rights;
mod sample_queries;
mod start_import;
mod start_query;
mod store;
mod tags;
mod trail;
mod update_event_data_store;
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
        row::<create_dashboard::CreateDashboard>(),
        row::<create_dashboard::UpdateDashboard>(),
        row::<get_dashboard::GetDashboard>(),
        row::<list_dashboards::ListDashboards>(),
        row::<get_dashboard::DeleteDashboard>(),
        row::<get_dashboard::StartDashboardRefresh>(),
        row::<sample_queries::SearchSampleQueries>(),
        row::<sample_queries::GenerateQuery>(),
        row::<lookup_events::LookupEvents>(),
        row::<start_import::StartImport>(),
        row::<get_import::GetImport>(),
        row::<list_imports::ListImports>(),
        row::<list_imports::ListImportFailures>(),
        row::<get_import::StopImport>(),
        row::<create_event_data_store::CreateEventDataStore>(),
        row::<update_event_data_store::UpdateEventDataStore>(),
        row::<event_data_store::GetEventDataStore>(),
        row::<list_event_data_stores::ListEventDataStores>(),
        row::<event_data_store::DeleteEventDataStore>(),
        row::<event_data_store::RestoreEventDataStore>(),
        row::<event_data_store::StartEventDataStoreIngestion>(),
        row::<event_data_store::StopEventDataStoreIngestion>(),
        row::<federation::EnableFederation>(),
        row::<federation::DisableFederation>(),
        row::<event_configuration::PutEventConfiguration>(),
        row::<event_configuration::GetEventConfiguration>(),
        row::<resource_policy::PutResourcePolicy>(),
        row::<resource_policy::GetResourcePolicy>(),
        row::<resource_policy::DeleteResourcePolicy>(),
        row::<channel::CreateChannel>(),
        row::<channel::UpdateChannel>(),
        row::<channel::GetChannel>(),
        row::<list_channels::ListChannels>(),
        row::<channel::DeleteChannel>(),
    ],
    unsupported: &[
        "DeregisterOrganizationDelegatedAdmin",
        "GetInsightSelectors",
        "ListInsightsData",
        "ListInsightsMetricData",
        "PutInsightSelectors",
        "RegisterOrganizationDelegatedAdmin",
    ],
};
