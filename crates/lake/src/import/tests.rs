//! Imports from a bucket of the house into a table.

use super::*;
use crate::table::Takes;
use crate::table::tests::house::{ACCOUNT, DAY, House, START, event};
use cairn_bucket::{Expected, NewBucket, Put};
use cairn_identity::{NewEntity, NewRole, Sort};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

const LOGS: &str = "source-logs";
const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
const REGION: &str = "us-east-1";

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn key(name: &str, time: Time) -> String {
    let stamp = time.compact_minute();
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{}/{ACCOUNT}_CloudTrail_{REGION}_{stamp}_{name}.json.gz",
        time.day_path()
    )
}

async fn put(house: &House, key: &str, body: Vec<u8>) {
    let put = Put { bucket: LOGS.to_owned(), key: key.to_owned(), ..Put::default() };
    let body = futures::stream::iter([Ok(body.into())]).boxed();
    house.buckets.put(put, body, Expected::default(), None).await.unwrap();
}

/// A log file of events of this time; their ids begin with its name.
async fn log(house: &House, name: &str, time: Time, count: usize) -> String {
    let records: Vec<String> = (0..count).map(|number| event(&format!("{name}-{number}"), time, "X")).collect();
    let key = key(name, time);
    put(house, &key, gzipped(&format!(r#"{{"Records":[{}]}}"#, records.join(",")))).await;
    key
}

/// A house with a bucket of logs, a role that may read it and a table `t`.
async fn prepared() -> (House, Imports) {
    let house = House::new().await;
    let identity = &house.tables.parts().identity;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"*"}]}"#;
    let role = NewRole { trust: trust.to_owned(), description: None, session_seconds_max: None };
    let (path, tags) = (None, std::collections::BTreeMap::default());
    let new = NewEntity { sort: Sort::Role, name: "reader".to_owned(), path, tags, role: Some(role) };
    identity.create(ACCOUNT, new).await.unwrap();
    identity.put_inline(ACCOUNT, Sort::Role, "reader", "read", may).await.unwrap();
    let (name, account, region) = (LOGS.to_owned(), ACCOUNT.to_owned(), REGION.to_owned());
    let tags = std::collections::BTreeMap::default();
    let bucket = NewBucket { name, account, region, object_lock: false, ownership: None, tags };
    house.buckets.create(bucket).await.unwrap();
    house.table("t", Takes::Nothing).await;
    let imports = Imports::open(house.tables.parts(), &house.tables).await.unwrap();
    (house, imports)
}

fn new() -> NewImport {
    NewImport {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        from: From { uri: format!("s3://{LOGS}"), region: REGION.to_owned(), role: ROLE.to_owned() },
        destination: "arn".to_owned(),
        table: "t".to_owned(),
        start: None,
        end: None,
    }
}

async fn get(imports: &Imports, id: &str) -> Import {
    imports.get(ACCOUNT, REGION, id).await.unwrap()
}

/// Works on an import until it has ended.
async fn end(imports: &Imports, id: &str) -> Import {
    let import = get(imports, id).await;
    imports.inner.carry_out(import).await;
    get(imports, id).await
}

fn code(result: Result<impl Sized, Error>) -> &'static str {
    match result {
        Err(Error::Refused { code, .. }) => code,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn every_record_comes_in_once_and_is_counted() {
    let (house, imports) = prepared().await;
    for day in 0..3 {
        for number in 0..120 {
            log(&house, &format!("f{day}{number:03}"), START - DAY * day, 2).await;
        }
    }
    put(&house, &key("d", START).replace("CloudTrail/", "CloudTrail-Digest/"), b"no log".to_vec()).await;
    let id = imports.start(new()).await.unwrap().id;
    let done = end(&imports, &id).await;
    assert_eq!(done.status, Status::Completed);
    let counts = Statistics {
        prefixes_found: 3,
        prefixes_completed: 3,
        files_completed: 360,
        events_completed: 720,
        failed_entries: 0,
    };
    assert_eq!(done.statistics, counts);
    let ids = house.ids("t").await;
    assert_eq!(ids.len(), 720);
    assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]));
    assert!(house.ids(crate::table::EVENTS).await.is_empty());
}

#[tokio::test]
async fn what_fails_is_listed_and_taken_once_it_is_repaired() {
    let (house, imports) = prepared().await;
    log(&house, "good", START, 1).await;
    let bad = key("bad", START);
    let damaged = format!(r#"{{"Records":[{},{{"eventID":7}}]}}"#, event("bad-0", START, "X"));
    put(&house, &bad, gzipped(&damaged)).await;
    put(&house, &key("plain", START), damaged.into_bytes()).await;
    let id = imports.start(new()).await.unwrap().id;
    assert_eq!(end(&imports, &id).await.status, Status::Failed);
    let failures = imports.failures(ACCOUNT, REGION, &id, None, 10).await.unwrap();
    let kinds: Vec<&str> = failures.iter().map(|failure| failure.kind.as_str()).collect();
    assert_eq!(kinds, ["InvalidLogFile", "InvalidGzip"]);
    assert_eq!(failures[0].location, format!("s3://{LOGS}/{bad}"));
    assert_eq!(imports.failures(ACCOUNT, REGION, &id, Some(&failures[0].location), 10).await.unwrap(), failures[1..]);

    log(&house, "bad", START, 2).await;
    assert_eq!(imports.retry(ACCOUNT, REGION, &id).await.unwrap().status, Status::Initializing);
    let again = end(&imports, &id).await;
    assert_eq!((again.status, again.statistics.failed_entries), (Status::Failed, 1));
    log(&house, "plain", START, 1).await;
    imports.retry(ACCOUNT, REGION, &id).await.unwrap();
    let done = end(&imports, &id).await;
    assert_eq!((done.status, done.statistics.events_completed), (Status::Completed, 4));
    let failures = imports.failures(ACCOUNT, REGION, &id, None, 10).await.unwrap();
    assert!(failures.iter().all(|failure| failure.status == FailureStatus::Succeeded), "{failures:?}");
    assert_eq!(house.ids("t").await, ["bad-0", "bad-1", "good-0", "plain-0"]);
    assert_eq!(code(imports.retry(ACCOUNT, REGION, &id).await), "InvalidParameter");
}

#[tokio::test]
async fn an_account_has_one_import_at_a_time_and_what_is_stopped_goes_no_further() {
    let (house, imports) = prepared().await;
    log(&house, "a", START, 1).await;
    let id = imports.start(new()).await.unwrap().id;
    assert_eq!(code(imports.start(new()).await), "AccountHasOngoingImport");
    assert_eq!(imports.tables().await.unwrap(), ["t"]);
    let running = get(&imports, &id).await;
    assert_eq!(imports.stop(ACCOUNT, REGION, &id).await.unwrap().status, Status::Stopped);
    // Whoever was at it writes nothing any more.
    imports.inner.carry_out(running).await;
    assert!(house.ids("t").await.is_empty());
    assert_eq!(get(&imports, &id).await.status, Status::Stopped);
    let other = imports.start(new()).await.unwrap().id;
    assert_eq!(end(&imports, &other).await.status, Status::Completed);
    imports.retry(ACCOUNT, REGION, &id).await.unwrap();
    assert_eq!(end(&imports, &id).await.status, Status::Completed);
    let list = |status| List { account: ACCOUNT, region: REGION, status, max: 10, ..List::default() };
    assert_eq!(imports.list(&list(None)).await.unwrap().len(), 2);
    assert!(imports.list(&list(Some(Status::Stopped))).await.unwrap().is_empty());
    assert_eq!(code(imports.get("444455556666", REGION, &id).await), "ImportNotFound");
}

#[tokio::test]
async fn an_import_goes_on_where_an_end_of_the_process_left_it() {
    let (house, imports) = prepared().await;
    for number in 0..300 {
        log(&house, &format!("f{number:03}"), START, 1).await;
    }
    let id = imports.start(new()).await.unwrap().id;
    // It ends after the first step.
    let mut next = get(&imports, &id).await;
    let place = Place::parse(&next.from.uri).unwrap();
    let source = Source::open(house.tables.parts(), ACCOUNT, place, ROLE).unwrap();
    let (items, _) = source.list(None).await.unwrap();
    next.status = Status::InProgress;
    let files = next.walk_over(&source.place, &items[..200]);
    assert!(imports.inner.take(&source, files, next).await.is_ok());
    let house = house.restart().await;
    let imports = Imports::open(house.tables.parts(), &house.tables).await.unwrap();
    let half = get(&imports, &id).await;
    assert_eq!((half.status, half.statistics.files_completed), (Status::InProgress, 200));
    let done = end(&imports, &id).await;
    assert_eq!((done.status, done.statistics.events_completed), (Status::Completed, 300));
    assert_eq!(house.ids("t").await.len(), 300);
}

#[tokio::test]
async fn files_of_another_time_and_events_past_the_retention_stay_out() {
    let (house, imports) = prepared().await;
    for (name, days) in [("a", 1), ("b", 3), ("c", 5), ("old", 95)] {
        log(&house, name, START - DAY * days, 1).await;
    }
    let span = NewImport { start: Some(START - DAY * 4), end: Some(START - DAY * 2), ..new() };
    let id = imports.start(span).await.unwrap().id;
    assert_eq!(end(&imports, &id).await.statistics.events_completed, 1);
    assert_eq!(house.ids("t").await, ["b-0"]);
    let id = imports.start(NewImport { end: Some(START - DAY * 90), ..new() }).await.unwrap().id;
    let done = end(&imports, &id).await;
    assert_eq!(
        (done.status, done.statistics.files_completed, done.statistics.events_completed),
        (Status::Completed, 1, 0)
    );
}

#[tokio::test]
async fn a_source_that_may_not_be_read_is_refused() {
    let (house, imports) = prepared().await;
    let from = |uri: &str, role: &str| {
        let from = From { uri: uri.to_owned(), region: REGION.to_owned(), role: role.to_owned() };
        NewImport { from, ..new() }
    };
    for (uri, role) in [
        ("s3://source-logs", "arn:aws:iam::111122223333:role/other"),
        ("s3://source-logs", "arn:aws:iam::444455556666:role/reader"),
        ("s3://no-such-logs", ROLE),
        ("source-logs", ROLE),
    ] {
        assert_eq!(code(imports.start(from(uri, role)).await), "InvalidImportSource", "{uri} {role}");
    }
    let identity = &house.tables.parts().identity;
    let only_list =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}"#;
    identity.put_inline(ACCOUNT, Sort::Role, "reader", "read", only_list).await.unwrap();
    log(&house, "a", START, 1).await;
    let id = imports.start(new()).await.unwrap().id;
    assert_eq!(end(&imports, &id).await.status, Status::Failed);
    let failures = imports.failures(ACCOUNT, REGION, &id, None, 10).await.unwrap();
    assert_eq!(failures[0].kind, "AccessDenied");
    identity.delete_inline(ACCOUNT, Sort::Role, "reader", "read").await.unwrap();
    assert_eq!(code(imports.start(new()).await), "InvalidImportSource");
}

#[tokio::test]
async fn how_an_import_ends_does_not_take_back_how_far_it_is() {
    let (house, imports) = prepared().await;
    log(&house, "one", START, 2).await;
    let old = imports.start(new()).await.unwrap();
    let place = Place::parse(&old.from.uri).unwrap();
    let source = Source::open(&imports.inner.parts, ACCOUNT, place, ROLE).unwrap();
    let items = source.list(None).await.ok().unwrap().0;
    let mut next = old.clone();
    let files = next.walk_over(&source.place, &items);
    let next = imports.inner.take(&source, files, next).await.ok().unwrap();
    // Whoever worked on it was told that the step had failed.
    let failure = Failure {
        location: old.from.uri.clone(),
        status: FailureStatus::Failed,
        kind: "Unavailable".to_owned(),
        message: "the commit did not say how it ended".to_owned(),
        updated: START,
    };
    imports.inner.end(&old, Some(failure)).await.unwrap();
    let found = get(&imports, &old.id).await;
    assert_eq!((found.status, found.walk.after), (Status::Failed, next.walk.after));
    assert_eq!(found.statistics.events_completed, 2);
    assert_eq!(found.statistics.failed_entries, 1);
}
