use super::*;
use cairn_event::Time;
use cairn_world::sim::{Faults, Sim};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use tempfile::TempDir;

struct Bench {
    sim: Sim,
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { sim: Sim::at(Time::from_seconds(1_800_000_000)), dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("seen")
    }

    /// The index of a journal from 0 to `end`.
    fn open(&self, end: u64) -> Arc<Seen> {
        self.open_with(end, Options::default())
    }

    fn open_with(&self, end: u64, options: Options) -> Arc<Seen> {
        Arc::new(Seen::open(&self.sim.world(), &self.path(), 0, end, options).unwrap())
    }

    /// The files of the shards and their sizes, by name.
    fn files(&self) -> Vec<(String, u64)> {
        let disk = &*self.sim.world().disk;
        let folders = disk.list(&self.path()).unwrap().into_iter().filter(|entry| entry.is_dir);
        folders
            .flat_map(|folder| {
                let files = disk.list(&self.path().join(&folder.name)).unwrap();
                files.into_iter().map(move |file| (format!("{}/{}", folder.name, file.name), file.len))
            })
            .collect()
    }
}

fn shard(day: u64) -> Shard {
    let raw = format!(r#"{{"eventTime":"2023-07-{:02}T00:00:00Z","awsRegion":"us-east-1"}}"#, day % 28 + 1);
    crate::sketch::identify(&raw).unwrap().1
}

/// The event `id` of day `id % 4` with this content.
fn item(seen: &Seen, id: u64, content: &str) -> Item {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&id.to_le_bytes());
    Item { id: bytes, fingerprint: seen.fingerprint(content.as_bytes()), shard: shard(id % 4) }
}

fn items(seen: &Seen, ids: std::ops::Range<u64>) -> Vec<Item> {
    ids.map(|id| item(seen, id, "x")).collect()
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::New => "new",
        Verdict::Conflict => "conflict",
        Verdict::Duplicate => "duplicate",
        Verdict::Awaited(_) => "awaited",
    }
}

fn claim(seen: &Arc<Seen>, items: &[Item], expected: &[&str]) -> Claim {
    let claim = seen.claim(|| 0, items).unwrap();
    assert_eq!(claim.verdicts.iter().map(word).collect::<Vec<_>>(), expected);
    claim
}

/// Brings these events in and says how many were new.
fn bring(seen: &Arc<Seen>, items: &[Item]) -> usize {
    let claim = seen.claim(|| 0, items).unwrap();
    let new = claim.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::New | Verdict::Conflict)).count();
    claim.keep();
    new
}

#[test]
fn an_event_is_new_once_and_other_bytes_under_its_id_are_a_conflict() {
    let bench = Bench::new();
    let seen = bench.open(0);
    let (first, other) = (item(&seen, 1, "one"), item(&seen, 1, "another"));
    claim(&seen, &[first, first, other, other], &["new", "duplicate", "conflict", "duplicate"]).keep();
    let third = item(&seen, 1, "third");
    claim(&seen, &[first, other, third], &["duplicate", "duplicate", "conflict"]);
    claim(&seen, &[third], &["conflict"]);
}

#[tokio::test]
async fn who_comes_second_waits_for_the_first() {
    let bench = Bench::new();
    let seen = bench.open(0);
    let all = items(&seen, 0..2);
    let first = claim(&seen, &all[..1], &["new"]);
    let mut second = claim(&seen, &all, &["awaited", "new"]);
    let Verdict::Awaited(outcome) = &mut second.verdicts[0] else { unreachable!() };
    assert_eq!(*outcome.borrow(), None);
    first.keep();
    assert_eq!(*outcome.wait_for(Option::is_some).await.unwrap(), Some(true));
    drop(second);
    claim(&seen, &all, &["duplicate", "new"]);
}

#[tokio::test]
async fn what_did_not_become_durable_is_given_back() {
    let bench = Bench::new();
    let seen = bench.open(0);
    let all = items(&seen, 0..1);
    let first = claim(&seen, &all, &["new"]);
    let mut second = claim(&seen, &all, &["awaited"]);
    drop(first);
    let Verdict::Awaited(outcome) = &mut second.verdicts[0] else { unreachable!() };
    assert_eq!(*outcome.wait_for(Option::is_some).await.unwrap(), Some(false));
    claim(&seen, &all, &["new"]);
}

#[test]
fn what_was_saved_is_known_after_a_start() {
    let bench = Bench::new();
    let seen = bench.open(0);
    bring(&seen, &items(&seen, 0..100));
    let pair = [item(&seen, 3, "other"), item(&seen, 3, "third")];
    bring(&seen, &pair);
    seen.save(|| 102).unwrap();
    seen.save(|| 102).unwrap();
    drop(seen);
    assert_eq!(bench.files().iter().map(|file| file.1).sum::<u64>(), 102 * ENTRY_BYTES as u64);
    let seen = bench.open(102);
    assert_eq!(seen.saved(), 102);
    assert_eq!(bring(&seen, &items(&seen, 0..100)), 0);
    assert_eq!(bring(&seen, &pair), 0);
    assert_eq!(bring(&seen, &items(&seen, 100..101)), 1);
}

#[test]
fn the_position_stays_before_what_is_under_way() {
    let bench = Bench::new();
    let seen = bench.open(0);
    let under_way = seen.claim(|| 10, &items(&seen, 0..5)).unwrap();
    bring(&seen, &items(&seen, 5..9));
    seen.save(|| 14).unwrap();
    assert_eq!(seen.saved(), 10);
    under_way.keep();
    seen.save(|| 14).unwrap();
    assert_eq!(bench.open(14).saved(), 14);
}

#[test]
fn replaying_the_journal_adds_only_what_is_missing() {
    let bench = Bench::new();
    let seen = bench.open(0);
    bring(&seen, &items(&seen, 0..10));
    seen.save(|| 10).unwrap();
    let files = bench.files();
    bring(&seen, &items(&seen, 10..12));
    drop(seen);
    // The last two were never saved; the journal has them.
    let seen = bench.open(12);
    for item in items(&seen, 0..12) {
        seen.note(item.id, item.fingerprint, item.shard).unwrap();
    }
    assert_eq!(bring(&seen, &items(&seen, 0..12)), 0);
    seen.save(|| 12).unwrap();
    let grown: u64 = bench.files().iter().map(|file| file.1).sum();
    assert_eq!(grown, files.iter().map(|file| file.1).sum::<u64>() + 2 * ENTRY_BYTES as u64);
}

#[test]
fn a_torn_last_entry_is_cut_off_and_written_over() {
    let bench = Bench::new();
    let seen = bench.open(0);
    let (one, two) = (items(&seen, 0..1), items(&seen, 4..5));
    bring(&seen, &one);
    seen.save(|| 1).unwrap();
    drop(seen);
    let (name, len) = bench.files().remove(0);
    let file = bench.sim.world().disk.open(&bench.path().join(name), cairn_world::Open::Write).unwrap();
    file.write_at(&[0xee; 17], len).unwrap();
    let seen = bench.open(2);
    claim(&seen, &[one[0], two[0]], &["duplicate", "new"]).keep();
    seen.save(|| 2).unwrap();
    let seen = bench.open(2);
    claim(&seen, &[one[0], two[0]], &["duplicate", "duplicate"]);
    assert_eq!(bench.files()[0].1, 2 * ENTRY_BYTES as u64);
}

#[test]
fn what_cannot_be_saved_now_is_saved_later() {
    for faults in [Faults { full: true, ..Faults::default() }, Faults { sync_fails: true, ..Faults::default() }] {
        let bench = Bench::new();
        let seen = bench.open(0);
        bring(&seen, &items(&seen, 0..20));
        bench.sim.disk.set(faults);
        assert!(seen.save(|| 20).is_err());
        assert_eq!(seen.saved(), 0);
        bring(&seen, &items(&seen, 20..30));
        bench.sim.disk.set(Faults::default());
        seen.save(|| 30).unwrap();
        let seen = bench.open(30);
        assert_eq!((seen.saved(), bring(&seen, &items(&seen, 0..30))), (30, 0));
        assert_eq!(bench.files().iter().map(|file| file.1).sum::<u64>(), 30 * ENTRY_BYTES as u64);
    }
}

#[test]
fn shards_beyond_the_limit_leave_memory_and_come_back() {
    let bench = Bench::new();
    let seen = bench.open_with(0, Options { entries_max: 20, unsaved_max: 15 });
    for round in 0..10 {
        bring(&seen, &items(&seen, round * 10..round * 10 + 10));
        if seen.is_due() {
            seen.save(|| round).unwrap();
        }
    }
    seen.save(|| 100).unwrap();
    assert!(seen.inner().loaded <= 20 + 25, "{}", seen.inner().loaded);
    assert_eq!(bring(&seen, &items(&seen, 0..100)), 0);
}

#[test]
fn the_index_of_another_journal_is_made_anew() {
    let bench = Bench::new();
    let seen = bench.open(0);
    bring(&seen, &items(&seen, 0..5));
    seen.save(|| 5).unwrap();
    let seen = bench.open(4);
    assert_eq!((seen.saved(), bring(&seen, &items(&seen, 0..5))), (0, 5));
    seen.save(|| 4).unwrap();
    bench.sim.world().disk.write_atomic(&bench.path().join("state.json"), b"{nonsense").unwrap();
    let seen = bench.open(5);
    assert_eq!((seen.saved(), bring(&seen, &items(&seen, 0..5))), (0, 5));
}

#[test]
fn a_journal_that_dropped_its_beginning_is_read_from_where_it_begins() {
    let bench = Bench::new();
    let seen = bench.open(0);
    bring(&seen, &items(&seen, 0..5));
    seen.save(|| 5).unwrap();
    let seen = Seen::open(&bench.sim.world(), &bench.path(), 50, 60, Options::default()).unwrap();
    assert_eq!(seen.saved(), 50);
    assert_eq!(bring(&Arc::new(seen), &[]), 0);
}

#[test]
fn fingerprints_tell_contents_apart_and_differ_between_indexes() {
    let bench = Bench::new();
    let seen = bench.open(0);
    let prints: HashSet<Fingerprint> = (0..1000_u32).map(|number| seen.fingerprint(&number.to_le_bytes())).collect();
    assert_eq!(prints.len(), 1000);
    let other = Seen::open(&bench.sim.world(), &bench.dir.path().join("other"), 0, 0, Options::default()).unwrap();
    assert_ne!(seen.fingerprint(b"x"), other.fingerprint(b"x"));
}

#[derive(Clone, Debug)]
enum Step {
    Bring {
        from: u64,
        count: u64,
    },
    Abandon {
        from: u64,
        count: u64,
    },
    Save {
        full: bool,
    },
    /// The process ends: what was not saved is read from the journal again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..60_u64, 1..20_u64).prop_map(|(from, count)| Step::Bring { from, count }),
        1 => (0..60_u64, 1..20_u64).prop_map(|(from, count)| Step::Abandon { from, count }),
        2 => any::<bool>().prop_map(|full| Step::Save { full }),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_event_is_forgotten_or_doubled_whatever_happens(steps in proptest::collection::vec(step(), 1..25)) {
        let bench = Bench::new();
        let options = Options { entries_max: 30, unsaved_max: 10 };
        let mut seen = bench.open_with(0, options.clone());
        let mut journal: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Bring { from, count } => {
                    let asked = items(&seen, from..from + count);
                    let end = journal.len() as u64;
                    let claim = seen.claim(|| end, &asked).unwrap();
                    for (id, verdict) in (from..).zip(&claim.verdicts) {
                        prop_assert_eq!(word(verdict), if journal.contains(&id) { "duplicate" } else { "new" });
                        if matches!(verdict, Verdict::New) {
                            journal.push(id);
                        }
                    }
                    claim.keep();
                }
                Step::Abandon { from, count } => drop(seen.claim(|| journal.len() as u64, &items(&seen, from..from + count)).unwrap()),
                Step::Save { full } => {
                    bench.sim.disk.set(Faults { full, ..Faults::default() });
                    let _may_fail = seen.save(|| journal.len() as u64);
                    bench.sim.disk.set(Faults::default());
                }
                Step::Restart => {
                    seen = bench.open_with(journal.len() as u64, options.clone());
                    for id in &journal[seen.saved() as usize..] {
                        let item = item(&seen, *id, "x");
                        seen.note(item.id, item.fingerprint, item.shard).unwrap();
                    }
                }
            }
        }
    }
}
