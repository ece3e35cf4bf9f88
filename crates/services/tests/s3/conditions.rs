//! What a policy asks about is what is acted on, whatever else a request says.

use crate::house::{Answer, House, REGION};
use cairn_wire::sigv4::{Credentials, sign};
use http::Request;
use std::time::Duration;

const LOCK: (&str, &str) = ("x-amz-bucket-object-lock-enabled", "true");

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

fn allow(actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*","Condition":{{"StringEquals":{{{condition}}}}}}}"#
    )
}

fn allow_all(actions: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}"#)
}

#[tokio::test]
async fn a_retention_is_asked_for_as_the_body_says_it() {
    let house = House::open().await;
    house.bucket("vault", &[LOCK]).await;
    house.ask("PUT /vault/a", &[], b"x").await.is(200);
    let until = (house.engines.world.now() + Duration::from_hours(24)).iso();
    let body = |mode: &str| {
        format!("<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>").into_bytes()
    };
    let may = allow(r#""s3:PutObjectRetention""#, r#""s3:object-lock-mode":"GOVERNANCE""#);
    let user = house.user("keeper", &policy(&may)).await;
    let spoofed = [("x-amz-object-lock-mode", "GOVERNANCE")];
    for headers in [&[][..], &spoofed] {
        let put = house.ask_as(Some(&user), "PUT /vault/a?retention", headers, &body("COMPLIANCE")).await;
        put.fails(403, "AccessDenied");
        let removed = house.ask_as(Some(&user), "PUT /vault/a?retention", headers, b"<Retention/>").await;
        removed.fails(403, "AccessDenied");
        house.ask_as(None, "PUT /vault/a?retention", headers, &body("GOVERNANCE")).await.fails(403, "AccessDenied");
    }
    house.ask_as(Some(&user), "PUT /vault/a?retention", &[], &body("GOVERNANCE")).await.is(200);
}

#[tokio::test]
async fn a_legal_hold_is_asked_for_as_the_body_says_it() {
    let house = House::open().await;
    house.bucket("vault", &[LOCK]).await;
    house.ask("PUT /vault/a", &[], b"x").await.is(200);
    let may = allow(r#""s3:PutObjectLegalHold""#, r#""s3:object-lock-legal-hold":"ON""#);
    let user = house.user("keeper", &policy(&may)).await;
    let body = |status: &str| format!("<LegalHold><Status>{status}</Status></LegalHold>").into_bytes();
    house.ask_as(Some(&user), "PUT /vault/a?legal-hold", &[], &body("ON")).await.is(200);
    let spoofed = [("x-amz-object-lock-legal-hold", "ON")];
    let lifted = house.ask_as(Some(&user), "PUT /vault/a?legal-hold", &spoofed, &body("OFF")).await;
    lifted.fails(403, "AccessDenied");
}

#[tokio::test]
async fn tags_are_asked_for_as_the_body_says_them() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let may = allow(r#""s3:PutObjectTagging""#, r#""s3:RequestObjectTag/team":"sec""#);
    let user = house.user("tagger", &policy(&may)).await;
    let body = |team: &str| {
        format!("<Tagging><TagSet><Tag><Key>team</Key><Value>{team}</Value></Tag></TagSet></Tagging>").into_bytes()
    };
    let spoofed = [("x-amz-tagging", "team=sec")];
    house.ask_as(Some(&user), "PUT /logs/a?tagging", &spoofed, &body("ops")).await.fails(403, "AccessDenied");
    house.ask_as(Some(&user), "PUT /logs/a?tagging", &[], &body("sec")).await.is(200);
}

#[tokio::test]
async fn an_empty_version_names_none() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/open", &[], b"x").await.is(200);
    house.ask("PUT /logs/secret", &[("x-amz-tagging", "secret=yes")], b"x").await.is(200);
    let versions = house.user("versions", &policy(&allow_all(r#""s3:GetObjectVersion""#))).await;
    house.ask_as(Some(&versions), "GET /logs/open?versionId=", &[], b"").await.fails(403, "AccessDenied");
    house.ask_as(Some(&versions), "GET /logs/open?versionId=null", &[], b"").await.is(200);
    let deny = r#"{"Effect":"Deny","Action":"s3:GetObject*","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}}"#;
    let reader = house.user("reader", &policy(&format!("{},{deny}", allow_all(r#""s3:Get*""#)))).await;
    for version in ["", "?versionId", "?versionId=", "?version%49d=", "?versionId=null"] {
        let asked = |key: &str| format!("GET /logs/{key}{version}");
        house.ask_as(Some(&reader), &asked("secret"), &[], b"").await.fails(403, "AccessDenied");
        house.ask_as(Some(&reader), &asked("open"), &[], b"").await.is(200);
    }
}

#[tokio::test]
async fn a_version_counts_only_where_it_is_acted_on() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let may = allow(r#""s3:DeleteObject*""#, r#""s3:VersionId":"draft""#);
    let user = house.user("cleaner", &policy(&may)).await;
    let body = b"<Delete><Object><Key>a</Key><VersionId>null</VersionId></Object></Delete>";
    let answer = house.ask_as(Some(&user), "POST /logs?delete&versionId=draft", &[], body).await.is(200);
    assert!(answer.text().contains("<Code>AccessDenied</Code>"), "{}", answer.text());
    house.ask("HEAD /logs/a", &[], b"").await.is(200);
}

#[tokio::test]
async fn a_source_is_asked_for_with_its_tags() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/ours", &[("x-amz-tagging", "team=sec")], b"x").await.is(200);
    house.ask("PUT /logs/theirs", &[("x-amz-tagging", "team=ops")], b"x").await.is(200);
    let read = allow(r#""s3:GetObject","s3:GetObjectTagging""#, r#""s3:ExistingObjectTag/team":"sec""#);
    let write = allow_all(r#""s3:PutObject","s3:PutObjectTagging""#);
    let user = house.user("copier", &policy(&format!("{read},{write}"))).await;
    let begun = house.ask_as(Some(&user), "POST /logs/part?uploads", &[], b"").await.is(200);
    let part = format!("PUT /logs/part?partNumber=1&uploadId={}", begun.element("UploadId").unwrap());
    for asked in ["PUT /logs/copy", part.as_str()] {
        for source in ["/logs/theirs", "/logs/none"] {
            let copy = house.ask_as(Some(&user), asked, &[("x-amz-copy-source", source)], b"").await;
            copy.fails(403, "AccessDenied");
        }
        house.ask_as(Some(&user), asked, &[("x-amz-copy-source", "/logs/ours")], b"").await.is(200);
    }
    let deny = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"ops"}}}"#;
    let other = house.user("other", &policy(&format!("{},{deny}", allow_all(r#""s3:*""#)))).await;
    let copy = house.ask_as(Some(&other), "PUT /logs/copy", &[("x-amz-copy-source", "/logs/theirs")], b"").await;
    copy.fails(403, "AccessDenied");
}

#[tokio::test]
async fn a_copy_is_asked_for_with_the_tags_it_will_have() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs/ours", &[("x-amz-tagging", "team=sec")], b"x").await.is(200);
    house.ask("PUT /logs/bare", &[], b"x").await.is(200);
    let write = allow(r#""s3:PutObject","s3:PutObjectTagging""#, r#""s3:RequestObjectTag/team":"sec""#);
    let read = allow_all(r#""s3:GetObject","s3:GetObjectTagging""#);
    let user = house.user("copier", &policy(&format!("{read},{write}"))).await;
    let (tags, replace) = (("x-amz-tagging", "team=sec"), ("x-amz-tagging-directive", "REPLACE"));
    let copy = async |source: &str, more: &[(&str, &str)]| {
        let headers = [&[("x-amz-copy-source", source)], more].concat();
        house.ask_as(Some(&user), "PUT /logs/copy", &headers, b"").await
    };
    copy("/logs/bare", &[]).await.fails(403, "AccessDenied");
    copy("/logs/bare", &[tags]).await.fails(403, "AccessDenied");
    copy("/logs/ours", &[replace]).await.fails(403, "AccessDenied");
    copy("/logs/ours", &[]).await.is(200);
    copy("/logs/bare", &[tags, replace]).await.is(200);
    house.ask_as(Some(&user), "PUT /logs/new", &[], b"x").await.fails(403, "AccessDenied");
    house.ask_as(Some(&user), "PUT /logs/new", &[tags], b"x").await.is(200);
}

async fn ask_in(house: &House, region: &str, who: &Credentials, asked: &str, body: &[u8]) -> Answer {
    let (mut parts, content) = House::request(asked, &[], body).into_parts();
    sign(&mut parts, body, who, region, "s3", house.engines.world.now()).unwrap();
    house.send(Request::from_parts(parts, content)).await
}

#[tokio::test]
async fn the_region_is_that_of_the_bucket_and_not_of_the_signature() {
    const FAR: &str = "eu-central-1";
    let house = House::open().await;
    let at = |region: &str| {
        format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        )
        .into_bytes()
    };
    house.bucket("near", &[]).await;
    house.ask("PUT /far", &[], &at(FAR)).await.is(200);
    let may = allow(r#""s3:*""#, &format!(r#""aws:RequestedRegion":"{FAR}""#));
    let user = house.user("abroad", &policy(&may)).await;
    for region in [REGION, FAR] {
        ask_in(&house, region, &user, "GET /near", b"").await.fails(403, "AccessDenied");
        ask_in(&house, region, &user, "PUT /near/a", b"x").await.fails(403, "AccessDenied");
        ask_in(&house, region, &user, "PUT /far/a", b"x").await.is(200);
        ask_in(&house, region, &user, "PUT /third", &at("us-west-2")).await.fails(403, "AccessDenied");
    }
    ask_in(&house, REGION, &user, "PUT /third", b"").await.fails(403, "AccessDenied");
    ask_in(&house, REGION, &user, "PUT /third", &at(FAR)).await.is(200);
    ask_in(&house, FAR, &user, "PUT /fourth", b"").await.is(200);
}
