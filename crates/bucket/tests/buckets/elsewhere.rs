//! Deliveries to a bucket that lives elsewhere, played by a small server that keeps what it is sent.

use crate::deliver::{KEY, TRAIL, delivery};
use crate::house::{ACCOUNT, BUCKET, House, OTHER, new_bucket, tags};
use bytes::Bytes;
use cairn_bucket::outside::{Endpoint, Outside};
use cairn_bucket::{Delivery, Error};
use cairn_identity::Caller;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Kept = Arc<Mutex<BTreeMap<String, (HeaderMap, Bytes)>>>;

async fn answer(kept: Kept, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut kept = kept.lock().unwrap();
    let response = Response::builder().header("etag", "\"e\"").header("last-modified", "Mon, 10 Jul 2023 11:42:00 GMT");
    let path = head.uri.path().to_owned();
    if head.method == Method::PUT {
        kept.insert(path, (head.headers, body));
        return Ok(response.body(Full::default()).unwrap());
    }
    Ok(match kept.get(&path) {
        None => response.status(StatusCode::NOT_FOUND).body(Full::default()).unwrap(),
        Some((headers, body)) => {
            let signature = headers.get("x-amz-meta-signature").unwrap();
            let response = response.header("x-amz-meta-signature", signature).header("content-length", body.len());
            response.body(Full::from(body.clone())).unwrap()
        }
    })
}

async fn server() -> (Outside, Kept) {
    let kept = Kept::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint {
        url: format!("http://{}", listener.local_addr().unwrap()),
        region: "us-east-1".to_owned(),
        bucket: "there".to_owned(),
        credentials: None,
        allow_http: true,
    };
    let shared = kept.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let kept = shared.clone();
            let service = hyper::service::service_fn(move |request| answer(kept.clone(), request));
            let io = hyper_util::rt::TokioIo::new(socket);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    (Outside::new(BTreeMap::from([(BUCKET.to_owned(), endpoint)])).unwrap(), kept)
}

#[tokio::test]
async fn a_delivery_to_a_mapped_bucket_goes_out_and_reads_back() {
    let (outside, kept) = server().await;
    let house = House::open_with(outside).await;
    let trail = Caller::service("cloudtrail.amazonaws.com");
    assert!(house.buckets.lets(BUCKET, Some(KEY), "s3:PutObject", &trail, TRAIL, ACCOUNT).unwrap());
    let delivered = house.buckets.deliver(delivery()).await.unwrap();
    assert_eq!((delivered.owner, delivered.version), (None, None));
    let (headers, body) = kept.lock().unwrap()[&format!("/there/{KEY}")].clone();
    assert_eq!(body, "log file");
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(house.blobs().is_empty(), "nothing is kept here");
    let (metadata, bytes) = house.buckets.read(ACCOUNT, BUCKET, KEY, 100).await.unwrap();
    assert_eq!((metadata, bytes.as_ref()), (tags(&[("signature", "ab")]), b"log file".as_slice()));
    assert!(matches!(house.buckets.read(ACCOUNT, BUCKET, "none", 100).await, Err(Error::NoSuchKey { .. })));
    let lets = house.buckets.lets(BUCKET, Some(KEY), "s3:PutObject", &trail, TRAIL, OTHER);
    assert!(matches!(lets, Err(Error::NoSuchBucket(_))), "it is the home account's");
    let others = Delivery { key: "other".to_owned(), source_account: OTHER.to_owned(), ..delivery() };
    assert!(matches!(house.buckets.deliver(others).await, Err(Error::NoSuchBucket(_))));
    assert_eq!(kept.lock().unwrap().len(), 1);
    let taken = house.buckets.create(new_bucket(BUCKET, ACCOUNT)).await;
    assert!(matches!(taken, Err(Error::Exists(_))), "the name is mapped");
}
