//! Power that fails: what was acknowledged is there, in its place, once.

use crate::{copy, entry, noise, open, read_all, segments};
use cairn_event::Time;
use cairn_journal::{Journal, Options, Position};
use cairn_world::sim::{Faults, Sim};
use proptest::prelude::*;
use std::sync::Arc;

async fn until_sync_waits(sim: &Arc<Sim>) {
    let sim = sim.clone();
    tokio::task::spawn_blocking(move || sim.disk.until_sync_waits()).await.unwrap();
}

/// Appends `acknowledged`, then cuts the power while `unanswered` waits for its sync, and
/// starts again.
async fn crash(acknowledged: &[Vec<String>], unanswered: &[String], mut survives: impl FnMut() -> bool) {
    let dir = tempfile::tempdir().unwrap();
    let sim = Arc::new(Sim::at(Time(0)));
    sim.disk.remember_unsynced();
    let options = Options { segment_bytes_max: 8 << 20, ..crate::SMALL };
    let (journal, _) = Journal::open(&sim.world(), dir.path(), options).unwrap();
    for bodies in acknowledged {
        journal.append(bodies.iter().map(|body| entry(body)).collect()).await.unwrap();
    }
    sim.disk.set(Faults { sync_stuck: true, ..Faults::default() });
    let waiting = {
        let (journal, entries) = (journal.clone(), unanswered.iter().map(|body| entry(body)).collect());
        tokio::spawn(async move { journal.append(entries).await })
    };
    until_sync_waits(&sim).await;
    sim.disk.cut_power(&mut survives).unwrap();
    assert!(waiting.await.unwrap().is_err());
    journal.close().await;
    sim.disk.set(Faults::default());

    let all: Vec<&String> = acknowledged.iter().flatten().chain(unanswered).collect();
    let promised = acknowledged.iter().flatten().count();
    let (journal, _) = open(&sim.world(), dir.path());
    let (read, _) = read_all(&journal, Position(0), 1 << 20);
    for (position, body) in &read {
        assert_eq!(body, all[*position as usize]);
    }
    let kept: Vec<u64> =
        read.iter().map(|(position, _)| *position).take_while(|position| *position < promised as u64).collect();
    assert_eq!(kept, (0..promised as u64).collect::<Vec<_>>());
    let end = journal.end();
    assert!((promised..=all.len()).contains(&(end.0 as usize)));
    assert_eq!(journal.append(vec![entry("[]")]).await.unwrap().start, end);
    journal.close().await;
    let (journal, recovery) = open(&sim.world(), dir.path());
    assert_eq!(recovery.torn_bytes, 0);
    let (mut expected, again) = (read, read_all(&journal, Position(0), 1 << 20).0);
    expected.push((end.0, "[]".to_owned()));
    assert_eq!(again, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_power_cut_keeps_all_that_was_acknowledged(
        acknowledged in proptest::collection::vec(proptest::collection::vec("[a-z]{0,2000}", 1..4), 0..8),
        lengths in proptest::collection::vec(1..900_000_usize, 1..5),
        survivors in proptest::collection::vec(any::<bool>(), 1..64),
        mostly in any::<bool>(),
    ) {
        let sim = Sim::at(Time(0));
        let unanswered: Vec<String> = lengths.iter().map(|length| noise(&sim, *length)).collect();
        let mut turn = 0;
        let survives = || {
            turn += 1;
            let rarely = turn % 97 == 0;
            (mostly || survivors[turn % survivors.len()]) && !rarely
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(crash(&acknowledged, &unanswered, survives));
    }
}

#[tokio::test]
async fn a_power_cut_in_the_first_append_leaves_an_empty_journal() {
    crash(&[], &["{}".to_owned()], || false).await;
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let world = Sim::at(Time(0)).world();
    let (journal, _) = open(&world, dir.path());
    for position in 0..40 {
        journal.append(vec![entry(&format!("[{position}]"))]).await.unwrap();
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let (journal, recovery) = open(&world, copied.path());
        assert_eq!((recovery.records, recovery.torn_bytes, recovery.damage.len()), (position + 1, 0, 0));
        assert_eq!(read_all(&journal, Position(position), 1).0, [(position, format!("[{position}]"))]);
    }
}

#[tokio::test]
async fn a_segment_that_a_crash_kept_from_beginning_still_counts() {
    let dir = tempfile::tempdir().unwrap();
    let world = Sim::at(Time(0)).world();
    let (journal, _) = open(&world, dir.path());
    while journal.stats().segments < 3 {
        journal.append(vec![entry(&"x".repeat(90)); 9]).await.unwrap();
    }
    journal.close().await;
    // The newest file is as long as it was made, and empty otherwise.
    let newest = dir.path().join(segments(dir.path()).pop().unwrap());
    let first: u64 = newest.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let file = world.disk.open(&newest, cairn_world::Open::Truncate).unwrap();
    file.set_len(crate::SMALL.segment_bytes_max).unwrap();
    let (journal, recovery): (Journal, _) = open(&world, dir.path());
    assert_eq!((journal.end().0, recovery.torn_bytes, recovery.damage.len()), (first, 0, 0));
    assert_eq!(journal.append(vec![entry("{}")]).await.unwrap().start.0, first);
    assert_eq!(read_all(&journal, Position(first), 1).0, [(first, "{}".to_owned())]);
}
