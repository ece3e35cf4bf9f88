//! Appending and reading back.

use crate::{SMALL, entry, open, read_all};
use bytes::Bytes;
use cairn_event::{Origin, Time};
use cairn_journal::{Entry, Error, Journal, Kind, Position};
use cairn_world::sim::{Faults, Sim};
use proptest::prelude::*;

#[tokio::test]
async fn what_is_appended_is_read_back_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let world = Sim::at(Time(0)).world();
    let (journal, recovery) = open(&world, dir.path());
    assert_eq!((recovery.records, recovery.torn_bytes), (0, 0));
    let range = journal.append(vec![entry(r#"{"eventName":"A"}"#), entry("{}")]).await.unwrap();
    assert_eq!(range, Position(0)..Position(2));
    let intent = Entry {
        origin: Origin::Import,
        kind: Kind::Intent,
        time: Time(-9),
        body: Bytes::from_static(b"[\"\xc3\xa4\"]"),
    };
    assert_eq!(journal.append(vec![intent]).await.unwrap(), Position(2)..Position(3));
    journal.close().await;
    let (journal, recovery) = open(&world, dir.path());
    assert_eq!((recovery.records, recovery.torn_bytes, recovery.damage.len()), (3, 0, 0));
    let batch = journal.read(Position(0), 1 << 20).unwrap();
    let items: Vec<_> = batch.iter().collect();
    assert_eq!(items[0].head().unwrap().event_name.as_deref(), Some("A"));
    assert_eq!(items[2].raw(), "[\"ä\"]");
    assert!(items[2].head().is_none());
    assert_eq!((items[2].origin(), items[2].kind(), items[2].time()), (Origin::Import, Kind::Intent, Time(-9)));
    assert_eq!(journal.append(vec![entry("{}")]).await.unwrap(), Position(3)..Position(4));
}

#[tokio::test]
async fn a_full_disk_refuses_appends_until_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    journal.append(vec![entry("{\"a\":1}")]).await.unwrap();
    sim.disk.set(Faults { full: true, ..Faults::default() });
    for _ in 0..3 {
        assert!(matches!(journal.append(vec![entry("{\"b\":1}")]).await, Err(Error::Unavailable(_))));
    }
    sim.disk.set(Faults::default());
    assert_eq!(journal.append(vec![entry("{\"c\":1}")]).await.unwrap(), Position(1)..Position(2));
    let expected = vec![(0, "{\"a\":1}".to_owned()), (1, "{\"c\":1}".to_owned())];
    assert_eq!(read_all(&journal, Position(0), 1).0, expected);
    journal.close().await;
    let (journal, recovery) = open(&sim.world(), dir.path());
    assert_eq!(read_all(&journal, Position(0), 1).0, expected);
    assert_eq!(recovery.torn_bytes, 0);
}

#[tokio::test]
async fn what_a_failed_write_left_behind_never_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    journal.append(vec![entry("{}")]).await.unwrap();
    sim.disk.set(Faults { full_midway: true, ..Faults::default() });
    let refused = (0..8).map(|_| entry(&crate::noise(&sim, 300_000))).collect();
    assert!(matches!(journal.append(refused).await, Err(Error::Unavailable(_))));
    sim.disk.set(Faults::default());
    journal.append(vec![entry("[1]")]).await.unwrap();
    journal.close().await;
    let (journal, recovery) = open(&sim.world(), dir.path());
    assert_eq!(read_all(&journal, Position(0), 1), (vec![(0, "{}".into()), (1, "[1]".into())], vec![]));
    assert_eq!((recovery.torn_bytes, recovery.damage.len()), (0, 0));
}

#[tokio::test]
async fn a_stuck_disk_holds_appends_up_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    sim.disk.set(Faults { stuck: true, ..Faults::default() });
    let appends: Vec<_> = (0..9)
        .map(|_| {
            let (journal, body) = (journal.clone(), Bytes::from(vec![b' '; 8 << 20]));
            tokio::spawn(async move { journal.append(vec![Entry { body, ..entry("") }]).await })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(appends.iter().all(|append| !append.is_finished()));
    assert_eq!(journal.end(), Position(0));
    sim.disk.set(Faults::default());
    for append in appends {
        append.await.unwrap().unwrap();
    }
    assert_eq!(journal.end(), Position(9));
}

#[tokio::test]
async fn a_failed_sync_stops_appends_until_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    journal.append(vec![entry("{\"a\":1}")]).await.unwrap();
    sim.disk.set(Faults { sync_fails: true, ..Faults::default() });
    assert!(matches!(journal.append(vec![entry("{\"b\":1}")]).await, Err(Error::Stopped(_))));
    sim.disk.set(Faults::default());
    assert!(matches!(journal.append(vec![entry("{\"b\":1}")]).await, Err(Error::Stopped(_))));
    assert!(journal.stats().stopped);
    assert_eq!(journal.end(), Position(1));
    journal.close().await;
    let (journal, _) = open(&sim.world(), dir.path());
    assert_eq!(read_all(&journal, Position(0), 1).0, [(0, "{\"a\":1}".to_owned())]);
    assert_eq!(journal.append(vec![entry("{}")]).await.unwrap(), Position(1)..Position(2));
}

#[tokio::test]
async fn what_no_journal_holds_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let world = Sim::at(Time(0)).world();
    let (journal, _) = open(&world, dir.path());
    let latin = Entry { body: Bytes::from_static(b"{\"\xe4\":1}"), ..entry("") };
    let Err(Error::Invalid(error)) = journal.append(vec![entry("{}"), latin]).await else { panic!() };
    assert!(error.contains("record 1 is not UTF-8"), "{error}");
    let huge = Entry { body: vec![b' '; (16 << 20) + 1].into(), ..entry("") };
    assert!(matches!(journal.append(vec![huge]).await, Err(Error::Invalid(_))));
    assert_eq!(journal.append(Vec::new()).await.unwrap(), Position(0)..Position(0));
    assert!(matches!(journal.read(Position(1), 1), Err(Error::Invalid(_))));
    assert!(matches!(Journal::open(&world, dir.path(), SMALL), Err(Error::Unavailable(_))));
    let largest = Entry { body: vec![b' '; 16 << 20].into(), ..entry("") };
    journal.append(vec![entry("{}"), largest.clone(), entry("{}")]).await.unwrap();
    let batch = journal.read(Position(0), usize::MAX).unwrap();
    assert_eq!(batch.iter().map(|item| item.raw().len()).collect::<Vec<_>>(), [2, 16 << 20, 2]);
    journal.close().await;
    assert!(matches!(journal.append(vec![entry("{}")]).await, Err(Error::Stopped(_))));
}

#[tokio::test]
async fn concurrent_appends_keep_their_own_order_and_share_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(&Sim::at(Time(0)).world(), dir.path());
    let appends = (0..20).map(|task| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for round in 0..10 {
                let bodies = [format!("[{task},{round},0]"), format!("[{task},{round},1]")];
                let range = journal.append(bodies.iter().map(|body| entry(body)).collect()).await.unwrap();
                let batch = journal.read(range.start, 1 << 20).unwrap();
                assert_eq!(batch.iter().take(2).map(|item| item.raw().to_owned()).collect::<Vec<_>>(), bodies);
            }
        })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap();
    }
    let (bodies, damage) = read_all(&journal, Position(0), 100);
    assert_eq!((bodies.len(), damage.len()), (400, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_journal_behaves_like_a_list(
        steps in proptest::collection::vec(proptest::option::weighted(0.8, proptest::collection::vec("[a-zä ]{0,900}", 1..12)), 1..25),
        from in any::<proptest::sample::Index>(),
        bytes_max in 1..6000_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let world = Sim::at(Time(0)).world();
        let (mut journal, _) = open(&world, dir.path());
        let mut model = Vec::new();
        for step in steps {
            if let Some(bodies) = step {
                let entries = bodies.iter().map(|body| entry(body)).collect();
                let range = runtime.block_on(journal.append(entries)).unwrap();
                prop_assert_eq!(range.start.0, model.len() as u64);
                model.extend(bodies);
                prop_assert_eq!(range.end.0, model.len() as u64);
            } else {
                runtime.block_on(journal.close());
                let recovery;
                (journal, recovery) = open(&world, dir.path());
                prop_assert_eq!(recovery.records, model.len() as u64);
                prop_assert_eq!((recovery.torn_bytes, recovery.damage.len()), (0, 0));
            }
        }
        let from = from.index(model.len() + 1);
        let expected: Vec<_> = (from as u64..).zip(model[from..].iter().cloned()).collect();
        prop_assert_eq!(read_all(&journal, Position(from as u64), bytes_max), (expected, Vec::new()));
    }
}
