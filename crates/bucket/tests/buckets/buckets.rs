//! Buckets themselves: names, owners, settings.

use crate::house::{ACCOUNT, BUCKET, House, OTHER, new_bucket, tags};
use cairn_bucket::{
    DefaultRetention, Encryption, Error, LockMode, LockSettings, Ownership, Period, PublicAccessBlock, Setting,
    Versioning,
};

#[tokio::test]
async fn a_name_belongs_to_one_bucket_of_one_account() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let again = house.buckets.create(new_bucket(BUCKET, ACCOUNT)).await;
    assert!(matches!(again, Err(Error::AlreadyYours(_))));
    let others = house.buckets.create(new_bucket(BUCKET, OTHER)).await;
    assert!(matches!(others, Err(Error::Exists(_))));
    house.buckets.create(new_bucket("other", OTHER)).await.unwrap();
    let names = |account| {
        let found = house.buckets.buckets(account, "", None, 10);
        found.iter().map(|bucket| bucket.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(ACCOUNT), [BUCKET]);
    assert_eq!(names(OTHER), ["other"]);
}

#[tokio::test]
async fn only_an_empty_bucket_is_removed() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let stored = house.put("a", b"1").await;
    assert!(matches!(house.buckets.remove(BUCKET).await, Err(Error::NotEmpty(_))));
    let marker = house.delete("a").await.version.unwrap();
    house.delete_version("a", &stored.version.unwrap(), false).await.unwrap();
    assert!(matches!(house.buckets.remove(BUCKET).await, Err(Error::NotEmpty(_))), "a marker is left");
    house.delete_version("a", &marker, false).await.unwrap();
    house.buckets.remove(BUCKET).await.unwrap();
    assert!(matches!(house.buckets.bucket(BUCKET), Err(Error::NoSuchBucket(_))));
    assert!(matches!(house.buckets.remove(BUCKET).await, Err(Error::NoSuchBucket(_))));
}

#[tokio::test]
async fn settings_are_kept_over_a_restart() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let kms = Encryption::Kms { key: Some("alias/mine".to_owned()), bucket_key: true };
    let block = PublicAccessBlock { block_public_policy: true, ..PublicAccessBlock::default() };
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},
        "Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}"#
    );
    house.buckets.set_tags(BUCKET, tags(&[("team", "audit")])).await.unwrap();
    house.buckets.set_encryption(BUCKET, kms.clone()).await.unwrap();
    house.buckets.set_ownership(BUCKET, Some(Ownership::BucketOwnerEnforced)).await.unwrap();
    house.buckets.set_public_access_block(BUCKET, Some(block)).await.unwrap();
    house.buckets.set_policy(BUCKET, &policy).await.unwrap();
    let default = DefaultRetention { mode: LockMode::Compliance, period: Period::Days(7) };
    house.buckets.set_lock(BUCKET, LockSettings { default: Some(default) }).await.unwrap();

    let house = house.reopen().await;
    let bucket = house.buckets.bucket(BUCKET).unwrap();
    assert_eq!(bucket.tags().unwrap(), &tags(&[("team", "audit")]));
    assert_eq!(bucket.settings.encryption, kms);
    assert_eq!(bucket.ownership().unwrap(), Ownership::BucketOwnerEnforced);
    assert_eq!(bucket.public_access_block().unwrap(), block);
    assert_eq!(bucket.policy_text().unwrap(), policy);
    assert!(bucket.policy.is_some());
    assert_eq!(bucket.lock().unwrap().default, Some(default));
    assert_eq!(bucket.settings.versioning, Versioning::Enabled);
}

#[tokio::test]
async fn what_was_never_set_says_so() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bucket = house.buckets.bucket(BUCKET).unwrap();
    assert!(matches!(bucket.tags(), Err(Error::NotSet(Setting::Tags))));
    assert!(matches!(bucket.policy_text(), Err(Error::NotSet(Setting::Policy))));
    assert!(matches!(bucket.lock(), Err(Error::NotSet(Setting::LockConfiguration))));
    assert!(matches!(bucket.ownership(), Err(Error::NotSet(Setting::Ownership))));
    assert!(matches!(bucket.public_access_block(), Err(Error::NotSet(Setting::PublicAccessBlock))));
    assert_eq!(bucket.settings.encryption, Encryption::Aes256);
    house.buckets.remove_policy(BUCKET).await.unwrap();
}

#[tokio::test]
async fn a_policy_is_parsed_fits_its_bucket_and_is_not_public_where_that_is_blocked() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let public = |bucket: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*",
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::{bucket}/*"}}]}}"#
        )
    };
    for malformed in ["", "{", "{}", &public("elsewhere"), &" ".repeat(20 * 1024 + 1)] {
        let refused = house.buckets.set_policy(BUCKET, malformed).await;
        assert!(matches!(refused, Err(Error::MalformedPolicy(_))), "{malformed:?}: {refused:?}");
    }
    assert!(house.buckets.set_policy(BUCKET, &public(BUCKET)).await.unwrap().is_public());
    let block = PublicAccessBlock { block_public_policy: true, ..PublicAccessBlock::default() };
    house.buckets.set_public_access_block(BUCKET, Some(block)).await.unwrap();
    assert!(matches!(house.buckets.set_policy(BUCKET, &public(BUCKET)).await, Err(Error::Denied(_))));
}

#[tokio::test]
async fn object_lock_needs_versioning_and_keeps_it() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let lock = LockSettings::default();
    assert!(matches!(house.buckets.set_lock(BUCKET, lock).await, Err(Error::InvalidState(_))));
    house.buckets.set_versioning(BUCKET, Versioning::Enabled).await.unwrap();
    house.buckets.set_lock(BUCKET, lock).await.unwrap();
    let suspended = house.buckets.set_versioning(BUCKET, Versioning::Suspended).await;
    assert!(matches!(suspended, Err(Error::InvalidState(_))));
    for period in [Period::Days(0), Period::Days(36_501), Period::Years(101)] {
        let default = Some(DefaultRetention { mode: LockMode::Governance, period });
        let refused = house.buckets.set_lock(BUCKET, LockSettings { default }).await;
        assert!(matches!(refused, Err(Error::InvalidRetention(_))), "{period:?}");
    }
}

#[tokio::test]
async fn an_acl_may_not_let_others_in() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bucket = house.buckets.bucket(BUCKET).unwrap();
    bucket.accept_acl("bucket-owner-full-control").unwrap();
    assert!(matches!(bucket.accept_acl("public-read"), Err(Error::AclNotSupported(_))));
    assert!(matches!(bucket.accept_acl("everybody"), Err(Error::Invalid(_))));
}
