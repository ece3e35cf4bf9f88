//! Bits that flip: everything whole stays readable, nothing altered is ever read.

use crate::{copy, entry, open, read_all, segments};
use cairn_event::Time;
use cairn_journal::{Journal, Position};
use cairn_world::sim::Sim;
use cairn_world::{Disk, Open, SystemDisk};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Groups of records, each appended alone and so one frame.
const GROUPS: u64 = 9;
const GROUP: u64 = 3;

fn body(position: u64) -> String {
    // A little noise, so that frames are not all alike.
    format!("{{\"eventID\":\"{:x}\",\"n\":{position}}}", position.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

async fn append(journal: &Journal, groups: std::ops::Range<u64>) {
    for group in groups {
        let bodies = group * GROUP..(group + 1) * GROUP;
        journal.append(bodies.map(|position| entry(&body(position))).collect()).await.unwrap();
    }
}

/// A journal of three segments with a few frames each, as closing or, when `killed`, as a crash leaves it.
async fn make(dir: &Path, killed: bool) {
    let world = Sim::at(Time(0)).world();
    let scratch = tempfile::tempdir().unwrap();
    let options = cairn_journal::Options { segment_bytes_max: 560, ..crate::SMALL };
    let (journal, _) = Journal::open(&world, scratch.path(), options).unwrap();
    append(&journal, 0..GROUPS).await;
    assert_eq!(journal.stats().segments, 3, "a few frames fill a segment");
    if !killed {
        journal.close().await;
    }
    copy(scratch.path(), dir);
}

fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = SystemDisk.read(path).unwrap();
    change(&mut bytes);
    SystemDisk.open(path, Open::Truncate).unwrap().write_at(&bytes, 0).unwrap();
}

/// Opens a damaged copy: what is read must be what was written; returns what is lost,
/// how many bytes were cut off, and all that is said about damage.
async fn look(dir: &Path) -> (BTreeSet<u64>, u64, Vec<String>) {
    let world = Sim::at(Time(0)).world();
    let (journal, recovery) = open(&world, dir);
    let (read, mut said) = read_all(&journal, Position(0), 200);
    for (position, text) in &read {
        assert_eq!(*text, body(*position));
    }
    let end = journal.end().0;
    assert_eq!(journal.append(vec![entry("{}")]).await.unwrap().start.0, end);
    assert_eq!(read_all(&journal, Position(end), 1).0, [(end, "{}".to_owned())]);
    journal.close().await;
    let (journal, again) = open(&world, dir);
    assert_eq!((journal.end().0, again.torn_bytes), (end + 1, 0));
    said.extend(recovery.damage);
    let read: BTreeSet<u64> = read.into_iter().map(|(position, _)| position).collect();
    ((0..GROUPS * GROUP).filter(|position| !read.contains(position)).collect(), recovery.torn_bytes, said)
}

/// The offset that damage is said to be at.
fn offset(said: &str) -> u64 {
    said.split("offset ").nth(1).unwrap().split(';').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn any_flipped_byte_costs_at_most_its_own_frame() {
    let whole = tempfile::tempdir().unwrap();
    make(whole.path(), false).await;
    let names = segments(whole.path());
    for (index, name) in names.iter().enumerate() {
        let length = SystemDisk.read(&whole.path().join(name)).unwrap().len();
        let mut lost_before = BTreeSet::new();
        for at in 0..length {
            let dir = tempfile::tempdir().unwrap();
            copy(whole.path(), dir.path());
            alter(&dir.path().join(name), |bytes| bytes[at] ^= 1 << (at % 8));
            let (lost, torn, said) = look(dir.path()).await;
            let last_frame = (GROUPS - 1) * GROUP;
            if at < 32 {
                assert!(lost.is_empty() && torn == 0, "{name} {at}: {lost:?}");
                continue;
            }
            let first = *lost.first().unwrap_or_else(|| panic!("{name} {at} is not noticed"));
            assert_eq!(lost, (first..first + GROUP).collect(), "{name} {at}");
            assert_eq!(first % GROUP, 0);
            assert!(first >= lost_before.first().copied().unwrap_or(0), "later bytes are later frames");
            if first == last_frame {
                assert!(index == 2 && torn > 0 && said.is_empty(), "{name} {at}: a damaged tail is cut off: {said:?}");
            } else {
                assert_eq!(torn, 0, "{name} {at}: damage in the middle is no torn tail");
                assert!(!said.is_empty() && said.iter().all(|said| said.starts_with(name.as_str())), "{said:?}");
                assert!(said.iter().all(|said| offset(said) <= at as u64), "{name} {at}: {said:?}");
                assert!(
                    said.iter().any(|said| said.contains(&format!("records {first} to {}", first + 2))),
                    "{said:?}"
                );
            }
            lost_before = lost;
        }
    }
}

#[tokio::test]
async fn reserved_space_is_no_damage_and_what_stands_in_it_is_torn() {
    let whole = tempfile::tempdir().unwrap();
    make(whole.path(), true).await;
    assert_eq!(look(whole.path()).await, (BTreeSet::new(), 0, Vec::new()));
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), true).await;
    let newest = segments(dir.path()).pop().unwrap();
    alter(&dir.path().join(newest), |bytes| *bytes.last_mut().unwrap() = 1);
    let (lost, torn, said) = look(dir.path()).await;
    assert!(lost.is_empty() && torn > 0 && said.is_empty(), "{lost:?} {torn} {said:?}");
}

#[tokio::test]
async fn a_segment_that_is_gone_costs_its_own_records() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), false).await;
    let names = segments(dir.path());
    SystemDisk.remove_file(&dir.path().join(&names[1])).unwrap();
    let (lost, torn, said) = look(dir.path()).await;
    let first = |name: &str| name.trim_end_matches(".journal").parse::<u64>().unwrap();
    let (from, to) = (first(&names[1]), first(&names[2]));
    assert_eq!((lost, torn), ((from..to).collect(), 0));
    let expected = format!("records {from} to {} are lost", to - 1);
    assert!(said[0].starts_with(&names[0]) && said[0].contains(&expected), "{said:?}");
}

#[tokio::test]
async fn a_segment_of_a_later_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), false).await;
    let last = dir.path().join(segments(dir.path()).pop().unwrap());
    alter(&last, |bytes| {
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    });
    let error = Journal::open(&Sim::at(Time(0)).world(), dir.path(), crate::SMALL).err().unwrap();
    assert!(error.to_string().contains("format version 2"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_damage_whatever_makes_anything_untrue_readable(
        killed in any::<bool>(),
        wounds in proptest::collection::vec(
            (0..3_usize, any::<proptest::sample::Index>(), proptest::collection::vec(any::<u8>(), 0..200), any::<bool>()), 1..4,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        runtime.block_on(make(dir.path(), killed));
        let names = segments(dir.path());
        for (file, place, junk, cut) in wounds {
            alter(&dir.path().join(&names[file]), |bytes| {
                let at = place.index(bytes.len() + 1);
                let end = bytes.len().min(at + junk.len());
                let keep = junk.len().min(bytes.len() - at);
                bytes[at..end].copy_from_slice(&junk[..keep]);
                if cut {
                    bytes.truncate(end);
                }
            });
        }
        runtime.block_on(look(dir.path()));
    }
}
