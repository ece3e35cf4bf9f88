//! GetDashboard, DeleteDashboard and StartDashboardRefresh: operations on one dashboard.

use super::dashboard::{self, ScheduleShape, WidgetShape, fault};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) struct GetDashboard;
pub(super) struct DeleteDashboard;
pub(super) struct StartDashboardRefresh;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    dashboard_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    dashboard_arn: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    status: &'static str,
    widgets: Vec<WidgetShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_schedule: Option<ScheduleShape>,
    created_timestamp: Timestamp,
    updated_timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_refresh_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_refresh_failure_reason: Option<String>,
    termination_protection_enabled: bool,
}

impl Operation for GetDashboard {
    const NAME: &'static str = "GetDashboard";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Description;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![dashboard::target(call, &input.dashboard_id)])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Description, Fault> {
        let found = call.engines.lake.dashboards.get(call.account(), call.region, &input.dashboard_id);
        let found = found.map_err(fault)?;
        Ok(Description {
            dashboard_arn: found.arn.clone(),
            kind: "CUSTOM",
            status: if found.updated == found.created { "CREATED" } else { "UPDATED" },
            widgets: found.widgets.iter().map(WidgetShape::from).collect(),
            refresh_schedule: found.schedule.as_ref().map(ScheduleShape::from),
            created_timestamp: Timestamp(found.created),
            updated_timestamp: Timestamp(found.updated),
            last_refresh_id: found.last_refresh.clone(),
            last_refresh_failure_reason: found.last_failure.clone(),
            termination_protection_enabled: found.protected,
        })
    }
}

#[derive(Serialize)]
pub(super) struct Empty {}

impl Operation for DeleteDashboard {
    const NAME: &'static str = "DeleteDashboard";
    const ACCESS: Access = Access::Write;
    type Input = Named;
    type Output = Empty;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![dashboard::target(call, &input.dashboard_id)])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Empty, Fault> {
        let dashboards = &call.engines.lake.dashboards;
        dashboards.delete(call.account(), call.region, &input.dashboard_id).await.map_err(fault)?;
        let arn = cairn_lake::dashboard::arn(call.account(), call.region, &input.dashboard_id);
        call.engines.lake.stores.forget_policy(&arn).await.map_err(fault)?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refresh {
    dashboard_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_parameter_values: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refreshed {
    refresh_id: String,
}

impl Operation for StartDashboardRefresh {
    const NAME: &'static str = "StartDashboardRefresh";
    const ACCESS: Access = Access::Write;
    type Input = Refresh;
    type Output = Refreshed;

    async fn targets(call: &Call<'_>, input: &Refresh) -> Result<Vec<Target>, Fault> {
        let dashboards = &call.engines.lake.dashboards;
        let mut targets = vec![dashboard::target(call, &input.dashboard_id)];
        let found = dashboards.get(call.account(), call.region, &input.dashboard_id).map_err(fault)?;
        let values = input.query_parameter_values.clone().unwrap_or_default();
        for widget in &found.widgets {
            // What cannot be planned is not started either, and stands in the dashboard's reason of failure.
            if let Ok(plan) = dashboards.plan(call.account(), call.region, widget, &values).await {
                targets.extend(super::query::targets(call, &plan.sources, Some("StartQuery")));
            }
        }
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Refresh) -> Result<Refreshed, Fault> {
        let dashboards = &call.engines.lake.dashboards;
        let found = dashboards.get(call.account(), call.region, &input.dashboard_id).map_err(fault)?;
        let values = input.query_parameter_values.unwrap_or_default();
        Ok(Refreshed { refresh_id: dashboards.refresh(&found, &values).await.map_err(fault)? })
    }
}
