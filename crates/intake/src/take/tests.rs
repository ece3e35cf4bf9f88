use crate::sample::{aggregated, digest, event, file, gzip, insight};
use crate::{Error, File, Intake, Kind, Report, Settings};
use bytes::Bytes;
use cairn_event::{Origin, Time};
use cairn_journal::{Journal, Options, Position};
use cairn_store::Db;
use cairn_world::sim::{Faults, Sim};
use proptest::prelude::*;
use std::time::Duration;
use tempfile::TempDir;

struct House {
    sim: Sim,
    dir: TempDir,
    journal: Journal,
    intake: Intake,
}

const LIMIT: u64 = 4 << 20;

impl House {
    async fn new() -> Self {
        Self::at(Sim::at(Time::from_seconds(1_800_000_000)), tempfile::tempdir().unwrap(), LIMIT).await
    }

    async fn at(sim: Sim, dir: TempDir, limit: u64) -> Self {
        let options = Options { segment_bytes_max: 1 << 22, bytes_max: 1 << 30, age_max: Duration::from_secs(1 << 30) };
        let (journal, _) = Journal::open(&sim.world(), &dir.path().join("journal"), options).unwrap();
        let db = Db::open(&dir.path().join("db")).await.unwrap();
        let settings = Settings { body_bytes_max: limit + 1000, file_bytes_max: limit };
        let intake = Intake::open(&sim.world(), &db, &journal, &dir.path().join("intake"), settings).await.unwrap();
        Self { sim, dir, journal, intake }
    }

    /// Ends without saving anything and starts again.
    async fn crash(self) -> Self {
        self.journal.close().await;
        drop(self.intake);
        Self::at(self.sim, self.dir, LIMIT).await
    }

    async fn restart(self) -> Self {
        self.intake.close().await;
        self.crash().await
    }

    async fn take(&self, body: impl Into<Bytes>) -> Result<Report, Error> {
        self.intake.take("log.json", body.into()).await
    }

    async fn check(&self, body: impl Into<Bytes>, new: u64, duplicates: u64, rejected: u64) -> Report {
        let report = self.take(body).await.unwrap();
        assert_eq!((report.new, report.duplicates, report.rejected), (new, duplicates, rejected), "{report:?}");
        assert_eq!(report.records, new + duplicates);
        report
    }

    /// All that the journal holds.
    fn bodies(&self) -> Vec<String> {
        let (mut from, mut bodies) = (self.journal.start(), Vec::new());
        while from < self.journal.end() {
            let batch = self.journal.read(from, 1 << 20).unwrap();
            assert!(batch.iter().all(|item| item.origin() == Origin::Import && item.time() == self.sim.world().now()));
            bodies.extend(batch.iter().map(|item| item.raw().to_owned()));
            from = batch.range().end;
        }
        bodies
    }
}

fn events(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(event).collect()
}

#[tokio::test]
async fn a_file_comes_in_byte_for_byte_and_only_once() {
    let house = House::new().await;
    let body = gzip(file(&events(0..50)));
    let report = house.check(body.clone(), 50, 0, 0).await;
    assert_eq!((report.kind, report.bytes), (Kind::Log, file(&events(0..50)).len() as u64));
    assert_eq!(house.bodies(), events(0..50));
    house.check(body, 0, 50, 0).await;
    house.check(file(&events(40..60)), 10, 10, 0).await;
    assert_eq!(house.bodies(), events(0..60));
}

#[tokio::test]
async fn what_is_known_is_known_after_a_start_and_after_a_crash() {
    let house = House::new().await;
    house.check(file(&events(0..10)), 10, 0, 0).await;
    let house = house.crash().await;
    house.check(file(&events(5..15)), 5, 5, 0).await;
    let house = house.restart().await;
    house.check(file(&events(10..20)), 5, 5, 0).await;
    let house = house.crash().await;
    house.check(file(&events(0..20)), 0, 20, 0).await;
    assert_eq!(house.bodies(), events(0..20));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_side_by_side_bring_every_event_in_once() {
    let house = House::new().await;
    let tasks: Vec<_> = (0..40_u64)
        .map(|number| {
            let (intake, from) = (house.intake.clone(), number % 8 * 25);
            tokio::spawn(async move { intake.take("x.json", file(&events(from..from + 50)).into()).await.unwrap() })
        })
        .collect();
    let (mut new, mut records) = (0, 0);
    for task in tasks {
        let report = task.await.unwrap();
        new += report.new;
        records += report.records;
    }
    assert_eq!((new, records), (225, 2000));
    let mut bodies = house.bodies();
    bodies.sort_unstable();
    let mut expected = events(0..225);
    expected.sort_unstable();
    assert_eq!(bodies, expected);
}

#[tokio::test]
async fn equal_ids_with_other_bytes_are_both_kept() {
    let house = House::new().await;
    let other = event(1).replace("GetBucketAcl", "GetBucketTagging");
    let report = house.check(file(&[event(1), other.clone(), event(1)]), 2, 1, 0).await;
    assert_eq!(report.conflicts, 1);
    let report = house.check(file(&[other.clone(), other.replace("Tagging", "Cors")]), 1, 1, 0).await;
    assert_eq!(report.conflicts, 1);
}

#[tokio::test]
async fn bad_records_are_named_and_their_neighbours_taken() {
    let house = House::new().await;
    let deep = format!(r#"{{"eventID":"d","eventName":"N","x":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let absurd = event(4).replace("2023-07-10", "9999-99-99");
    let (one, two) = (event(1), event(2));
    let records = [one.as_str(), "7", &deep, "[]", &two, r#"{"no":"event"}"#, &absurd];
    let report = house.check(gzip(file(&records)), 3, 0, 4).await;
    assert_eq!((report.undated, report.unnamed), (1, 0));
    let places: Vec<(u64, u64)> = report.rejections.iter().map(|bad| (bad.index, bad.offset)).collect();
    let at = 12 + one.len() as u64;
    assert_eq!(places[..2], [(1, at + 1), (2, at + 3)]);
    assert!(report.rejections[1].reason.contains("nested deeper"));
    assert_eq!(house.bodies(), [one, two, absurd]);
}

#[tokio::test]
async fn invalid_utf8_costs_its_record() {
    let house = House::new().await;
    let text = file(&events(1..3)).replacen("né", "n\u{1}", 1).into_bytes();
    let text: Vec<u8> = text.into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
    let report = house.check(text, 1, 0, 1).await;
    assert!(report.rejections[0].reason.contains("UTF-8"));
}

#[tokio::test]
async fn a_damaged_file_is_refused_whole_and_the_next_one_taken() {
    let house = House::new().await;
    let whole = gzip(file(&events(0..100)));
    let mut flipped = whole.clone();
    let end = flipped.len();
    flipped[end - 6] ^= 1;
    let cut = file(&events(0..3));
    for (body, word) in [
        (whole[..whole.len() / 2].to_vec(), "cut off"),
        (flipped, "damaged"),
        (cut.as_bytes()[..cut.len() - 10].to_vec(), "cut off"),
        (b"<html>".to_vec(), "no log file"),
        (gzip(b"<html>"), "no log file"),
        (digest(1).replace("SHA-256", "").into_bytes(), "a digest file"),
    ] {
        let error = house.take(body).await.unwrap_err();
        assert!(matches!(&error, Error::Invalid { reason, .. } if reason.contains(word)), "{error}");
    }
    assert!(house.bodies().is_empty());
    house.check(whole, 100, 0, 0).await;
}

#[tokio::test]
async fn files_of_several_members_are_read_to_the_end() {
    let house = House::new().await;
    let joined: Vec<u8> = (0..20).flat_map(|number| gzip(file(&events(number * 50..number * 50 + 50)))).collect();
    house.check(joined, 1000, 0, 0).await;
}

#[tokio::test]
async fn bombs_and_files_over_the_limits_are_refused() {
    let house = House::new().await;
    let bomb = gzip(vec![b' '; LIMIT as usize + 1]);
    let members: Vec<u8> = std::iter::repeat_n(gzip(vec![b' '; LIMIT as usize / 2]), 3).flatten().collect();
    let mut line = file(&events(0..1)).into_bytes();
    line.splice(0..0, vec![b' '; LIMIT as usize]);
    let sent = vec![b' '; LIMIT as usize + 1001];
    for body in [bomb, members, line, sent] {
        let error = house.take(body).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
}

#[tokio::test]
async fn one_long_line_is_taken_in_pieces() {
    let sim = Sim::at(Time::from_seconds(1_800_000_000));
    let house = House::at(sim, tempfile::tempdir().unwrap(), 1 << 30).await;
    let text = file(&events(0..40_000));
    assert!(text.len() > 3 * super::PIECE_BYTES, "{}", text.len());
    house.check(text.clone(), 40_000, 0, 0).await;
    assert_eq!(house.bodies().len(), 40_000);
    house.check(gzip(text), 0, 40_000, 0).await;
}

#[tokio::test]
async fn digests_are_no_logs_and_other_kinds_are_told_apart() {
    let house = House::new().await;
    for (name, body, kind, new) in [
        ("a/CloudTrail-Digest/x.json.gz", digest(3), Kind::Digest, 0),
        ("a/CloudTrail-Insight/x.json.gz", file(&[insight(1), insight(2)]), Kind::Insight, 2),
        ("a/CloudTrail-Aggregated/x.json.gz", file(&[aggregated(1)]), Kind::Aggregated, 1),
        ("a/CloudTrail-NetworkActivity/x.json.gz", file(&events(0..1)), Kind::Log, 1),
        ("a/Config/x.json.gz", r#"{"configurationItems":[]}"#.to_owned(), Kind::Other, 0),
        ("empty", String::new(), Kind::Other, 0),
    ] {
        let report = house.intake.take(name, gzip(body).into()).await.unwrap();
        assert_eq!((report.kind, report.new), (kind, new), "{name}");
        assert_eq!(report.note.is_some(), kind == Kind::Other);
    }
    assert_eq!(house.bodies().len(), 4);
}

#[tokio::test]
async fn nothing_is_acknowledged_that_the_journal_did_not_keep() {
    let house = House::new().await;
    house.check(file(&events(0..5)), 5, 0, 0).await;
    house.sim.disk.set(Faults { sync_fails: true, ..Faults::default() });
    let error = house.take(file(&events(0..10))).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    house.sim.disk.set(Faults::default());
    let house = house.crash().await;
    let report = house.take(file(&events(0..10))).await.unwrap();
    assert_eq!((report.records, house.bodies().len()), (10, 10));
}

#[tokio::test]
async fn a_file_is_taken_to_its_end_when_its_sender_goes_away() {
    let house = House::new().await;
    let taking = house.intake.clone();
    let sender = tokio::spawn(async move { taking.take("x", file(&events(0..100)).into()).await });
    tokio::task::yield_now().await;
    sender.abort();
    let _gone = sender.await;
    house.intake.close().await;
    assert!(matches!(house.take(file(&events(0..1))).await, Err(Error::Unavailable(_))));
    assert_eq!(house.journal.end(), Position(100));
    let house = house.crash().await;
    house.check(file(&events(0..100)), 0, 100, 0).await;
}

#[tokio::test]
async fn complete_files_are_remembered_after_a_start() {
    let house = House::new().await;
    let files = ["a", "b"].map(|name| File { name: name.to_owned(), version: "1".to_owned() });
    house.intake.note_complete(&files[1]).await;
    let house = house.restart().await;
    assert_eq!(house.intake.complete(&files).await.unwrap(), [false, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn names_and_bytes_of_any_kind_do_no_harm(
        name in ".{0,40}", mut body in proptest::collection::vec(any::<u8>(), 0..200), form in 0..3_usize
    ) {
        body.splice(0..0, [&b""[..], b"{\"Records\":[", b"\x1f\x8b\x08\0"][form].iter().copied());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = House::new().await;
            let _any = house.intake.take(&name, body.into()).await;
            house.check(file(&events(0..2)), 2, 0, 0).await;
        });
    }
}
