use super::house::{ACCOUNT, BUCKET, HOUR, House, MINUTE, REGION, SECOND};
use cairn_event::Origin;
use cairn_journal::Kind;
use cairn_world::sim::Faults;
use regex::Regex;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const KEY: &str = r"^([^/]+/)*AWSLogs/(o-[a-z0-9]{10,32}/)?\d{12}/CloudTrail/[a-z0-9-]+/\d{4}/\d\d/\d\d/\d{12}_CloudTrail_[a-z0-9-]+_\d{8}T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz$";

#[tokio::test]
async fn a_log_file_holds_the_records_of_one_region_byte_for_byte() {
    let house = House::new().await;
    let trail = house.trail("main", |new| new.prefix = Some("p".to_owned())).await;
    house.pass(SECOND);
    let here = [house.happens("RunInstances", REGION).await, house.happens("StopInstances", REGION).await];
    let there = house.happens("RunInstances", "eu-west-1").await;
    house.pass(MINUTE * 5);
    house.deliver().await;

    let logs = house.logs().await;
    assert_eq!(logs.len(), 2);
    assert!(logs.iter().all(|log| Regex::new(KEY).unwrap().is_match(&log.key) && log.key.starts_with("p/AWSLogs/")));
    assert_eq!(logs[0].json, format!("{{\"Records\":[{there}]}}").into_bytes());
    assert_eq!(logs[1].json, format!("{{\"Records\":[{}]}}", here.join(",")).into_bytes());
    assert!(logs[1].key.contains("_20231114T2205Z_"), "{}", logs[1].key);
    let status = house.status(&trail).await;
    assert_eq!(status.latest_delivery, Some(house.now()));
    assert_eq!(status.latest_delivery_error, None);
}

#[tokio::test]
async fn only_what_was_recorded_here_is_archived() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    let body = house.happens("Seen", REGION).await;
    house.append(&body.replace("Seen", "Imported"), Origin::Import, Kind::Event).await;
    house.append(&body.replace("Seen", "Intended"), Origin::Door, Kind::Intent).await;
    house.append("not JSON", Origin::Door, Kind::Event).await;
    house.deliver().await;
    let logs = house.logs().await;
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].value()["Records"][0]["eventName"], "Seen");
    assert_eq!(logs[0].value()["Records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_stopped_trail_recorded_before_is_delivered_and_nothing_later() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.happens("Before", REGION).await;
    house.pass(SECOND);
    house.trails.stop(house.scope(), "main").await.unwrap();
    house.pass(SECOND);
    house.happens("After", REGION).await;
    house.deliver().await;
    let logs = house.logs().await;
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].value()["Records"][0]["eventName"], "Before");
}

#[tokio::test]
async fn a_crash_before_staging_loses_nothing_and_one_after_it_doubles_nothing() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.happens("First", REGION).await;
    house.absorb().await;
    let house = house.restart().await;
    house.absorb().await;
    house.archive().cut().await.unwrap();
    let position = house.trails.reader().position();
    let house = house.restart().await;
    assert_eq!(house.trails.reader().position(), position);
    house.deliver().await;
    house.deliver().await;
    let logs = house.logs().await;
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].value()["Records"].as_array().unwrap().len(), 1);
    assert!(house.archive().blobs().list().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_was_delivered_but_not_settled_is_found_and_not_put_again() {
    let house = House::new().await;
    house.buckets.set_versioning(BUCKET, cairn_bucket::Versioning::Enabled).await.unwrap();
    house.trail("main", |_| {}).await;
    house.happens("First", REGION).await;
    house.absorb().await;
    house.archive().cut().await.unwrap();
    house.put_only().await;
    let house = house.restart().await;
    house.publish().await;
    let list = cairn_bucket::List { max: 10, ..cairn_bucket::List::default() };
    assert_eq!(house.buckets.list_versions(BUCKET, &list).await.unwrap().items.len(), 1);
    assert!(house.archive().groups(&BTreeSet::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn delivery_is_tried_until_it_works_and_the_error_is_shown_meanwhile() {
    let house = House::new().await;
    let trail = house.trail("main", |_| {}).await;
    house.bucket("other-bucket").await;
    let other = house.trail("other", |new| new.bucket = "other-bucket".to_owned()).await;
    house.allow(BUCKET, false).await;
    for name in ["First", "Second"] {
        house.happens(name, REGION).await;
        house.pass(MINUTE * 5);
        house.deliver().await;
    }
    assert_eq!(house.status(&trail).await.latest_delivery_error.as_deref(), Some("AccessDenied"));
    assert_eq!(house.status(&trail).await.latest_delivery, None);
    assert_eq!(house.status(&other).await.latest_delivery_error, None);
    assert_eq!(house.objects("other-bucket").await.len(), 2);

    let house = house.restart().await;
    house.allow(BUCKET, true).await;
    house.pass(MINUTE);
    house.deliver().await;
    assert_eq!(house.logs().await.len(), 2);
    let status = house.status(&trail).await;
    assert_eq!((status.latest_delivery_error, status.latest_delivery), (None, Some(house.now())));
}

#[tokio::test]
async fn a_damaged_staged_file_holds_no_other_up_and_stays_visible() {
    let house = House::new().await;
    let trail = house.trail("main", |_| {}).await;
    house.happens("Damaged", "eu-west-1").await;
    house.happens("Whole", REGION).await;
    house.absorb().await;
    house.archive().cut().await.unwrap();
    let groups = house.archive().groups(&BTreeSet::new()).await.unwrap();
    let damaged = &groups.values().next().unwrap()[0];
    house.archive().blobs().remove(&damaged.blob).unwrap();
    for (round, delivered) in [1, 2].into_iter().enumerate() {
        house.publish().await;
        assert_eq!(house.logs().await.len(), delivered, "{round}");
        let status = house.status(&trail).await;
        assert!(status.latest_delivery_error.unwrap().contains("cannot be read"));
        assert_eq!(status.latest_delivery, Some(house.now()));
        house.pass(MINUTE);
        house.happens("Later", REGION).await;
        house.absorb().await;
        house.archive().cut().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_trail_started_ahead_of_the_clock_records_begins_at_once() {
    let house = House::new().await;
    house.pass(HOUR * 5);
    house.trail("main", |_| {}).await;
    house.sim.clock.set(house.now() - HOUR * 5);
    house.happens("Now", REGION).await;
    house.deliver().await;
    assert_eq!(house.logs().await.len(), 1);
}

#[tokio::test]
async fn a_failed_group_waits_longer_each_time_but_never_long() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.allow(BUCKET, false).await;
    house.happens("First", REGION).await;
    house.deliver().await;
    let mut spans = Vec::new();
    for _ in 0..9 {
        let next = house.archive().next_publish(&BTreeSet::new()).unwrap();
        spans.push(next.since(house.now()).as_secs());
        assert!(house.archive().groups(&BTreeSet::new()).await.unwrap().is_empty());
        house.pass(next.since(house.now()));
        house.publish().await;
    }
    assert_eq!(spans, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    house.sim.clock.set(house.now() - HOUR * 24);
    assert_eq!(house.archive().groups(&BTreeSet::new()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_is_given_up_after_thirty_days_and_an_event_tells_it() {
    let house = House::new().await;
    let trail = house.trail("main", |_| {}).await;
    house.allow(BUCKET, false).await;
    house.happens("First", REGION).await;
    house.deliver().await;
    house.pass(HOUR * 721);
    house.publish().await;
    assert!(house.archive().groups(&BTreeSet::new()).await.unwrap().is_empty());
    assert!(house.archive().blobs().list().unwrap().is_empty());
    let batch = house.journal.read(house.journal.start(), 1 << 20).unwrap();
    let last = batch.iter().last().unwrap();
    assert_eq!(last.head().unwrap().event_name.as_deref(), Some("DeliveryAbandoned"));
    assert!(last.raw().contains(&trail.arn));
}

#[tokio::test]
async fn a_full_disk_keeps_the_records_and_pushes_back() {
    let house = House::new().await;
    let trail = house.trail("main", |_| {}).await;
    house.happens("First", REGION).await;
    house.absorb().await;
    let position = house.trails.reader().position();
    house.sim.disk.set(Faults { full: true, ..Faults::default() });
    house.archive().cut().await.unwrap_err();
    assert_eq!(house.trails.reader().position(), position);
    assert!(house.status(&trail).await.latest_delivery_error.unwrap().contains("cannot be staged"));

    house.sim.disk.set(Faults::default());
    let long = "x".repeat(200 << 10);
    for _ in 0..8 {
        let body = house.happens("Long", REGION).await;
        house.append(&body.replace("Long", &long), Origin::Door, Kind::Event).await;
    }
    house.absorb().await;
    let batch = house.journal.read(house.journal.start(), 1 << 10).unwrap();
    house.sim.disk.set(Faults { full: true, ..Faults::default() });
    house.trails.reader().absorb(&batch).await.unwrap_err();
    house.sim.disk.set(Faults::default());
    house.trails.reader().absorb(&batch).await.unwrap();

    house.deliver().await;
    let records: usize = house.logs().await.iter().map(|log| log.value()["Records"].as_array().unwrap().len()).sum();
    assert_eq!(records, 17);
    assert_eq!(house.status(&trail).await.latest_delivery_error, None);
}

#[tokio::test]
async fn new_settings_hold_for_new_files_only() {
    let house = House::new().await;
    house.trail("main", |_| {}).await;
    house.happens("First", REGION).await;
    house.deliver().await;
    let update = crate::TrailUpdate { prefix: Some(Some("moved".to_owned())), ..crate::TrailUpdate::default() };
    house.trails.update(house.scope(), "main", update).await.unwrap();
    house.pass(SECOND);
    house.happens("Second", REGION).await;
    house.deliver().await;
    let logs = house.logs().await;
    assert!(logs[0].key.starts_with("AWSLogs/") && logs[1].key.starts_with("moved/AWSLogs/"));
}

#[tokio::test]
async fn a_delivery_is_recorded_and_a_trail_can_leave_its_own_out() {
    for recursive in [true, false] {
        let house = House::new().await;
        house.trail("main", |new| new.recursive_logging = recursive).await;
        let given = json!([{"FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        ]}, {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]);
        let given = cairn_pattern::selector::Given::Advanced(serde_json::from_value(given).unwrap());
        house.trails.put_selectors(house.scope(), "main", given).await.unwrap();
        house.pass(SECOND);
        house.happens("First", REGION).await;
        house.deliver().await;
        let first = house.logs().await.remove(0).key;
        house.pass(MINUTE * 5);
        house.deliver().await;
        let logs = house.logs().await;
        assert_eq!(logs.len(), if recursive { 2 } else { 1 });
        let Some(second) = logs.iter().find(|log| log.key != first) else { continue };
        let record = &second.value()["Records"][0];
        assert_eq!(record["eventName"], "PutObject");
        assert_eq!(record["userIdentity"], json!({"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}));
        assert_eq!(record["requestParameters"]["key"], *first);
        assert_eq!(record["resources"][1]["accountId"], ACCOUNT);
        assert_eq!((&record["eventCategory"], &record["readOnly"]), (&json!("Data"), &json!(false)));
    }
}

#[tokio::test]
async fn a_key_encrypts_files_and_its_use_is_recorded_with_the_context() {
    let house = House::new().await;
    let scope = cairn_key::Scope { account: ACCOUNT, region: REGION };
    let mut policy: serde_json::Value = serde_json::from_str(&cairn_key::default_policy(ACCOUNT)).unwrap();
    policy["Statement"].as_array_mut().unwrap().push(json!({
        "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:*", "Resource": "*",
    }));
    let new = cairn_key::NewKey { policy: Some(policy.to_string()), ..cairn_key::NewKey::default() };
    let key = house.keys.create(scope, new).await.unwrap();
    let trail = house.trail("main", |new| new.kms_key = Some(key.id.to_string())).await;
    house.happens("First", REGION).await;
    house.deliver().await;
    let logs = house.logs().await;
    let object = house.buckets.find(BUCKET, &logs[0].key, None).await.unwrap();
    assert!(format!("{:?}", object.sse).contains(&key.arn));

    let batch = house.journal.read(house.journal.start(), 1 << 20).unwrap();
    let used = batch.iter().find(|item| item.head().unwrap().event_name.as_deref() == Some("GenerateDataKey")).unwrap();
    let record: serde_json::Value = serde_json::from_str(used.raw()).unwrap();
    assert_eq!(
        record["requestParameters"]["encryptionContext"],
        json!({"aws:cloudtrail:arn": trail.arn, "aws:s3:arn": format!("arn:aws:s3:::{BUCKET}/{}", logs[0].key)})
    );
    assert_eq!((&record["managementEvent"], &record["resources"][0]["ARN"]), (&json!(true), &json!(key.arn)));

    house.keys.put_policy(scope, &key.arn, &cairn_key::default_policy(ACCOUNT)).await.unwrap();
    house.happens("Forbidden", REGION).await;
    house.deliver().await;
    assert!(
        house.status(&trail).await.latest_delivery_error.unwrap().contains("does not let cloudtrail.amazonaws.com")
    );
    house.keys.put_policy(scope, &key.arn, &policy.to_string()).await.unwrap();
    house.pass(Duration::from_secs(2));
    house.deliver().await;
    assert_eq!(house.status(&trail).await.latest_delivery_error, None);

    house.keys.disable(scope, &key.arn).await.unwrap();
    house.happens("Second", REGION).await;
    house.deliver().await;
    assert!(house.status(&trail).await.latest_delivery_error.unwrap().starts_with("KMS"));
    house.keys.enable(scope, &key.arn).await.unwrap();
    house.pass(Duration::from_secs(2));
    house.deliver().await;
    assert_eq!(house.status(&trail).await.latest_delivery_error, None);
}
