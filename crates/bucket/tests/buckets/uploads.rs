//! Objects put in parts.

use crate::house::{BUCKET, House, body, noise, put, tags};
use cairn_bucket::{
    Algorithm, ChecksumKind, Complete, CompletedPart, Error, Expected, NewUpload, Part, Put, PutCondition, Range, Span,
    Upload, Versioning,
};
use futures::StreamExt;

const FIVE_MIB: usize = 5 * 1024 * 1024;

impl House {
    async fn begin(&self, new: NewUpload) -> Upload {
        self.buckets.create_upload(new).await.unwrap()
    }

    async fn part(&self, upload: &Upload, number: u32, bytes: &[u8]) -> Part {
        self.buckets.upload_part(upload, number, body(bytes), Expected::default(), None).await.unwrap()
    }
}

fn new() -> NewUpload {
    NewUpload { put: put("k"), ..NewUpload::default() }
}

fn complete(upload: &Upload, parts: &[&Part]) -> Complete {
    let parts = parts.iter().map(|part| CompletedPart { number: part.number, etag: part.etag.clone(), checksum: None });
    Complete {
        bucket: BUCKET.to_owned(),
        key: upload.put.key.clone(),
        id: upload.id.clone(),
        parts: parts.collect(),
        ..Complete::default()
    }
}

#[tokio::test]
async fn parts_become_an_object_that_is_read_as_one() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let with = Put { metadata: tags(&[("m", "1")]), tags: tags(&[("t", "1")]), ..put("k") };
    let upload = house.begin(NewUpload { put: with, ..new() }).await;
    let (first, last) = (noise(FIVE_MIB + 12_345), noise(70_000));
    house.part(&upload, 7, b"replaced").await;
    house.part(&upload, 3, b"not listed").await;
    let (two, seven) = (house.part(&upload, 2, &first).await, house.part(&upload, 7, &last).await);
    let stored = house.buckets.complete_upload(complete(&upload, &[&two, &seven])).await.unwrap();
    assert!(stored.etag.ends_with("-2"), "{}", stored.etag);
    assert!(stored.version.is_some());
    assert_eq!(house.blobs().len(), 2, "what was replaced or not listed is gone");

    let house = house.reopen().await;
    let whole = [first.as_slice(), last.as_slice()].concat();
    let object = house.find("k").await.unwrap();
    assert_eq!((&object.metadata, &object.tags), (&tags(&[("m", "1")]), &tags(&[("t", "1")])));
    assert!(house.bytes(&object, Range::Whole).await.unwrap() == whole);
    assert!(house.bytes(&object, Range::Part(7)).await.unwrap() == last);
    assert!(matches!(house.bytes(&object, Range::Part(3)).await, Err(Error::InvalidPartNumber(3))));
    let (from, to) = (first.len() - 100_000, first.len() + 10);
    let across = Range::From { first: from as u64, last: Some(to as u64) };
    assert!(house.bytes(&object, across).await.unwrap() == whole[from..=to]);
    house.delete_version("k", &object.version, false).await.unwrap();
    assert!(house.blobs().is_empty());
}

#[tokio::test]
async fn a_list_of_parts_that_does_not_fit_is_refused_and_the_upload_stays() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let upload = house.begin(new()).await;
    let (small, large) = (house.part(&upload, 1, b"small").await, house.part(&upload, 2, &noise(FIVE_MIB)).await);
    let refused = async |parts: &[&Part]| house.buckets.complete_upload(complete(&upload, parts)).await.unwrap_err();
    assert!(matches!(refused(&[]).await, Error::InvalidRequest(_)));
    assert!(matches!(refused(&[&large, &small]).await, Error::InvalidPartOrder(_)));
    assert!(matches!(refused(&[&large, &large]).await, Error::InvalidPartOrder(_)));
    assert!(matches!(refused(&[&small, &large]).await, Error::TooSmall(_)));
    assert!(matches!(refused(&[&Part { number: 3, ..large.clone() }]).await, Error::InvalidPart(_)));
    assert!(matches!(refused(&[&Part { etag: small.etag.clone(), ..large.clone() }]).await, Error::InvalidPart(_)));
    let wrong_size = Complete { size: Some(1), ..complete(&upload, &[&large]) };
    assert!(matches!(house.buckets.complete_upload(wrong_size).await, Err(Error::InvalidRequest(_))));
    let (parts, more) = house.buckets.parts(&upload, 0, 1).await.unwrap();
    assert_eq!((parts[0].number, parts[0].size, more), (1, 5, true));
    house.buckets.complete_upload(complete(&upload, &[&large])).await.unwrap();
    assert!(matches!(refused(&[&large]).await, Error::NoSuchUpload(_)));
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing_and_takes_no_more_parts() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let upload = house.begin(new()).await;
    house.part(&upload, 1, b"1").await;
    assert!(matches!(house.buckets.upload(BUCKET, "other", &upload.id).await, Err(Error::NoSuchUpload(_))));
    house.buckets.abort_upload(BUCKET, "k", &upload.id).await.unwrap();
    let late = house.buckets.upload_part(&upload, 2, body(b"2"), Expected::default(), None).await;
    assert!(matches!(late, Err(Error::NoSuchUpload(_))));
    assert!(matches!(house.buckets.abort_upload(BUCKET, "k", &upload.id).await, Err(Error::NoSuchUpload(_))));
    assert!(house.blobs().is_empty());
    house.begin(new()).await;
    house.buckets.remove(BUCKET).await.unwrap();
}

#[tokio::test]
async fn part_numbers_have_bounds() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let upload = house.begin(new()).await;
    for number in [0, 10_001] {
        let refused = house.buckets.upload_part(&upload, number, body(b""), Expected::default(), None).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{number}");
    }
    house.part(&upload, 10_000, b"").await;
}

#[tokio::test]
async fn the_checksum_of_the_object_is_of_the_kind_that_was_asked_for() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let (first, last) = (noise(FIVE_MIB), noise(1000));
    let whole = [first.as_slice(), last.as_slice()].concat();
    let expected = |algorithm| Expected { algorithm: Some(algorithm), ..Expected::default() };
    let once = house.buckets.put(put("once"), body(&whole), expected(Algorithm::Crc32c), None).await.unwrap();
    let full = once.checksum.unwrap().value;

    let cases = [
        (Algorithm::Crc32c, Some(ChecksumKind::FullObject), Some(full.as_str())),
        (Algorithm::Crc32c, None, None),
        (Algorithm::Sha256, Some(ChecksumKind::Composite), None),
    ];
    for (algorithm, kind, value) in cases {
        let upload = house.begin(NewUpload { algorithm: Some(algorithm), kind, ..new() }).await;
        let parts = [house.part(&upload, 1, &first).await, house.part(&upload, 2, &last).await];
        let mut done = complete(&upload, &[&parts[0], &parts[1]]);
        done.checksum = Some((algorithm, "AAAAAA==".to_owned()));
        assert!(matches!(house.buckets.complete_upload(done.clone()).await, Err(Error::BadDigest(_))));
        done.checksum = value.map(|value| (algorithm, value.to_owned()));
        let found = house.buckets.complete_upload(done).await.unwrap().checksum.unwrap();
        match value {
            Some(value) => assert_eq!(found.value, value),
            None => assert!(found.value.ends_with("-2") && found.kind == ChecksumKind::Composite, "{found:?}"),
        }
    }
    for (algorithm, kind) in
        [(Algorithm::Sha1, ChecksumKind::FullObject), (Algorithm::Crc64Nvme, ChecksumKind::Composite)]
    {
        let new = NewUpload { algorithm: Some(algorithm), kind: Some(kind), ..new() };
        assert!(matches!(house.buckets.create_upload(new).await, Err(Error::InvalidRequest(_))));
    }
    let upload = house.begin(NewUpload { algorithm: Some(Algorithm::Sha1), ..new() }).await;
    let other = house.buckets.upload_part(&upload, 1, body(b""), expected(Algorithm::Crc32), None).await;
    assert!(matches!(other, Err(Error::InvalidRequest(_))));
}

#[tokio::test]
async fn a_part_can_be_copied_from_another_object() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bytes = noise(300_000);
    house.put("from", &bytes).await;
    let source = house.find("from").await.unwrap();
    let upload = house.begin(new()).await;
    let span = Span { offset: 100_000, len: 150_000 };
    let part = house.buckets.upload_part_copy(&upload, 1, &source, span).await.unwrap();
    house.buckets.complete_upload(complete(&upload, &[&part])).await.unwrap();
    assert!(house.get("k").await == bytes[100_000..250_000]);
}

#[tokio::test]
async fn an_object_of_parts_deleted_while_it_is_read_is_read_to_its_end() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let upload = house.begin(new()).await;
    let (first, last) = (noise(FIVE_MIB), noise(100));
    let parts = [house.part(&upload, 1, &first).await, house.part(&upload, 2, &last).await];
    house.buckets.complete_upload(complete(&upload, &[&parts[0], &parts[1]])).await.unwrap();
    let object = house.find("k").await.unwrap();
    let mut reading = house.buckets.content(&object, object.span(Range::Whole).unwrap()).await.unwrap();
    let mut read = reading.next().await.unwrap().unwrap().to_vec();
    house.delete("k").await;
    assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::NoSuchKey { .. })));
    while let Some(chunk) = reading.next().await {
        read.extend_from_slice(&chunk.unwrap());
    }
    assert!(read == [first, last].concat());
    drop(reading);
    while !house.blobs().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn completion_obeys_its_condition() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let upload = house.begin(new()).await;
    let part = house.part(&upload, 1, b"parts").await;
    house.put("k", b"first").await;
    let condition = Some(PutCondition::Absent);
    let done = Complete { condition, ..complete(&upload, &[&part]) };
    assert!(matches!(house.buckets.complete_upload(done.clone()).await, Err(Error::PreconditionFailed(_))));
    house.delete("k").await;
    house.buckets.complete_upload(done).await.unwrap();
    assert_eq!(house.get("k").await, b"parts");
}
