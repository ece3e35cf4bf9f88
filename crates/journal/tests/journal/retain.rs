//! What is dropped, when, and who is told.

use crate::drive::{Probe, Running};
use crate::{entry, segments};
use cairn_event::Time;
use cairn_journal::{Journal, Options, Position};
use cairn_world::sim::Sim;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn open(sim: &Sim, dir: &Path, bytes_max: u64) -> Journal {
    let options = Options { segment_bytes_max: 1024, bytes_max, age_max: DAY };
    Journal::open(&sim.world(), dir, options).unwrap().0
}

/// Appends records of their own frame each until there are `segments`.
async fn fill(journal: &Journal, segments: u64) {
    while journal.stats().segments < segments {
        journal.append(vec![entry(&format!("{{\"n\":{}}}", journal.end().0))]).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_old_goes_once_everybody_has_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time::from_seconds(1_000_000));
    let journal = open(&sim, dir.path(), 1 << 30);
    fill(&journal, 4).await;
    let (fast, slow) = (Arc::new(Probe::named("fast")), Arc::new(Probe::named("slow")));
    slow.hold_position(Position(20));
    let running = Running::start(&sim, &journal, &[&fast, &slow]);
    fast.until_read(journal.end()).await;
    slow.until_read(journal.end()).await;
    sim.clock.advance(DAY + Duration::from_secs(1));
    running.until(|| journal.start() > Position(0)).await;
    assert!(journal.start() <= Position(20), "the slow reader's position is kept");
    assert!(journal.start() > Position(0) && segments(dir.path()).len() < 4);
    slow.follow_position();
    running.until(|| journal.stats().segments == 1).await;
    assert!(fast.skips().is_empty() && slow.skips().is_empty());
    assert_eq!(segments(dir.path()).len(), 1);
    running.stop().await;
    journal.close().await;
    drop(journal);
    assert_eq!(open(&sim, dir.path(), 1 << 30).append(vec![entry("{}")]).await.unwrap().start, fast.at());
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_drops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time::from_seconds(1_000_000));
    let journal = open(&sim, dir.path(), 1 << 30);
    fill(&journal, 3).await;
    let probe = Arc::new(Probe::named("reader"));
    let running = Running::start(&sim, &journal, &[&probe]);
    probe.until_read(journal.end()).await;
    sim.clock.set(Time::from_seconds(2_000_000_000));
    fill(&journal, 5).await;
    probe.until_read(journal.end()).await;
    running.rest().await;
    assert_eq!(journal.start(), Position(0));
    running.stop().await;
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_while_makes_nothing_older() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time::from_seconds(1_700_000_000));
    let journal = open(&sim, dir.path(), 1 << 30);
    fill(&journal, 2).await;
    sim.clock.set(Time(0));
    fill(&journal, 4).await;
    sim.clock.set(Time::from_seconds(1_700_000_000));
    let probe = Arc::new(Probe::named("reader"));
    let running = Running::start(&sim, &journal, &[&probe]);
    probe.until_read(journal.end()).await;
    running.rest().await;
    assert_eq!(journal.start(), Position(0));
    running.stop().await;
}

#[tokio::test]
async fn what_is_too_large_goes_and_a_slow_reader_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let journal = open(&sim, dir.path(), 4096);
    fill(&journal, 2).await;
    let (fast, slow) = (Arc::new(Probe::named("fast")), Arc::new(Probe::named("slow")));
    slow.fail(true);
    let running = Running::start(&sim, &journal, &[&fast, &slow]);
    for segments in 3..12 {
        journal.append(vec![entry("{}"); 3]).await.unwrap();
        fill(&journal, journal.stats().segments.min(segments) + 1).await;
        fast.until_read(journal.end()).await;
        running.until(|| journal.stats().bytes <= 4096).await;
    }
    slow.fail(false);
    running.until(|| slow.at() == journal.end()).await;
    assert!(fast.skips().is_empty(), "the fast reader missed nothing");
    assert_eq!(fast.seen(), (0..journal.end().0).collect::<Vec<_>>());
    let skips = slow.skips();
    assert_eq!(skips.len(), 1);
    let (before, after): (Vec<u64>, Vec<u64>) = slow.seen().into_iter().partition(|position| *position < skips[0].0);
    assert_eq!(before, (0..before.len() as u64).collect::<Vec<_>>());
    assert!(before.len() < skips[0].0 as usize, "something was skipped");
    assert_eq!(after, (skips[0].0..journal.end().0).collect::<Vec<_>>(), "nothing else is missing");
    running.stop().await;
}
