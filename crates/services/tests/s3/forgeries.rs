//! Requests that are made to be taken for others.

use crate::house::{House, REGION};
use cairn_wire::sigv4::sign;
use http::{HeaderValue, Request};

const FORM: &str = "multipart/form-data; boundary=x";

fn form(key: &str) -> Vec<u8> {
    let field =
        |head: &str, text: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{head}\r\n\r\n{text}\r\n");
    let file = field("file\"; filename=\"f\"", "forged");
    format!("{}{file}--x--\r\n", field("key\"", key)).into_bytes()
}

#[tokio::test]
async fn a_form_proves_nobody() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let now = house.engines.world.now().compact();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{}/{REGION}/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
        house.root.access_key,
        &now[..8],
        "0".repeat(64)
    );
    for kind in [FORM, "Multipart/Form-Data; boundary=x"] {
        let headers = [("content-type", kind), ("x-amz-date", &now), ("authorization", &authorization)];
        let forged = house.send(House::request("POST /logs", &headers, &form("a"))).await;
        let forged = forged.fails(501, "NotImplemented");
        assert!(!forged.outcome.caller.is_root(), "whoever proves nothing is not recorded as root");
        assert_eq!(forged.outcome.caller.access_key(), Some(house.root.access_key.as_str()));
    }
    house.ask_as(None, "POST /logs", &[("content-type", FORM)], &form("a")).await.fails(501, "NotImplemented");
    house.ask("HEAD /logs/a", &[], b"").await.is(404);
    house.ask("PUT /logs/a", &[("content-type", FORM)], &form("a")).await.is(200);
    let kept = house.ask("GET /logs/a", &[], b"").await.is(200);
    assert_eq!(kept.header("content-type"), Some(FORM), "an object may be a form");
}

#[tokio::test]
async fn access_is_asked_on_what_is_acted_on() {
    let house = House::open().await;
    house.bucket("open", &[]).await;
    house.bucket("closed", &[]).await;
    house.ask("PUT /closed/a", &[], b"secret").await.is(200);
    house.ask("PUT /open/a", &[], b"public").await.is(200);
    let policy = br#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::open/*"}]}"#;
    house.ask("PUT /open?policy", &[], policy).await.is(204);
    let send = async |method: &str, target: &str, host: Option<&str>| {
        let mut request = Request::builder().method(method).uri(target).body(Vec::new()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert("host", HeaderValue::from_str(host).unwrap());
        }
        house.send(request).await
    };
    for method in ["GET", "PUT", "DELETE"] {
        send(method, "http://open.localhost:4510/closed/a", None).await.fails(400, "InvalidRequest");
    }
    send("GET", "http://open.localhost:4510/closed/a", Some("localhost:4510")).await.fails(403, "AccessDenied");
    let honest = send("GET", "http://open.localhost:4510/a", Some("open.localhost:4510")).await.is(200);
    assert_eq!(honest.text(), "public");
    send("GET", "/a", Some("open.localhost:4510")).await.is(200);
    send("GET", "http://localhost:4510/open/a", None).await.is(200);
    assert_eq!(house.ask("GET /closed/a", &[], b"").await.is(200).text(), "secret");
}

#[tokio::test]
async fn a_signature_in_disguise_is_refused() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let (mut parts, _) = House::request("PUT /logs/a", &[], b"x").into_parts();
    sign(&mut parts, b"x", &house.root, REGION, "s3", house.engines.world.now()).unwrap();
    for query in ["X-Amz%2DSignature=0", "%58-Amz-Algorithm=AWS4-HMAC-SHA256", "%53ignature=c2ln"] {
        let mut request = Request::from_parts(parts.clone(), b"x".to_vec());
        *request.uri_mut() = format!("/logs/a?{query}").parse().unwrap();
        house.send(request).await.fails(400, "AuthorizationQueryParametersError");
    }
    house.send(Request::from_parts(parts, b"x".to_vec())).await.is(200);
}
