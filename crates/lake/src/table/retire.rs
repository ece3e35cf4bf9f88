//! What is too old or replaced goes: out of the list first, its bytes when nobody needs them any more.

use super::file::File;
use super::listed::Listing;
use super::{Tables, rows};
use crate::Error;
use cairn_event::Time;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an object stays at least after its file left the list: for readers outside, who found it in an
/// Iceberg snapshot. The catalog shows a snapshot for a shorter time after one of its files has left.
pub(crate) const GRACE: Duration = Duration::from_hours(1);
/// Objects removed before the books are written.
const REMOVED_AT_ONCE: usize = 100;

impl Tables {
    /// Drops the files whose newest row is too old for their table.
    pub(crate) async fn expire(&self) -> Result<(), Error> {
        let today = self.today();
        for table in self.tables() {
            let oldest = today - table.retention;
            let old = |file: &&Arc<File>| file.times.end < oldest;
            let due = {
                let state = self.state();
                let files = state.shelves.get(&table.id).map(|shelf| &shelf.files);
                files.into_iter().flatten().filter(old).cloned().collect::<Vec<_>>()
            };
            if !due.is_empty() {
                tracing::info!(table = table.id, files = due.len(), "files older than the retention are dropped");
                self.replace(&table.id, &due, Vec::new()).await?;
            }
            self.let_go(&table.id, oldest).await?;
        }
        Ok(())
    }

    /// Files that were set aside go too when their rows would be too old.
    async fn let_go(&self, id: &str, oldest: Time) -> Result<(), Error> {
        let old: Vec<Arc<File>> = {
            let state = self.state();
            let aside = state.shelves.get(id).into_iter().flat_map(|shelf| &shelf.aside);
            aside.map(|aside| aside.file.clone()).filter(|file| file.times.end < oldest).collect()
        };
        if old.is_empty() {
            return Ok(());
        }
        let at = self.now();
        let mut books = self.books().await?;
        for file in &old {
            rows::retire(&mut books.tx, file.id, at).await?;
        }
        let show = |state: &mut super::state::State| {
            if let Some(shelf) = state.shelves.get_mut(id) {
                shelf.aside.retain(|aside| old.iter().all(|old| old.id != aside.file.id));
            }
            state.retired.extend(old.into_iter().map(|file| super::state::Retired { file, at }));
        };
        books.commit(show).await
    }

    /// Puts files in the place of others, in one step. Gives whether it took place: not when one of the
    /// others has left the list meanwhile.
    pub(crate) async fn replace(&self, id: &str, old: &[Arc<File>], new: Vec<File>) -> Result<bool, Error> {
        let at = self.now();
        let mut books = self.books().await?;
        let there = {
            let state = self.state();
            let files = state.shelves.get(id).map(|shelf| &shelf.files);
            files.is_some_and(|files| old.iter().all(|old| files.iter().any(|file| file.id == old.id)))
        };
        let Some(version) = (if there { rows::next_version(&mut books.tx, id).await? } else { None }) else {
            return Ok(false);
        };
        for file in old {
            rows::retire(&mut books.tx, file.id, at).await?;
        }
        let mut entered = Vec::with_capacity(new.len());
        for file in new {
            entered.push(rows::insert(&mut books.tx, file, super::file::State::Live).await?);
        }
        let show = |state: &mut super::state::State| {
            for file in old {
                state.retire(id, file.id, at);
            }
            state.add(id, version, entered);
        };
        books.commit(show).await?;
        Ok(true)
    }

    /// Removes the objects of retired files that no snapshot shows.
    pub(crate) async fn remove_retired(&self) -> Result<(), Error> {
        let mut due = self.due(self.today());
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(REMOVED_AT_ONCE));
            let mut removed = Vec::with_capacity(due.len());
            for key in due {
                // One that stays does not hold up the others.
                match self.inner.storage.remove(&key).await {
                    Ok(()) => removed.push(key),
                    Err(error) => tracing::error!(key, %error, "a file that is not needed cannot be removed"),
                }
            }
            let mut books = self.books().await?;
            rows::forget(&mut books.tx, &removed).await?;
            let gone: HashSet<String> = removed.into_iter().collect();
            books.commit(|state| state.retired.retain(|retired| !gone.contains(&retired.file.key))).await?;
            due = rest;
        }
        Ok(())
    }

    fn due(&self, now: Time) -> Vec<String> {
        let state = self.state();
        let listings = self.listings();
        let is_due = |retired: &&super::state::Retired| {
            // The one reference is the list of retired files itself.
            Arc::strong_count(&retired.file) == 1
                && now.since(retired.at) >= GRACE
                && listings.get(&retired.file.table).is_none_or(|listing| !listing.may_list(retired))
        };
        state.retired.iter().filter(is_due).map(|retired| retired.file.key.clone()).collect()
    }

    /// A table that was published before this start: what its snapshots list is told by [`Self::listed`].
    pub(crate) fn was_listed(&self, id: &str) {
        self.listings().entry(id.to_owned()).or_insert_with(Listing::unknown);
    }

    /// The snapshots shown of a table are of its files `at` this time, but for those that are `outlived`:
    /// made at these times, with files that have left.
    pub(crate) fn listed(&self, id: &str, at: Time, outlived: impl IntoIterator<Item = Time>) {
        self.listings().entry(id.to_owned()).or_insert_with(Listing::unknown).look(at, outlived);
    }

    /// No snapshot of a table is shown any more.
    pub(crate) fn listed_no_more(&self, id: &str) {
        self.listings().remove(id);
    }

    fn listings(&self) -> MutexGuard<'_, BTreeMap<String, Listing>> {
        self.inner.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what a crash or a failure left of files that were planned.
    pub(crate) async fn clear(&self) {
        let keys = std::mem::take(&mut *self.inner.leftover.lock().await);
        if !keys.is_empty() {
            tracing::info!(count = keys.len(), "files that were not finished are removed");
            self.discard(keys).await;
        }
    }
}
