//! Who may do what.

use crate::house::House;

const READ: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/open/*"},
    {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::logs","Condition":{"StringEquals":{"s3:prefix":"open/"}}}]}"#;

#[tokio::test]
async fn a_user_may_what_the_policy_says_and_no_more() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/open/a", &[], b"x").await.is(200);
    let enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    house.ask("PUT /logs?versioning", &[], enabled).await.is(200);
    let user = Some(house.user("reader", READ).await);
    let user = user.as_ref();
    house.ask_as(user, "GET /logs/open/a", &[], b"").await.is(200);
    house.ask_as(user, "HEAD /logs/open/a", &[], b"").await.is(200);
    house.ask_as(user, "GET /logs?list-type=2&prefix=open/", &[], b"").await.is(200);
    for asked in [
        "GET /",
        "GET /logs?list-type=2",
        "GET /logs?list-type=2&prefix=closed/",
        "GET /logs/closed/a",
        "GET /logs/open/a?versionId=null",
        "GET /logs/open/a?tagging",
        "PUT /logs/open/a",
        "DELETE /logs/open/a",
        "GET /logs?policy",
        "GET /logs?lifecycle",
        "PUT /logs?lifecycle",
        "PUT /mine",
    ] {
        let answer = house.ask_as(user, asked, &[], b"").await.fails(403, "AccessDenied");
        let (_, message) = answer.outcome.error.as_ref().unwrap();
        assert!(message.contains("user/reader is not authorized to perform: s3:"), "{asked}: {message}");
        assert_eq!(answer.outcome.caller.user_identity()["type"], "IAMUser");
    }
    let hidden = house.ask_as(user, "GET /logs/open/none", &[], b"").await.fails(403, "AccessDenied");
    assert!(hidden.outcome.error.unwrap().1.contains("s3:ListBucket"), "what is not there is not told");
    house.ask_as(user, "GET /logs/open/none?prefix=open/", &[], b"").await.fails(403, "AccessDenied");
}

#[tokio::test]
async fn a_bucket_policy_lets_anybody_in() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let policy = br#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"},
        {"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*","Condition":{"Null":{"s3:x-amz-server-side-encryption":"true"}}}]}"#;
    house.ask("PUT /logs?policy", &[], policy).await.is(204);
    let read = house.ask_as(None, "GET /logs/a", &[], b"").await.is(200);
    assert_eq!(read.outcome.caller.user_identity()["accountId"], "ANONYMOUS_PRINCIPAL");
    house.ask_as(None, "PUT /logs/b", &[], b"x").await.fails(403, "AccessDenied");
    house.ask_as(None, "GET /logs/a?response-content-type=text/html", &[], b"").await.fails(400, "InvalidRequest");
    house.ask("PUT /logs/b", &[], b"x").await.fails(403, "AccessDenied");
    house.ask("PUT /logs/b", &[("x-amz-server-side-encryption", "AES256")], b"x").await.is(200);
    let restrict = b"<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    house.ask("PUT /logs?publicAccessBlock", &[], restrict).await.is(200);
    house.ask_as(None, "GET /logs/a", &[], b"").await.fails(403, "AccessDenied");
    house.ask("GET /logs/a", &[], b"").await.is(200);
}

#[tokio::test]
async fn tags_of_an_object_decide_who_reads_it() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[("x-amz-tagging", "team=sec")], b"x").await.is(200);
    house.ask("PUT /logs/b", &[], b"x").await.is(200);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",
        "Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"sec"}}}]}"#;
    let user = house.user("sec", policy).await;
    house.ask_as(Some(&user), "GET /logs/a", &[], b"").await.is(200);
    house.ask_as(Some(&user), "GET /logs/b", &[], b"").await.fails(403, "AccessDenied");
}

#[tokio::test]
async fn the_expected_owner_must_own_the_bucket() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("GET /logs", &[("x-amz-expected-bucket-owner", crate::house::ACCOUNT)], b"").await.is(200);
    house.ask("GET /logs", &[("x-amz-expected-bucket-owner", "444455556666")], b"").await.fails(403, "AccessDenied");
}

#[tokio::test]
async fn acls_that_let_others_in_are_refused() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[("x-amz-acl", "bucket-owner-full-control")], b"x").await.is(200);
    house.ask("PUT /logs/a", &[("x-amz-acl", "public-read")], b"x").await.fails(400, "AccessControlListNotSupported");
    house.ask("PUT /logs/a", &[("x-amz-grant-read", "id=1")], b"x").await.fails(400, "AccessControlListNotSupported");
    house.ask("PUT /logs?acl", &[("x-amz-acl", "private")], b"").await.is(200);
    let acl = house.ask("GET /logs?acl", &[], b"").await.is(200);
    assert!(acl.text().contains("<Permission>FULL_CONTROL</Permission>"), "{}", acl.text());
    house.ask("PUT /logs?acl", &[], acl.text().as_bytes()).await.is(200);
}
