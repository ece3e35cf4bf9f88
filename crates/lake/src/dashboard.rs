//! Dashboards: queries that are run together, by hand or on a schedule.
//!
//! A refresh starts the query of each widget, in order, under the widget's alias and the id of the refresh; by both
//! they are found again ([`Queries::by_alias`]). What it stands in: `lake_dashboard`, one row a dashboard, all of
//! them in memory too.

mod refresh;
mod schedule;
#[cfg(test)]
mod tests;

pub use schedule::{Schedule, Unit};

use crate::query::Queries;
use crate::{Error, Parts};
use cairn_event::Time;
use cairn_store::sqlx::{self, Row};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub const WIDGETS_MAX: usize = 10;
/// Of an account in a region.
pub const DASHBOARDS_MAX: usize = 100;
/// How often it is looked for refreshes that are due.
const TICK: Duration = Duration::from_secs(15);

const SCHEMA: &[&str] = &["CREATE TABLE lake_dashboard (arn TEXT PRIMARY KEY, body TEXT NOT NULL)"];

/// All dashboards. Cheap to clone.
#[derive(Clone)]
pub struct Dashboards {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    queries: Queries,
    /// By ARN.
    all: Mutex<BTreeMap<String, Arc<Dashboard>>>,
    /// Held from looking at what is there to committing what follows from it.
    turn: tokio::sync::Mutex<()>,
}

/// One dashboard as it stands. The serialized form stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    pub arn: String,
    pub name: String,
    pub account: String,
    pub region: String,
    pub widgets: Vec<Widget>,
    pub schedule: Option<Schedule>,
    pub protected: bool,
    pub tags: BTreeMap<String, String>,
    pub created: Time,
    pub updated: Time,
    /// Since when the schedule counts: its last refresh, or when it was set.
    pub counted: Time,
    pub last_refresh: Option<String>,
    pub last_failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widget {
    pub alias: String,
    pub statement: String,
    pub parameters: Vec<String>,
    pub view: BTreeMap<String, String>,
}

/// A dashboard to be made.
#[derive(Clone, Debug, Default)]
pub struct NewDashboard {
    pub name: String,
    pub account: String,
    pub region: String,
    /// Aliases are given here.
    pub widgets: Vec<Widget>,
    pub schedule: Option<Schedule>,
    pub protected: bool,
    pub tags: BTreeMap<String, String>,
}

/// What is None stays.
#[derive(Clone, Debug, Default)]
pub struct DashboardUpdate {
    pub widgets: Option<Vec<Widget>>,
    pub schedule: Option<Schedule>,
    pub protected: Option<bool>,
}

/// The ARN that a name or an ARN means.
pub fn arn(account: &str, region: &str, reference: &str) -> String {
    if reference.starts_with("arn:") {
        return reference.to_owned();
    }
    format!("arn:aws:cloudtrail:{region}:{account}:dashboard/{reference}")
}

fn missing(arn: &str) -> Error {
    Error::refused("ResourceNotFound", format!("The dashboard {arn} does not exist."))
}

impl Dashboards {
    pub async fn open(parts: &Parts, queries: &Queries) -> Result<Self, Error> {
        parts.db.migrate("lake_dashboard", SCHEMA).await?;
        let mut all = BTreeMap::new();
        for row in sqlx::query("SELECT body FROM lake_dashboard").fetch_all(parts.db.read()).await? {
            let text: &str = row.try_get("body")?;
            let dashboard: Dashboard = serde_json::from_str(text)
                .map_err(|error| Error::Corrupt(format!("a dashboard in the database: {error}")))?;
            all.insert(dashboard.arn.clone(), Arc::new(dashboard));
        }
        let inner = Inner {
            parts: parts.clone(),
            queries: queries.clone(),
            all: Mutex::new(all),
            turn: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Refreshes what is due, until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.parts.world.clock.sleep(TICK) => {}
            }
            self.refresh_due().await;
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Dashboard>>> {
        self.inner.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Errors: Refused with ResourceNotFound.
    pub fn get(&self, account: &str, region: &str, reference: &str) -> Result<Arc<Dashboard>, Error> {
        let arn = arn(account, region, reference);
        let found = self.all().get(&arn).filter(|found| found.account == account && found.region == region).cloned();
        found.ok_or_else(|| missing(&arn))
    }

    /// Those of an account in a region whose names begin so, by name.
    pub fn list(&self, account: &str, region: &str, prefix: &str) -> Vec<Arc<Dashboard>> {
        let all = self.all();
        let mine = all.values().filter(|one| one.account == account && one.region == region);
        mine.filter(|one| one.name.starts_with(prefix)).cloned().collect()
    }

    /// The statement of a widget, by its alias.
    pub fn template(&self, account: &str, region: &str, alias: &str) -> Option<String> {
        let all = self.list(account, region, "");
        let mut widgets = all.iter().flat_map(|dashboard| &dashboard.widgets);
        widgets.find(|widget| widget.alias == alias).map(|widget| widget.statement.clone())
    }

    /// Makes a dashboard of widgets that were checked. Errors: Refused with Conflict, ServiceQuotaExceeded.
    pub async fn create(&self, new: NewDashboard) -> Result<Arc<Dashboard>, Error> {
        let now = self.inner.parts.world.now();
        let _turn = self.inner.turn.lock().await;
        let arn = arn(&new.account, &new.region, &new.name);
        if self.all().contains_key(&arn) {
            return Err(Error::refused("Conflict", format!("The dashboard {} exists already.", new.name)));
        }
        check_widgets(&new.widgets)?;
        crate::store::check::tags(&new.tags)?;
        if self.list(&new.account, &new.region, "").len() >= DASHBOARDS_MAX {
            let message = format!("An account has at most {DASHBOARDS_MAX} dashboards in a region.");
            return Err(Error::refused("ServiceQuotaExceeded", message));
        }
        let dashboard = Dashboard {
            arn,
            widgets: named(&new.name, new.widgets),
            name: new.name,
            account: new.account,
            region: new.region,
            schedule: new.schedule,
            protected: new.protected,
            tags: new.tags,
            created: now,
            updated: now,
            counted: now,
            last_refresh: None,
            last_failure: None,
        };
        self.save(dashboard).await
    }

    /// Errors: Refused with ResourceNotFound, ServiceQuotaExceeded.
    pub async fn update(
        &self,
        account: &str,
        region: &str,
        reference: &str,
        update: DashboardUpdate,
    ) -> Result<Arc<Dashboard>, Error> {
        let now = self.inner.parts.world.now();
        let _turn = self.inner.turn.lock().await;
        let mut dashboard = Dashboard::clone(&*self.get(account, region, reference)?);
        if let Some(widgets) = update.widgets {
            check_widgets(&widgets)?;
            dashboard.widgets = named(&dashboard.name, widgets);
        }
        if update.schedule.is_some() {
            dashboard.schedule = update.schedule;
            dashboard.counted = now;
        }
        dashboard.protected = update.protected.unwrap_or(dashboard.protected);
        dashboard.updated = now;
        self.save(dashboard).await
    }

    /// Changes the tags of a dashboard. Errors: Refused with ResourceNotFound, InvalidTagParameter, TagsLimitExceeded.
    pub async fn retag<F>(&self, account: &str, region: &str, reference: &str, change: F) -> Result<(), Error>
    where
        F: FnOnce(&mut BTreeMap<String, String>) + Send,
    {
        let _turn = self.inner.turn.lock().await;
        let mut dashboard = Dashboard::clone(&*self.get(account, region, reference)?);
        change(&mut dashboard.tags);
        crate::store::check::tags(&dashboard.tags)?;
        self.save(dashboard).await.map(|_| ())
    }

    /// Errors: Refused with ResourceNotFound, Conflict when it is protected.
    pub async fn delete(&self, account: &str, region: &str, reference: &str) -> Result<(), Error> {
        let _turn = self.inner.turn.lock().await;
        let dashboard = self.get(account, region, reference)?;
        if dashboard.protected {
            let message = format!("Termination protection of the dashboard {} is on.", dashboard.name);
            return Err(Error::refused("Conflict", message));
        }
        let mut tx = self.inner.parts.db.write().await?;
        sqlx::query("DELETE FROM lake_dashboard WHERE arn = $1").bind(&dashboard.arn).execute(&mut *tx).await?;
        tx.commit().await?;
        self.all().remove(&dashboard.arn);
        Ok(())
    }

    async fn save(&self, dashboard: Dashboard) -> Result<Arc<Dashboard>, Error> {
        let body = serde_json::to_string(&dashboard).expect("plain data always serializes");
        let mut tx = self.inner.parts.db.write().await?;
        sqlx::query("INSERT INTO lake_dashboard VALUES ($1, $2) ON CONFLICT (arn) DO UPDATE SET body = $2")
            .bind(&dashboard.arn)
            .bind(body)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let dashboard = Arc::new(dashboard);
        self.all().insert(dashboard.arn.clone(), dashboard.clone());
        Ok(dashboard)
    }
}

fn check_widgets(widgets: &[Widget]) -> Result<(), Error> {
    if widgets.len() > WIDGETS_MAX {
        return Err(Error::refused("ServiceQuotaExceeded", format!("A dashboard has at most {WIDGETS_MAX} widgets.")));
    }
    Ok(())
}

/// An alias begins with a letter, which the name of a dashboard need not.
fn named(dashboard: &str, mut widgets: Vec<Widget>) -> Vec<Widget> {
    for (number, widget) in widgets.iter_mut().enumerate() {
        widget.alias = format!("Widget{}-{dashboard}", number + 1);
    }
    widgets
}
