//! CreateDashboard and UpdateDashboard.

use super::dashboard::{self, ScheduleShape, WidgetShape, fault};
use super::tags::{Tag, unique};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::dashboard::{Dashboard, DashboardUpdate, NewDashboard};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct CreateDashboard;
pub(super) struct UpdateDashboard;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_schedule: Option<ScheduleShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_list: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination_protection_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    widgets: Option<Vec<WidgetShape>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    dashboard_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    widgets: Option<Vec<WidgetShape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_schedule: Option<ScheduleShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination_protection_enabled: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    dashboard_arn: String,
    name: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    widgets: Vec<WidgetShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_list: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_schedule: Option<ScheduleShape>,
    termination_protection_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_timestamp: Option<Timestamp>,
}

impl From<&Dashboard> for Output {
    fn from(dashboard: &Dashboard) -> Self {
        Self {
            dashboard_arn: dashboard.arn.clone(),
            name: dashboard.name.clone(),
            kind: "CUSTOM",
            widgets: dashboard.widgets.iter().map(WidgetShape::from).collect(),
            tags_list: None,
            refresh_schedule: dashboard.schedule.as_ref().map(ScheduleShape::from),
            termination_protection_enabled: dashboard.protected,
            created_timestamp: None,
            updated_timestamp: None,
        }
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (3..=128).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Fault::validation("Name has 3 to 128 characters: letters, digits, _ and -"))
}

impl Operation for CreateDashboard {
    const NAME: &'static str = "CreateDashboard";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        check_name(&input.name)?;
        let mut target = dashboard::target(call, &input.name);
        for tag in input.tags_list.iter().flatten() {
            target.context.extend(tag.request_context());
        }
        let widgets = dashboard::widgets(input.widgets.as_deref().unwrap_or_default())?;
        let mut targets = dashboard::query_targets(call, &widgets).await?;
        targets.insert(0, target);
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<Output, Fault> {
        let new = NewDashboard {
            name: input.name,
            account: call.account().to_owned(),
            region: call.region.to_owned(),
            widgets: dashboard::widgets(&input.widgets.unwrap_or_default())?,
            schedule: input.refresh_schedule.as_ref().map(dashboard::schedule).transpose()?,
            protected: input.termination_protection_enabled.unwrap_or(false),
            tags: unique(input.tags_list.unwrap_or_default())?,
        };
        let made = call.engines.lake.dashboards.create(new).await.map_err(fault)?;
        Ok(Output { tags_list: Some(dashboard::tags_of(&made)), ..Output::from(&*made) })
    }
}

impl Operation for UpdateDashboard {
    const NAME: &'static str = "UpdateDashboard";
    const ACCESS: Access = Access::Write;
    type Input = Update;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Update) -> Result<Vec<Target>, Fault> {
        let widgets = dashboard::widgets(input.widgets.as_deref().unwrap_or_default())?;
        let mut targets = dashboard::query_targets(call, &widgets).await?;
        targets.insert(0, dashboard::target(call, &input.dashboard_id));
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Update) -> Result<Output, Fault> {
        let update = DashboardUpdate {
            widgets: input.widgets.as_deref().map(dashboard::widgets).transpose()?,
            schedule: input.refresh_schedule.as_ref().map(dashboard::schedule).transpose()?,
            protected: input.termination_protection_enabled,
        };
        let dashboards = &call.engines.lake.dashboards;
        let made = dashboards.update(call.account(), call.region, &input.dashboard_id, update).await.map_err(fault)?;
        Ok(Output {
            created_timestamp: Some(Timestamp(made.created)),
            updated_timestamp: Some(Timestamp(made.updated)),
            ..Output::from(&*made)
        })
    }
}
