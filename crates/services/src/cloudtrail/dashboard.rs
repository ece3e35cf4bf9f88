//! What operations on dashboards share: shapes, checks, authorizing, faults.

use super::query;
use super::tags::Tag;
use super::trail::exception;
use crate::call::Call;
use crate::operation::Target;
use cairn_lake::dashboard::{self, Dashboard, Schedule, Unit, Widget};
use cairn_lake::{Error, query::Refusal};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A widget as it comes in and goes out.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WidgetShape {
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    query_alias: Option<String>,
    query_statement: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_parameters: Option<Vec<String>>,
    view_properties: BTreeMap<String, String>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency: Option<Frequency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_of_day: Option<String>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Frequency {
    unit: String,
    value: i64,
}

impl From<&Widget> for WidgetShape {
    fn from(widget: &Widget) -> Self {
        Self {
            query_alias: Some(widget.alias.clone()),
            query_statement: widget.statement.clone(),
            query_parameters: Some(widget.parameters.clone()).filter(|parameters| !parameters.is_empty()),
            view_properties: widget.view.clone(),
        }
    }
}

impl WidgetShape {
    fn checked(&self) -> Result<Widget, Fault> {
        let parameters = self.query_parameters.clone().unwrap_or_default();
        let statement = |fault: Fault| exception("InvalidQueryStatement", fault.message);
        query::check_statement(&self.query_statement).map_err(statement)?;
        query::check_parameters(&parameters).map_err(statement)?;
        let plain = |text: &str, min: usize, more: &[u8]| {
            (min..=128).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        for (name, value) in &self.view_properties {
            if !plain(name, 3, b"._-") || !plain(value, 1, b"._- ") {
                let message = format!("ViewProperties: {name:?}: {value:?} is not the property of a view");
                return Err(Fault::validation(message));
            }
        }
        Ok(Widget {
            alias: String::new(),
            statement: self.query_statement.clone(),
            parameters,
            view: self.view_properties.clone(),
        })
    }
}

pub(super) fn widgets(given: &[WidgetShape]) -> Result<Vec<Widget>, Fault> {
    given.iter().map(WidgetShape::checked).collect()
}

impl From<&Schedule> for ScheduleShape {
    fn from(schedule: &Schedule) -> Self {
        let unit = if schedule.unit == Unit::Hours { "HOURS" } else { "DAYS" };
        let status = if schedule.enabled { "ENABLED" } else { "DISABLED" };
        Self {
            frequency: Some(Frequency { unit: unit.to_owned(), value: schedule.value }),
            status: Some(status.to_owned()),
            time_of_day: schedule.time_of_day.clone(),
        }
    }
}

pub(super) fn schedule(given: &ScheduleShape) -> Result<Schedule, Fault> {
    let bad = |message: &str| Err(Fault::validation(format!("RefreshSchedule: {message}")));
    let Some(frequency) = &given.frequency else { return bad("Frequency is required") };
    let unit = match frequency.unit.as_str() {
        "HOURS" => Unit::Hours,
        "DAYS" => Unit::Days,
        _ => return bad("Unit is HOURS or DAYS"),
    };
    let enabled = match given.status.as_deref() {
        None | Some("ENABLED") => true,
        Some("DISABLED") => false,
        Some(_) => return bad("Status is ENABLED or DISABLED"),
    };
    let schedule = Schedule { unit, value: frequency.value, enabled, time_of_day: given.time_of_day.clone() };
    schedule.check().map_err(|error| Fault::validation(format!("RefreshSchedule: {error}")))?;
    Ok(schedule)
}

pub(super) fn tags_of(dashboard: &Dashboard) -> Vec<Tag> {
    dashboard.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: Some(value.clone()) }).collect()
}

/// A dashboard to be authorized on, whether or not it exists.
pub(super) fn target(call: &Call<'_>, reference: &str) -> Target {
    let arn = dashboard::arn(call.account(), call.region, reference);
    let found = call.engines.lake.dashboards.get(call.account(), call.region, reference).ok();
    let tags = found.map(|dashboard| dashboard.tags.clone()).unwrap_or_default();
    Target {
        arn,
        account: call.account().to_owned(),
        context: tags.into_iter().map(|(key, value)| (format!("aws:ResourceTag/{key}"), value)).collect(),
        ..Target::default()
    }
}

/// Whoever has queries run must be allowed to run them.
pub(super) async fn query_targets(call: &Call<'_>, widgets: &[Widget]) -> Result<Vec<Target>, Fault> {
    let mut targets = Vec::new();
    for widget in widgets {
        let dashboards = &call.engines.lake.dashboards;
        let plan = dashboards.plan(call.account(), call.region, widget, &BTreeMap::new()).await;
        let plan = plan.map_err(|refusal| match refusal {
            // No operation on dashboards knows an invalid parameter.
            Refusal::Store(Error::Invalid(message)) => exception("InvalidQueryStatement", message),
            refusal => query::refused(refusal),
        })?;
        targets.extend(query::targets(call, &plan.sources, Some("StartQuery")));
    }
    Ok(targets)
}

pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Invalid(message) => Fault::validation(message),
        error => query::fault(error),
    }
}
