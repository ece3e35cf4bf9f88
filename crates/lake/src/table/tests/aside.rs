//! Files that are damaged: found, set aside, rebuilt from the journal.

use super::house::{BUCKET, DAY, House, START, nothing, rows};
use crate::Error;
use crate::table::{EVENTS, Takes};
use cairn_bucket::Delete;
use std::time::Duration;

#[tokio::test]
async fn a_damaged_file_is_named_set_aside_and_rebuilt_from_the_journal() {
    let house = House::new().await;
    let all = house.happen(START, 200).await;
    house.tables.flush().await.unwrap();
    let later = house.happen(START + Duration::from_hours(1), 5).await;
    let file = house.snapshot(EVENTS).await.files[0].clone();
    house.damage(file.bytes);
    let house = house.restart().await;
    house.absorb().await;
    let snapshot = house.snapshot(EVENTS).await;
    match house.ids_of(&snapshot).await {
        Err(Error::Corrupt(message)) => assert!(message.contains(&file.key), "{message}"),
        other => panic!("{other:?}"),
    }
    let without = house.snapshot(EVENTS).await;
    assert_eq!(house.ids_of(&without).await.unwrap(), later, "queries go on without it");
    assert_eq!(without.aside[0].file.key, file.key, "and say so");
    house.tables.maintain().await;
    assert_eq!(house.ids(EVENTS).await, [all.clone(), later.clone()].concat());
    assert!(house.snapshot(EVENTS).await.aside.is_empty());
    assert!(house.keys().await.contains(&file.key), "the object is kept");
    let house = house.restart().await;
    house.absorb().await;
    house.tables.maintain().await;
    assert_eq!(house.ids(EVENTS).await, [all, later].concat());
}

#[tokio::test]
async fn a_merged_file_that_is_missing_is_rebuilt_too() {
    let house = House::new().await;
    house.table("t", Takes::Everything).await;
    let mut all = Vec::new();
    for minute in 0..8 {
        all.extend(house.happen(START + Duration::from_mins(minute), 20).await);
        house.tables.flush().await.unwrap();
    }
    all.sort();
    house.tables.maintain().await;
    let files = house.snapshot("t").await.files;
    assert_eq!(files.len(), 1);
    let delete = Delete { key: files[0].key.clone(), ..Delete::default() };
    house.buckets.delete(BUCKET, delete).await.unwrap();
    assert!(matches!(house.tables.read(&files[0], 0..10).await, Err(Error::Corrupt(_))));
    house.tables.maintain().await;
    assert_eq!(house.ids("t").await, all);
}

#[tokio::test]
async fn what_the_journal_does_not_have_is_said_to_be_lost() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    house.tables.load("t", vec![rows(&[("one".to_owned(), START)])], nothing()).await.unwrap();
    let file = house.snapshot("t").await.files[0].clone();
    house.tables.inner.storage.remove(&file.key).await.unwrap();
    house.tables.set_aside(&file, "damaged for this test").await;
    house.tables.maintain().await;
    let house = house.restart().await;
    house.tables.maintain().await;
    let aside = house.snapshot("t").await.aside;
    assert_eq!(aside.len(), 1);
    let why = &aside[0].why;
    assert!(why.contains("1 of its 1 rows") && why.contains("2023-11-14T22:00:00Z"), "{why}");
}

#[tokio::test]
async fn a_file_that_can_be_read_again_comes_back() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    house.tables.load("t", vec![rows(&[("one".to_owned(), START)])], nothing()).await.unwrap();
    let file = house.snapshot("t").await.files[0].clone();
    house.tables.set_aside(&file, "not there for a moment").await;
    assert!(house.ids("t").await.is_empty());
    house.tables.maintain().await;
    assert_eq!(house.ids("t").await, ["one"]);
    assert!(house.snapshot("t").await.aside.is_empty());
    let house = house.restart().await;
    assert_eq!(house.ids("t").await, ["one"]);
}

#[tokio::test]
async fn a_lost_file_is_looked_for_again_at_the_next_start() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    house.tables.load("t", vec![rows(&[("one".to_owned(), START)])], nothing()).await.unwrap();
    let file = house.snapshot("t").await.files[0].clone();
    let bytes = house.tables.read(&file, 0..file.bytes).await.unwrap();
    house.tables.inner.storage.remove(&file.key).await.unwrap();
    assert!(house.tables.read(&file, 0..1).await.is_err());
    house.tables.maintain().await;
    assert!(house.snapshot("t").await.aside[0].why.contains("are lost"));
    let house = house.restart().await;
    house.tables.inner.storage.put(&file.key, bytes, "application/vnd.apache.parquet").await.unwrap();
    house.tables.maintain().await;
    assert_eq!(house.ids("t").await, ["one"]);
}

#[tokio::test]
async fn what_was_set_aside_goes_when_its_rows_would_be_too_old() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    house.tables.load("t", vec![rows(&[("one".to_owned(), START)])], nothing()).await.unwrap();
    let file = house.snapshot("t").await.files[0].clone();
    house.tables.inner.storage.remove(&file.key).await.unwrap();
    house.tables.set_aside(&file, "damaged for this test").await;
    drop(file);
    house.pass(DAY * 80);
    house.tables.maintain().await;
    assert_eq!(house.snapshot("t").await.aside.len(), 1);
    for _ in 0..2 {
        house.pass(DAY * 11);
        house.tables.maintain().await;
    }
    assert!(house.snapshot("t").await.aside.is_empty() && house.keys().await.is_empty());
}

#[tokio::test]
async fn bytes_beyond_the_end_of_a_file_do_not_damage_it() {
    let house = House::new().await;
    house.happen(START, 1).await;
    house.tables.flush().await.unwrap();
    let file = house.snapshot(EVENTS).await.files[0].clone();
    assert!(matches!(house.tables.read(&file, 0..file.bytes + 1).await, Err(Error::Invalid(_))));
    assert_eq!(house.snapshot(EVENTS).await.files.len(), 1);
}
