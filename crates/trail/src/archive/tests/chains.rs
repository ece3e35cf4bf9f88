use super::house::{ACCOUNT, BUCKET, HOUR, House, MINUTE, REGION, SECOND, START, listed};
use crate::{Settings, TrailUpdate};
use cairn_event::{Record, Time};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

fn ends(digests: &[Value]) -> Vec<&str> {
    digests.iter().map(|digest| digest["digestEndTime"].as_str().unwrap()).collect()
}

fn starting(digests: &[Value]) -> Vec<bool> {
    digests.iter().map(|digest| digest["previousDigestS3Object"].is_null()).collect()
}

#[tokio::test]
async fn an_idle_trail_has_one_empty_digest_an_hour() {
    let house = House::new().await;
    let trail = house.trail("main", |_| {}).await;
    for _ in 0..30 {
        house.deliver().await;
        house.pass(MINUTE * 5);
    }
    let digests = house.digests(REGION, false).await;
    assert_eq!(ends(&digests), ["2023-11-14T23:00:00Z", "2023-11-15T00:00:00Z"]);
    assert_eq!(starting(&digests), [true, false]);
    assert_eq!(digests[0]["digestStartTime"], START.iso());
    assert!(digests.iter().all(|digest| digest["logFiles"] == Value::Array(Vec::new())));
    assert!(digests.iter().all(|digest| digest["newestEventTime"].is_null() && digest["oldestEventTime"].is_null()));
    assert_eq!(house.status(&trail).await.latest_digest_delivery, Some(START + HOUR * 2));
}

#[tokio::test]
async fn every_log_file_is_in_the_digest_of_its_hour_and_region() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    for tick in 0..37_u32 {
        house.happens("Here", REGION).await;
        if tick % 4 == 2 {
            house.happens("There", "eu-west-1").await;
        }
        house.deliver().await;
        house.pass(MINUTE * 5);
    }
    let mut found = listed(&house.digests(REGION, false).await);
    let there = house.digests("eu-west-1", false).await;
    // The windows of a region that came later are those of the home region.
    assert_eq!(ends(&there), ends(&house.digests(REGION, false).await));
    assert_eq!(there.len(), 3);
    found.extend(listed(&there));
    let hours = START + HOUR * 3;
    let logs = house.logs().await;
    let due: Vec<&str> =
        logs.iter().map(|log| &*log.key).filter(|key| !key.contains(&hours.compact_minute())).collect();
    assert_eq!(found.len(), due.len());
    assert!(due.iter().all(|key| found.iter().any(|found| found == key)));
}

#[tokio::test]
async fn a_stopped_trail_ends_its_chain_with_what_was_left_and_begins_anew() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    house.pass(MINUTE * 10);
    house.happens("Before", REGION).await;
    house.pass(SECOND);
    house.trails.stop(house.scope(), "main").await.unwrap();
    house.digest().await;
    house.pass(SECOND * 3);
    house.digest().await;
    assert!(house.digests(REGION, false).await.is_empty(), "the last log file is not delivered yet");
    house.pass(MINUTE);
    house.deliver().await;
    house.pass(SECOND);
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(ends(&digests), ["2023-11-14T22:11:05Z"]);
    assert_eq!(listed(&digests).len(), 1);

    house.pass(HOUR * 3);
    house.deliver().await;
    assert_eq!(house.digests(REGION, false).await.len(), 1, "nothing follows while it is stopped");
    house.trails.start(house.scope(), "main").await.unwrap();
    house.deliver().await;
    house.pass(HOUR);
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(starting(&digests), [true, true]);
    assert_eq!(digests[1]["digestStartTime"], (START + HOUR * 3 + MINUTE * 11 + SECOND * 5).iso());
}

#[tokio::test]
async fn a_trail_restarted_at_once_begins_a_new_chain_too() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    house.pass(MINUTE);
    house.trails.stop(house.scope(), "main").await.unwrap();
    house.pass(SECOND);
    house.trails.start(house.scope(), "main").await.unwrap();
    house.deliver().await;
    house.pass(MINUTE * 5);
    house.deliver().await;
    house.pass(HOUR);
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(starting(&digests), [true, true]);
    assert_eq!(digests[0]["digestEndTime"], digests[1]["digestStartTime"]);
}

#[tokio::test]
async fn files_of_a_time_without_validation_are_in_no_digest() {
    let house = House::new().await;
    house.trail("main", |new| new.validation = false).await;
    house.happens("Unlisted", REGION).await;
    house.deliver().await;
    let switch = |on| TrailUpdate { validation: Some(on), ..TrailUpdate::default() };
    house.pass(MINUTE);
    house.trails.update(house.scope(), "main", switch(true)).await.unwrap();
    house.digest().await;
    house.happens("Listed", REGION).await;
    house.deliver().await;
    house.pass(MINUTE);
    house.trails.update(house.scope(), "main", switch(false)).await.unwrap();
    for _ in 0..3 {
        house.pass(SECOND * 3);
        house.deliver().await;
    }
    house.happens("Unlisted", REGION).await;
    house.deliver().await;
    house.pass(HOUR * 2);
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!((digests.len(), listed(&digests).len()), (1, 1));
    assert_eq!(house.logs().await.len(), 3);
    assert!(house.digests(REGION, true).await.is_empty());
}

#[tokio::test]
async fn a_deleted_trail_delivers_its_last_files_and_digest_and_is_forgotten() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    house.pass(MINUTE);
    house.happens("Last", REGION).await;
    house.pass(SECOND);
    house.trails.delete(house.scope(), "main").await.unwrap();
    // A trail of the same name waits with its chain until the other has ended its own.
    house.pass(SECOND);
    house.trail("main", |_| {}).await;
    for _ in 0..4 {
        house.pass(SECOND * 3);
        house.deliver().await;
    }
    let known = || house.archive().register().state().all().count();
    assert_eq!((house.digests(REGION, false).await.len(), known()), (1, 2));
    house.pass(HOUR);
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(starting(&digests), [true, true]);
    assert_eq!(listed(&digests).len(), 1);
    house.happens("Later", REGION).await;
    house.deliver().await;
    house.digest().await;
    assert_eq!(known(), 1);
    assert!(digests[0]["digestEndTime"].as_str() <= digests[1]["digestStartTime"].as_str());
}

async fn check_records_that_come_late(delete: bool) {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    house.pass(MINUTE);
    let called = house.now();
    house.pass(SECOND);
    if delete {
        house.trails.delete(house.scope(), "main").await.unwrap();
    } else {
        house.trails.stop(house.scope(), "main").await.unwrap();
    }
    for _ in 0..4 {
        house.pass(SECOND * 3);
        house.deliver().await;
    }
    assert_eq!(house.digests(REGION, false).await.len(), 1, "the last digest does not wait");
    // The journal writes again: what the house itself did is there before what waited.
    house.pass(HOUR);
    house.archive().append(vec![own_record(house.now())]).await.unwrap();
    house.deliver().await;
    house.deliver().await;
    house.happened("Waited", REGION, called).await;
    house.happened("TooLate", REGION, called + SECOND * 2).await;
    house.deliver().await;
    house.pass(SECOND * 2);
    house.deliver().await;
    assert_eq!(listed(&house.digests(REGION, true).await).len(), 1);
    let logs = house.logs().await;
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].value()["Records"].as_array().unwrap().len(), 1);
    assert_eq!(logs[0].value()["Records"][0]["eventName"], "Waited");

    house.happens("Later", REGION).await;
    house.deliver().await;
    house.digest().await;
    assert_eq!(house.archive().register().state().all().count(), usize::from(!delete));
}

/// As the house records a delivery.
fn own_record(at: Time) -> Record {
    let mut record = Record::service_event("s3.amazonaws.com", "PutObject", ACCOUNT, REGION, at, Uuid::nil());
    record.user_identity = json!({"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"});
    record
}

#[tokio::test]
async fn records_that_wait_for_the_journal_still_come_to_a_deleted_trail() {
    check_records_that_come_late(true).await;
}

#[tokio::test]
async fn records_that_wait_for_the_journal_still_come_to_a_stopped_trail() {
    check_records_that_come_late(false).await;
}

#[tokio::test]
async fn files_that_come_too_late_are_listed_by_a_backfill_chain() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    for round in 0..2 {
        house.allow(BUCKET, false).await;
        for _ in 0..14 {
            house.happens("Late", REGION).await;
            house.pass(MINUTE * 10);
            house.deliver().await;
        }
        house.allow(BUCKET, true).await;
        house.pass(MINUTE);
        house.deliver().await;
        house.pass(SECOND);
        house.deliver().await;
        assert_eq!(house.digests(REGION, true).await.len(), round + 1);
    }
    house.pass(HOUR);
    house.deliver().await;
    let (digests, backfill) = (house.digests(REGION, false).await, house.digests(REGION, true).await);
    assert_eq!(starting(&backfill), [true, false]);
    let (timely, late) = (listed(&digests), listed(&backfill));
    assert!(!timely.is_empty() && !late.is_empty());
    assert!(timely.iter().all(|key| !late.contains(key)));
    assert_eq!(timely.len() + late.len(), house.logs().await.len());
    assert!(digests.windows(2).all(|pair| pair[0]["digestEndTime"] == pair[1]["digestStartTime"]));
}

#[tokio::test]
async fn a_digest_waits_a_little_for_files_of_its_window() {
    for (late_by, backfilled) in [(MINUTE, 0), (MINUTE * 6, 1)] {
        let house = House::new().await;
        house.trail("main", |_| {}).await;
        house.deliver().await;
        house.pass(MINUTE * 59 + SECOND * 59);
        house.allow(BUCKET, false).await;
        house.happens("AlmostLate", REGION).await;
        house.deliver().await;
        house.pass(late_by);
        house.digest().await;
        house.allow(BUCKET, true).await;
        house.pass(MINUTE);
        house.publish().await;
        house.pass(SECOND);
        house.digest().await;
        assert_eq!(listed(&house.digests(REGION, true).await).len(), backfilled);
        let digests = house.digests(REGION, false).await;
        assert_eq!(ends(&digests), ["2023-11-14T23:00:00Z"]);
        assert_eq!(listed(&digests).len(), 1 - backfilled);
    }
}

#[tokio::test]
async fn hours_that_the_house_was_shut_get_their_digests_when_it_opens() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.happens("Before", REGION).await;
    house.deliver().await;
    house.pass(HOUR * 5 + MINUTE);
    let house = house.restart().await;
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(digests.len(), 5);
    assert_eq!(listed(&digests[..1]).len(), 1);

    // After a long time the first spans what is too much for one each.
    house.pass(HOUR * 24 * 60);
    let house = house.restart().await;
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(digests.len(), 5 + 48);
    assert_eq!(digests[52]["digestEndTime"], (START + HOUR * (24 * 60 + 5)).iso());
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_digest_leaves_one_digest_of_each_hour() {
    let mut house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    for step in 0..8 {
        house.happens("Something", REGION).await;
        house.deliver().await;
        house.pass(HOUR);
        match step % 4 {
            0 => {}
            1 => _ = house.archive().digests().await.unwrap(),
            2 => {
                house.archive().digests().await.unwrap();
                house.put_only().await;
            }
            _ => house.digest().await,
        }
        house = house.restart().await;
        house.deliver().await;
    }
    let digests = house.digests(REGION, false).await;
    assert_eq!(digests.len(), 8);
    assert_eq!(listed(&digests).len(), 8);
    assert_eq!(house.objects(BUCKET).await.len(), 16);
}

#[tokio::test]
async fn keys_are_rotated_and_old_digests_stay_provable() {
    let settings = Settings {
        delivery_interval: MINUTE * 5,
        digest_interval: HOUR,
        key_rotation: HOUR * 2,
        memory_bytes_max: 1 << 20,
    };
    let house = House::with(settings).await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    for _ in 0..6 {
        house.pass(HOUR);
        house.deliver().await;
    }
    let digests = house.digests(REGION, false).await;
    let mut signers: Vec<&str> =
        digests.iter().map(|digest| digest["digestPublicKeyFingerprint"].as_str().unwrap()).collect();
    signers.dedup();
    assert_eq!((digests.len(), signers.len()), (6, 3));
    let keys = house.trails.public_keys(REGION, Some((START, house.now()))).await.unwrap();
    assert_eq!(keys.len(), 3);
    assert_eq!(house.trails.public_keys("eu-central-1", Some((START, house.now()))).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_clock_turned_back_makes_no_second_digest_of_an_hour() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.deliver().await;
    house.pass(HOUR);
    house.deliver().await;
    house.sim.clock.set(START + MINUTE * 30);
    house.happens("Again", REGION).await;
    house.deliver().await;
    house.pass(HOUR * 2);
    house.deliver().await;
    let digests = house.digests(REGION, false).await;
    assert_eq!(ends(&digests), ["2023-11-14T23:00:00Z", "2023-11-15T00:00:00Z"]);
    assert_eq!(listed(&digests).len() + listed(&house.digests(REGION, true).await).len(), 1);
}

#[tokio::test]
async fn the_loops_deliver_by_themselves_and_end_at_once() {
    let settings = Settings {
        delivery_interval: SECOND,
        digest_interval: SECOND * 10,
        key_rotation: HOUR,
        memory_bytes_max: 1 << 20,
    };
    let house = House::with(settings).await;
    house.trail("main", |_| {}).await;
    house.happens("First", REGION).await;
    house.absorb().await;
    let (trails, shutdown) = (house.trails.clone(), tokio_util::sync::CancellationToken::new());
    let token = shutdown.clone();
    let running = tokio::spawn(async move { trails.run(token).await });
    let seen = |time: Option<Time>| time.is_some();
    let mut passed = Duration::ZERO;
    loop {
        let status = house.trails.status("arn:aws:cloudtrail:us-east-1:111122223333:trail/main").await.unwrap();
        if seen(status.latest_delivery) && seen(status.latest_digest_delivery) {
            break;
        }
        // Both are due long before; beyond it the loops must get by without more time.
        if passed < SECOND * 60 {
            house.pass(SECOND / 2);
            passed += SECOND / 2;
        }
        tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
    }
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(house.logs().await.len(), 1);
}
