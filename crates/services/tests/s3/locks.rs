//! Object Lock, as nobody gets around it.

use crate::house::House;
use cairn_wire::sigv4::Credentials;
use std::time::Duration;

const LOCK: (&str, &str) = ("x-amz-bucket-object-lock-enabled", "true");
const BYPASS: (&str, &str) = ("x-amz-bypass-governance-retention", "true");

async fn locked(house: &House, mode: &str) -> String {
    house.bucket("vault", &[LOCK]).await;
    let until = (house.engines.world.now() + Duration::from_hours(240)).iso();
    let headers = [("x-amz-object-lock-mode", mode), ("x-amz-object-lock-retain-until-date", until.as_str())];
    let put = house.ask("PUT /vault/a", &headers, b"evidence").await.is(200);
    assert_eq!(put.parameter("x-amz-object-lock-mode"), mode);
    put.header("x-amz-version-id").unwrap().to_owned()
}

fn retention(mode: &str, until: &str) -> Vec<u8> {
    format!("<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>").into_bytes()
}

#[tokio::test]
async fn root_cannot_undo_compliance() {
    let house = House::open().await;
    let version = locked(&house, "COMPLIANCE").await;
    let soon = (house.engines.world.now() + Duration::from_hours(1)).iso();
    let (delete, retain) =
        (format!("DELETE /vault/a?versionId={version}"), format!("PUT /vault/a?retention&versionId={version}"));
    for headers in [&[][..], &[BYPASS][..]] {
        let refused = house.ask(&delete, headers, b"").await.fails(403, "AccessDenied");
        assert!(refused.outcome.error.unwrap().1.contains("object lock"));
        for body in [retention("COMPLIANCE", &soon), retention("GOVERNANCE", &soon), b"<Retention/>".to_vec()] {
            house.ask(&retain, headers, &body).await.fails(403, "AccessDenied");
        }
    }
    let listed = format!("<Delete><Object><Key>a</Key><VersionId>{version}</VersionId></Object></Delete>");
    let many = house.ask("POST /vault?delete", &[BYPASS], listed.as_bytes()).await.is(200);
    assert!(many.text().contains("<Code>AccessDenied</Code>"), "{}", many.text());
    house.ask("DELETE /vault", &[], b"").await.fails(409, "BucketNotEmpty");
    house.ask("DELETE /vault/a", &[], b"").await.is(204);
    let kept = house.ask(&format!("GET /vault/a?versionId={version}"), &[], b"").await.is(200);
    assert_eq!((kept.text().as_str(), kept.header("x-amz-object-lock-mode")), ("evidence", Some("COMPLIANCE")));
    let later = (house.engines.world.now() + Duration::from_hours(480)).iso();
    house.ask(&retain, &[], &retention("COMPLIANCE", &later)).await.is(200);
}

#[tokio::test]
async fn governance_gives_way_to_those_who_may_bypass_it() {
    let house = House::open().await;
    let version = locked(&house, "GOVERNANCE").await;
    let delete = format!("DELETE /vault/a?versionId={version}");
    house.ask(&delete, &[], b"").await.fails(403, "AccessDenied");
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:DeleteObject*","Resource":"*"}]}"#;
    let user: Credentials = house.user("cleaner", policy).await;
    let refused = house.ask_as(Some(&user), &delete, &[BYPASS], b"").await.fails(403, "AccessDenied");
    assert!(refused.outcome.error.unwrap().1.contains("s3:BypassGovernanceRetention"));
    house.ask(&delete, &[BYPASS], b"").await.is(204);
}

#[tokio::test]
async fn a_legal_hold_holds_until_it_is_lifted() {
    let house = House::open().await;
    house.bucket("vault", &[LOCK]).await;
    let put = house.ask("PUT /vault/a", &[("x-amz-object-lock-legal-hold", "ON")], b"x").await.is(200);
    let version = put.header("x-amz-version-id").unwrap();
    let delete = format!("DELETE /vault/a?versionId={version}");
    house.ask(&delete, &[BYPASS], b"").await.fails(403, "AccessDenied");
    let held = house.ask("GET /vault/a?legal-hold", &[], b"").await.is(200);
    assert!(held.text().contains("<Status>ON</Status>"));
    house.ask("PUT /vault/a?legal-hold", &[], b"<LegalHold><Status>OFF</Status></LegalHold>").await.is(200);
    house.ask(&delete, &[], b"").await.is(204);
}

#[tokio::test]
async fn a_default_retention_locks_what_is_put() {
    let house = House::open().await;
    house.bucket("vault", &[LOCK]).await;
    let body = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
    let set = house.ask("PUT /vault?object-lock", &[], body).await.is(200);
    assert_eq!(set.outcome.event_name, "PutBucketObjectLockConfiguration");
    let got = house.ask("GET /vault?object-lock", &[], b"").await.is(200);
    assert!(got.text().contains("<Days>1</Days>"), "{}", got.text());
    house.ask("PUT /vault/a", &[], b"x").await.is(200);
    let retained = house.ask("GET /vault/a?retention", &[], b"").await.is(200);
    assert!(retained.text().contains("<Mode>GOVERNANCE</Mode>"), "{}", retained.text());
    house.bucket("plain", &[]).await;
    house.ask("PUT /plain/a", &[], b"x").await.is(200);
    house.ask("GET /plain/a?retention", &[], b"").await;
    let until = (house.engines.world.now() + Duration::from_hours(1)).iso();
    let headers = [("x-amz-object-lock-mode", "GOVERNANCE"), ("x-amz-object-lock-retain-until-date", until.as_str())];
    house.ask("PUT /plain/b", &headers, b"x").await.fails(400, "InvalidRequest");
    house.ask("PUT /plain/b", &headers[..1], b"x").await.fails(400, "InvalidArgument");
}
