//! Whole trees of log files: every record comes in byte for byte, once.
//!
//! The tree is made here. `CAIRN_LOG_TREE=DIR` names another one, of any size.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test says where; a tree that was named is worth a word"
)]

use bytes::Bytes;
use cairn_intake::{Intake, Settings};
use cairn_journal::{Journal, Options};
use cairn_store::{Db, gzip};
use cairn_world::{What, World};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Deserialize)]
struct LogFile<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<&'a RawValue>,
}

fn made(dir: &Path) -> PathBuf {
    let disk = World::system().disk;
    for file in 0..30_u32 {
        let folder = dir.join(format!("AWSLogs/o-abc/111122223333/CloudTrail/us-east-1/2023/07/{:02}", file % 3 + 1));
        disk.create_dir_all(&folder).unwrap();
        // A fifth of the records stand in the next file too.
        let records: Vec<String> = (file * 80..file * 80 + 100)
            .map(|number| {
                format!(
                    r#"{{ "eventVersion":"1.08","eventID":"{number:08x}-0000-4000-8000-000000000000","eventName":"N{number}é\u0001","eventTime":"2023-07-01T00:00:00Z" , "x":[1.50,{{}}]}}"#
                )
            })
            .collect();
        let text = format!("{{\"Records\" : [{}]}}", records.join(" ,\n"));
        disk.write_atomic(&folder.join(format!("{file:02}.json")), text.as_bytes()).unwrap();
    }
    dir.to_owned()
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

fn in_the_journal(journal: &Journal) -> Vec<String> {
    let (mut from, mut all) = (journal.start(), Vec::new());
    while from < journal.end() {
        let batch = journal.read(from, 1 << 20).unwrap();
        all.extend(batch.iter().map(|item| item.raw().to_owned()));
        from = batch.range().end;
    }
    all
}

#[tokio::test]
async fn every_record_of_a_tree_comes_in_once_and_reads_back_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::system();
    let tree = std::env::var("CAIRN_LOG_TREE").map_or_else(|_| made(&dir.path().join("tree")), PathBuf::from);
    let options = Options { segment_bytes_max: 1 << 24, bytes_max: 1 << 34, age_max: Duration::from_hours(1000) };
    let (journal, _) = Journal::open(&world, &dir.path().join("journal"), options).unwrap();
    let db = Db::open(&dir.path().join("db")).await.unwrap();
    let settings = Settings { body_bytes_max: 1 << 30, file_bytes_max: 1 << 30 };
    let intake = Intake::open(&world, &db, &journal, &dir.path().join("seen"), settings).await.unwrap();

    let mut paths = Vec::new();
    files(&tree, &mut paths);
    let (mut expected, mut records, mut new) = (BTreeSet::new(), 0, 0);
    for path in &paths {
        let body = world.disk.read(path).unwrap();
        let json = if gzip::is_gzip(&body) { gzip::inflate(&body, 1 << 30).unwrap() } else { body.clone() };
        let Ok(file) = serde_json::from_slice::<LogFile<'_>>(&json) else { continue };
        expected.extend(file.records.iter().map(|record| record.get().to_owned()));
        let report = intake.take(&path.to_string_lossy(), Bytes::from(body)).await.unwrap();
        assert_eq!((report.records, report.rejected), (file.records.len() as u64, 0), "{}", path.display());
        records += report.records;
        new += report.new;
    }
    assert!(records > 0);
    let kept = in_the_journal(&journal);
    println!("{} files, {records} records, {new} of them new", paths.len());
    assert_eq!((kept.len() as u64, kept.iter().cloned().collect::<BTreeSet<_>>()), (new, expected));

    for path in &paths {
        let report = intake.take("again.log", world.disk.read(path).unwrap().into()).await.unwrap();
        assert_eq!(report.new, 0, "{}", path.display());
    }
    assert_eq!(journal.end().0, new);
}
