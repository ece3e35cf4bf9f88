//! Refreshing: the queries of all widgets, with what their parameters mean now.

use super::{Dashboard, Dashboards, Widget};
use crate::Error;
use crate::query::{NewQuery, Plan, Refusal, filled};
use cairn_event::Time;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a refresh looks back on when nobody says from when.
const SPAN: Duration = Duration::from_hours(24);
/// Up to this span a period is an hour.
const HOURLY_MAX: Duration = Duration::from_hours(72);

const START: &str = "$StartTime$";
const END: &str = "$EndTime$";
const PERIOD: &str = "$Period$";
const STORE: &str = "$EventDataStoreId$";

/// What parameters stand for.
pub type Values = BTreeMap<String, String>;

/// As SQL compares it with `eventTime`.
fn sql_time(time: Time) -> String {
    time.iso().replace('T', " ").trim_end_matches('Z').to_owned()
}

/// The values that were given, and those that follow from them and the time. Errors: Invalid.
fn values(given: &Values, now: Time) -> Result<Values, Error> {
    let mut values = Values::new();
    let mut span = (now - SPAN, now);
    for (name, value) in given {
        let time = || Time::parse(value).map_err(|error| Error::Invalid(format!("{name}: {error}")));
        match name.as_str() {
            START => span.0 = time()?,
            END => span.1 = time()?,
            PERIOD | STORE => {
                values.insert(name.clone(), value.clone());
            }
            _ => return Err(Error::Invalid(format!("{name:?} is no parameter of dashboards"))),
        }
    }
    if span.0 > span.1 {
        return Err(Error::Invalid(format!("{START} is after {END}")));
    }
    let period = if span.1.since(span.0) <= HOURLY_MAX { "hour" } else { "day" };
    values.entry(PERIOD.to_owned()).or_insert_with(|| period.to_owned());
    values.insert(START.to_owned(), sql_time(span.0));
    values.insert(END.to_owned(), sql_time(span.1));
    Ok(values)
}

impl Widget {
    /// The statement and its parameters as they are at a refresh.
    fn at(&self, values: &Values) -> (String, Vec<String>) {
        let parameter = |text: &String| values.get(text).unwrap_or(text).clone();
        let store = values.get(STORE);
        let statement = store.map_or_else(|| self.statement.clone(), |store| self.statement.replace(STORE, store));
        (statement, self.parameters.iter().map(parameter).collect())
    }
}

impl Dashboards {
    /// What a widget reads. Errors: as its statement.
    pub async fn plan(&self, account: &str, region: &str, widget: &Widget, given: &Values) -> Result<Plan, Refusal> {
        let (statement, parameters) = widget.at(&values(given, self.inner.parts.world.now())?);
        let text = filled(&statement, &parameters)?;
        self.inner.queries.plan(account, None, region, &text).await
    }

    /// Starts the queries of all widgets and gives the id of the refresh. A widget whose query cannot be started
    /// does not hold up the others. Errors: Invalid, Refused with ServiceQuotaExceeded while one runs.
    pub async fn refresh(&self, dashboard: &Dashboard, given: &Values) -> Result<String, Error> {
        let _turn = self.inner.turn.lock().await;
        let now = self.inner.parts.world.now();
        let mut dashboard = Dashboard::clone(&*self.get(&dashboard.account, &dashboard.region, &dashboard.arn)?);
        if let Some(last) = &dashboard.last_refresh
            && self.inner.queries.of_refresh(last).await?.iter().any(|entry| entry.status.is_active())
        {
            let message = format!("A refresh of the dashboard {} is running.", dashboard.name);
            return Err(Error::refused("ServiceQuotaExceeded", message));
        }
        let values = values(given, now)?;
        // Milliseconds have 13 digits until the year 2286; the rest tells refreshes of one millisecond apart.
        let id = format!("{:013}{}", now.millis(), self.inner.parts.world.dice.text(b"0123456789", 4));
        let mut failure = None;
        for widget in &dashboard.widgets {
            if let Err(error) = self.start(&dashboard, widget, &values, &id).await {
                failure = failure.or(Some(format!("{}: {error}", widget.alias)));
            }
        }
        dashboard.last_refresh = Some(id.clone());
        dashboard.last_failure = failure;
        dashboard.counted = now;
        self.save(dashboard).await?;
        Ok(id)
    }

    async fn start(&self, dashboard: &Dashboard, widget: &Widget, values: &Values, id: &str) -> Result<(), Refusal> {
        let (text, parameters) = widget.at(values);
        let filled = filled(&text, &parameters)?;
        let plan = self.inner.queries.plan(&dashboard.account, None, &dashboard.region, &filled).await?;
        let new = NewQuery {
            account: dashboard.account.clone(),
            region: dashboard.region.clone(),
            text,
            parameters,
            alias: Some(widget.alias.clone()),
            refresh: Some(id.to_owned()),
            delivery: None,
            plan,
        };
        self.inner.queries.start(new).await?;
        Ok(())
    }

    /// Refreshes every dashboard whose time has come.
    pub(super) async fn refresh_due(&self) {
        let now = self.inner.parts.world.now();
        let due = |dashboard: &&Arc<Dashboard>| {
            let next = dashboard.schedule.as_ref().and_then(|schedule| schedule.next(dashboard.counted));
            next.is_some_and(|next| next <= now)
        };
        let due: Vec<_> = self.all().values().filter(due).cloned().collect();
        for dashboard in due {
            match self.refresh(&dashboard, &Values::new()).await {
                // One that still runs is looked at again at the next tick.
                Ok(_) | Err(Error::Refused { .. }) => {}
                Err(error) => tracing::warn!(dashboard = dashboard.arn, %error, "a dashboard cannot be refreshed"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_values_given_or_from_the_time() {
        let now = Time::parse("2026-01-10T03:04:05Z").unwrap();
        let given = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Values>()
        };
        let found = values(&given(&[]), now).unwrap();
        assert_eq!(found, given(&[(START, "2026-01-09 03:04:05"), (END, "2026-01-10 03:04:05"), (PERIOD, "hour")]));
        let found = values(&given(&[(START, "2026-01-01T00:00:00Z"), (STORE, "events")]), now).unwrap();
        assert_eq!((found[START].as_str(), found[PERIOD].as_str()), ("2026-01-01 00:00:00", "day"));
        let widget = Widget {
            alias: String::new(),
            statement: "SELECT 1 FROM $EventDataStoreId$ WHERE a > '?' AND b = ?".to_owned(),
            parameters: vec![START.to_owned(), "x".to_owned()],
            view: BTreeMap::new(),
        };
        let (text, parameters) = widget.at(&found);
        assert_eq!(
            filled(&text, &parameters).unwrap(),
            "SELECT 1 FROM events WHERE a > '2026-01-01 00:00:00' AND b = 'x'"
        );
        for bad in [&[("$Other$", "x")][..], &[(START, "soon")], &[(START, "2027-01-01")]] {
            assert!(matches!(values(&given(bad), now), Err(Error::Invalid(_))), "{bad:?}");
        }
    }
}
