//! Whose the lake's bucket is.

use super::house::{ACCOUNT, BUCKET, House, START};
use crate::{Error, Parts, Settings, Tables};
use cairn_bucket::NewBucket;

fn bucket(name: &str, account: &str) -> NewBucket {
    let (name, account, region) = (name.to_owned(), account.to_owned(), "us-east-1".to_owned());
    NewBucket { name, account, region, object_lock: false, ownership: None, tags: std::collections::BTreeMap::new() }
}

#[tokio::test]
async fn the_lake_makes_its_bucket_for_the_house_alone() {
    let house = House::new().await;
    house.happen(START, 1).await;
    assert!(house.buckets.bucket(BUCKET).is_err(), "made with the first file");
    house.tables.flush().await.unwrap();
    let made = house.buckets.bucket(BUCKET).unwrap();
    assert!(made.settings.house && made.policy.is_some());
    let house = house.restart().await;
    assert!(house.buckets.bucket(BUCKET).unwrap().settings.house);
    let service = cairn_identity::Caller::service("cloudtrail.amazonaws.com");
    let lets = |action| house.buckets.lets(BUCKET, Some("k"), action, &service, "arn", ACCOUNT).unwrap();
    assert!(!lets("s3:PutObject") && !lets("s3:GetBucketAcl"));
}

#[tokio::test]
async fn a_bucket_that_somebody_else_made_is_not_the_lakes() {
    for account in [ACCOUNT, "444455556666"] {
        let house = House::new().await;
        house.buckets.create(bucket(BUCKET, account)).await.unwrap();
        let parts = house.tables.parts();
        let Err(Error::Unavailable(message)) = Tables::open(parts).await else { panic!("the lake took it") };
        assert!(message.contains("lake.bucket") && message.contains(BUCKET), "{message}");
        house.happen(START, 1).await;
        assert!(house.tables.flush().await.is_err(), "made after the start");
        assert!(house.keys().await.is_empty());
        let settings = Settings { bucket: Some("another-lake".to_owned()), ..Settings::default() };
        assert!(Tables::open(&Parts { settings, ..parts.clone() }).await.is_ok());
    }
}
