use super::*;
use crate::cli::elsewhere::Direct;
use crate::cli::elsewhere::stand_in::{Host, Manner, answer};
use http::{HeaderValue, Method, Uri};

const SECRET: &str = "secret";

fn builder(url: &str) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_endpoint(url)
        .with_allow_http(true)
        .with_region("eu-west-1")
        .with_access_key_id("AKIDEXAMPLE")
        .with_secret_access_key(SECRET)
        .with_token("session")
}

fn of(builder: AmazonS3Builder) -> Option<Reader> {
    let world = World::system();
    Reader::of(&world, Direct::new(&world).lines(), builder, "b", "/audit/").unwrap()
}

fn reader(host: &Host) -> Reader {
    of(builder(&host.url)).unwrap()
}

fn listing(inside: &str) -> Vec<u8> {
    answer(200, "", format!("<ListBucketResult>{inside}</ListBucketResult>").as_bytes())
}

fn assert_all_signed(asked: &[String]) {
    for asked in asked {
        assert_signed(asked);
    }
}

/// Checks the signature as the house does.
fn assert_signed(asked: &str) {
    let mut lines = asked.split("\r\n");
    let uri: Uri = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.insert(http::HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    assert_eq!(headers["x-amz-security-token"], "session");
    let signature = sigv4::find(&Method::GET, &uri, &headers).unwrap().unwrap();
    signature.verify(SECRET, &Method::GET, &uri, &headers, b"", World::system().now()).unwrap();
}

#[tokio::test]
async fn objects_are_read_with_their_metadata_over_one_connection() {
    let host = Host::start(Manner::Keeps, vec![answer(200, "X-Amz-Meta-Signature: 0a\r\n", b"bytes")]).await;
    let reader = reader(&host);
    for key in ["AWSLogs/a b+c.gz", "\u{e9}/..//%2F", "k"] {
        let object = reader.get(key, 5).await.unwrap();
        assert_eq!((&*object.bytes, &object.metadata.unwrap()["signature"]), (b"bytes".as_slice(), &"0a".to_owned()));
    }
    let asked = host.asked();
    assert_eq!((host.connections(), asked.len()), (1, 3));
    assert_all_signed(&asked);
    assert!(asked[0].starts_with("GET /b/AWSLogs/a%20b%2Bc.gz HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /b/%C3%A9/..//%252F HTTP/1.1\r\n"), "{}", asked[1]);
    assert_eq!((reader.name(), reader.bucket(), reader.top()), ("s3://b/audit/".into(), Some("b"), "audit/".into()));
}

#[tokio::test]
async fn listings_go_page_by_page() {
    let key = |key: &str| format!("<EncodingType>url</EncodingType><Contents><Key>{key}</Key></Contents>");
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t+/=</NextContinuationToken>";
    let folders = "<CommonPrefixes><Prefix>p/q/</Prefix></CommonPrefixes>";
    let pages = vec![listing(&(key("p/1%20") + more)), listing(&key("p/2")), listing(folders)];
    let host = Host::start(Manner::Keeps, pages).await;
    let reader = reader(&host);
    let keys: Vec<String> = reader.keys("p/").map(Result::unwrap).collect().await;
    assert_eq!(keys, ["p/1 ", "p/2"]);
    assert_eq!(reader.folders("p/").await.unwrap(), ["p/q/"]);
    let asked = host.asked();
    assert_all_signed(&asked);
    assert!(asked[0].starts_with("GET /b?encoding-type=url&list-type=2&prefix=p%2F HTTP/1.1"), "{}", asked[0]);
    assert!(asked[1].contains("&continuation-token=t%2B%2F%3D HTTP"), "{}", asked[1]);
    assert!(asked[2].contains("&delimiter=%2F HTTP"), "{}", asked[2]);
}

#[tokio::test]
async fn what_fails_for_a_while_is_asked_again() {
    let cut = answer(200, "", b"whole")[..70].to_vec();
    let host = Host::start(Manner::Closes, vec![answer(503, "", b"SlowDown"), cut, answer(200, "", b"whole")]).await;
    assert_eq!(reader(&host).get("k", 5).await.unwrap().bytes, "whole");
    assert_eq!(host.asked().len(), 3);
}

#[tokio::test]
async fn what_is_refused_missing_or_too_large_is_said_at_once() {
    let refusal = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
    for (given, expected) in [
        (answer(403, "", refusal), Some("AccessDenied: not you")),
        (answer(301, "", b""), Some("the answer is 301")),
        (answer(200, "", b"123456"), Some("more than the 5")),
        (b"HTTP/1.1 200 X\r\ncontent-length: 99999999\r\n\r\n".to_vec(), Some("more than the")),
        (b"nonsense\r\n\r\n".to_vec(), Some("invalid HTTP")),
        (answer(404, "", b""), None),
    ] {
        let host = Host::start(Manner::Keeps, vec![given]).await;
        match (reader(&host).get("k", 5).await.unwrap_err(), expected) {
            (Unread::Missing, None) => {}
            (Unread::Failed(reason), Some(expected)) => assert!(reason.contains(expected), "{reason}"),
            (other, expected) => panic!("{other:?} instead of {expected:?}"),
        }
        assert_eq!(host.asked().len(), 1);
    }
    let host = Host::start(Manner::Keeps, vec![answer(403, "", refusal), listing("<Contents>")]).await;
    for expected in ["s3://b/p/: AccessDenied: not you", "the listing"] {
        let error = reader(&host).folders("p/").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn only_plain_endpoints_are_read_this_way() {
    for (url, path) in
        [("http://127.0.0.1:9000", "/b"), ("http://[::1]:9000/", "/b"), ("http://minio/base/s3/", "/base/s3/b")]
    {
        assert_eq!(of(builder(url)).unwrap().inner.path, path, "{url}");
    }
    for url in ["https://s3.example", "http://user:pass@host", "http://host/?x", "http://", "s3.example"] {
        assert!(of(builder(url)).is_none(), "{url}");
    }
    assert!(of(AmazonS3Builder::new().with_bucket_name("b")).is_none());
    assert!(of(builder("http://h").with_virtual_hosted_style_request(true)).is_none());
    let public = of(builder("http://h").with_skip_signature(true)).unwrap();
    assert!(matches!(public.inner.who, Who::Nobody));
}
