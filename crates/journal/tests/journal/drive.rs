//! Readers that are fast, slow, failing, broken.

use crate::{entry, noise, open, segments};
use cairn_event::{Origin, Origins, Time};
use cairn_journal::{Batch, Driver, Entry, Journal, Position, ReadError, Reader};
use cairn_world::sim::{Sim, SimClock};
use cairn_world::{Disk, Open, SystemDisk};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A reader that notes what befalls it and misbehaves when told to.
pub struct Probe {
    name: &'static str,
    origins: Origins,
    at: watch::Sender<Position>,
    notes: Mutex<Notes>,
    open: watch::Sender<bool>,
}

#[derive(Default)]
struct Notes {
    seen: Vec<u64>,
    /// Where the text of each record lies in memory.
    places: Vec<usize>,
    skips: Vec<Position>,
    durable: Option<Position>,
    fails: bool,
    panics: bool,
    offers: usize,
}

impl Probe {
    pub fn named(name: &'static str) -> Self {
        Self::of(name, Origins::of(&Origin::ALL))
    }

    fn of(name: &'static str, origins: Origins) -> Self {
        Self { name, origins, at: watch::Sender::default(), notes: Mutex::default(), open: watch::Sender::new(true) }
    }

    pub fn at(&self) -> Position {
        *self.at.borrow()
    }

    pub fn seen(&self) -> Vec<u64> {
        self.notes.lock().unwrap().seen.clone()
    }

    pub fn skips(&self) -> Vec<Position> {
        self.notes.lock().unwrap().skips.clone()
    }

    pub fn fail(&self, fails: bool) {
        self.notes.lock().unwrap().fails = fails;
    }

    /// Claims that no more than this is durable.
    pub fn hold_position(&self, position: Position) {
        self.notes.lock().unwrap().durable = Some(position);
    }

    pub fn follow_position(&self) {
        self.notes.lock().unwrap().durable = None;
    }

    pub async fn until_read(&self, position: Position) {
        let _ = self.at.subscribe().wait_for(|at| *at >= position).await;
    }
}

#[async_trait::async_trait]
impl Reader for Probe {
    fn name(&self) -> &'static str {
        self.name
    }

    fn origins(&self) -> Origins {
        self.origins
    }

    fn position(&self) -> Position {
        self.notes.lock().unwrap().durable.unwrap_or(self.at())
    }

    async fn absorb(&self, batch: &Batch) -> Result<(), ReadError> {
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        {
            let mut notes = self.notes.lock().unwrap();
            notes.offers += 1;
            if std::mem::take(&mut notes.panics) {
                drop(notes);
                panic!("a reader that breaks down");
            }
            if notes.fails {
                return Err(ReadError("not now".to_owned()));
            }
            notes.seen.extend(batch.iter().map(|item| item.position().0));
            notes.places.extend(batch.iter().map(|item| item.raw().as_ptr() as usize));
        }
        self.at.send_replace(batch.range().end);
        Ok(())
    }

    async fn skipped(&self, start: Position) -> Result<(), ReadError> {
        self.notes.lock().unwrap().skips.push(start);
        self.at.send_replace(start);
        Ok(())
    }
}

/// A driver at work while time passes.
pub struct Running {
    shutdown: CancellationToken,
    driver: tokio::task::JoinHandle<()>,
    clock: Arc<SimClock>,
}

impl Running {
    pub fn start(sim: &Sim, journal: &Journal, probes: &[&Arc<Probe>]) -> Self {
        let readers = probes.iter().map(|probe| (*probe).clone() as Arc<dyn Reader>).collect();
        let shutdown = CancellationToken::new();
        let driver = tokio::spawn(Driver::new(&sim.world(), journal, readers).run(shutdown.clone()));
        Self { shutdown, driver, clock: sim.clock.clone() }
    }

    /// Lets time pass until something is so.
    pub async fn until(&self, so: impl Fn() -> bool) {
        while !so() {
            self.step().await;
        }
    }

    /// Lets so much happen that whatever is due has happened.
    pub async fn rest(&self) {
        for _ in 0..200 {
            self.step().await;
        }
    }

    async fn step(&self) {
        self.clock.advance(Duration::from_secs(1));
        // Blocking calls need turns of their own.
        tokio::task::spawn_blocking(|| {}).await.unwrap();
        tokio::task::yield_now().await;
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.driver.await.unwrap();
    }
}

async fn append(journal: &Journal, records: usize) {
    journal.append(vec![entry("{}"); records]).await.unwrap();
}

#[tokio::test]
async fn readers_at_the_same_place_share_what_is_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    append(&journal, 3).await;
    let probes = [Arc::new(Probe::named("a")), Arc::new(Probe::named("b")), Arc::new(Probe::named("c"))];
    probes[2].at.send_replace(Position(2));
    let running = Running::start(&sim, &journal, &[&probes[0], &probes[1], &probes[2]]);
    for records in [4, 1, 90] {
        for probe in &probes {
            probe.until_read(journal.end()).await;
        }
        append(&journal, records).await;
    }
    for probe in &probes {
        probe.until_read(journal.end()).await;
    }
    let places = probes.each_ref().map(|probe| probe.notes.lock().unwrap().places.clone());
    assert_eq!(probes[0].seen(), (0..98).collect::<Vec<_>>());
    assert_eq!(probes[2].seen(), (2..98).collect::<Vec<_>>());
    assert_eq!(places[0], places[1]);
    assert_eq!(places[0][3..], places[2][1..]);
    running.stop().await;
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_up_and_catches_up_alone() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    let (fast, slow) = (Arc::new(Probe::named("fast")), Arc::new(Probe::named("slow")));
    slow.open.send_replace(false);
    let running = Running::start(&sim, &journal, &[&fast, &slow]);
    for records in 1..40 {
        append(&journal, records).await;
        fast.until_read(journal.end()).await;
    }
    assert_eq!(slow.at(), Position(0));
    slow.open.send_replace(true);
    slow.until_read(journal.end()).await;
    assert_eq!(slow.seen(), fast.seen());
    append(&journal, 5).await;
    fast.until_read(journal.end()).await;
    slow.until_read(journal.end()).await;
    let places = [&fast, &slow].map(|probe| probe.notes.lock().unwrap().places.split_off(780));
    assert_eq!(places[0], places[1], "having caught up, it shares again");
    running.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_not_absorbed_is_offered_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    append(&journal, 3).await;
    let probe = Arc::new(Probe::named("reader"));
    probe.fail(true);
    let running = Running::start(&sim, &journal, &[&probe]);
    running.until(|| probe.notes.lock().unwrap().offers == 5).await;
    assert_eq!(probe.at(), Position(0));
    probe.fail(false);
    running.until(|| probe.at() == Position(3)).await;
    assert_eq!(probe.seen(), [0, 1, 2]);
    running.stop().await;
}

#[tokio::test]
async fn a_reader_that_breaks_down_starts_from_what_it_made_durable() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    append(&journal, 3).await;
    let probe = Arc::new(Probe::named("reader"));
    probe.notes.lock().unwrap().panics = true;
    let running = Running::start(&sim, &journal, &[&probe]);
    running.until(|| probe.at() == Position(3)).await;
    assert_eq!(probe.seen(), [0, 1, 2]);
    running.stop().await;
}

#[tokio::test]
async fn damage_is_skipped_and_the_reader_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    for records in [3, 4, 5] {
        append(&journal, records).await;
    }
    let path = dir.path().join(&segments(dir.path())[0]);
    let mut bytes = SystemDisk.read(&path).unwrap();
    let second = bytes.windows(3).enumerate().filter(|(_, window)| window == b"\xF5JF").nth(1).unwrap().0;
    bytes[second + 40] ^= 1;
    SystemDisk.open(&path, Open::Write).unwrap().write_at(&bytes, 0).unwrap();
    let probe = Arc::new(Probe::named("reader"));
    let running = Running::start(&sim, &journal, &[&probe]);
    probe.until_read(Position(12)).await;
    assert_eq!(probe.seen(), [0, 1, 2, 7, 8, 9, 10, 11]);
    assert_eq!(probe.skips(), [Position(7)]);
    running.stop().await;
}

#[tokio::test]
async fn a_reader_that_knows_more_than_the_journal_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    append(&journal, 3).await;
    let probe = Arc::new(Probe::named("reader"));
    probe.at.send_replace(Position(100));
    let running = Running::start(&sim, &journal, &[&probe]);
    running.until(|| !probe.skips().is_empty()).await;
    append(&journal, 2).await;
    probe.until_read(Position(5)).await;
    assert_eq!((probe.skips(), probe.seen()), (vec![Position(3)], vec![3, 4]));
    running.stop().await;
}

#[tokio::test]
async fn frames_that_no_reader_wants_are_passed_unread() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(Time(0));
    let (journal, _) = open(&sim.world(), dir.path());
    let import = |body: String| Entry { origin: Origin::Import, ..entry(&body) };
    append(&journal, 2).await;
    journal.append((0..3).map(|_| import(noise(&sim, 2000))).collect()).await.unwrap();
    append(&journal, 2).await;
    let path = dir.path().join(&segments(dir.path())[1]);
    let mut bytes = SystemDisk.read(&path).unwrap();
    bytes[100] ^= 1;
    SystemDisk.open(&path, Open::Write).unwrap().write_at(&bytes, 0).unwrap();
    let door = Arc::new(Probe::of("door", Origins::of(&[Origin::Door])));
    let running = Running::start(&sim, &journal, &[&door]);
    door.until_read(Position(7)).await;
    assert_eq!((door.seen(), door.skips()), (vec![0, 1, 5, 6], vec![]), "what it does not want may be damaged");
    running.stop().await;
    let (door, all) = (Arc::new(Probe::of("door", Origins::of(&[Origin::Door]))), Arc::new(Probe::named("all")));
    let running = Running::start(&sim, &journal, &[&door, &all]);
    all.until_read(Position(7)).await;
    assert_eq!((all.seen(), all.skips()), (vec![0, 1, 5, 6], vec![Position(5)]));
    running.stop().await;
}
