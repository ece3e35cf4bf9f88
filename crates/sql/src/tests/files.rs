//! Files: which are read, and what happens when one is damaged.

use super::data::{Shelf, events, file, rows};
use super::{House, query};
use cairn_lake::sql::{Cost, Error};
use serde_json::Value;

/// A file for each of `count` days, of `count` events each, one a minute.
fn days(count: usize) -> Shelf {
    let made = |day: usize, index: usize| -> Value {
        let mut event = events()[index % 6].clone();
        event["eventID"] = format!("event-{day}-{index}").into();
        event["eventTime"] = format!("2026-10-{:02}T00:{:02}:00Z", day + 1, index).into();
        event["userIdentity"]["accessKeyId"] = format!("AKIA{day}").into();
        event
    };
    let file = |day| file(day as i64, &rows(&(0..count).map(|index| made(day, index)).collect::<Vec<_>>()), 4);
    Shelf::of((0..count).map(file).collect(), Vec::new())
}

async fn cost(house: &House, text: &str, expected: &str) -> Cost {
    let answer = house.ask(query(text)).await.unwrap();
    assert_eq!(answer.rows.iter().map(|row| row.join("|")).collect::<Vec<_>>().join("\n"), expected, "{text}");
    answer.cost
}

#[tokio::test]
async fn a_query_of_one_hour_touches_only_that_hours_files() {
    let shelf = days(20);
    let read = shelf.read.clone();
    let house = House::over(shelf);
    let hour = "SELECT count(eventid) FROM events WHERE eventtime >= '2026-10-07 00:00:00' AND eventtime < '2026-10-07 01:00:00'";
    let cost = cost(&house, hour, "20").await;
    assert_eq!((cost.files_known, cost.files_scanned, cost.rows_matched), (20, 1, 20));
    assert_eq!(read.lock().unwrap().iter().copied().collect::<Vec<_>>(), [6]);
}

#[tokio::test]
async fn pages_and_bloom_filters_keep_a_needle_cheap() {
    let house = House::over(days(20));
    let needle = cost(&house, "SELECT eventname FROM events WHERE eventid = 'event-3-7'", "ListUsers").await;
    assert_eq!((needle.files_scanned, needle.rows_matched), (1, 1));
    assert!(needle.rows_scanned <= 8, "{needle:?}");
    let minute =
        cost(&house, "SELECT eventname FROM events WHERE eventtime = '2026-10-02 00:05:00'", "DeleteBucket").await;
    assert!(minute.rows_scanned <= 4, "{minute:?}");
}

#[tokio::test]
async fn the_newest_rows_are_found_without_reading_all_files() {
    let house = House::over(days(20));
    let newest =
        cost(&house, "SELECT eventid FROM events ORDER BY eventtime DESC LIMIT 2", "event-19-19\nevent-19-18").await;
    assert!(newest.rows_scanned < 200, "{newest:?}");
}

#[tokio::test]
async fn a_filter_on_a_row_or_map_is_applied_in_the_file() {
    let house = House::over(days(10));
    let key = "SELECT count(*) FROM events WHERE useridentity.accesskeyid = 'AKIA4'";
    let cost = cost(&house, key, "10").await;
    assert!(cost.rows_scanned <= 10, "{cost:?}");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_set_aside() {
    let mut shelf = Shelf::halves();
    let (damaged, bytes) = shelf.files[1].clone();
    let mut broken = bytes.to_vec();
    let end = broken.len();
    broken[end - 12..end - 8].copy_from_slice(&[0xff; 4]);
    shelf.files[1] = (damaged.clone(), broken.into());
    let aside = shelf.aside.clone();
    let house = House::over(shelf);
    let error = house.fails("SELECT max(eventname) FROM events").await;
    assert!(matches!(&error, Error::Corrupt(text) if text.contains(&damaged.key)), "{error:?}");
    assert_eq!(aside.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_empty_table_has_no_rows() {
    let house = House::over(Shelf::of(Vec::new(), Vec::new()));
    house.check("SELECT count(*), max(eventtime) FROM events", "0|NULL").await;
    house.check("SELECT * FROM events", "").await;
}

#[tokio::test]
async fn fresh_rows_alone_are_enough() {
    let house = House::over(Shelf::fresh());
    house.check("SELECT eventname FROM events WHERE useridentity.type = 'Root'", "ConsoleLogin").await;
}
