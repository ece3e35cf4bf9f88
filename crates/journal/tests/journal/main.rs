//! What a journal promises to whoever appends and reads, also when disk and clock do their worst.

#![expect(clippy::unwrap_used, reason = "tests may fail")]

mod append;
mod crash;
mod damage;
mod drive;
mod retain;

use bytes::Bytes;
use cairn_event::{Origin, Time};
use cairn_journal::{Entry, Error, Journal, Kind, Options, Position, Recovery};
use cairn_world::sim::Sim;
use cairn_world::{Disk, Open, SystemDisk, World};
use std::path::Path;
use std::time::Duration;

const SMALL: Options = Options { segment_bytes_max: 4096, bytes_max: 1 << 30, age_max: Duration::MAX };

fn entry(body: &str) -> Entry {
    Entry { origin: Origin::Door, kind: Kind::Event, time: Time(7), body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn open(world: &World, dir: &Path) -> (Journal, Recovery) {
    Journal::open(world, dir, SMALL).unwrap()
}

/// Everything from `from` on, and what is damaged.
fn read_all(journal: &Journal, from: Position, bytes_max: usize) -> (Vec<(u64, String)>, Vec<String>) {
    let (mut bodies, mut damage, mut at) = (Vec::new(), Vec::new(), from);
    while at < journal.end() {
        match journal.read(at, bytes_max) {
            Ok(batch) => {
                assert!(!batch.is_empty());
                assert_eq!(batch.range().start, at);
                assert_eq!(batch.iter().count(), batch.len());
                bodies.extend(batch.iter().map(|item| (item.position().0, item.raw().to_owned())));
                at = batch.range().end;
            }
            Err(Error::Corrupt { what, resume }) => {
                assert!(resume > at);
                damage.push(what);
                at = resume;
            }
            Err(error) => panic!("{error}"),
        }
    }
    (bodies, damage)
}

/// Text that does not compress, the same in every run.
fn noise(sim: &Sim, length: usize) -> String {
    sim.world().dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", length)
}

/// Makes a journal's directory appear elsewhere as it is at this moment, as a killed process leaves it.
fn copy(from: &Path, to: &Path) {
    SystemDisk.create_dir_all(to).unwrap();
    for file in SystemDisk.list(from).unwrap() {
        let bytes = SystemDisk.read(&from.join(&file.name)).unwrap();
        let copy = SystemDisk.open(&to.join(&file.name), Open::Truncate).unwrap();
        copy.write_at(&bytes, 0).unwrap();
    }
}

/// The names of the segment files, oldest first.
fn segments(dir: &Path) -> Vec<String> {
    let names = SystemDisk.list(dir).unwrap().into_iter().map(|file| file.name);
    names.filter(|name| name.ends_with(".journal")).collect()
}
