//! Checksums that come after the body.

use crate::house::{Answer, House, REGION};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use http::HeaderValue;

const KIND: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const CRC32_OF_X: &str = "jNwWgw==";

/// `x` in one chunk, with what follows it.
async fn put(house: &House, target: &str, headers: &[(&str, &str)], trailers: &str) -> Answer {
    send(house, target, headers, 1, format!("1\r\nx\r\n0\r\n{trailers}\r\n")).await
}

async fn send(house: &House, target: &str, headers: &[(&str, &str)], length: usize, body: String) -> Answer {
    let length = length.to_string();
    let date = house.engines.world.now().compact();
    let always = [
        ("x-amz-content-sha256", KIND),
        ("x-amz-date", &date),
        ("x-amz-decoded-content-length", &length),
        ("content-encoding", "aws-chunked"),
    ];
    let mut request = House::request(&format!("PUT {target}"), &[&always, headers].concat(), body.as_bytes());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let line = |name: &&str| format!("{name}:{}", request.headers()[*name].to_str().unwrap());
    let lines = names.iter().map(line).collect::<Vec<_>>().join("\n");
    let names = names.join(";");
    let canonical = format!("PUT\n{path}\n{query}\n{lines}\n\n{names}\n{KIND}");
    let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
    let hash = hex::encode(digest(&SHA256, canonical.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
    let mac = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let seed = format!("AWS4{}", house.root.secret.expose()).into_bytes();
    let key = scope.split('/').fold(seed, |key, part| mac(&key, part));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        house.root.access_key,
        hex::encode(mac(&key, &text))
    );
    request.headers_mut().insert("authorization", HeaderValue::from_str(&authorization).unwrap());
    house.send(request).await
}

#[tokio::test]
async fn a_checksum_that_was_announced_must_come() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let announced = [("x-amz-trailer", "x-amz-checksum-crc32")];
    let right = format!("x-amz-checksum-crc32:{CRC32_OF_X}\r\n");
    put(&house, "/logs/a", &announced, "").await.fails(400, "MalformedTrailerError");
    put(&house, "/logs/a", &announced, "x-amz-checksum-sha1:AAAA\r\n").await.fails(400, "MalformedTrailerError");
    put(&house, "/logs/a", &[("x-amz-trailer", "X-Amz-Checksum-CRC32")], "").await.fails(400, "MalformedTrailerError");
    put(&house, "/logs/a", &announced, "x-amz-checksum-crc32:AAAAAA==\r\n").await.fails(400, "BadDigest");
    let two = [announced[0], ("x-amz-checksum-sha1", "Ef9suvAsD0oTsmHwnAY6bOgZXvE=")];
    put(&house, "/logs/a", &two, &right).await.fails(400, "InvalidRequest");
    house.ask("PUT /logs/a", &announced, b"x").await.fails(400, "MalformedTrailerError");
    house.ask("HEAD /logs/a", &[], b"").await.is(404);
    let kept = put(&house, "/logs/a", &announced, &right).await.is(200);
    assert_eq!(kept.header("x-amz-checksum-crc32"), Some(CRC32_OF_X));
    assert_eq!(house.ask("GET /logs/a", &[], b"").await.is(200).text(), "x");
}

#[tokio::test]
async fn nothing_has_a_checksum_too() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let announced = [("x-amz-trailer", "x-amz-checksum-crc32")];
    send(&house, "/logs/a", &announced, 0, "0\r\n\r\n".to_owned()).await.fails(400, "MalformedTrailerError");
    let empty = "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n".to_owned();
    send(&house, "/logs/a", &announced, 0, empty).await.is(200);
    assert_eq!(house.ask("GET /logs/a", &[], b"").await.is(200).text(), "");
}

#[tokio::test]
async fn so_must_that_of_a_part() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let begun = house.ask("POST /logs/a?uploads", &[("x-amz-checksum-algorithm", "CRC32")], b"").await.is(200);
    let target = format!("/logs/a?partNumber=1&uploadId={}", begun.element("UploadId").unwrap());
    let announced = [("x-amz-trailer", "x-amz-checksum-crc32")];
    put(&house, &target, &announced, "").await.fails(400, "MalformedTrailerError");
    put(&house, &target, &announced, &format!("x-amz-checksum-crc32:{CRC32_OF_X}\r\n")).await.is(200);
}
