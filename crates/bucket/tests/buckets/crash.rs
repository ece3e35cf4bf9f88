//! What a crash or a broken disk leaves.

use crate::house::{BUCKET, House, body, noise, put};
use cairn_bucket::{Error, Expected, Put, Versioning};
use cairn_store::Blobs;
use cairn_world::sim::Faults;
use futures::{StreamExt, stream};

#[tokio::test]
async fn blobs_without_a_row_are_removed_and_no_others() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    house.put("k", b"1").await;
    house.put("k", b"2").await;
    let upload =
        house.buckets.create_upload(cairn_bucket::NewUpload { put: put("u"), ..Default::default() }).await.unwrap();
    house.buckets.upload_part(&upload, 1, body(b"part"), Expected::default(), None).await.unwrap();
    let named = house.blobs();
    let blobs = Blobs::open(&house.sim.world(), &house.dir.path().join("blobs")).unwrap();
    for _ in 0..3 {
        let mut writer = blobs.create().unwrap();
        writer.write(b"a crash came before the row").unwrap();
        writer.finish().unwrap();
    }
    assert_eq!(house.blobs().len(), 6);
    let house = house.reopen().await;
    while house.blobs().len() > 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.blobs(), named);
    assert_eq!(house.get("k").await, b"2");
}

#[tokio::test]
async fn a_full_disk_refuses_new_objects_and_keeps_the_old() {
    let house = House::with(BUCKET, Versioning::Off).await;
    house.put("k", b"kept").await;
    for faults in [Faults { full: true, ..Faults::default() }, Faults { sync_fails: true, ..Faults::default() }] {
        house.sim.disk.set(faults);
        let refused = house.try_put(put("k"), &noise(100_000)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        assert_eq!(house.get("k").await, b"kept");
    }
    house.sim.disk.set(Faults::default());
    assert_eq!(house.half_written(), 0);
    house.put("k", b"new").await;
    assert_eq!(house.get("k").await, b"new");
}

#[tokio::test]
async fn a_put_given_up_halfway_leaves_nothing() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let endless = stream::iter([Ok(noise(3_000_000).into())]).chain(stream::pending()).boxed();
    let mut given_up = Box::pin(house.buckets.put(put("k"), endless, Expected::default(), None));
    while house.half_written() == 0 {
        assert!(futures::poll!(&mut given_up).is_pending());
        tokio::task::yield_now().await;
    }
    drop(given_up);
    while house.half_written() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(house.blobs().is_empty());
    assert!(matches!(house.find("k").await, Err(Error::NoSuchKey { .. })));
}

#[tokio::test]
async fn an_object_replaced_while_it_is_read_is_read_to_its_end() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let bytes = noise(5_000_000);
    house.put("k", &bytes).await;
    let object = house.find("k").await.unwrap();
    let mut reading = house.buckets.content(&object, object.span(cairn_bucket::Range::Whole).unwrap()).await.unwrap();
    let mut read = reading.next().await.unwrap().unwrap().to_vec();
    house.try_put(Put { ..put("k") }, b"other").await.unwrap();
    while let Some(chunk) = reading.next().await {
        read.extend_from_slice(&chunk.unwrap());
    }
    assert!(read == bytes);
    assert_eq!(house.get("k").await, b"other");
}
