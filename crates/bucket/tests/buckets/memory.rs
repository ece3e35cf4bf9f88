//! Large bodies flow through; they are never held whole.

use crate::house::{BUCKET, House, put};
use bytes::Bytes;
use cairn_bucket::{Expected, Range, Versioning};
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const CHUNK_BYTES: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

/// Bytes that are counted as long as anybody holds them.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_hundred_megabytes_pass_in_two_at_a_time() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let (held, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, peak) = (held.clone(), most.clone());
    let chunks = stream::iter(0..100 * MIB / CHUNK_BYTES).map(move |n| {
        let now = counter.fetch_add(CHUNK_BYTES, Ordering::Relaxed) + CHUNK_BYTES;
        peak.fetch_max(now, Ordering::Relaxed);
        Ok(Bytes::from_owner(Counted(vec![n as u8; CHUNK_BYTES], counter.clone())))
    });
    let stored = house.buckets.put(put("k"), chunks.boxed(), Expected::default(), None).await.unwrap();
    assert_eq!(stored.size, 100 * MIB as u64);
    assert_eq!(held.load(Ordering::Relaxed), 0);
    assert!(most.load(Ordering::Relaxed) <= 2 * MIB, "{} bytes were held at once", most.load(Ordering::Relaxed));

    let object = house.find("k").await.unwrap();
    let mut reading = house.buckets.content(&object, object.span(Range::Whole).unwrap()).await.unwrap();
    let mut offset = 0;
    while let Some(chunk) = reading.next().await {
        let chunk = chunk.unwrap();
        assert!(chunk.len() <= MIB);
        for (at, byte) in (offset..).step_by(CHUNK_BYTES).zip(chunk.iter().step_by(CHUNK_BYTES)) {
            assert_eq!(*byte, (at / CHUNK_BYTES) as u8, "at {at}");
        }
        offset += chunk.len();
    }
    assert_eq!(offset, 100 * MIB);
}
