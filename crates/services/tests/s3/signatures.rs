//! Who calls is proven, or the call is refused; either way it is recorded.

use crate::house::House;
use cairn_wire::Secret;
use cairn_wire::sigv4::{Credentials, sign};
use std::time::Duration;

#[tokio::test]
async fn nobody_may_do_anything_and_it_is_recorded() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    for (asked, event) in [
        ("GET /", "ListBuckets"),
        ("GET /logs?list-type=2", "ListObjects"),
        ("PUT /logs/a", "PutObject"),
        ("PUT /others", "CreateBucket"),
        ("DELETE /logs", "DeleteBucket"),
        ("HEAD /logs", "HeadBucket"),
    ] {
        let answer = house.ask_as(None, asked, &[], b"").await.fails(403, "AccessDenied");
        assert_eq!(answer.outcome.event_name, event);
        assert_eq!(answer.outcome.caller.account(), "");
        assert!(answer.outcome.additional.get("SignatureVersion").is_none());
    }
    assert_eq!(house.engines.buckets.buckets(crate::house::ACCOUNT, "", None, 10).len(), 1);
}

#[tokio::test]
async fn a_key_that_is_not_known_or_a_secret_that_is_wrong_is_refused() {
    let house = House::open().await;
    let stranger = Credentials { access_key: "AKIASTRANGER00000000".to_owned(), ..house.root.clone() };
    let answer = house.ask_as(Some(&stranger), "GET /", &[], b"").await.fails(403, "InvalidAccessKeyId");
    assert!(answer.text().contains("<AWSAccessKeyId>AKIASTRANGER00000000</AWSAccessKeyId>"));
    let liar = Credentials { secret: Secret::from("guess"), ..house.root.clone() };
    let answer = house.ask_as(Some(&liar), "GET /", &[], b"").await.fails(403, "SignatureDoesNotMatch");
    assert_eq!(answer.outcome.event_name, "ListBuckets");
    assert!(!answer.outcome.caller.is_root(), "whoever does not prove to be root is not recorded as root");
    let with_token = Credentials { token: Some("made up".to_owned()), ..house.root.clone() };
    house.ask_as(Some(&with_token), "GET /", &[], b"").await.fails(400, "InvalidToken");
}

#[tokio::test]
async fn a_request_is_good_for_a_quarter_of_an_hour() {
    let house = House::open().await;
    let signed = |house: &House| {
        let (mut parts, body) = House::request("GET /", &[], b"").into_parts();
        sign(&mut parts, b"", &house.root, "us-east-1", "s3", house.engines.world.now()).unwrap();
        http::Request::from_parts(parts, body)
    };
    let (early, late) = (signed(&house), signed(&house));
    house.sim.clock.advance(Duration::from_mins(14));
    house.send(early).await.is(200);
    house.sim.clock.advance(Duration::from_mins(2));
    house.send(late).await.fails(403, "RequestTimeTooSkewed");
}

#[tokio::test]
async fn old_and_broken_signatures_are_refused() {
    let house = House::open().await;
    for (asked, authorization, code) in [
        ("GET /", "AWS AKIA:c2ln", "InvalidRequest"),
        ("GET /?Signature=x&AWSAccessKeyId=y&Expires=1", "", "InvalidRequest"),
        ("GET /", "AWS4-HMAC-SHA256 Credential=nonsense", "AuthorizationHeaderMalformed"),
        ("GET /?X-Amz-Signature=x", "", "AuthorizationQueryParametersError"),
    ] {
        let headers: &[_] = if authorization.is_empty() { &[] } else { &[("authorization", authorization)] };
        house.send(House::request(asked, headers, b"")).await.fails(400, code);
    }
}

#[tokio::test]
async fn a_session_is_good_with_its_token_and_until_it_ends() {
    let house = House::open().await;
    let root = house.engines.identity.credential(&house.root.access_key, None).unwrap().caller;
    let issued = house.engines.identity.session_token(&root, Some(900)).unwrap();
    let session = Credentials {
        access_key: issued.session.access_key.clone(),
        secret: issued.secret.clone(),
        token: Some(issued.token.expose().to_owned()),
    };
    house.ask_as(Some(&session), "GET /", &[], b"").await.is(200);
    let bare = Credentials { token: None, ..session.clone() };
    let refused = house.ask_as(Some(&bare), "GET /", &[], b"").await;
    assert!(refused.status == 403 || refused.status == 400, "{}", refused.text());
    house.sim.clock.advance(Duration::from_mins(16));
    house.ask_as(Some(&session), "GET /", &[], b"").await.fails(400, "ExpiredToken");
}

#[tokio::test]
async fn what_is_added_to_a_signed_request_makes_it_bad() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let (mut parts, body) = House::request("PUT /logs/a", &[], b"x").into_parts();
    sign(&mut parts, b"x", &house.root, "us-east-1", "s3", house.engines.world.now()).unwrap();
    parts.headers.insert("x-amz-tagging", http::HeaderValue::from_static("team=mine"));
    house.send(http::Request::from_parts(parts, body)).await.fails(403, "AccessDenied");
}

#[tokio::test]
async fn a_body_that_was_not_signed_is_not_kept() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let (mut parts, _) = House::request("PUT /logs/a", &[], b"signed").into_parts();
    sign(&mut parts, b"signed", &house.root, "us-east-1", "s3", house.engines.world.now()).unwrap();
    let request = http::Request::from_parts(parts, b"forged".to_vec());
    house.send(request).await.fails(400, "XAmzContentSHA256Mismatch");
    house.ask("HEAD /logs/a", &[], b"").await.is(404);
}
