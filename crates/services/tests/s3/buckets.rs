//! Buckets and their settings.

use crate::house::House;
use cairn_event::Category;
use serde_json::json;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_bucket_is_made_found_and_removed() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    house.ask("PUT /logs", &[], b"").await.fails(409, "BucketAlreadyOwnedByYou");
    house.ask("PUT /Bad_Name", &[], b"").await.fails(400, "InvalidBucketName");
    let listed = house.ask("GET /", &[], b"").await.is(200);
    assert_eq!(listed.element("Name").as_deref(), Some("logs"));
    let head = house.ask("HEAD /logs", &[], b"").await.is(200);
    assert_eq!(head.header("x-amz-bucket-region"), Some("us-east-1"));
    house.ask("PUT /logs/a", &[], b"x").await.is(200);
    let refused = house.ask("DELETE /logs", &[], b"").await.fails(409, "BucketNotEmpty");
    assert_eq!(refused.outcome.error.unwrap().1, "The bucket you tried to delete is not empty");
    house.ask("DELETE /logs/a", &[], b"").await.is(204);
    house.ask("DELETE /logs", &[], b"").await.is(204);
    let gone = house.ask("GET /logs", &[], b"").await.fails(404, "NoSuchBucket");
    assert_eq!(gone.element("BucketName").as_deref(), Some("logs"));
    house.ask("HEAD /logs", &[], b"").await.is(404);
}

#[tokio::test]
async fn a_bucket_is_made_where_it_is_wanted() {
    let house = House::open().await;
    let body = b"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    let made = house.ask("PUT /far", &[], body).await.is(200);
    assert_eq!(made.outcome.region, "eu-central-1");
    assert_eq!(made.parameter("CreateBucketConfiguration")["LocationConstraint"], "eu-central-1");
    let location = house.ask("GET /far?location", &[], b"").await.is(200);
    assert!(location.text().contains("eu-central-1"), "{}", location.text());
    assert_eq!(location.outcome.region, "eu-central-1");
    house.bucket("near", &[]).await;
    let location = house.ask("GET /near?location", &[], b"").await.is(200);
    assert!(!location.text().contains("us-east-1"));
}

#[tokio::test]
async fn what_was_never_set_answers_as_s3_does() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    for (what, status, code) in [
        ("policy", 404, "NoSuchBucketPolicy"),
        ("policyStatus", 404, "NoSuchBucketPolicy"),
        ("tagging", 404, "NoSuchTagSet"),
        ("lifecycle", 404, "NoSuchLifecycleConfiguration"),
        ("cors", 404, "NoSuchCORSConfiguration"),
        ("website", 404, "NoSuchWebsiteConfiguration"),
        ("replication", 404, "ReplicationConfigurationNotFoundError"),
        ("object-lock", 404, "ObjectLockConfigurationNotFoundError"),
    ] {
        house.ask(&format!("GET /logs?{what}"), &[], b"").await.fails(status, code);
    }
    for what in ["versioning", "encryption", "acl", "logging", "notification", "accelerate", "requestPayment"] {
        let answer = house.ask(&format!("GET /logs?{what}"), &[], b"").await.is(200);
        assert!(answer.outcome.read_only && answer.outcome.category == Category::Management, "{what}");
        assert_eq!(answer.parameter(what), &json!(""), "{what}");
    }
    house.ask("GET /logs?analytics&id=1", &[], b"").await.fails(501, "NotImplemented");
    house
        .ask(
            "PUT /logs?lifecycle",
            &[],
            b"<LifecycleConfiguration><Rule><Status>Enabled</Status></Rule></LifecycleConfiguration>",
        )
        .await
        .fails(501, "NotImplemented");
}

#[tokio::test]
async fn settings_are_kept_and_recorded() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let put = |what: &'static str, body: &'static str| (format!("PUT /logs?{what}"), body);
    for (asked, body) in [
        put("versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        put("tagging", "<Tagging><TagSet><Tag><Key>team</Key><Value>sec</Value></Tag></TagSet></Tagging>"),
        put(
            "publicAccessBlock",
            "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>",
        ),
        put(
            "ownershipControls",
            "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
        ),
    ] {
        let answer = house.ask(&asked, &[], body.as_bytes()).await;
        assert!(answer.status < 300, "{asked}: {}", answer.text());
    }
    let reads = [
        ("versioning", "<Status>Enabled</Status>"),
        ("tagging", "<Value>sec</Value>"),
        ("publicAccessBlock", "<BlockPublicPolicy>true</BlockPublicPolicy>"),
        ("ownershipControls", "<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"),
    ];
    for (what, expected) in reads {
        let answer = house.ask(&format!("GET /logs?{what}"), &[], b"").await.is(200);
        assert!(answer.text().contains(expected), "{what}: {}", answer.text());
    }
    let public = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}]}"#;
    house.ask("PUT /logs?policy", &[], public.as_bytes()).await.fails(403, "AccessDenied");
    house.ask("PUT /logs?policy", &[], b"{").await.fails(400, "MalformedPolicy");
    house.ask("DELETE /logs?tagging", &[], b"").await.is(204);
    house.ask("GET /logs?tagging", &[], b"").await.fails(404, "NoSuchTagSet");
}

#[tokio::test]
async fn a_policy_is_given_back_and_recorded_as_it_came() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::logs"}]}"#;
    let put = house.ask("PUT /logs?policy", &[], policy.as_bytes()).await.is(204);
    let expected = json!({
        "bucketName": "logs", "Host": "localhost:4510", "policy": "",
        "bucketPolicy": serde_json::from_str::<serde_json::Value>(policy).unwrap(),
    });
    assert_eq!(put.outcome.parameters, expected);
    assert_eq!(put.outcome.response, serde_json::Value::Null);
    assert!(!put.outcome.read_only);
    assert_eq!(put.outcome.resources.len(), 1);
    assert_eq!(put.outcome.resources[0].arn, "arn:aws:s3:::logs");
    assert_eq!(put.outcome.additional["AuthenticationMethod"], "AuthHeader");
    assert_eq!(put.outcome.additional["bytesTransferredIn"], policy.len());
    let got = house.ask("GET /logs?policy", &[], b"").await.is(200);
    assert_eq!(got.text(), policy);
    let status = house.ask("GET /logs?policyStatus", &[], b"").await.is(200);
    assert!(status.text().contains("<IsPublic>false</IsPublic>"), "{}", status.text());
}

#[tokio::test]
async fn a_write_that_cannot_be_recorded_has_no_effect() {
    let house = House::open().await;
    house.bucket("logs", &[]).await;
    assert_eq!(house.announced.count.load(Ordering::SeqCst), 1);
    house.ask("GET /logs", &[], b"").await.is(200);
    assert_eq!(house.announced.count.load(Ordering::SeqCst), 1, "reads are not announced");
    house.announced.refuse();
    house.ask("PUT /logs/a", &[], b"x").await.fails(503, "ServiceUnavailable");
    house.ask("DELETE /logs", &[], b"").await.fails(503, "ServiceUnavailable");
    house.ask("HEAD /logs/a", &[], b"").await.is(404);
}
