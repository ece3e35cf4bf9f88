//! Bytes at rest: under which key they are, and that nobody changes them unnoticed.

use crate::house::{ACCOUNT, BUCKET, House, REGION, noise, put};
use cairn_bucket::{CopyOf, Encryption, Error, Put, Range, Sse, Versioning};
use cairn_key::{Context, NewKey, Scope};
use cairn_world::Open;

const HERE: Scope<'_> = Scope { account: ACCOUNT, region: REGION };

impl House {
    async fn kms(&self) -> (String, Sse) {
        let key = self.keys.create(HERE, NewKey::default()).await.unwrap().arn.clone();
        let wanted = Encryption::Kms { key: Some(key.clone()), bucket_key: false };
        let sse = self.buckets.sse(HERE, BUCKET, Some(wanted), Context::new()).await.unwrap();
        (key, sse)
    }

    fn change(&self, blob: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let path = &self.blobs()[blob];
        let disk = self.sim.world().disk;
        let mut bytes = disk.read(path).unwrap();
        change(&mut bytes);
        let file = disk.open(path, Open::Truncate).unwrap();
        file.write_at(&bytes, 0).unwrap();
    }
}

#[tokio::test]
async fn the_clear_bytes_are_nowhere_on_the_disk() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let secret = b"a secret that is easily found in a file";
    house.put("k", &secret.repeat(3000)).await;
    for path in house.blobs() {
        let bytes = house.sim.world().disk.read(&path).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    let object = house.find("k").await.unwrap();
    assert_eq!(object.sse, Sse::Aes256);
    assert!(house.keys.list(HERE, None, 10).await.unwrap().items.is_empty(), "the house's key is in no account");
}

#[tokio::test]
async fn tampering_is_noticed_wherever_it_happens() {
    let bytes = noise(200_000);
    let len = 37 + 200_000 + 4 * 16;
    let flips = [0, 4, 5, 36, 37, 1000, 37 + 65_536, 37 + 65_536 + 16, 150_000, len - 17, len - 1];
    for flip in flips {
        let house = House::with(BUCKET, Versioning::Off).await;
        house.put("k", &bytes).await;
        house.change(0, |blob| {
            assert_eq!(blob.len(), len);
            blob[flip] ^= 1;
        });
        let object = house.find("k").await.unwrap();
        let read = house.bytes(&object, Range::Whole).await;
        assert!(matches!(read, Err(Error::Corrupt(_))), "byte {flip}: {:?}", read.err());
    }
    let changes: [fn(&mut Vec<u8>); 4] = [
        |blob| blob.truncate(blob.len() - 1),
        |blob| blob.truncate(37 + 65_552),
        |blob| blob.push(0),
        |blob| blob[37..].rotate_left(65_552),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let house = House::with(BUCKET, Versioning::Off).await;
        house.put("k", &noise(4 * 65_536)).await;
        house.change(0, change);
        let object = house.find("k").await.unwrap();
        assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::Corrupt(_))), "change {number}");
    }
}

#[tokio::test]
async fn damage_far_from_what_is_read_does_not_hinder_and_later_damage_ends_the_stream() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bytes = noise(3 * 1024 * 1024);
    house.put("k", &bytes).await;
    house.change(0, |blob| blob[37 + 40 * 65_552] ^= 1);
    let object = house.find("k").await.unwrap();
    let range = Range::From { first: 10, last: Some(70_000) };
    assert_eq!(house.bytes(&object, range).await.unwrap(), bytes[10..=70_000]);
    let read = house.bytes(&object, Range::Whole).await;
    assert!(
        matches!(&read, Err(Error::Body(error)) if error.kind() == std::io::ErrorKind::InvalidData),
        "{:?}",
        read.err()
    );
}

#[tokio::test]
async fn a_blob_of_another_object_does_not_pass_for_this_one() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("a", &[1; 100]).await;
    house.put("b", &[2; 100]).await;
    let disk = house.sim.world().disk;
    let both = house.blobs();
    let (one, two) = (disk.read(&both[0]).unwrap(), disk.read(&both[1]).unwrap());
    house.change(0, |blob| *blob = two);
    house.change(1, |blob| *blob = one);
    for key in ["a", "b"] {
        let object = house.find(key).await.unwrap();
        assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::Corrupt(_))), "{key}");
    }
}

#[tokio::test]
async fn a_missing_blob_is_corruption_and_not_a_missing_object() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("k", b"1").await;
    let object = house.find("k").await.unwrap();
    house.sim.world().disk.remove_file(&house.blobs()[0]).unwrap();
    assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::Corrupt(_))));
    house.delete("k").await;
    assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::NoSuchKey { .. })));
}

#[tokio::test]
async fn an_object_under_a_customers_key_is_read_only_while_that_key_is_usable() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let (key, sse) = house.kms().await;
    house.try_put(Put { sse: Some(sse.clone()), ..put("k") }, b"secret").await.unwrap();
    let object = house.find("k").await.unwrap();
    assert_eq!(object.sse, sse);
    assert_eq!(object.sse.context(BUCKET, "k")["aws:s3:arn"], "arn:aws:s3:::archive/k");
    assert_eq!(house.get("k").await, b"secret");
    house.keys.disable(HERE, &key).await.unwrap();
    assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::Key(cairn_key::Error::Disabled(_)))));
    let refused = house.try_put(Put { sse: Some(sse), ..put("k2") }, b"secret").await;
    assert!(matches!(refused, Err(Error::Key(cairn_key::Error::Disabled(_)))));
    house.keys.enable(HERE, &key).await.unwrap();
    assert_eq!(house.get("k").await, b"secret");
}

#[tokio::test]
async fn the_buckets_default_is_applied_and_a_put_may_choose_otherwise() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.buckets.set_encryption(BUCKET, Encryption::Kms { key: None, bucket_key: true }).await.unwrap();
    let stored = house.put("k", b"1").await;
    let Sse::Kms { key_arn, bucket_key: true, .. } = &stored.sse else { panic!("{:?}", stored.sse) };
    let managed = house.keys.resolve(HERE, "alias/aws/s3").await.unwrap();
    assert_eq!(*key_arn, managed.arn);
    assert_eq!(stored.sse.context(BUCKET, "k")["aws:s3:arn"], "arn:aws:s3:::archive");
    assert_eq!(house.get("k").await, b"1");
    let plain = house.try_put(Put { sse: Some(Sse::Aes256), ..put("plain") }, b"2").await.unwrap();
    assert_eq!(plain.sse, Sse::Aes256);
    let missing = Encryption::Kms { key: Some("alias/none".to_owned()), bucket_key: false };
    let refused = house.buckets.sse(HERE, BUCKET, Some(missing), Context::new()).await;
    assert!(matches!(refused, Err(Error::Key(cairn_key::Error::AliasNotFound(_)))));
}

#[tokio::test]
async fn a_copy_is_encrypted_anew() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let (key, sse) = house.kms().await;
    house.put("from", b"1").await;
    let source = house.find("from").await.unwrap();
    let put = Put { sse: Some(sse), ..put("to") };
    let copy = CopyOf { source: &source, put, replace_metadata: false, replace_tags: false, algorithm: None };
    house.buckets.copy(copy).await.unwrap();
    house.delete("from").await;
    assert_eq!(house.get("to").await, b"1");
    house.keys.disable(HERE, &key).await.unwrap();
    let object = house.find("to").await.unwrap();
    assert!(matches!(house.bytes(&object, Range::Whole).await, Err(Error::Key(_))));
}

#[tokio::test]
async fn an_object_held_open_is_read_in_ranges_and_after_its_deletion() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bytes = noise(300_000);
    house.put("k", &bytes).await;
    let opened = house.buckets.open_object(BUCKET, "k").await.unwrap();
    assert_eq!(opened.size(), 300_000);
    house.buckets.delete(BUCKET, crate::house::delete("k", "null", false)).await.unwrap();
    for range in [0..10, 65_530..65_540, 131_072..131_072, 299_999..300_000, 0..300_000] {
        let read = opened.read(range.clone()).await.unwrap();
        assert_eq!(read, bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    assert!(matches!(opened.read(299_999..300_001).await, Err(Error::InvalidRange { size: 300_000 })));
    drop(opened);
    assert!(matches!(house.buckets.open_object(BUCKET, "k").await, Err(Error::NoSuchKey { .. })));
}

#[tokio::test]
async fn an_object_held_open_notices_what_was_tampered_with() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("k", &noise(200_000)).await;
    house.change(0, |blob| blob[100_000] ^= 1);
    let opened = house.buckets.open_object(BUCKET, "k").await.unwrap();
    assert!(opened.read(0..65_536).await.is_ok());
    assert!(matches!(opened.read(90_000..110_000).await, Err(Error::Corrupt(_))));
}
