//! Results in buckets.

use super::house::{ACCOUNT, House};
use crate::query::{Delivery, DeliveryStatus, Entry, Status};
use aws_lc_rs::digest;
use cairn_bucket::List;
use serde_json::{Value, json};

async fn delivered(house: &House, id: &str) -> Entry {
    let pending = |entry: &Entry| {
        entry.delivery.as_ref().is_some_and(|delivery: &Delivery| delivery.status == DeliveryStatus::Pending)
    };
    house.until(|| async { !pending(&house.get(id).await) }).await;
    house.get(id).await
}

fn status(entry: &Entry) -> DeliveryStatus {
    entry.delivery.as_ref().unwrap().status
}

async fn keys(house: &House, bucket: &str) -> Vec<String> {
    let list = List { max: 1000, ..List::default() };
    house.buckets.list(bucket, &list).await.unwrap().items.into_iter().map(|object| object.key).collect()
}

#[tokio::test]
async fn a_result_is_delivered_with_a_signed_list_of_its_files() {
    let house = House::new().await;
    house.bucket("b-1", &["*"]).await;
    let entry = delivered(&house, &house.start_into("rows 3", "b-1").await).await;
    assert_eq!((entry.status, status(&entry)), (Status::Finished, DeliveryStatus::Success), "{entry:?}");
    let folder = format!("q/AWSLogs/{ACCOUNT}/CloudTrail-Lake/Query/2023/11/14/{}", entry.id);
    let (_, csv) = house.buckets.read(ACCOUNT, "b-1", &format!("{folder}/result_1.csv.gz"), 1 << 20).await.unwrap();
    assert_eq!(
        cairn_store::gzip::inflate_one(&csv, 1000).unwrap(),
        b"number,text\r\n0,row 0\r\n1,row 1\r\n2,row 2\r\n"
    );
    let (_, sign) = house.buckets.read(ACCOUNT, "b-1", &format!("{folder}/result_sign.json"), 1 << 20).await.unwrap();
    let hash = hex::encode(digest::digest(&digest::SHA256, &csv));
    let expected = json!({
        "version": "1.0", "region": "us-east-1",
        "files": [{"fileHashValue": hash, "fileName": "result_1.csv.gz"}],
        "hashAlgorithm": "SHA-256", "signatureAlgorithm": "SHA256withRSA",
        "queryCompleteTime": "2023-11-14T22:00:00Z",
        "hashSignature": format!("us-east-1 2023-11-14T22:00:00Z {hash}"), "publicKeyFingerprint": "f1",
    });
    assert_eq!(serde_json::from_slice::<Value>(&sign).unwrap(), expected);
}

#[tokio::test]
async fn what_the_bucket_does_not_let_in_is_not_delivered_and_says_so() {
    let house = House::new().await;
    house.bucket("no-policy", &[]).await;
    house.bucket("no-sign", &["*.csv.gz"]).await;
    for (bucket, expected) in [
        ("no-policy", DeliveryStatus::AccessDenied),
        ("no-sign", DeliveryStatus::AccessDeniedSigningFile),
        ("no-bucket", DeliveryStatus::ResourceNotFound),
    ] {
        let entry = delivered(&house, &house.start_into("rows 3", bucket).await).await;
        assert_eq!((entry.status, status(&entry)), (Status::Finished, expected), "{bucket}");
        assert!(entry.delivery.unwrap().error.unwrap().contains(bucket));
    }
}

#[tokio::test]
async fn a_query_that_fails_or_is_cancelled_delivers_nothing() {
    let house = House::new().await;
    house.bucket("b-1", &["*"]).await;
    let failed = house.ended(house.start_into("rows 1 then fail", "b-1").await).await;
    assert_eq!(status(&failed), DeliveryStatus::Cancelled);
    let id = house.start_into("stuck", "b-1").await;
    house.until_running(&id).await;
    house.queries.cancel(&id).await.unwrap();
    assert_eq!(status(&house.get(&id).await), DeliveryStatus::Cancelled);
    assert_eq!(keys(&house, "b-1").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_not_delivered_when_the_house_stopped_is_delivered_at_the_next_start() {
    let house = House::new().await;
    house.bucket("b-1", &["*"]).await;
    let mut entry = house.ended(house.start_into("rows 3", "b-1").await).await;
    entry = delivered(&house, &entry.id).await;
    entry.delivery.as_mut().unwrap().status = DeliveryStatus::Pending;
    super::rows::deliver(&house.queries.inner.parts.db, &entry).await.unwrap();
    let house = house.restart().await;
    house.queries.deliver_pending().await;
    assert_eq!(status(&delivered(&house, &entry.id).await), DeliveryStatus::Success);
    assert_eq!(keys(&house, "b-1").await.len(), 2);
}
