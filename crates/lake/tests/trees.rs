//! Whole trees of log files: every record comes back byte for byte out of a file.
//!
//! `CAIRN_LOG_TREE=DIR` names a tree, of any size; without one there is nothing to do.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test says where; a tree that was named is worth a word"
)]

use arrow::array::RecordBatch;
use cairn_event::{Origin, Time};
use cairn_lake::file;
use cairn_lake::shred::{Shredder, originals};
use cairn_store::gzip;
use cairn_world::{What, World};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct LogFile<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<&'a RawValue>,
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for (path, what) in World::system().disk.survey(dir).unwrap() {
        match what {
            What::Dir => files(&path, into),
            What::File { .. } => into.push(path),
            What::Other => {}
        }
    }
}

fn records(tree: &Path) -> Vec<String> {
    let disk = World::system().disk;
    let (mut paths, mut all) = (Vec::new(), Vec::new());
    files(tree, &mut paths);
    for path in paths {
        let body = disk.read(&path).unwrap();
        let json = if gzip::is_gzip(&body) { gzip::inflate(&body, 1 << 30).unwrap() } else { body };
        let Ok(file) = serde_json::from_slice::<LogFile<'_>>(&json) else { continue };
        all.extend(file.records.iter().map(|record| record.get().to_owned()));
    }
    all
}

#[test]
fn every_record_of_a_tree_comes_back_out_of_a_file() {
    let Ok(tree) = std::env::var("CAIRN_LOG_TREE") else { return };
    let mut records = records(Path::new(&tree));
    assert!(!records.is_empty());
    let mut shredder = Shredder::new();
    for record in &records {
        shredder.push(record, Origin::Import, Time(1_700_000_000_000)).unwrap();
    }
    let rows = shredder.finish();
    assert!(originals(&rows).iter().map(Option::unwrap).eq(records.iter().map(String::as_str)));

    let written = file::write(&[rows]).unwrap();
    let (bytes, count) = (written.bytes.len(), records.len());
    println!("{count} records, {bytes} bytes in a file: {} a record", bytes / count);
    let back: Vec<RecordBatch> = file::read(written.bytes).unwrap();
    let mut back: Vec<String> = back
        .iter()
        .flat_map(|rows| originals(rows).iter().map(|event| event.unwrap().to_owned()).collect::<Vec<_>>())
        .collect();
    back.sort();
    records.sort();
    assert!(back == records);
    assert!(written.facts.size() <= count * 3 / 2 + 4096);
}
