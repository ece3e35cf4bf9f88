//! Fresh rows on their way into files: crashes at every step, and disks that fail.

use super::house::{BUCKET, DAY, HOUR, House, START, nothing, rows};
use crate::table::{EVENTS, NewTable, Takes};
use crate::{Error, Settings};
use cairn_event::Time;
use cairn_journal::Position;
use cairn_world::sim::Faults;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_flush_moves_rows_into_files_and_the_position_behind_them() {
    let house = House::new().await;
    let all = house.happen(START, 100).await;
    let before = house.snapshot(EVENTS).await;
    house.tables.flush().await.unwrap();
    let after = house.snapshot(EVENTS).await;
    assert!(before.files.is_empty() && after.fresh.is_empty());
    assert_eq!(after.files.len(), 1);
    assert!(after.version > before.version);
    assert_eq!(after.files[0].times, START..START + Duration::from_secs(99));
    assert!(after.files[0].key.starts_with("events/data/2023/11/14/"), "{}", after.files[0].key);
    assert_eq!(house.tables.reader().position(), Position(100));
    assert_eq!(house.ids_of(&before).await.unwrap(), all, "an older snapshot has the same rows");
    assert_eq!(house.ids_of(&after).await.unwrap(), all);
    let house = house.restart().await;
    house.absorb().await;
    assert_eq!(house.ids(EVENTS).await, all);
    house.tables.flush().await.unwrap();
    assert_eq!(house.snapshot(EVENTS).await.files.len(), 1, "nothing new, no file");
}

#[tokio::test]
async fn snapshots_taken_while_a_flush_runs_have_every_row_once() {
    let house = House::new().await;
    let all = house.happen(START, 500).await;
    let (flushing, tables) = (
        tokio::spawn({
            let tables = house.tables.clone();
            async move { tables.flush().await }
        }),
        house.tables.clone(),
    );
    let mut snapshots = vec![tables.snapshot(EVENTS).await.unwrap()];
    while !flushing.is_finished() {
        tokio::task::yield_now().await;
        let snapshot = tables.snapshot(EVENTS).await.unwrap();
        if snapshot.version != snapshots[snapshots.len() - 1].version {
            snapshots.push(snapshot);
        }
    }
    flushing.await.unwrap().unwrap();
    snapshots.push(tables.snapshot(EVENTS).await.unwrap());
    for snapshot in &snapshots {
        assert_eq!(house.ids_of(snapshot).await.unwrap(), all);
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_flush_loses_and_doubles_nothing() {
    for step in 0..4 {
        let house = House::new().await;
        house.table("t", Takes::Everything).await;
        let mut all = house.happen(START, 50).await;
        house.tables.flush().await.unwrap();
        all.extend(house.happen(START + HOUR, 50).await);
        let departure = house.tables.depart().await.unwrap().unwrap();
        let position = departure.positions.end;
        let drafts = house.tables.drafts(departure).await.unwrap();
        if step == 1 {
            let planned = drafts.iter().flat_map(|draft| draft.files.iter().map(|(_, file)| file.clone()));
            house.tables.plan(planned.collect::<Vec<_>>().into_iter()).await.unwrap();
        } else if step >= 2 {
            let files = house.tables.put(drafts).await.unwrap();
            assert_eq!(house.keys().await.len(), 4);
            if step == 3 {
                house.tables.enter(files, position).await.unwrap();
            }
        }
        let house = house.restart().await;
        house.tables.clear().await;
        assert_eq!(house.keys().await.len(), if step == 3 { 4 } else { 2 }, "step {step} leaves nothing unknown");
        house.absorb().await;
        for table in [EVENTS, "t"] {
            assert_eq!(house.ids(table).await, all, "step {step}, table {table}");
        }
        house.tables.flush().await.unwrap();
        assert_eq!(house.ids(EVENTS).await, all, "step {step}, flushed again");
    }
}

#[tokio::test]
async fn a_full_disk_keeps_rows_fresh_until_it_has_room() {
    let house = House::new().await;
    let all = house.happen(START, 50).await;
    house.sim.disk.set(Faults { full: true, ..Faults::default() });
    assert!(matches!(house.tables.flush().await, Err(Error::Unavailable(_))));
    assert_eq!(house.ids(EVENTS).await, all);
    assert_eq!(house.tables.reader().position(), Position(0), "the journal keeps them");
    house.sim.disk.set(Faults::default());
    house.tables.flush().await.unwrap();
    assert_eq!(house.ids(EVENTS).await, all);
    assert_eq!(house.keys().await.len(), 1);
}

#[tokio::test]
async fn a_full_memory_takes_nothing_more_while_nothing_can_be_written() {
    let house = House::with(Settings { memory_bytes_max: 64 << 10, ..Settings::default() }).await;
    let mut all = house.happen(START, 200).await;
    all.push(house.happened(START).await);
    house.sim.disk.set(Faults { full: true, ..Faults::default() });
    assert!(house.try_absorb().await.is_err());
    house.sim.disk.set(Faults::default());
    house.absorb().await;
    assert_eq!(house.ids(EVENTS).await, all);
    assert!(!house.snapshot(EVENTS).await.files.is_empty(), "room was made");
}

#[tokio::test]
async fn rows_are_written_when_they_have_waited_long_enough_and_at_the_end() {
    let house = House::with(Settings { flush_interval: Duration::from_mins(5), ..Settings::default() }).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (tables, shutdown) = (house.tables.clone(), shutdown.clone());
        async move { tables.run(shutdown).await }
    });
    let first = house.happen(START, 5).await;
    tokio::task::yield_now().await;
    house.pass(Duration::from_mins(4));
    tokio::task::yield_now().await;
    assert!(house.snapshot(EVENTS).await.files.is_empty());
    house.pass(Duration::from_mins(1));
    while house.snapshot(EVENTS).await.files.is_empty() {
        tokio::task::yield_now().await;
    }
    let rest = house.happen(START, 5).await;
    shutdown.cancel();
    running.await.unwrap();
    assert!(house.snapshot(EVENTS).await.fresh.is_empty());
    let house = house.restart().await;
    assert_eq!(house.ids(EVENTS).await, [first, rest].concat());
}

#[tokio::test]
async fn a_thousand_days_are_few_files_and_one_hour_is_in_few_of_them() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    let day = |day: u32| START - DAY * (89 - day);
    let mut events: Vec<(String, Time)> = Vec::new();
    for n in 0..80 {
        events.push((format!("small-{n}"), day(n)));
    }
    for second in 0..5000 {
        events.push((format!("big-{second}"), day(85) + Duration::from_secs(second)));
    }
    house.tables.load("t", vec![rows(&events)], nothing()).await.unwrap();
    let files = house.snapshot("t").await.files;
    assert!(files.len() <= 7, "{} files", files.len());
    let of_hour = |from: Time| {
        let hour = from..from + HOUR;
        files.iter().filter(|file| file.times.start < hour.end && file.times.end >= hour.start).count()
    };
    assert_eq!(of_hour(day(85)), 1);
    assert_eq!(of_hour(day(40)), 1);
    assert_eq!(house.ids("t").await.len(), 5080);
}

#[tokio::test]
async fn loaded_rows_are_there_with_what_their_loader_writes_or_not_at_all() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    let refuse: crate::table::Also<'static> = Box::new(|_| Box::pin(async { Err(Error::Limit("no".to_owned())) }));
    let one = vec![rows(&[("one".to_owned(), START), ("too-old".to_owned(), START - DAY * 200)])];
    assert!(house.tables.load("t", one.clone(), refuse).await.is_err());
    assert!(house.ids("t").await.is_empty() && house.keys().await.is_empty());
    house.tables.load("t", one, nothing()).await.unwrap();
    assert_eq!(house.ids("t").await, ["one"]);
    assert!(matches!(house.tables.load("u", vec![], nothing()).await, Err(Error::NotFound(_))));
    let house = house.restart().await;
    assert_eq!(house.ids("t").await, ["one"]);
}

#[tokio::test]
async fn a_removed_table_stays_readable_for_who_has_it() {
    let house = House::new().await;
    house.table("t", Takes::Everything).await;
    let all = house.happen(START, 20).await;
    house.tables.flush().await.unwrap();
    let snapshot = house.snapshot("t").await;
    house.tables.remove("t", nothing()).await.unwrap();
    house.pass(HOUR);
    house.tables.maintain().await;
    assert_eq!(house.ids_of(&snapshot).await.unwrap(), all);
    drop(snapshot);
    house.tables.maintain().await;
    assert_eq!(house.keys().await.len(), 1, "only the file of all events is left");
    let house = house.restart().await;
    assert_eq!(house.ids(EVENTS).await, all);
}

#[tokio::test]
async fn a_table_removed_while_its_rows_are_written_leaves_nothing() {
    let house = House::new().await;
    house.table("t", Takes::Everything).await;
    house.happen(START, 20).await;
    let departure = house.tables.depart().await.unwrap().unwrap();
    let position = departure.positions.end;
    let drafts = house.tables.drafts(departure).await.unwrap();
    let files = house.tables.put(drafts).await.unwrap();
    house.tables.remove("t", nothing()).await.unwrap();
    house.tables.enter(files, position).await.unwrap();
    assert_eq!(house.keys().await.len(), 1);
    assert_eq!(house.ids(EVENTS).await.len(), 20);
}

#[tokio::test]
async fn the_bucket_lets_nobody_write() {
    let house = House::new().await;
    house.happen(START, 1).await;
    house.tables.flush().await.unwrap();
    let bucket = house.buckets.bucket(BUCKET).unwrap();
    let policy = bucket.policy_text().unwrap();
    assert!(policy.contains("Deny") && policy.contains("s3:PutObject*") && policy.contains("s3:DeleteObject*"));
    let id = NewTable { id: "a/b".to_owned(), retention: DAY, takes: Takes::Nothing };
    assert!(matches!(house.tables.create(id, nothing()).await, Err(Error::Invalid(_))));
}
