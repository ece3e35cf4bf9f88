use super::*;
use crate::cli::elsewhere::stand_in::{Host, Manner, answer};
use bytes::Bytes;
use cairn_event::Time;
use cairn_world::sim::Sim;
use futures::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, RetryConfig};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn store(host: &Host, sim: &Sim) -> Arc<dyn ObjectStore> {
    let retry = RetryConfig {
        backoff: object_store::BackoffConfig {
            init_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(1),
            base: 2.,
        },
        max_retries: 3,
        ..RetryConfig::default()
    };
    let builder = AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_endpoint(&host.url)
        .with_allow_http(true)
        .with_region("eu-west-1")
        .with_access_key_id("AKIDEXAMPLE")
        .with_secret_access_key("secret")
        .with_token("session")
        .with_retry(retry)
        .with_http_connector(Direct::new(&sim.world()));
    Arc::new(builder.build().unwrap())
}

fn sim() -> Sim {
    Sim::at(Time(1_700_000_000_000))
}

async fn get(store: &Arc<dyn ObjectStore>, key: &str) -> object_store::Result<Bytes> {
    store.get_opts(&Path::from(key), GetOptions::default()).await?.bytes().await
}

#[tokio::test]
async fn one_connection_carries_request_after_request() {
    let host = Host::start(Manner::Keeps, vec![answer(200, "x-amz-meta-signature: 0a\r\n", b"bytes")]).await;
    let store = store(&host, &sim());
    for _ in 0..20 {
        let got = store.get_opts(&Path::from("a b/c.gz"), GetOptions::default()).await.unwrap();
        let own = got.attributes.get(&object_store::Attribute::Metadata("signature".into()));
        assert_eq!(own.map(std::ops::Deref::deref), Some("0a"));
        assert_eq!((got.meta.size, got.bytes().await.unwrap()), (5, Bytes::from_static(b"bytes")));
    }
    assert_eq!((host.connections(), host.asked().len()), (1, 20));
    let asked = &host.asked()[0];
    assert!(asked.starts_with("GET /b/a%20b/c.gz HTTP/1.1\r\n"), "{asked}");
    let host_header = host.url.trim_start_matches("http://");
    for header in
        [format!("host: {host_header}"), "x-amz-security-token: session".into(), format!("user-agent: {AGENT}")]
    {
        assert_eq!(asked.matches(&format!("{header}\r\n")).count(), 1, "{header} in {asked}");
    }
    assert!(asked.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{asked}");
}

#[tokio::test]
async fn requests_side_by_side_have_a_connection_each() {
    let host = Host::start(Manner::Keeps, vec![answer(200, "", b"x")]).await;
    let store = store(&host, &sim());
    for _ in 0..5 {
        let asking = (0..8).map(|number| {
            let store = store.clone();
            async move { get(&store, &number.to_string()).await.unwrap() }
        });
        assert_eq!(futures::future::join_all(asking).await.len(), 8);
    }
    assert_eq!(host.asked().len(), 40);
    assert!(host.connections() <= 8, "{}", host.connections());
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced_unnoticed() {
    let host = Host::start(Manner::Closes, vec![answer(200, "", b"x")]).await;
    let store = store(&host, &sim());
    for _ in 0..10 {
        assert_eq!(get(&store, "k").await.unwrap(), "x");
    }
    assert_eq!((host.connections(), host.asked().len()), (10, 10));
}

#[tokio::test]
async fn what_fails_for_a_while_is_asked_again() {
    let cut = answer(200, "", b"whole")[..70].to_vec();
    let host = Host::start(Manner::Closes, vec![answer(503, "", b"SlowDown"), cut, answer(200, "", b"whole")]).await;
    let store = store(&host, &sim());
    assert_eq!(get(&store, "k").await.unwrap(), "whole");
    assert_eq!(host.asked().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_final_and_keeps_its_words() {
    for (status, text) in [(404, "NoSuchKey"), (403, "AccessDenied")] {
        let body = format!("<Error><Code>{text}</Code></Error>");
        let host = Host::start(Manner::Keeps, vec![answer(status, "", body.as_bytes())]).await;
        let store = store(&host, &sim());
        let error = get(&store, "k").await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(matches!(error, object_store::Error::NotFound { .. }), status == 404);
        assert_eq!(host.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_large_answer_comes_as_it_is_read_and_frees_its_connection() {
    let large = vec![b'l'; 3 * WHOLE_BYTES_MAX as usize];
    let host = Host::start(Manner::Keeps, vec![answer(200, "", &large)]).await;
    let store = store(&host, &sim());
    let got = store.get_opts(&Path::from("k"), GetOptions::default()).await.unwrap();
    let pieces: Vec<_> = got.into_stream().map(Result::unwrap).collect().await;
    assert!(pieces.len() > 1 && pieces.concat() == large);
    // One that is not read to its end is given up with its connection.
    drop(store.get_opts(&Path::from("k"), GetOptions::default()).await.unwrap());
    assert!(get(&store, "k").await.unwrap() == large);
    assert!(host.connections() <= 3, "{}", host.connections());
}

#[tokio::test]
async fn a_listing_goes_page_by_page() {
    let page = |key: &str, more: &str| {
        let text = format!(
            "<ListBucketResult>{more}<Contents><Key>p/{key}</Key><LastModified>2023-07-10T11:42:00.000Z</LastModified><Size>1</Size></Contents></ListBucketResult>"
        );
        answer(200, "", text.as_bytes())
    };
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let host = Host::start(Manner::Keeps, vec![page("1", more), page("2", "")]).await;
    let keys: Vec<String> = store(&host, &sim())
        .list(Some(&Path::from("p")))
        .map(|found| found.unwrap().location.to_string())
        .collect()
        .await;
    assert_eq!(keys, ["p/1", "p/2"]);
    assert!(host.asked()[1].contains("continuation-token=t"), "{}", host.asked()[1]);
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn a_host_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sim, address) = (sim(), listener.local_addr().unwrap());
    let options = ClientOptions::new().with_allow_http(true);
    let client = Direct::new(&sim.world()).connect(&options).unwrap();
    let request = http::Request::get(format!("http://{address}/")).body(HttpRequestBody::empty()).unwrap();
    let waiting = tokio::spawn(async move { client.execute(request).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'G');
    while !waiting.is_finished() {
        sim.clock.advance(ANSWER_TIMEOUT);
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), HttpErrorKind::Timeout);
}

#[tokio::test]
async fn nobody_there_is_said_as_that() {
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", closed.local_addr().unwrap());
    let client = Direct::new(&sim().world()).connect(&ClientOptions::new().with_allow_http(true)).unwrap();
    let request = http::Request::get(url).body(HttpRequestBody::empty()).unwrap();
    let error = client.execute(request).await.unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Connect);
}
