//! Outside buckets against a stand-in for S3 that remembers what it was asked.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use cairn_bucket::outside::{Credentials, Endpoint, Error, Outside, Put};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
}

#[derive(Clone, Default)]
struct StandIn {
    seen: Arc<Mutex<Vec<Seen>>>,
    objects: Arc<Mutex<BTreeMap<String, (HeaderMap, Bytes)>>>,
}

impl StandIn {
    async fn start() -> (Self, String) {
        let stand_in = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = stand_in.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = server.clone();
                let service = hyper::service::service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, hyper::Error>(server.answer(request).await) }
                });
                let io = hyper_util::rt::TokioIo::new(socket);
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
            }
        });
        (stand_in, url)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let headers = parts.headers;
        let seen = Seen { method: parts.method.clone(), path: path.clone(), query, headers: headers.clone() };
        self.seen.lock().unwrap().push(seen);
        let mut response = Response::builder().header("last-modified", "Mon, 10 Jul 2023 11:42:00 GMT");
        if path.starts_with("/closed/") {
            return response.status(StatusCode::FORBIDDEN).body(Full::default()).unwrap();
        }
        if parts.method == Method::PUT {
            self.objects.lock().unwrap().insert(path, (headers, body));
            return response.header("etag", "\"e\"").body(Full::default()).unwrap();
        }
        if path == "/archive" || path == "/archive/" {
            return response.body(Full::from(self.listing())).unwrap();
        }
        let objects = self.objects.lock().unwrap();
        let Some((kept, body)) = objects.get(&path) else {
            return response.status(StatusCode::NOT_FOUND).body(Full::default()).unwrap();
        };
        for (name, value) in kept {
            if name == "content-type" || name == "content-encoding" || name.as_str().starts_with("x-amz-meta-") {
                response = response.header(name, value);
            }
        }
        let response = response.header("etag", "\"e\"").header("content-length", body.len());
        response.body(Full::from(if parts.method == Method::HEAD { Bytes::new() } else { body.clone() })).unwrap()
    }

    fn listing(&self) -> String {
        let mut xml = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
        for (path, (_, body)) in &*self.objects.lock().unwrap() {
            let key = path.strip_prefix("/archive/").unwrap();
            let date = "2023-07-10T11:42:00.000Z";
            write!(
                xml,
                "<Contents><Key>{key}</Key><LastModified>{date}</LastModified><Size>{}</Size></Contents>",
                body.len()
            )
            .unwrap();
        }
        xml + "</ListBucketResult>"
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

fn endpoint(url: &str, bucket: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        region: "eu-central-1".to_owned(),
        bucket: bucket.to_owned(),
        credentials: Some(Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret: SECRET.to_owned(),
            token: Some("session-token".to_owned()),
        }),
        allow_http: true,
    }
}

fn outside(endpoints: &[(&str, Endpoint)]) -> Result<Outside, Error> {
    Outside::new(endpoints.iter().map(|(name, endpoint)| ((*name).to_owned(), endpoint.clone())).collect())
}

fn log_file(key: &str) -> Put {
    Put {
        key: key.to_owned(),
        body: Bytes::from_static(b"compressed"),
        content_type: Some("application/json".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        metadata: BTreeMap::from([("signature".to_owned(), "0a0b".to_owned())]),
        kms_key: None,
    }
}

#[tokio::test]
async fn an_object_arrives_signed_under_its_name_there_and_reads_back() {
    let (stand_in, url) = StandIn::start().await;
    let outside = outside(&[("ours", endpoint(&url, "archive"))]).unwrap();
    outside.put("ours", log_file("AWSLogs/1/a.json.gz")).await.unwrap();
    let put = stand_in.last();
    assert_eq!((put.method, put.path.as_str()), (Method::PUT, "/archive/AWSLogs/1/a.json.gz"));
    let header = |name: &str| put.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("content-encoding").as_deref(), Some("gzip"));
    assert_eq!(header("x-amz-meta-signature").as_deref(), Some("0a0b"));
    assert_eq!(header("x-amz-security-token").as_deref(), Some("session-token"));
    assert_eq!(header("x-amz-server-side-encryption"), None);
    let authorization = header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/eu-central-1/s3/aws4_request"), "{authorization}");

    let (object, body) = outside.get("ours", "AWSLogs/1/a.json.gz", 10).await.unwrap();
    assert_eq!(body, "compressed");
    assert_eq!(object.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(object.metadata["signature"], "0a0b");
    assert_eq!(object, outside.head("ours", "AWSLogs/1/a.json.gz").await.unwrap());
    assert_eq!(stand_in.last().method, Method::HEAD);
    assert_eq!(object.modified.iso(), "2023-07-10T11:42:00Z");
    let error = outside.get("ours", "AWSLogs/1/a.json.gz", 9).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
}

#[tokio::test]
async fn a_kms_key_is_asked_for_where_one_is_named() {
    let (stand_in, url) = StandIn::start().await;
    let outside = outside(&[("ours", endpoint(&url, "archive"))]).unwrap();
    for key in ["arn:aws:kms:eu-central-1:111122223333:key/one", "arn:aws:kms:eu-central-1:111122223333:key/two"] {
        outside.put("ours", Put { kms_key: Some(key.to_owned()), ..log_file("a") }).await.unwrap();
        let headers = stand_in.last().headers;
        assert_eq!(headers["x-amz-server-side-encryption"], "aws:kms");
        assert_eq!(headers["x-amz-server-side-encryption-aws-kms-key-id"], key);
    }
}

#[tokio::test]
async fn a_listing_goes_by_folder_and_stops_where_told() {
    let (stand_in, url) = StandIn::start().await;
    let outside = outside(&[("ours", endpoint(&url, "archive"))]).unwrap();
    for key in ["logs/1", "logs/2", "logs/3"] {
        outside.put("ours", log_file(key)).await.unwrap();
    }
    let listed = outside.list("ours", "logs/", None, 2).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|object| (object.key.as_str(), object.size)).collect();
    assert_eq!(keys, [("logs/1", 10), ("logs/2", 10)]);
    assert!(stand_in.last().query.contains("prefix=logs%2F"), "{}", stand_in.last().query);
    outside.list("ours", "logs", Some("logs/2"), 9).await.unwrap();
    assert!(stand_in.last().query.contains("start-after=logs%2F2"), "{}", stand_in.last().query);
}

#[tokio::test]
async fn failures_say_what_can_be_done_about_them() {
    let (_, url) = StandIn::start().await;
    // Bound, so that nobody else listens there, and not listening.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = closed.local_addr().unwrap();
    let outside = outside(&[
        ("ours", endpoint(&url, "archive")),
        ("closed", endpoint(&url, "closed")),
        ("gone", endpoint(&format!("http://{gone}"), "archive")),
    ])
    .unwrap();
    assert!(matches!(outside.head("ours", "nothing").await, Err(Error::NotFound { .. })));
    assert!(matches!(outside.head("theirs", "a").await, Err(Error::Unknown(_))));
    assert!(matches!(outside.put("ours", log_file("a//b")).await, Err(Error::Invalid { .. })));
    let denied = outside.put("closed", log_file("a")).await.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }), "{denied}");
    let unreachable = outside.head("gone", "a").await.unwrap_err();
    assert!(matches!(unreachable, Error::Unavailable { .. }), "{unreachable}");
    for error in [denied, unreachable] {
        assert!(!format!("{error} {error:?}").contains(SECRET));
    }
}

#[test]
fn an_endpoint_that_cannot_be_meant_is_refused_at_the_start() {
    let mut plain = endpoint("http://s3.example", "b");
    plain.allow_http = false;
    let message = outside(&[("ours", plain)]).err().unwrap().to_string();
    assert!(message.contains("must be allowed explicitly"), "{message}");
    for url in
        ["", "s3.example", "ftp://s3.example", "https://", "https://user:pass@s3.example", "https://s3.example?x"]
    {
        assert!(outside(&[("ours", endpoint(url, "b"))]).is_err(), "{url}");
    }
    assert!(outside(&[("ours", endpoint("https://s3.example", ""))]).is_err());
    for url in ["https://s3.example", "https://s3.example:9000/", "http://[::1]:9000"] {
        assert!(outside(&[("ours", endpoint(url, "b"))]).is_ok(), "{url}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", endpoint("https://s3.example", "b"));
    assert!(shown.contains("AKIDEXAMPLE") && !shown.contains(SECRET) && !shown.contains("session-token"), "{shown}");
}

#[tokio::test]
async fn without_credentials_requests_go_unsigned() {
    let (stand_in, url) = StandIn::start().await;
    let public = Endpoint { credentials: None, ..endpoint(&url, "archive") };
    let outside = outside(&[("ours", public)]).unwrap();
    assert!(matches!(outside.head("ours", "a").await, Err(Error::NotFound { .. })));
    assert!(stand_in.last().headers.get("authorization").is_none());
}
