//! Who reads what just now, so that an object deleted meanwhile is still read to its end.

use cairn_store::{BlobId, Blobs};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;

/// The versions being read, by their `seq`.
#[derive(Clone, Default)]
pub(crate) struct Readers(Arc<Mutex<HashMap<i64, Held>>>);

#[derive(Default)]
struct Held {
    count: usize,
    /// To be removed when the last reader has gone. A crash before leaves them to the sweep.
    doomed: Vec<BlobId>,
}

/// One who reads a version.
pub(crate) struct Reader {
    readers: Readers,
    blobs: Blobs,
    version: i64,
}

impl Readers {
    fn held(&self) -> MutexGuard<'_, HashMap<i64, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the version's blobs stay. Whoever enters looks for its rows after that: while they
    /// are there, its deletion is yet to come and will find the reader.
    pub fn enter(&self, blobs: &Blobs, version: i64) -> Reader {
        self.held().entry(version).or_default().count += 1;
        Reader { readers: self.clone(), blobs: blobs.clone(), version }
    }

    /// Takes the blobs of a version whose deletion is committed; gives back those that nobody reads.
    pub fn part(&self, version: i64, blobs: Vec<BlobId>) -> Vec<BlobId> {
        match self.held().get_mut(&version) {
            Some(held) => {
                held.doomed.extend(blobs);
                Vec::new()
            }
            None => blobs,
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut all = self.readers.held();
        let Some(held) = all.get_mut(&self.version) else { return };
        held.count -= 1;
        if held.count > 0 {
            return;
        }
        let doomed = all.remove(&self.version).map(|held| held.doomed).unwrap_or_default();
        drop(all);
        let blobs = self.blobs.clone();
        if let (false, Ok(runtime)) = (doomed.is_empty(), Handle::try_current()) {
            runtime.spawn_blocking(move || crate::change::remove(&blobs, &doomed));
        }
    }
}
