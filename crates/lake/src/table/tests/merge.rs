//! Files merged, dropped when they are too old, and removed when nobody needs them.

use super::house::{DAY, HOUR, House, START, nothing, rows};
use crate::Settings;
use crate::table::merge::Plan;
use crate::table::{EVENTS, Takes};
use cairn_event::Time;
use std::time::Duration;

impl House {
    /// So many files of all events, each with so many rows, a minute apart.
    async fn files(&self, count: u64, rows: u64) -> Vec<String> {
        let mut all = Vec::new();
        for minute in 0..count {
            all.extend(self.happen(START + Duration::from_mins(minute), rows).await);
            self.tables.flush().await.unwrap();
        }
        all.sort();
        all
    }
}

#[tokio::test]
async fn merging_keeps_every_row_once_and_makes_few_files_of_many() {
    let house = House::new().await;
    let all = house.files(10, 30).await;
    let before = house.snapshot(EVENTS).await;
    assert_eq!(before.files.len(), 10);
    house.tables.maintain().await;
    let after = house.snapshot(EVENTS).await;
    assert_eq!(after.files.len(), 1);
    assert!(after.version > before.version);
    assert_eq!(house.ids_of(&after).await.unwrap(), all);
    house.tables.maintain().await;
    assert_eq!(house.snapshot(EVENTS).await.version, after.version, "what is merged stays as it is");
    house.pass(HOUR * 2);
    house.tables.maintain().await;
    assert_eq!(house.ids_of(&before).await.unwrap(), all, "an older snapshot is read to its end");
    drop(before);
    house.tables.maintain().await;
    assert_eq!(house.keys().await.len(), 1);
    let house = house.restart().await;
    assert_eq!(house.ids(EVENTS).await, all);
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_merge_loses_and_doubles_nothing() {
    for step in 0..2 {
        let house = House::new().await;
        let all = house.files(4, 30).await;
        let inputs = house.snapshot(EVENTS).await.files;
        let plan = Plan { inputs: inputs.clone(), window: true };
        let files = house.tables.blended(EVENTS, &plan).await.unwrap();
        assert_eq!(house.keys().await.len(), 5);
        if step == 1 {
            assert!(house.tables.replace(EVENTS, &inputs, files).await.unwrap());
        }
        drop((inputs, plan));
        let house = house.restart().await;
        house.tables.clear().await;
        assert_eq!(house.ids(EVENTS).await, all, "step {step}");
        house.pass(HOUR * 2);
        house.tables.remove_retired().await.unwrap();
        assert_eq!(house.keys().await.len(), if step == 0 { 4 } else { 1 }, "step {step} leaves nothing unknown");
        assert_eq!(house.ids(EVENTS).await, all, "step {step}, cleared");
    }
}

#[tokio::test]
async fn a_merge_of_what_is_no_longer_in_the_list_leaves_nothing() {
    let house = House::new().await;
    house.table("t", Takes::Everything).await;
    house.files(3, 30).await;
    let inputs = house.snapshot("t").await.files;
    house.tables.set_aside(&inputs[1], "for this test").await;
    house.tables.merge_so("t", Plan { inputs, window: true }).await.unwrap();
    assert_eq!(house.snapshot("t").await.files.len(), 2);
    assert_eq!(house.keys().await.len(), 6);
    let inputs = house.snapshot("t").await.files;
    house.tables.remove("t", nothing()).await.unwrap();
    assert!(house.tables.merge_so("t", Plan { inputs, window: true }).await.is_err());
}

#[tokio::test]
async fn a_merge_parts_large_days_and_keeps_small_ones_together() {
    let house = House::new().await;
    house.table("t", Takes::Nothing).await;
    let day = |day: u32| START - DAY * day;
    let mut count = 0;
    for part in 0..8_u64 {
        let mut events: Vec<(String, Time)> = Vec::new();
        for n in 0..600 {
            let second = Duration::from_secs(part * 600 + n);
            events.push((format!("big-{part}-{n}"), day(5) - HOUR * 20 + second));
        }
        events.push((format!("small-{part}"), day(3)));
        events.push((format!("early-{part}"), day(8)));
        count += events.len();
        house.tables.load("t", vec![rows(&events)], nothing()).await.unwrap();
    }
    assert_eq!(house.snapshot("t").await.files.len(), 8);
    house.tables.maintain().await;
    let files = house.snapshot("t").await.files;
    let counts: Vec<u64> = files.iter().map(|file| file.rows).collect();
    assert_eq!(counts, [8, 4800, 8]);
    assert_eq!(house.ids("t").await.len(), count);
}

#[tokio::test]
async fn merged_files_are_not_much_larger_than_they_should_be() {
    let house = House::with(Settings { file_bytes: 40_000, ..Settings::default() }).await;
    let all = house.files(8, 400).await;
    let inputs = house.snapshot(EVENTS).await.files;
    house.tables.merge_so(EVENTS, Plan { inputs, window: false }).await.unwrap();
    let files = house.snapshot(EVENTS).await.files;
    assert!(files.len() > 1);
    assert!(files.windows(2).all(|two| two[0].times.end <= two[1].times.start));
    assert_eq!(house.ids(EVENTS).await, all);
}

#[tokio::test]
async fn what_is_too_old_goes_with_its_file_and_out_of_those_that_straddle() {
    let house = House::with(Settings { retention: DAY * 30, ..Settings::default() }).await;
    house.table("t", Takes::Nothing).await;
    let both = rows(&[("old".to_owned(), START - DAY * 26), ("new".to_owned(), START - DAY)]);
    house.tables.load(EVENTS, vec![both], nothing()).await.unwrap();
    house.tables.load(EVENTS, vec![rows(&[("gone".to_owned(), START - DAY * 29)])], nothing()).await.unwrap();
    for _ in 0..6 {
        house.pass(DAY);
        house.tables.maintain().await;
    }
    assert_eq!(house.ids(EVENTS).await, ["new"]);
    house.pass(DAY);
    house.tables.maintain().await;
    assert_eq!(house.keys().await.len(), 1);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_makes_nothing_old() {
    let house = House::with(Settings { retention: DAY * 30, ..Settings::default() }).await;
    let all = house.files(2, 10).await;
    house.sim.clock.set(START + DAY * 3650);
    house.tables.maintain().await;
    let late = house.happen(START, 1).await;
    assert_eq!(house.ids(EVENTS).await, [all, late].concat());
    house.sim.clock.set(START - DAY * 3650);
    house.tables.maintain().await;
    assert_eq!(house.ids(EVENTS).await.len(), 21);
}
