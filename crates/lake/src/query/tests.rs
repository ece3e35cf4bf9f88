//! Queries over an engine that does as the text says, with real results, tables and buckets.

mod delivery;
pub mod house;
mod results;

use super::*;
use crate::Settings;
use crate::sql;
use crate::table::EVENTS;
use house::{ACCOUNT, House, OTHER, START};

#[tokio::test]
async fn a_result_is_read_by_pages_and_survives_a_restart() {
    let house = House::new().await;
    let entry = house.ended(house.start("rows 25000").await).await;
    assert_eq!((entry.status, entry.rows, entry.error.as_deref()), (Status::Finished, 25_000, None));
    assert_eq!(entry.cost.rows_matched, 25_000);
    let house = house.restart().await;
    let entry = house.get(&entry.id).await;
    let page = house.queries.page(&entry, 9_990, 1000, 1 << 20).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (1000, Some(10_990)));
    assert_eq!(page.rows[15], [Some("10005".to_owned()), Some("row 10005".to_owned())]);
    let page = house.queries.page(&entry, 24_990, 1000, 1 << 20).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (10, None));
    let page = house.queries.page(&entry, 0, 1000, 100).await.unwrap();
    assert!(page.rows.len() < 20 && page.next == Some(page.rows.len() as u64), "{}", page.rows.len());
    let page = house.queries.page(&entry, 99_999, 10, 100).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (0, None));
}

#[tokio::test]
async fn what_ran_when_the_house_stopped_has_failed_and_says_why() {
    let house = House::new().await;
    let id = house.start("stuck").await;
    house.until_running(&id).await;
    std::mem::forget(house.results().create().unwrap());
    let house = house.restart().await;
    let entry = house.get(&id).await;
    assert_eq!((entry.status, entry.error.as_deref()), (Status::Failed, Some(work::INTERRUPTED)));
    // The same when it stops in order.
    let id = house.start("stuck").await;
    house.until_running(&id).await;
    house.stop().await;
    let house = house.restart().await;
    assert_eq!(house.get(&id).await.error.as_deref(), Some(work::INTERRUPTED));
}

#[tokio::test]
async fn files_that_no_query_names_are_discarded_at_the_start() {
    let house = House::new().await;
    let kept = house.ended(house.start("rows 3").await).await;
    let mut writer = house.results().create().unwrap();
    writer.write(b"left over").unwrap();
    writer.finish().unwrap();
    assert_eq!(house.results().list().unwrap().len(), 2);
    let house = house.restart().await;
    let left: Vec<_> = house.results().list().unwrap().iter().map(|blob| blob.as_str().to_owned()).collect();
    assert_eq!(left, [kept.blob.unwrap()]);
}

#[tokio::test]
async fn an_account_has_ten_queries_at_once_and_dashboards_do_not_count() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for _ in 0..CONCURRENT_MAX {
        ids.push(house.start("stuck").await);
    }
    let error = house.try_start(ACCOUNT, "rows 1", None).await.unwrap_err();
    assert!(matches!(error, Error::Limit(_)), "{error}");
    let refreshed = house.try_start(ACCOUNT, "rows 1", Some("1234567890")).await.unwrap();
    for id in &ids {
        house.until_running(id).await;
    }
    // All places are taken, so it waits; another account may still start.
    assert_eq!(house.get(&refreshed.id).await.status, Status::Queued);
    house.try_start(OTHER, "rows 1", None).await.unwrap();
    house.queries.cancel(&ids[0]).await.unwrap();
    assert_eq!(house.ended(refreshed.id).await.status, Status::Finished);
    house.until_gone(&ids[0]).await;
    house.try_start(ACCOUNT, "rows 1", None).await.unwrap();
}

#[tokio::test]
async fn cancelling_stops_the_work_and_only_once() {
    let house = House::new().await;
    let id = house.start("stuck").await;
    house.until_running(&id).await;
    assert_eq!(house.engine.at_work(), 1);
    assert_eq!(house.queries.cancel(&id).await.unwrap().status, Status::Cancelled);
    house.until_gone(&id).await;
    assert_eq!(house.engine.at_work(), 0);
    assert_eq!(house.get(&id).await.status, Status::Cancelled);
    assert!(matches!(house.queries.cancel(&id).await.unwrap_err(), Error::Conflict(_)));
    assert!(matches!(house.queries.cancel("none").await.unwrap_err(), Error::NotFound(_)));
    assert!(house.results().list().unwrap().is_empty());
}

#[tokio::test]
async fn a_query_that_takes_too_long_keeps_what_came_in_time() {
    let house = House::new().await;
    let id = house.start("rows 5 then stuck").await;
    house.until_running(&id).await;
    house.until(|| async { house.get(&id).await.cost.rows_matched == 5 }).await;
    house.sim.clock.advance(Settings::default().query_time_max);
    let entry = house.ended(id).await;
    assert_eq!((entry.status, entry.rows), (Status::TimedOut, 5));
    assert!(entry.error.as_deref().unwrap().contains("3600 s"));
    assert_eq!(house.queries.page(&entry, 0, 10, 1000).await.unwrap().rows.len(), 5);
}

#[tokio::test]
async fn a_failure_fails_one_query_with_its_reason() {
    let house = House::new().await;
    let entry = house.ended(house.start("rows 5 then fail").await).await;
    assert_eq!((entry.status, entry.blob.as_deref()), (Status::Failed, None));
    assert_eq!(entry.error.as_deref(), Some("the engine fell over"));
    let entry = house.ended(house.start("hungry").await).await;
    assert!(entry.error.unwrap().starts_with("Query exhausted resources at this scale factor"));
    let entry = house.ended(house.start("rows 1").await).await;
    assert_eq!(entry.status, Status::Finished);
    assert_eq!(house.results().list().unwrap().len(), 1);
}

#[tokio::test]
async fn statistics_and_the_time_count_while_a_query_runs() {
    let house = House::new().await;
    let id = house.start("rows 5 then stuck").await;
    house.until_running(&id).await;
    house.until(|| async { house.get(&id).await.cost.rows_matched == 5 }).await;
    house.sim.clock.advance(Duration::from_secs(2));
    assert_eq!(house.get(&id).await.millis, 2000);
    house.queries.cancel(&id).await.unwrap();
    assert_eq!(house.get(&id).await.cost.rows_matched, 5);
}

#[tokio::test]
async fn results_are_dropped_when_they_are_old_enough() {
    let house = House::new().await;
    let old = house.ended(house.start("rows 1").await).await;
    house.sim.clock.advance(Settings::default().query_results);
    let young = house.ended(house.start("rows 1").await).await;
    house.sim.clock.advance(Duration::from_secs(1));
    house.queries.expire().await.unwrap();
    assert_eq!(house.queries.get(&old.id).await.unwrap(), None);
    assert_eq!(house.get(&young.id).await, young);
    assert_eq!(house.results().list().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_is_newest_first_and_goes_on_where_it_stopped() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(house.ended(house.start("rows 1").await).await.id);
        // Two in one millisecond, too.
        house.sim.clock.advance(Duration::from_millis(number % 2));
    }
    let failed = house.ended(house.start("rows 1 then fail").await).await.id;
    let source = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/events");
    let mut filter = Filter { source: Some(source), max: 2, status: Some(Status::Finished), ..Filter::default() };
    let mut found = Vec::new();
    loop {
        let page = house.queries.list(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.after = Some((last.created, last.id.clone()));
        found.extend(page);
    }
    assert!(found.windows(2).all(|pair| pair[0].created >= pair[1].created));
    let mut all: Vec<_> = found.into_iter().map(|entry| entry.id).collect();
    all.sort();
    ids.sort();
    assert_eq!(all, ids);
    let only = |status, from: Option<Time>| Filter { status, from, max: 10, ..Filter::default() };
    assert_eq!(house.queries.list(&only(Some(Status::Failed), None)).await.unwrap()[0].id, failed);
    assert_eq!(house.queries.list(&only(None, Some(START + Duration::from_secs(9)))).await.unwrap(), []);
    let elsewhere = Filter { source: Some("arn:aws:cloudtrail:x".to_owned()), max: 10, ..Filter::default() };
    assert_eq!(house.queries.list(&elsewhere).await.unwrap(), []);
}

#[tokio::test]
async fn names_mean_the_table_of_events_or_are_refused() {
    let house = House::new().await;
    let plan = house.queries.plan(ACCOUNT, None, "us-east-1", "rows 1").await.unwrap();
    assert_eq!(plan.sources[0].view.table, EVENTS);
    let refusal = house.queries.plan(ACCOUNT, None, "us-east-1", "from nowhere").await.unwrap_err();
    assert!(matches!(refusal, Refusal::Store(Error::Refused { code: "EventDataStoreNotFound", .. })), "{refusal}");
    let refusal = house.queries.plan(ACCOUNT, None, "us-east-1", "wrong").await.unwrap_err();
    assert!(matches!(refusal, Refusal::Sql(sql::Error::Syntax { line: 1, .. })), "{refusal}");
}

#[tokio::test]
async fn events_of_all_accounts_are_for_the_account_of_the_house() {
    let house = House::new().await;
    let arn = format!("from arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/events");
    for (owner, text) in [(None, "rows 1"), (Some(ACCOUNT), "rows 1"), (None, arn.as_str()), (Some(ACCOUNT), &arn)] {
        let refusal = house.queries.plan(OTHER, owner, "us-east-1", text).await.unwrap_err();
        let refused = matches!(refusal, Refusal::Store(Error::Refused { code: "EventDataStoreNotFound", .. }));
        assert!(refused, "{owner:?} {text}: {refusal}");
    }
    let refusal = house.queries.plan(OTHER, None, "us-east-1", "rows 1").await.unwrap_err();
    assert!(refusal.to_string().contains("CreateEventDataStore"), "{refusal}");
}
