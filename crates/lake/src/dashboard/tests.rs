//! Dashboards over queries whose engine does as the text says.

use super::*;
use crate::query::Status;
use crate::query::tests::house::{ACCOUNT, House};

const REGION: &str = "us-east-1";

async fn dashboards(house: &House) -> Dashboards {
    Dashboards::open(house.parts(), &house.queries).await.unwrap()
}

fn widget(statement: &str) -> Widget {
    let view = BTreeMap::from([("View".to_owned(), "Table".to_owned())]);
    Widget { alias: String::new(), statement: statement.to_owned(), parameters: Vec::new(), view }
}

fn new(name: &str, statements: &[&str]) -> NewDashboard {
    NewDashboard {
        name: name.to_owned(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        widgets: statements.iter().map(|statement| widget(statement)).collect(),
        ..NewDashboard::default()
    }
}

fn code(error: &Error) -> &str {
    match error {
        Error::Refused { code, .. } => code,
        _ => panic!("{error}"),
    }
}

async fn ended(house: &House, refresh: &str) -> Vec<crate::query::Entry> {
    house
        .until(|| async {
            let all = house.queries.of_refresh(refresh).await.unwrap();
            all.iter().all(|entry| !entry.status.is_active())
        })
        .await;
    house.queries.of_refresh(refresh).await.unwrap()
}

#[tokio::test]
async fn a_refresh_starts_every_widget_and_finds_it_by_its_alias() {
    let house = House::new().await;
    let all = dashboards(&house).await;
    let made = all.create(new("7-days", &["rows 3", "rows 4"])).await.unwrap();
    let refresh = all.refresh(&made, &refresh::Values::new()).await.unwrap();
    assert_eq!(ended(&house, &refresh).await.len(), 2);
    for (widget, rows) in made.widgets.iter().zip([3, 4]) {
        let entry = house.queries.by_alias(ACCOUNT, REGION, Some(&refresh), &widget.alias).await.unwrap().unwrap();
        assert_eq!((entry.rows, entry.status), (rows, Status::Finished));
    }
    assert_eq!(all.get(ACCOUNT, REGION, "7-days").unwrap().last_refresh.as_deref(), Some(&*refresh));
    assert_eq!(all.template(ACCOUNT, REGION, "Widget2-7-days").as_deref(), Some("rows 4"));
}

#[tokio::test]
async fn one_refresh_runs_at_a_time_and_a_widget_that_fails_holds_up_no_other() {
    let house = House::new().await;
    let all = dashboards(&house).await;
    let made = all.create(new("d-1", &["from nowhere", "stuck"])).await.unwrap();
    let refresh = all.refresh(&made, &refresh::Values::new()).await.unwrap();
    let running = house.queries.of_refresh(&refresh).await.unwrap();
    assert_eq!(running.len(), 1);
    let failure = all.get(ACCOUNT, REGION, "d-1").unwrap().last_failure.clone();
    assert!(failure.unwrap().contains("nowhere"));
    let error = all.refresh(&made, &refresh::Values::new()).await.unwrap_err();
    assert_eq!(code(&error), "ServiceQuotaExceeded");
    house.queries.cancel(&running[0].id).await.unwrap();
    all.refresh(&made, &refresh::Values::new()).await.unwrap();
}

#[tokio::test]
async fn a_schedule_refreshes_when_its_time_has_come_also_after_a_restart() {
    let house = House::new().await;
    let all = dashboards(&house).await;
    let schedule = Schedule { unit: Unit::Hours, value: 6, enabled: true, time_of_day: None };
    all.create(NewDashboard { schedule: Some(schedule), ..new("d-1", &["rows 1"]) }).await.unwrap();
    let last = |all: &Dashboards| all.get(ACCOUNT, REGION, "d-1").unwrap().last_refresh.clone();
    all.refresh_due().await;
    assert_eq!(last(&all), None);
    house.sim.clock.advance(Duration::from_hours(6));
    let all = dashboards(&house).await;
    all.refresh_due().await;
    let first = last(&all).unwrap();
    ended(&house, &first).await;
    all.refresh_due().await;
    assert_eq!(last(&all).as_deref(), Some(&*first));
    house.sim.clock.advance(Duration::from_hours(6));
    all.refresh_due().await;
    assert_ne!(last(&all), Some(first));
}

#[tokio::test]
async fn limits_and_protection_hold() {
    let house = House::new().await;
    let all = dashboards(&house).await;
    let ten = ["rows 1"; WIDGETS_MAX];
    all.create(new("d-0", &ten)).await.unwrap();
    let eleven = ["rows 1"; WIDGETS_MAX + 1];
    assert_eq!(code(&all.create(new("d-1", &eleven)).await.unwrap_err()), "ServiceQuotaExceeded");
    assert_eq!(code(&all.create(new("d-0", &ten)).await.unwrap_err()), "Conflict");
    for number in 1..DASHBOARDS_MAX {
        all.create(new(&format!("d-{number}"), &[])).await.unwrap();
    }
    assert_eq!(code(&all.create(new("d-100", &[])).await.unwrap_err()), "ServiceQuotaExceeded");
    let protect = |on| DashboardUpdate { protected: Some(on), ..DashboardUpdate::default() };
    all.update(ACCOUNT, REGION, "d-0", protect(true)).await.unwrap();
    assert_eq!(code(&all.delete(ACCOUNT, REGION, "d-0").await.unwrap_err()), "Conflict");
    all.update(ACCOUNT, REGION, "d-0", protect(false)).await.unwrap();
    all.delete(ACCOUNT, REGION, "d-0").await.unwrap();
    assert_eq!(code(&all.get(ACCOUNT, REGION, "d-0").unwrap_err()), "ResourceNotFound");
    assert_eq!(dashboards(&house).await.list(ACCOUNT, REGION, "d-1").len(), 11);
}
