//! Objects: put, read, listed, versioned, copied, put in parts.

use crate::house::House;
use cairn_event::Category;
use serde_json::{Value, json};
use std::fmt::Write as _;

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let headers = [
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("x-amz-meta-signature", "abc"),
        ("cache-control", "no-store"),
    ];
    let put = house.ask("PUT /logs/a/b%20c", &headers, b"hello world").await.is(200);
    assert_eq!(put.header("etag"), Some("\"5eb63bbbe01eeed093cb22bb8f5acdc3\""));
    assert_eq!(put.header("x-amz-server-side-encryption"), Some("AES256"));
    assert_eq!(put.header("x-amz-version-id"), None);
    assert_eq!(put.parameter("key"), "a/b c");
    assert_eq!(put.outcome.response, json!({"x-amz-server-side-encryption": "AES256"}));
    assert_eq!(put.outcome.category, Category::Data);
    assert_eq!(put.outcome.additional["bytesTransferredIn"], 11);
    assert_eq!(put.outcome.additional["SSEApplied"], "Default_SSE_S3");
    let arns: Vec<_> = put.outcome.resources.iter().map(|resource| resource.arn.as_str()).collect();
    assert_eq!(arns, ["arn:aws:s3:::logs/a/b c", "arn:aws:s3:::logs"]);
    let got = house.ask("GET /logs/a/b%20c", &[], b"").await.is(200);
    assert_eq!(got.body, b"hello world");
    for (name, value) in headers {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    assert_eq!(got.outcome.additional["bytesTransferredOut"], 11);
    assert_eq!(got.outcome.response, Value::Null);
    assert!(got.outcome.read_only);
    let head = house.ask("HEAD /logs/a/b%20c", &[], b"").await.is(200);
    assert_eq!((head.header("content-length"), head.body.len()), (Some("11"), 0));
    assert_eq!(head.outcome.event_name, "HeadObject");
}

#[tokio::test]
async fn parts_of_an_object_are_read() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"0123456789").await.is(200);
    for (range, status, body, content_range) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-2", 206, "89", Some("bytes 8-9/10")),
        ("bytes=8-99", 206, "89", Some("bytes 8-9/10")),
    ] {
        let answer = house.ask("GET /logs/a", &[("range", range)], b"").await.is(status);
        assert_eq!((answer.text().as_str(), answer.header("content-range")), (body, content_range), "{range}");
    }
    let beyond = house.ask("GET /logs/a", &[("range", "bytes=10-")], b"").await.fails(416, "InvalidRange");
    assert_eq!(beyond.header("content-range"), Some("bytes */10"));
}

#[tokio::test]
async fn conditions_hold_or_nothing_happens() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let etag = house.ask("PUT /logs/a", &[("if-none-match", "*")], b"1").await.is(200);
    let etag = etag.header("etag").unwrap().to_owned();
    house.ask("PUT /logs/a", &[("if-none-match", "*")], b"2").await.fails(412, "PreconditionFailed");
    house.ask("PUT /logs/a", &[("if-match", "\"0\"")], b"2").await.fails(412, "PreconditionFailed");
    let unchanged = house.ask("GET /logs/a", &[("if-none-match", &etag)], b"").await.is(304);
    assert!(unchanged.body.is_empty() && unchanged.outcome.error.is_none());
    assert_eq!(unchanged.header("etag"), Some(etag.as_str()));
    house.ask("GET /logs/a", &[("if-match", "\"0\"")], b"").await.fails(412, "PreconditionFailed");
    house.ask("PUT /logs/a", &[("if-match", &etag)], b"2").await.is(200);
    assert_eq!(house.ask("GET /logs/a", &[], b"").await.body, b"2");
}

#[tokio::test]
async fn objects_are_listed_in_pages() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    for key in ["a", "b/1", "b/2", "c+d", "e"] {
        house.ask(&format!("PUT /logs/{}", key.replace('+', "%2B")), &[], b"x").await.is(200);
    }
    let first = house.ask("GET /logs?list-type=2&max-keys=2&delimiter=/", &[], b"").await.is(200);
    assert_eq!(first.element("KeyCount").as_deref(), Some("2"));
    assert_eq!(first.element("Prefix").as_deref(), Some(""));
    assert!(first.text().contains("<CommonPrefixes><Prefix>b/</Prefix>"), "{}", first.text());
    let token = first.element("NextContinuationToken").unwrap().replace('=', "%3D");
    let next = format!("GET /logs?list-type=2&delimiter=/&encoding-type=url&continuation-token={token}");
    let rest = house.ask(&next, &[], b"").await.is(200);
    assert!(rest.text().contains("<Key>c%2Bd</Key>") && rest.text().contains("<Key>e</Key>"), "{}", rest.text());
    assert_eq!(rest.element("IsTruncated").as_deref(), Some("false"));
    assert_eq!(rest.outcome.event_name, "ListObjects");
    assert_eq!(rest.outcome.category, Category::Data);
    let old = house.ask("GET /logs?prefix=b/&marker=b/1&encoding-type=url", &[], b"").await.is(200);
    assert!(old.text().contains("<Key>b/2</Key>") && !old.text().contains("<Key>b/1</Key>"));
    assert_eq!(old.outcome.resources[0].arn, "arn:aws:s3:::logs/b/");
    house.ask("GET /logs?list-type=2&max-keys=-1", &[], b"").await.fails(400, "InvalidArgument");
    house.ask("GET /logs?list-type=2&continuation-token=*", &[], b"").await.fails(400, "InvalidArgument");
}

#[tokio::test]
async fn versions_are_kept_and_removed() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    house.ask("PUT /logs?versioning", &[], enabled).await.is(200);
    let first = house.ask("PUT /logs/a", &[], b"1").await.is(200).header("x-amz-version-id").unwrap().to_owned();
    house.ask("PUT /logs/a", &[], b"2").await.is(200);
    let deleted = house.ask("DELETE /logs/a", &[], b"").await.is(204);
    assert_eq!(deleted.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(deleted.outcome.response["x-amz-delete-marker"], "true");
    let gone = house.ask("GET /logs/a", &[], b"").await.fails(404, "NoSuchKey");
    assert_eq!(gone.header("x-amz-delete-marker"), Some("true"));
    let marker = deleted.header("x-amz-version-id").unwrap();
    house.ask(&format!("GET /logs/a?versionId={marker}"), &[], b"").await.fails(405, "MethodNotAllowed");
    let old = house.ask(&format!("GET /logs/a?versionId={first}"), &[], b"").await.is(200);
    assert_eq!((old.text().as_str(), old.parameter("versionId")), ("1", &json!(first)));
    let listed = house.ask("GET /logs?versions", &[], b"").await.is(200);
    assert_eq!(listed.text().matches("<Version>").count(), 2, "{}", listed.text());
    assert_eq!(listed.text().matches("<DeleteMarker>").count(), 1);
    house.ask(&format!("DELETE /logs/a?versionId={marker}"), &[], b"").await.is(204);
    assert_eq!(house.ask("GET /logs/a", &[], b"").await.is(200).body, b"2");
    let absent = "GET /logs/a?versionId=null";
    house.ask(absent, &[], b"").await.fails(404, "NoSuchVersion");
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let body = b"<Delete><Object><Key>a</Key></Object><Object><Key>never</Key></Object></Delete>";
    let answer = house.ask("POST /logs?delete", &[], body).await.is(200);
    assert_eq!(answer.text().matches("<Deleted>").count(), 2, "{}", answer.text());
    assert_eq!(answer.outcome.event_name, "DeleteObjects");
    assert!(answer.outcome.parameters.get("Delete").is_none(), "key names are not recorded");
    let guest = house.user("guest", "").await;
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let denied = house.ask_as(Some(&guest), "POST /logs?delete", &[], body).await.is(200);
    assert_eq!(denied.text().matches("<Code>AccessDenied</Code>").count(), 2, "{}", denied.text());
    house.ask("HEAD /logs/a", &[], b"").await.is(200);
    house.ask("POST /logs?delete", &[], b"<Delete></Delete>").await.fails(400, "MalformedXML");
}

#[tokio::test]
async fn an_object_is_copied_with_its_source_named() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let headers = [("x-amz-meta-a", "1"), ("x-amz-tagging", "team=sec")];
    house.ask("PUT /logs/a", &headers, b"hello").await.is(200);
    let copied = house.ask("PUT /logs/b", &[("x-amz-copy-source", "/logs/a")], b"").await.is(200);
    assert_eq!(copied.outcome.event_name, "CopyObject");
    assert_eq!(copied.parameter("x-amz-copy-source"), "/logs/a");
    let copy = house.ask("GET /logs/b", &[], b"").await.is(200);
    assert_eq!((copy.text().as_str(), copy.header("x-amz-meta-a")), ("hello", Some("1")));
    assert_eq!(copy.header("x-amz-tagging-count"), Some("1"));
    house.ask("PUT /logs/a", &[("x-amz-copy-source", "/logs/a")], b"").await.fails(400, "InvalidRequest");
    house.ask("PUT /logs/c", &[("x-amz-copy-source", "/logs/none")], b"").await.fails(404, "NoSuchKey");
}

#[tokio::test]
async fn an_object_is_put_in_parts() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let begun = house.ask("POST /logs/big?uploads", &[("x-amz-meta-a", "1")], b"").await.is(200);
    let id = begun.element("UploadId").unwrap();
    let (one, two) = (vec![b'a'; 5 << 20], b"tail".to_vec());
    let mut listed = String::new();
    for (number, body) in [(1, &one), (2, &two)] {
        let part = house.ask(&format!("PUT /logs/big?partNumber={number}&uploadId={id}"), &[], body).await.is(200);
        let etag = part.header("etag").unwrap();
        write!(listed, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>").unwrap();
    }
    let uploads = house.ask("GET /logs?uploads", &[], b"").await.is(200);
    assert_eq!(uploads.element("UploadId").as_deref(), Some(id.as_str()));
    let parts = house.ask(&format!("GET /logs/big?uploadId={id}"), &[], b"").await.is(200);
    assert_eq!(parts.text().matches("<Part>").count(), 2, "{}", parts.text());
    let complete = format!("POST /logs/big?uploadId={id}");
    let wrong =
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>0</ETag></Part></CompleteMultipartUpload>";
    house.ask(&complete, &[], wrong.as_bytes()).await.fails(400, "InvalidPart");
    let body = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    let done = house.ask(&complete, &[], body.as_bytes()).await.is(200);
    assert!(done.element("ETag").unwrap().contains("-2"), "{}", done.text());
    let got = house.ask("GET /logs/big", &[], b"").await.is(200);
    assert_eq!((got.body.len(), got.header("x-amz-meta-a")), ((5 << 20) + 4, Some("1")));
    let second = house.ask("GET /logs/big?partNumber=2", &[], b"").await.is(206);
    assert_eq!((second.text().as_str(), second.header("x-amz-mp-parts-count")), ("tail", Some("2")));
    house.ask(&complete, &[], body.as_bytes()).await.fails(404, "NoSuchUpload");
}

#[tokio::test]
async fn what_is_known_of_an_object_is_told() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"hello").await.is(200);
    let told =
        house.ask("GET /logs/a?attributes", &[("x-amz-object-attributes", "ETag, ObjectSize")], b"").await.is(200);
    assert_eq!(told.element("ETag").as_deref(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!((told.element("ObjectSize").as_deref(), told.element("StorageClass")), (Some("5"), None));
}

#[tokio::test]
async fn a_wrong_checksum_is_refused() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], b"x").await.fails(400, "BadDigest");
    house.ask("PUT /logs/a", &[("x-amz-checksum-crc32", "AAAAAA==")], b"x").await.fails(400, "BadDigest");
    let kept = house.ask("PUT /logs/a", &[("x-amz-checksum-crc32", "jNwWgw==")], b"x").await;
    assert_eq!(kept.is(200).header("x-amz-checksum-crc32"), Some("jNwWgw=="));
    let head = house.ask("HEAD /logs/a", &[("x-amz-checksum-mode", "ENABLED")], b"").await.is(200);
    assert_eq!(head.header("x-amz-checksum-crc32"), Some("jNwWgw=="));
}

#[tokio::test]
async fn tags_are_set_and_read() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let tags = b"<Tagging><TagSet><Tag><Key>team</Key><Value>sec</Value></Tag></TagSet></Tagging>";
    let put = house.ask("PUT /logs/a?tagging", &[], tags).await.is(200);
    assert_eq!(put.parameter("Tagging")["TagSet"]["Tag"]["Key"], "team");
    let got = house.ask("GET /logs/a?tagging", &[], b"").await.is(200);
    assert!(got.text().contains("<Key>team</Key>"));
    house.ask("DELETE /logs/a?tagging", &[], b"").await.is(204);
    let got = house.ask("GET /logs/a?tagging", &[], b"").await.is(200);
    assert!(!got.text().contains("<Key>"));
    house.ask("GET /logs/none?tagging", &[], b"").await.fails(404, "NoSuchKey");
}
