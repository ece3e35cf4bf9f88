//! Objects: put, read, versions, conditions, copies.

use crate::house::{BUCKET, House, body, noise, put, tags};
use cairn_bucket::{
    Algorithm, Conditions, CopyOf, Delete, Error, Expected, Headers, NULL_VERSION, Put, PutCondition, Range, Span,
    Versioning,
};
use futures::{StreamExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::io;
use std::time::Duration;

#[tokio::test]
async fn an_object_reads_back_as_it_was_put_also_after_a_restart() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let headers = Headers { content_type: Some("application/json".to_owned()), ..Headers::default() };
    let with =
        Put { headers: headers.clone(), metadata: tags(&[("signature", "ab")]), tags: tags(&[("a", "b")]), ..put("k") };
    for size in [0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_576, 2_500_000] {
        let bytes = noise(size);
        let stored = house.try_put(Put { key: size.to_string(), ..with.clone() }, &bytes).await.unwrap();
        assert_eq!((stored.size, stored.version), (size as u64, None));
    }
    let house = house.reopen().await;
    for size in [0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_576, 2_500_000] {
        let object = house.find(&size.to_string()).await.unwrap();
        assert_eq!((&object.headers, &object.metadata, &object.tags), (&headers, &with.metadata, &with.tags));
        assert_eq!((object.size, object.shown_version()), (size as u64, None));
        assert_eq!(house.bytes(&object, Range::Whole).await.unwrap(), noise(size), "{size}");
    }
}

#[tokio::test]
async fn any_range_can_be_read() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bytes = noise(300_000);
    house.put("k", &bytes).await;
    let object = house.find("k").await.unwrap();
    let cases = [
        (0, 0),
        (0, 65_535),
        (65_535, 65_536),
        (65_536, 131_071),
        (1, 299_999),
        (131_072, 262_143),
        (299_999, 299_999),
    ];
    for (first, last) in cases {
        let range = Range::From { first, last: Some(last) };
        assert_eq!(house.bytes(&object, range).await.unwrap(), bytes[first as usize..=last as usize], "{first}-{last}");
    }
    let spans = [
        (Range::From { first: 299_990, last: None }, 299_990, 10),
        (Range::From { first: 10, last: Some(u64::MAX) }, 10, 299_990),
        (Range::From { first: 10, last: Some(9) }, 0, 300_000),
        (Range::Last(5), 299_995, 5),
        (Range::Last(400_000), 0, 300_000),
        (Range::Part(1), 0, 300_000),
    ];
    for (range, offset, len) in spans {
        assert_eq!(object.span(range).unwrap(), Span { offset, len }, "{range:?}");
    }
    for range in [Range::From { first: 300_000, last: None }, Range::Last(0)] {
        assert!(matches!(object.span(range), Err(Error::InvalidRange { size: 300_000 })), "{range:?}");
    }
    assert!(matches!(object.span(Range::Part(2)), Err(Error::InvalidPartNumber(2))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn ranges_are_the_bytes_that_were_put(size in 1..400_000_usize, cuts in vec((any::<Index>(), any::<Index>()), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = House::with(BUCKET, Versioning::Off).await;
            let bytes = noise(size);
            house.put("k", &bytes).await;
            let object = house.find("k").await.unwrap();
            for (one, other) in cuts {
                let (one, other) = (one.index(size), other.index(size));
                let (first, last) = (one.min(other), one.max(other));
                let range = Range::From { first: first as u64, last: Some(last as u64) };
                assert!(house.bytes(&object, range).await.unwrap() == bytes[first..=last], "{first}-{last} of {size}");
            }
        });
    }
}

#[tokio::test]
async fn without_versioning_a_put_replaces_and_a_delete_removes() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("k", b"1").await;
    house.put("k", b"2").await;
    assert_eq!(house.get("k").await, b"2");
    assert_eq!(house.blobs().len(), 1);
    let deleted = house.delete("k").await;
    assert_eq!((deleted.version, deleted.marker), (None, false));
    assert!(matches!(house.find("k").await, Err(Error::NoSuchKey { .. })));
    house.delete("k").await;
    assert!(house.blobs().is_empty());
}

#[tokio::test]
async fn with_versioning_every_version_stays_and_the_newest_left_counts() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let one = house.put("k", b"1").await.version.unwrap();
    let two = house.put("k", b"2").await.version.unwrap();
    let marker = house.delete("k").await;
    assert!(marker.marker);
    let marker = marker.version.unwrap();
    assert!(matches!(house.find("k").await, Err(Error::Marker { named: false, .. })));
    assert!(matches!(house.get_version("k", &marker).await, Err(Error::Marker { named: true, .. })));
    assert_eq!(house.get_version("k", &one).await.unwrap(), b"1");
    assert!(house.delete_version("k", &marker, false).await.unwrap().marker);
    assert_eq!(house.get("k").await, b"2");
    let removed = house.delete_version("k", &two, false).await.unwrap();
    assert_eq!((removed.version.as_deref(), removed.marker), (Some(two.as_str()), false));
    assert_eq!(house.get("k").await, b"1");
    assert!(matches!(house.get_version("k", &two).await, Err(Error::NoSuchVersion { .. })));
    house.delete_version("k", &two, false).await.unwrap();
    assert_eq!(house.blobs().len(), 1);
}

#[tokio::test]
async fn suspended_versioning_replaces_only_the_null_version() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("k", b"null 1").await;
    house.buckets.set_versioning(BUCKET, Versioning::Enabled).await.unwrap();
    assert_eq!(house.find("k").await.unwrap().shown_version(), Some(NULL_VERSION));
    let kept = house.put("k", b"kept").await.version.unwrap();
    assert_eq!(house.get_version("k", NULL_VERSION).await.unwrap(), b"null 1");
    house.buckets.set_versioning(BUCKET, Versioning::Suspended).await.unwrap();
    let stored = house.put("k", b"null 2").await;
    assert_eq!(stored.version.as_deref(), Some(NULL_VERSION));
    assert_eq!(house.get("k").await, b"null 2");
    assert_eq!(house.get_version("k", &kept).await.unwrap(), b"kept");
    let marker = house.delete("k").await;
    assert_eq!((marker.version.as_deref(), marker.marker), (Some(NULL_VERSION), true));
    assert!(matches!(house.get_version("k", NULL_VERSION).await, Err(Error::Marker { .. })));
    house.delete_version("k", NULL_VERSION, false).await.unwrap();
    assert_eq!(house.get("k").await, b"kept");
    assert_eq!(house.blobs().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_not_what_it_was_said_to_be_is_refused_and_leaves_nothing() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let good =
        Expected { algorithm: Some(Algorithm::Crc32), checksum: Some("NhCmhg==".to_owned()), ..Expected::default() };
    let stored = house.buckets.put(put("good"), body(b"hello"), good.clone(), None).await.unwrap();
    assert_eq!(stored.checksum.unwrap().value, "NhCmhg==");
    assert_eq!(stored.etag, "5d41402abc4b2a76b9719d911017c592");
    let md5 = |value: &str| Expected { md5: Some(value.to_owned()), ..Expected::default() };
    house.buckets.put(put("good"), body(b"hello"), md5("XUFAKrxLKna5cZ2REBfFkg=="), None).await.unwrap();

    let bad = house.buckets.put(put("bad"), body(b"hellO"), good.clone(), None).await;
    assert!(matches!(bad, Err(Error::BadDigest(_))), "{bad:?}");
    let bad = house.buckets.put(put("bad"), body(b"hellO"), md5("XUFAKrxLKna5cZ2REBfFkg=="), None).await;
    assert!(matches!(bad, Err(Error::BadDigest(_))), "{bad:?}");
    let bad = house.buckets.put(put("bad"), body(b"hello"), md5("no digest"), None).await;
    assert!(matches!(bad, Err(Error::InvalidDigest(_))), "{bad:?}");
    let expected = Expected { checksum: None, ..good };
    let trailer = Some(Box::new(|| Some("AAAAAA==".to_owned())) as cairn_bucket::Trailer);
    let bad = house.buckets.put(put("bad"), body(b"hello"), expected, trailer).await;
    assert!(matches!(bad, Err(Error::BadDigest(_))), "{bad:?}");
    let bad =
        house.buckets.put(put("bad"), body(b"hello"), Expected { size: Some(6), ..Expected::default() }, None).await;
    assert!(matches!(bad, Err(Error::Body(_))), "{bad:?}");
    let torn = stream::iter([Ok("hel".into()), Err(io::ErrorKind::ConnectionReset.into())]).boxed();
    let bad = house.buckets.put(put("bad"), torn, Expected::default(), None).await;
    assert!(matches!(bad, Err(Error::Body(_))), "{bad:?}");

    assert!(matches!(house.find("bad").await, Err(Error::NoSuchKey { .. })));
    assert_eq!((house.blobs().len(), house.half_written()), (1, 0));
}

#[tokio::test]
async fn names_and_metadata_past_their_limits_are_refused() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put(&"ä".repeat(512), b"").await;
    let long = house.try_put(put(&"k".repeat(1025)), b"").await;
    assert!(matches!(long, Err(Error::KeyTooLong(_))));
    assert!(matches!(house.try_put(put(""), b"").await, Err(Error::Invalid(_))));
    let metadata = tags(&[("a", &"x".repeat(2048))]);
    let large = house.try_put(Put { metadata, ..put("k") }, b"").await;
    assert!(matches!(large, Err(Error::MetadataTooLarge(_))));
    let elsewhere = Put { bucket: "nowhere".to_owned(), ..put("k") };
    assert!(matches!(house.try_put(elsewhere, b"").await, Err(Error::NoSuchBucket(_))));
}

#[tokio::test]
async fn conditions_on_a_put_hold_against_the_newest_version() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let when = |condition| Put { condition: Some(condition), ..put("k") };
    let etag = |etag: &str| PutCondition::Etag(etag.to_owned());
    assert!(matches!(house.try_put(when(etag("x")), b"1").await, Err(Error::NoSuchKey { .. })));
    let one = house.try_put(when(PutCondition::Absent), b"1").await.unwrap();
    assert!(matches!(
        house.try_put(when(PutCondition::Absent), b"2").await,
        Err(Error::PreconditionFailed("If-None-Match"))
    ));
    assert!(matches!(house.try_put(when(etag("x")), b"2").await, Err(Error::PreconditionFailed("If-Match"))));
    house.try_put(when(etag(&one.etag)), b"2").await.unwrap();
    house.delete("k").await;
    house.try_put(when(PutCondition::Absent), b"3").await.unwrap();
    assert_eq!(house.get("k").await, b"3");
}

#[tokio::test]
async fn of_many_that_race_to_put_first_one_wins() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let racers = (0..20_u8).map(|n| {
        let put = Put { condition: Some(PutCondition::Absent), ..put("k") };
        house.buckets.put(put, body(&[n]), Expected::default(), None)
    });
    let results = futures::future::join_all(racers).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for lost in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(lost, Error::PreconditionFailed(_)), "{lost:?}");
    }
    assert_eq!(house.blobs().len(), 1, "the losers' bytes are gone");
}

#[tokio::test]
async fn reads_and_deletes_obey_their_conditions() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let etag = house.put("k", b"1").await.etag;
    let object = house.find("k").await.unwrap();
    let before = object.modified - Duration::from_secs(10);
    let of = |etag: &str| Some(vec![etag.to_owned()]);
    let none = Conditions::default;
    let fine = [
        Conditions { if_match: of(&etag), if_unmodified_since: Some(before), ..none() },
        Conditions { if_match: of("*"), ..none() },
        Conditions { if_none_match: of("x"), if_modified_since: Some(object.modified), ..none() },
        Conditions { if_modified_since: Some(before), ..none() },
        Conditions { if_unmodified_since: Some(object.modified), ..none() },
    ];
    for conditions in fine {
        object.check(&conditions).unwrap_or_else(|error| panic!("{conditions:?}: {error}"));
    }
    let failed =
        [Conditions { if_match: of("x"), ..none() }, Conditions { if_unmodified_since: Some(before), ..none() }];
    for conditions in failed {
        assert!(matches!(object.check(&conditions), Err(Error::PreconditionFailed(_))), "{conditions:?}");
    }
    let unmodified = [
        Conditions { if_none_match: of(&etag), ..none() },
        Conditions { if_modified_since: Some(object.modified), ..none() },
    ];
    for conditions in unmodified {
        assert!(matches!(object.check(&conditions), Err(Error::NotModified)), "{conditions:?}");
    }
    let delete = |etag: &str| Delete { key: "k".to_owned(), if_match: Some(etag.to_owned()), ..Delete::default() };
    assert!(matches!(house.buckets.delete(BUCKET, delete("x")).await, Err(Error::PreconditionFailed(_))));
    house.buckets.delete(BUCKET, delete(&etag)).await.unwrap();
}

#[tokio::test]
async fn many_are_deleted_together_each_with_its_own_result() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("a", b"1").await;
    let keys = ["a".to_owned(), "missing".to_owned(), "x".repeat(1025)];
    let deletes = keys.into_iter().map(|key| Delete { key, ..Delete::default() }).collect();
    let results = house.buckets.delete_many(BUCKET, deletes).await.unwrap();
    assert!(results[0].is_ok() && results[1].is_ok());
    assert!(matches!(results[2], Err(Error::KeyTooLong(_))));
    let many = vec![Delete::default(); 1001];
    assert!(matches!(house.buckets.delete_many(BUCKET, many).await, Err(Error::InvalidRequest(_))));
}

#[tokio::test]
async fn a_copy_takes_or_replaces_metadata_and_tags() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bytes = noise(200_000);
    let original = Put { metadata: tags(&[("m", "1")]), tags: tags(&[("t", "1")]), ..put("from") };
    let stored = house.try_put(original, &bytes).await.unwrap();
    let source = house.find("from").await.unwrap();
    let copy = |put, replace_metadata, replace_tags| CopyOf {
        source: &source,
        put,
        replace_metadata,
        replace_tags,
        algorithm: None,
    };
    let copied = house.buckets.copy(copy(put("to"), false, false)).await.unwrap();
    assert_eq!(copied.etag, stored.etag);
    let to = house.find("to").await.unwrap();
    assert_eq!((&to.metadata, &to.tags), (&source.metadata, &source.tags));
    assert_eq!(house.get("to").await, bytes);
    let other = Put { metadata: tags(&[("m", "2")]), ..put("to") };
    house.buckets.copy(copy(other, true, true)).await.unwrap();
    let to = house.find("to").await.unwrap();
    assert_eq!((to.metadata, to.tags.len()), (tags(&[("m", "2")]), 0));
    assert!(matches!(house.buckets.copy(copy(put("from"), false, false)).await, Err(Error::InvalidRequest(_))));
    house.buckets.copy(copy(put("from"), true, false)).await.unwrap();
}

#[tokio::test]
async fn tags_of_an_object_can_be_replaced_and_removed() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let first = house.put("k", b"1").await.version.unwrap();
    house.put("k", b"2").await;
    house.buckets.set_object_tags(BUCKET, "k", Some(&first), tags(&[("a", "1")])).await.unwrap();
    assert!(house.find("k").await.unwrap().tags.is_empty());
    assert_eq!(house.buckets.find(BUCKET, "k", Some(&first)).await.unwrap().tags, tags(&[("a", "1")]));
    let many: Vec<String> = (0..11).map(|n| n.to_string()).collect();
    let many = many.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>();
    let refused = house.buckets.set_object_tags(BUCKET, "k", None, tags(&many)).await;
    assert!(matches!(refused, Err(Error::InvalidTag(_))));
}
