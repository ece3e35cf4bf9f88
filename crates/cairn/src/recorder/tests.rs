//! The recorder on a journal whose disk fails on demand.

use super::*;
use cairn_event::Head;
use cairn_identity::Caller;
use cairn_journal::{Options, Position};
use cairn_world::sim::{Faults, Sim};
use serde_json::Value;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

struct Bench {
    sim: Sim,
    dir: tempfile::TempDir,
    db: Db,
    journal: Journal,
    recorder: Recorder,
}

fn open_journal(world: &World, dir: &Path) -> Journal {
    let options = Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 40, age_max: Duration::MAX };
    Journal::open(world, &dir.join("journal"), options).unwrap().0
}

async fn open_recorder(sim: &Sim, db: &Db, journal: &Journal, dir: &Path, mode: Recording) -> Recorder {
    let settings = Settings {
        mode,
        queue_bytes_max: 64 << 10,
        account: "111122223333".into(),
        region: "us-east-1".into(),
        lost_file: dir.join("lost.json"),
    };
    Recorder::open(&sim.world(), db, journal, settings).await.unwrap()
}

impl Bench {
    async fn new(mode: Recording) -> Self {
        let sim = Sim::at(Time(1_700_000_000_000));
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let journal = open_journal(&sim.world(), dir.path());
        let recorder = open_recorder(&sim, &db, &journal, dir.path(), mode).await;
        Self { sim, dir, db, journal, recorder }
    }

    /// The same house after a crash that came now.
    async fn crash(self, mode: Recording) -> Self {
        let Self { sim, dir, db, journal, recorder } = self;
        sim.disk.set(Faults::default());
        journal.close().await;
        drop((recorder, journal));
        let journal = open_journal(&sim.world(), dir.path());
        let recorder = open_recorder(&sim, &db, &journal, dir.path(), mode).await;
        Self { sim, dir, db, journal, recorder }
    }

    fn call(&self, number: u128) -> (Arrival, Outcome) {
        let arrival = Arrival {
            request_id: Uuid::from_u128(number),
            event_id: Uuid::from_u128(number),
            received: self.sim.world().now(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            host: None,
            tls: None,
        };
        let outcome = Outcome::of(Caller::anonymous(), "iam.amazonaws.com", "CreateUser", "us-east-1");
        (arrival, outcome)
    }

    async fn record(&self, number: u128) -> Result<(), Fault> {
        let (arrival, outcome) = self.call(number);
        let records = crate::record::records(&arrival, &outcome, self.sim.world().now(), "111122223333");
        self.recorder.record(arrival.event_id, records).await
    }

    /// Every event that is durable, by kind, id and error code.
    fn events(&self) -> Vec<(Kind, String, Option<String>, Value)> {
        let mut found = Vec::new();
        let mut from = self.journal.start();
        while from < self.journal.end() {
            let batch = self.journal.read(from, 1 << 20).unwrap();
            for item in batch.iter() {
                let head = Head::parse(item.raw()).unwrap();
                let (id, error) =
                    (head.event_id.unwrap().into_owned(), head.error_code.map(std::borrow::Cow::into_owned));
                found.push((item.kind(), id, error, serde_json::from_str(item.raw()).unwrap()));
            }
            from = Position(batch.range().end.0);
        }
        found
    }

    fn lost(&self) -> u64 {
        let accounts = self.events().into_iter().filter(|(_, _, _, event)| event["eventName"] == "RecordsLost");
        accounts.map(|(_, _, _, event)| event["serviceEventDetails"]["lostRecords"].as_u64().unwrap()).sum()
    }

    /// Lets the recorder go on until `done`; simulated time passes meanwhile. Only real time tells that it
    /// never comes to that: on a busy machine the disk may take any number of turns.
    async fn until(&self, done: impl Fn() -> bool) {
        let waiting = async {
            while !done() {
                self.sim.clock.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
                tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_mins(2), waiting).await.expect("it comes to that");
    }
}

#[tokio::test]
async fn what_does_not_fit_while_the_journal_is_full_is_accounted_for_exactly() {
    let bench = Bench::new(Recording::FailOpen).await;
    bench.record(1).await.unwrap();
    bench.until(|| bench.events().len() == 1).await;
    bench.sim.disk.set(Faults { full: true, ..Faults::default() });
    for number in 2..=500 {
        bench.record(number).await.unwrap();
    }
    bench.sim.disk.set(Faults::default());
    bench.until(|| bench.lost() > 0 && lock(&bench.recorder.shared.waiting).is_empty()).await;
    bench.until(|| bench.recorder.shared.losses.open_account().is_none()).await;
    let kept: HashSet<String> = bench.events().into_iter().map(|(_, id, _, _)| id).collect();
    let missing = (1..=500).filter(|number| !kept.contains(&Uuid::from_u128(*number).to_string())).count() as u64;
    assert!(missing > 100, "{missing}");
    assert_eq!(bench.lost(), missing);
    let file = bench.dir.path().join("lost.json");
    bench.until(|| !bench.sim.world().disk.exists(&file).unwrap()).await;
}

#[tokio::test]
async fn what_waits_when_a_full_house_stops_is_said_at_the_next_start() {
    let bench = Bench::new(Recording::FailOpen).await;
    bench.sim.disk.set(Faults { full: true, ..Faults::default() });
    for number in 1..=10 {
        bench.record(number).await.unwrap();
    }
    bench.until(|| lock(&bench.recorder.shared.waiting).len() == 10).await;
    bench.sim.disk.set(Faults { full: true, ..Faults::default() });
    let sim_stops = async {
        loop {
            bench.sim.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = bench.recorder.close(Duration::from_secs(5)) => {}
        () = sim_stops => {}
    }
    // The file could not be written while the disk was full.
    bench.sim.disk.set(Faults::default());
    bench.recorder.keep_account();
    let bench = bench.crash(Recording::FailOpen).await;
    bench.until(|| bench.lost() == 10).await;
}

#[tokio::test]
async fn a_crash_does_not_lose_the_account() {
    let bench = Bench::new(Recording::FailOpen).await;
    bench.recorder.lose_call();
    bench.recorder.keep_account();
    let file = bench.dir.path().join("lost.json");
    assert!(bench.sim.world().disk.exists(&file).unwrap());
    let bench = bench.crash(Recording::FailOpen).await;
    bench.until(|| bench.lost() == 1).await;
}

#[tokio::test]
async fn an_intent_that_a_crash_left_open_is_closed_with_its_own_id() {
    let bench = Bench::new(Recording::FailClosed).await;
    let (arrival, outcome) = bench.call(1);
    bench.recorder.before_effect(&arrival, &outcome).await.unwrap();
    let (done, outcome) = bench.call(2);
    bench.recorder.before_effect(&done, &outcome).await.unwrap();
    bench.record(2).await.unwrap();
    bench.recorder.shared.intents.checkpoint(&bench.journal).await;
    let bench = bench.crash(Recording::FailClosed).await;
    let closed: Vec<_> = bench.events().into_iter().filter(|(kind, ..)| *kind == Kind::Event).collect();
    let codes: Vec<(String, Option<&str>)> =
        closed.iter().map(|(_, id, code, _)| (id.clone(), code.as_deref())).collect();
    let id = |number| Uuid::from_u128(number).to_string();
    assert_eq!(codes, [(id(2), None), (id(1), Some("OutcomeUnknown"))]);
    let events = bench.events().len();
    let bench = bench.crash(Recording::FailClosed).await;
    assert_eq!(bench.events().len(), events, "an intent is closed once");
}

#[tokio::test]
async fn a_closed_house_refuses_what_it_cannot_record_and_records_what_was_done() {
    let bench = Bench::new(Recording::FailClosed).await;
    let (arrival, outcome) = bench.call(1);
    bench.recorder.before_effect(&arrival, &outcome).await.unwrap();
    bench.sim.disk.set(Faults { full: true, ..Faults::default() });
    assert_eq!(bench.record(1).await.unwrap_err().status, 503);
    let (second, outcome) = bench.call(2);
    assert_eq!(bench.recorder.before_effect(&second, &outcome).await.unwrap_err().status, 503);
    bench.sim.disk.set(Faults::default());
    let is_there =
        || bench.events().iter().any(|(kind, id, ..)| *kind == Kind::Event && *id == arrival.event_id.to_string());
    bench.until(is_there).await;
    assert_eq!(bench.lost(), 0);
}
