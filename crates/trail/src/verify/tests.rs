//! Archives that are whole and archives that are not.

pub mod signer;

use super::*;
use crate::PublicKey;
use bytes::Bytes;
use cairn_store::gzip as whole_gzip;
use cairn_world::Disk;
use cairn_world::sim::Sim;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::{Value, json};
use signer::{Archive, BUCKET, Signer, digest_key, gzip, hour, log_key};
use source::Unread;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A bucket in memory.
struct Memory {
    files: BTreeMap<String, signer::File>,
    /// Without: keys alone, as in a copied tree.
    has_metadata: bool,
}

#[async_trait::async_trait]
impl Source for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn bucket(&self) -> Option<&str> {
        self.has_metadata.then_some(BUCKET)
    }

    fn top(&self) -> String {
        String::new()
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, Error> {
        let below = self.files.keys().filter_map(|key| key.strip_prefix(folder)?.split_once('/'));
        let names: BTreeSet<String> = below.map(|(name, _)| format!("{folder}{name}/")).collect();
        Ok(names.into_iter().collect())
    }

    fn keys(&self, folder: &str) -> BoxStream<'static, Result<String, Error>> {
        let keys: Vec<_> = self.files.keys().filter(|key| key.starts_with(folder)).cloned().map(Ok).collect();
        futures::stream::iter(keys).boxed()
    }

    async fn get(&self, key: &str, _: u64) -> Result<Object, Unread> {
        let file = self.files.get(key).ok_or(Unread::Missing)?;
        let metadata = self.has_metadata.then(|| file.metadata.clone());
        Ok(Object { bytes: Bytes::from(file.bytes.clone()), metadata })
    }
}

struct Given(Vec<PublicKey>);

#[async_trait::async_trait]
impl Keys for Given {
    async fn keys(&self, _: &str, _: Time, _: Time) -> Result<Vec<PublicKey>, Error> {
        Ok(self.0.clone())
    }
}

async fn verified(
    archive: &Archive,
    has_metadata: bool,
    span: (Option<Time>, Option<Time>),
    keys: Vec<PublicKey>,
) -> Report {
    let source = Arc::new(Memory { files: archive.files.clone(), has_metadata });
    let settings = Settings { from: span.0, to: span.1, in_flight: 3 };
    let progress = Arc::new(Progress::default());
    let world = Sim::at(hour(48)).world();
    let report = verify(&world, source, Arc::new(Given(keys)), settings, progress.clone()).await.unwrap();
    let reached = progress.reached();
    assert_eq!((reached.digests_done, reached.logs_done), (reached.digests, reached.logs), "progress is complete");
    report
}

fn codes(report: &Report) -> Vec<&'static str> {
    let loose = report.loose.iter().flat_map(|loose| &loose.findings);
    report.chains.iter().flat_map(|chain| &chain.findings).chain(loose).map(|finding| finding.code.name()).collect()
}

/// Verifies what a bucket keeps, up to the end of the sixth hour.
async fn check(archive: &Archive, verdict: Verdict, expected: &[&str]) -> Report {
    let report = verified(archive, true, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!((report.verdict, codes(&report)), (verdict, expected.to_vec()), "{report}");
    report
}

fn end(number: u32) -> String {
    digest_key("us-east-1", hour(number), false)
}

/// The first log file of an hour.
fn log(number: u32) -> String {
    log_key("us-east-1", hour(number) + Duration::from_mins(20), "abcdefghijklmno1")
}

#[tokio::test]
async fn a_whole_archive_is_proven() {
    let report = check(&Archive::of(6), Verdict::Proven, &[]).await;
    let certificate = &report.certificate;
    assert_eq!((certificate.digests.proven, certificate.logs.proven, certificate.records), (6, 10, 20));
    assert_eq!(certificate.covered[0].span, Span { from: hour(0), to: hour(6) });
    assert!(certificate.gaps.is_empty());
}

#[tokio::test]
async fn a_changed_log_file_is_found() {
    let mut archive = Archive::of(6);
    archive.file(&log(1)).bytes = gzip(br#"{"Records":[]}"#);
    let report = check(&archive, Verdict::Invalid, &["log_altered"]).await;
    assert_eq!((report.chains[0].logs.invalid, report.chains[0].logs.proven), (1, 9));
}

#[tokio::test]
async fn a_log_file_that_is_not_one_whole_member_is_found() {
    let whole = Archive::of(6).file(&log(1)).bytes.clone();
    for (bytes, code) in [
        (b"{}".to_vec(), "log_malformed"),
        (whole[..whole.len() - 1].to_vec(), "log_malformed"),
        ([whole.clone(), whole.clone()].concat(), "log_trailing"),
        ([whole.clone(), b"x".to_vec()].concat(), "log_trailing"),
    ] {
        let mut archive = Archive::of(6);
        archive.file(&log(1)).bytes = bytes;
        check(&archive, Verdict::Invalid, &[code]).await;
    }
}

#[tokio::test]
async fn a_deleted_log_file_is_found() {
    let mut archive = Archive::of(6);
    archive.remove(&log(1));
    check(&archive, Verdict::Invalid, &["log_missing"]).await;
}

#[tokio::test]
async fn a_planted_log_file_is_found_and_a_new_one_is_pending() {
    let mut archive = Archive::of(6);
    let bytes = archive.file(&log(1)).bytes.clone();
    archive.put(
        &log_key("us-east-1", hour(1) + Duration::from_mins(30), "planted000000000"),
        bytes.clone(),
        BTreeMap::new(),
    );
    check(&archive, Verdict::Invalid, &["log_extra"]).await;

    let mut archive = Archive::of(6);
    archive.put(&log_key("us-east-1", hour(6) + Duration::from_mins(1), "new0000000000000"), bytes, BTreeMap::new());
    let report = verified(&archive, true, (None, None), vec![Signer::shared().public()]).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Incomplete, vec!["newest_missing", "log_pending"]));
}

#[tokio::test]
async fn a_changed_digest_and_one_without_its_metadata_are_found() {
    let mut archive = Archive::of(6);
    let json = whole_gzip::inflate_one(&archive.file(&end(3)).bytes, 1 << 20).unwrap();
    archive.file(&end(3)).bytes = gzip(&[&json, b" ".as_slice()].concat());
    let report = check(&archive, Verdict::Invalid, &["digest_signature"]).await;
    assert_eq!((report.chains[0].digests.invalid, report.chains[0].logs.unproven), (1, 2));

    let mut archive = Archive::of(6);
    archive.file(&end(3)).metadata.clear();
    check(&archive, Verdict::Invalid, &["digest_signature", "digest_signature"]).await;
}

#[tokio::test]
async fn a_digest_that_cannot_be_read_is_found_and_the_chain_goes_on() {
    for bytes in [b"x".to_vec(), gzip(b"x"), gzip(b"{}")] {
        let mut archive = Archive::of(6);
        archive.file(&end(3)).bytes = bytes;
        let report = verified(&archive, true, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
        let expected = ["digest_malformed", "log_undigested", "log_undigested"];
        assert_eq!((report.verdict, codes(&report)), (Verdict::Invalid, expected.to_vec()), "{report}");
    }
}

#[tokio::test]
async fn every_deleted_digest_is_named() {
    let mut archive = Archive::of(6);
    for number in [2, 3, 4] {
        archive.remove(&end(number));
    }
    let report = verified(&archive, true, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    let missing: Vec<_> = report.chains[0].findings.iter().map(|finding| finding.key.clone()).collect();
    assert_eq!(missing, [end(2), end(3), end(4)], "{report}");
    assert_eq!(report.chains[0].digests.missing, 3);
    assert_eq!(report.certificate.gaps.len(), 3);
    assert_eq!(report.certificate.covered.len(), 2);
}

#[tokio::test]
async fn the_newest_digest_deleted_leaves_the_end_unproven() {
    let mut archive = Archive::of(6);
    archive.remove(&end(6));
    let report = verified(&archive, true, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.certificate.gaps[0].span, Span { from: hour(5), to: hour(6) });
}

#[tokio::test]
async fn the_oldest_digest_deleted_matters_when_its_time_is_asked_for() {
    let mut archive = Archive::of(6);
    archive.remove(&end(1));
    archive.remove(&end(2));
    let keys = || vec![Signer::shared().public()];
    let report = verified(&archive, true, (None, Some(hour(6))), keys()).await;
    assert_eq!(codes(&report)[0], "beginning_missing", "{report}");
    let report = verified(&archive, true, (Some(hour(0)), Some(hour(6))), keys()).await;
    assert_eq!(codes(&report)[..2], ["digest_missing", "digest_missing"], "{report}");
    let report = verified(&archive, true, (Some(hour(2)), Some(hour(6))), keys()).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Proven, vec![]), "{report}");
}

#[tokio::test]
async fn a_moved_and_a_copied_digest_are_found() {
    let copy = digest_key("us-east-1", hour(3) + Duration::from_mins(30), false);
    let mut archive = Archive::of(6);
    let file = archive.file(&end(3)).clone();
    archive.put(&copy, file.bytes, file.metadata);
    check(&archive, Verdict::Invalid, &["digest_moved"]).await;
    archive.remove(&end(3));
    let report = verified(&archive, true, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!(codes(&report)[..2], ["digest_missing", "digest_moved"], "{report}");
}

#[tokio::test]
async fn a_digest_just_past_the_span_must_be_sound() {
    let copy = digest_key("us-east-1", hour(6) + Duration::from_mins(5), false);
    let mut archive = Archive::of(6);
    let file = archive.file(&end(3)).clone();
    archive.put(&copy, file.bytes, file.metadata);
    check(&archive, Verdict::Invalid, &["digest_moved"]).await;
}

#[tokio::test]
async fn a_predecessor_with_other_bytes_or_another_signature_is_found() {
    let zeroed = |number: u32, digest: &mut Value| {
        if number == 4 {
            digest["previousDigestHashValue"] = json!("0".repeat(64));
        }
    };
    check(&Archive::edited(6, zeroed), Verdict::Invalid, &["previous_hash"]).await;

    let resigned = |number: u32, digest: &mut Value| {
        if number == 4 {
            digest["previousDigestSignature"] = json!("00".repeat(256));
        }
    };
    check(&Archive::edited(6, resigned), Verdict::Invalid, &["previous_signature"]).await;
}

#[tokio::test]
async fn a_wrong_algorithm_is_found_in_metadata_and_in_the_digest() {
    let mut archive = Archive::of(6);
    archive.file(&end(3)).metadata.insert("signature-algorithm".to_owned(), "SHA1withRSA".to_owned());
    check(&archive, Verdict::Invalid, &["digest_algorithm"]).await;
    let edit = |number: u32, digest: &mut Value| {
        if number == 2 {
            digest["digestSignatureAlgorithm"] = json!("none");
        }
    };
    check(&Archive::edited(6, edit), Verdict::Invalid, &["digest_algorithm"]).await;
    let edit = |number: u32, digest: &mut Value| {
        if number == 2 {
            digest["logFiles"][0]["hashAlgorithm"] = json!("MD5");
        }
    };
    check(&Archive::edited(6, edit), Verdict::Invalid, &["log_algorithm"]).await;
}

#[tokio::test]
async fn an_unknown_an_unusable_and_an_expired_key_prove_nothing() {
    let mut expired = Signer::shared().public();
    expired.valid_to = hour(1);
    let mut spki = Signer::shared().public();
    spki.der = Signer::shared().spki();
    for (key, code, times) in
        [(Signer::other().public(), "key_unknown", 6), (spki, "key_unusable", 6), (expired, "key_expired", 3)]
    {
        let report = verified(&Archive::of(6), true, (None, Some(hour(6))), vec![key]).await;
        assert_eq!(codes(&report).iter().filter(|found| **found == code).count(), times, "{report}");
        assert_eq!(report.verdict, Verdict::Invalid);
    }
}

#[tokio::test]
async fn a_stop_is_a_gap_and_a_restart_without_one_is_not() {
    let mut archive = Archive::of(2);
    archive.restart();
    archive.digest(hour(4), hour(5), true, |_| {});
    archive.digest(hour(5), hour(6), true, |_| {});
    let report = check(&archive, Verdict::Incomplete, &["gap"]).await;
    assert_eq!(report.certificate.gaps[0].span, Span { from: hour(2), to: hour(4) });

    let mut archive = Archive::of(5);
    archive.restart();
    archive.digest(hour(5), hour(6), true, |_| {});
    check(&archive, Verdict::Proven, &["restart"]).await;
}

#[tokio::test]
async fn time_must_go_on_where_the_predecessor_ends() {
    for (start, verdict, code) in
        [(hour(3), Verdict::Invalid, "overlap"), (hour(4) + Duration::from_mins(5), Verdict::Incomplete, "gap")]
    {
        let edit = |number: u32, digest: &mut Value| {
            if number == 4 {
                digest["digestStartTime"] = json!(start.iso());
            }
        };
        check(&Archive::edited(6, edit), verdict, &[code]).await;
    }
}

#[tokio::test]
async fn a_log_file_named_twice_is_noted() {
    let edit = |number: u32, digest: &mut Value| {
        if number == 4 {
            let again = digest["logFiles"][0].clone();
            digest["logFiles"].as_array_mut().unwrap().push(again);
        }
    };
    check(&Archive::edited(6, edit), Verdict::Proven, &["log_twice"]).await;
}

#[tokio::test]
async fn a_signed_digest_that_the_chain_passes_by_is_found() {
    let mut archive = Archive::of(6);
    archive.restart();
    archive.digest(hour(3), hour(4) - Duration::from_mins(30), false, |_| {});
    check(&archive, Verdict::Invalid, &["digest_stray"]).await;
}

#[tokio::test]
async fn backfill_digests_are_a_chain_of_their_own() {
    let mut archive = Archive::of(6);
    archive.restart();
    for number in [2, 5] {
        let file = archive.log(hour(number - 1) + Duration::from_mins(5), 1);
        let key = digest_key("us-east-1", hour(number), true);
        archive.sign_digest(&key, hour(number - 1), hour(number), &[file], Signer::shared(), |_| {});
    }
    let report = check(&archive, Verdict::Proven, &[]).await;
    assert_eq!(
        report.chains.iter().map(|chain| (chain.backfill, chain.digests.proven)).collect::<Vec<_>>(),
        [(false, 6), (true, 2)]
    );
    archive.file(&digest_key("us-east-1", hour(5), true)).metadata.remove("backfill-generation-timestamp");
    check(&archive, Verdict::Invalid, &["digest_malformed", "log_undigested"]).await;
}

#[tokio::test]
async fn a_plain_copy_is_proven_but_for_the_newest_digest() {
    let report = verified(&Archive::of(6), false, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Incomplete, vec!["signature_unknown"]), "{report}");
    assert_eq!((report.chains[0].digests.proven, report.chains[0].digests.unproven), (5, 1));
    // Given a later digest the same span is whole.
    let report = verified(&Archive::of(7), false, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Proven, vec![]), "{report}");
}

#[tokio::test]
async fn a_directory_is_proven_with_its_metadata_files_and_without() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::at(hour(48));
    let write = |key: &str, bytes: &[u8]| {
        let path = dir.path().join(key);
        sim.disk.create_dir_all(path.parent().unwrap()).unwrap();
        sim.disk.write_atomic(&path, bytes).unwrap();
    };
    let mut archive = Archive::of(6);
    archive.files.iter().for_each(|(key, file)| write(key, &file.bytes));
    let run = async || {
        let tree = Arc::new(Tree::new(&sim.world(), dir.path()));
        let keys = Arc::new(Given(vec![Signer::shared().public()]));
        let settings = Settings { from: None, to: Some(hour(6)), in_flight: 2 };
        let report = verify(&sim.world(), tree, keys, settings, Arc::default()).await.unwrap();
        (report.verdict, codes(&report), report.certificate.records)
    };
    assert_eq!(run().await, (Verdict::Incomplete, vec!["signature_unknown"], 16));
    let metadata = json!({"ContentLength": 7, "Metadata": archive.file(&end(6)).metadata}).to_string();
    write(&(end(6) + ".meta.json"), metadata.as_bytes());
    assert_eq!(run().await, (Verdict::Proven, vec![], 20));
    write(&log(1), b"no longer");
    write(&(end(3) + ".metadata"), b"nonsense");
    // Of the second digest the signature is told by the third, which cannot be read now.
    let expected = vec!["log_malformed", "signature_unknown", "digest_unreadable", "log_undigested", "log_undigested"];
    assert_eq!(run().await.1, expected);
}

#[tokio::test]
async fn a_copy_of_a_part_of_the_tree_finds_its_place() {
    let mut archive = Archive::of(6);
    archive.files =
        archive.files.into_iter().map(|(key, file)| (key.strip_prefix("AWSLogs/").unwrap().to_owned(), file)).collect();
    let report = verified(&archive, false, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Incomplete, vec!["signature_unknown"]), "{report}");
}

#[tokio::test]
async fn a_changed_digest_in_a_plain_copy_is_found() {
    let mut archive = Archive::of(6);
    let json = whole_gzip::inflate_one(&archive.file(&end(3)).bytes, 1 << 20).unwrap();
    archive.file(&end(3)).bytes = gzip(&[&json, b" ".as_slice()].concat());
    let report = verified(&archive, false, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert!(codes(&report).contains(&"digest_signature"), "{report}");
    assert_eq!(report.verdict, Verdict::Invalid);
}

#[tokio::test]
async fn nothing_is_found_where_there_is_nothing() {
    let report = verified(&Archive::default(), true, (None, None), vec![]).await;
    assert_eq!(report.verdict, Verdict::NothingFound);
    let mut logs = Archive::of(2);
    logs.files.retain(|key, _| !key.contains("Digest"));
    let report = verified(&logs, true, (None, None), vec![]).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Incomplete, vec!["log_undigested"]));
}

#[tokio::test]
async fn a_span_past_the_newest_digest_is_not_covered() {
    let report =
        verified(&Archive::of(6), true, (Some(hour(10)), Some(hour(12))), vec![Signer::shared().public()]).await;
    assert_eq!((report.verdict, codes(&report)), (Verdict::Incomplete, vec!["newest_missing"]), "{report}");
}

#[tokio::test]
async fn the_report_reads_as_it_did() {
    let mut archive = Archive::of(6);
    archive.file(&log(1)).bytes = gzip(br#"{"Records":[]}"#);
    archive.remove(&end(4));
    let bytes = archive.file(&log(2)).bytes.clone();
    archive.put(&log_key("us-east-1", hour(1) + Duration::from_mins(30), "planted000000000"), bytes, BTreeMap::new());
    let report = verified(&archive, true, (None, Some(hour(6))), vec![Signer::shared().public()]).await;
    assert_eq!(report.to_string(), include_str!("tests/report.txt"));
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["certificate"]["verdict"], "invalid");
    assert_eq!(json["chains"][0]["findings"][0]["code"], "digest_missing");
    assert_eq!(json["certificate"]["gaps"][0]["from"], "2026-01-10T03:00:00Z");
}
