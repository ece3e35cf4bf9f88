//! The journal's reader: what comes into which table, and when.

use super::house::{ACCOUNT, DAY, HOUR, House, START, event, ids, nothing};
use crate::table::{Change, EVENTS, Takes};
use crate::{Error, Settings};
use cairn_event::Origin;
use cairn_journal::{Entry, Kind, Position};
use serde_json::json;
use std::time::Duration;

fn management(accounts: &[&str], region: Option<&str>) -> Takes {
    let selector = json!([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]);
    let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
    Takes::Selected { accounts, region: region.map(str::to_owned), selectors: selector }
}

#[tokio::test]
async fn an_event_is_in_the_table_of_all_events_once_it_is_absorbed() {
    let house = House::new().await;
    let id = house.happened(START).await;
    assert!(house.ids(EVENTS).await.is_empty());
    house.absorb().await;
    assert_eq!(house.ids(EVENTS).await, [id]);
}

#[tokio::test]
async fn intents_are_no_events_and_every_origin_is_taken() {
    let house = House::new().await;
    let mut all = Vec::new();
    for origin in Origin::ALL {
        all.push(house.happened_so(START, origin, "RunInstances").await);
    }
    let body = event("intent", START, "RunInstances").into();
    let intent = Entry { origin: Origin::Door, kind: Kind::Intent, time: START, body };
    house.journal.append(vec![intent]).await.unwrap();
    house.absorb().await;
    assert_eq!(house.ids(EVENTS).await, all);
}

#[tokio::test]
async fn a_batch_that_is_offered_again_changes_nothing() {
    let house = House::new().await;
    let mut all = house.happen(START, 10).await;
    let reader = house.tables.reader();
    reader.absorb(&house.journal.read(Position(0), 1 << 20).unwrap()).await.unwrap();
    reader.absorb(&house.journal.read(Position(7), 1 << 20).unwrap()).await.unwrap();
    all.push(house.happened(START).await);
    // It begins before what is here and ends behind it.
    reader.absorb(&house.journal.read(Position(0), 1 << 20).unwrap()).await.unwrap();
    house.absorb().await;
    assert_eq!(house.ids(EVENTS).await, all);
}

#[tokio::test]
async fn a_table_takes_what_its_selectors_accounts_and_region_choose() {
    let house = House::new().await;
    house.table("all", management(&[ACCOUNT, "444455556666"], None)).await;
    house.table("nobody", management(&[], None)).await;
    house.table("ours", management(&[ACCOUNT], Some("us-east-1"))).await;
    house.table("others", management(&["444455556666"], None)).await;
    house.table("elsewhere", management(&[ACCOUNT], Some("eu-central-1"))).await;
    let recorded = house.happened(START).await;
    house.happened_so(START, Origin::Import, "Imported").await;
    let other = event("of-444455556666", START, "X").replace(ACCOUNT, "444455556666");
    house.append(&other, Origin::Gateway).await;
    let data = event("data", START, "GetObject").replace("Management", "Data");
    house.append(&data, Origin::Door).await;
    house.absorb().await;
    assert_eq!(house.ids("all").await, [recorded.clone(), "of-444455556666".to_owned()]);
    assert_eq!(house.ids("ours").await, [recorded]);
    assert_eq!(house.ids("others").await, ["of-444455556666"]);
    assert!(house.ids("elsewhere").await.is_empty() && house.ids("nobody").await.is_empty());
    assert_eq!(house.ids(EVENTS).await.len(), 4);
}

#[tokio::test]
async fn a_table_takes_what_comes_over_its_channels() {
    let house = House::new().await;
    let channel = "arn:aws:cloudtrail:us-east-1:111122223333:channel/one";
    house.table("one", Takes::Channels(vec![channel.to_owned()])).await;
    let sent = |id: &str, channel: &str| {
        let time = START.iso();
        format!(r#"{{"eventID":"{id}","eventTime":"{time}","metadata":{{"channelARN":"{channel}"}}}}"#)
    };
    house.append(&sent("mine", channel), Origin::Channel).await;
    house.append(&sent("other", "arn:aws:cloudtrail:us-east-1:111122223333:channel/two"), Origin::Channel).await;
    house.append(&sent("pretended", channel), Origin::Door).await;
    house.absorb().await;
    assert_eq!(house.ids("one").await, ["mine"]);
}

#[tokio::test]
async fn a_rule_concerns_what_is_recorded_since() {
    let house = House::new().await;
    house.happened(START).await;
    house.pass(HOUR);
    house.table("t", management(&[ACCOUNT], None)).await;
    let second = house.happened(START).await;
    house.pass(HOUR);
    house.takes("t", Takes::Nothing).await;
    house.happened(START).await;
    house.pass(HOUR);
    house.takes("t", management(&[ACCOUNT], None)).await;
    let fourth = house.happened(START).await;
    house.absorb().await;
    assert_eq!(house.ids("t").await, [second.clone(), fourth.clone()]);
    // Read again after a crash, each event meets the rule of its time.
    let house = house.restart().await;
    house.absorb().await;
    assert_eq!(house.ids("t").await, [second, fourth]);
}

#[tokio::test]
async fn what_is_older_than_the_retention_is_not_taken() {
    let house = House::with(Settings { retention: DAY * 365, ..Settings::default() }).await;
    house.table("t", management(&[ACCOUNT], None)).await;
    house.happened(START - DAY * 400).await;
    let old = house.happened(START - DAY * 100).await;
    let new = house.happened(START).await;
    house.absorb().await;
    assert_eq!(house.ids(EVENTS).await, [old, new.clone()]);
    assert_eq!(house.ids("t").await, [new]);
}

#[tokio::test]
async fn a_changed_configuration_changes_the_retention_of_all_events() {
    let house = House::with(Settings { retention: DAY * 365, ..Settings::default() }).await;
    let house = house.restart_with(Settings { retention: DAY * 30, ..Settings::default() }).await;
    assert_eq!(house.tables.table(EVENTS).unwrap().retention, DAY * 30);
}

#[tokio::test]
async fn tables_are_made_changed_and_removed_with_what_their_maker_writes() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    let taken = crate::table::NewTable { id: "t".to_owned(), retention: DAY, takes: Takes::Nothing };
    assert!(matches!(house.tables.create(taken, nothing()).await, Err(Error::Conflict(_))));
    let invalid = Takes::Selected { accounts: vec![], region: None, selectors: json!([{"FieldSelectors": "x"}]) };
    let invalid = crate::table::NewTable { id: "u".to_owned(), retention: DAY, takes: invalid };
    assert!(matches!(house.tables.create(invalid, nothing()).await, Err(Error::Invalid(_))));
    let refuse =
        || -> crate::table::Also<'static> { Box::new(|_| Box::pin(async { Err(Error::Limit("no".to_owned())) })) };
    let change = Change { retention: Some(DAY), takes: None };
    assert!(matches!(house.tables.change("t", change.clone(), refuse()).await, Err(Error::Limit(_))));
    assert_eq!(house.tables.table("t").unwrap().retention, DAY * 90);
    assert!(matches!(house.tables.remove("t", refuse()).await, Err(Error::Limit(_))));
    assert!(house.tables.table("t").is_some());
    assert!(matches!(house.tables.remove(EVENTS, nothing()).await, Err(Error::Invalid(_))));
    house.tables.change("t", change, nothing()).await.unwrap();
    let house = house.restart().await;
    assert_eq!(house.tables.table("t").unwrap().retention, DAY);
    house.tables.remove("t", nothing()).await.unwrap();
    assert!(matches!(house.tables.snapshot("t").await, Err(Error::NotFound(_))));
    assert!(house.restart().await.tables.table("t").is_none());
}

#[tokio::test]
async fn whoever_catches_up_sees_what_was_durable_before() {
    let house = House::new().await;
    let id = house.happened(START).await;
    let tables = house.tables.clone();
    let waiting = tokio::spawn(async move {
        tables.catch_up(HOUR).await;
        tables.snapshot(EVENTS).await.unwrap()
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    house.absorb().await;
    assert_eq!(waiting.await.unwrap().fresh.iter().flat_map(ids).collect::<Vec<_>>(), [id]);
    house.happened(START).await;
    let tables = house.tables.clone();
    let waiting = tokio::spawn(async move { tables.catch_up(Duration::from_secs(1)).await });
    tokio::task::yield_now().await;
    house.pass(Duration::from_secs(1));
    waiting.await.unwrap();
}

#[tokio::test]
async fn what_the_journal_lost_is_said() {
    let house = House::new().await;
    let before = house.happen(START, 3).await;
    house.tables.reader().skipped(Position(10)).await.unwrap();
    assert_eq!(house.ids(EVENTS).await, before, "what was absorbed stays");
    house.tables.flush().await.unwrap();
    assert_eq!(house.tables.reader().position(), Position(10));
    let gaps = house.restart().await.tables.gaps().await.unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].positions, Position(3)..Position(10));
    assert!(gaps[0].message.contains("7 records were lost"), "{}", gaps[0].message);
}

#[tokio::test]
async fn what_the_tables_have_already_is_not_lost_with_the_journal() {
    let house = House::new().await;
    let all = house.happen(START, 3).await;
    house.tables.reader().skipped(Position(1)).await.unwrap();
    house.absorb().await;
    assert!(house.tables.gaps().await.unwrap().is_empty());
    assert_eq!(house.ids(EVENTS).await, all, "each is there once");
}

#[tokio::test]
async fn a_journal_that_ends_before_what_was_read_is_read_from_its_end() {
    let house = House::new().await;
    let before = house.happen(START, 3).await;
    house.tables.flush().await.unwrap();
    // As if ten records more had been read of a journal that was lost.
    house.tables.reader().skipped(Position(13)).await.unwrap();
    house.tables.flush().await.unwrap();
    let house = house.restart().await;
    assert_eq!(house.tables.reader().position(), Position(13));
    house.tables.reader().skipped(house.journal.end()).await.unwrap();
    assert_eq!(house.tables.reader().position(), Position(3));
    let house = house.restart().await;
    assert_eq!(house.tables.reader().position(), Position(3), "also after a crash");
    let after = house.happen(START, 2).await;
    assert_eq!(house.ids(EVENTS).await, [before, after].concat());
}

#[tokio::test]
async fn many_tiny_batches_do_not_pile_up() {
    let house = House::new().await;
    for _ in 0..300 {
        house.happened(START).await;
        house.absorb().await;
    }
    let snapshot = house.snapshot(EVENTS).await;
    assert!(snapshot.fresh.len() <= 10, "{} batches", snapshot.fresh.len());
    assert_eq!(house.ids(EVENTS).await.len(), 300);
}
