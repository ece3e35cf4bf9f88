//! One publication: what is in the table now becomes what readers are shown.
//!
//! Order of durability:
//! 1. every object that will be written is noted as one to be removed, should the rest not come;
//! 2. manifests, the list of them and the metadata file are written;
//! 3. one transaction makes them the table's, and notes what is shown no more as to be removed.
//!
//! A crash before 3 leaves the snapshot before, and objects that [`Catalog::sweep`] removes in time.

use super::model::{Manifest, Snapshot, State};
use super::plan::Plan;
use super::{Catalog, GRACE, encode, rows};
use crate::Error;
use crate::table::File;
use bytes::Bytes;
use cairn_event::Time;
use std::sync::Arc;
use std::time::Duration;

/// A snapshot of which all files are still in the table is kept for so long …
const KEPT: Duration = Duration::from_hours(24);
/// … and longer while there are not more than so many.
const SNAPSHOTS_MIN: usize = 10;
/// There are never more.
const SNAPSHOTS_MAX: usize = 200;
/// Metadata that was replaced is still there for so long, for readers that were told of it.
const METADATA_KEPT: Duration = Duration::from_hours(1);

/// What a publication writes and lets go of.
pub(super) struct Next {
    state: State,
    pub objects: Vec<(String, Bytes)>,
    manifests: Vec<Manifest>,
    gone: Vec<Manifest>,
    /// Objects that nothing shows any more.
    dropped: Vec<String>,
}

impl Catalog {
    /// Publishes the files as the table's, unless they are published already.
    pub(super) async fn publish_files(&self, table: &str, files: &[Arc<File>]) -> Result<State, Error> {
        let before = rows::state(&self.inner.db, table).await?;
        let Some(next) = self.next(table, before.as_ref(), files).await? else {
            return before.ok_or_else(|| Error::Unavailable(format!("table {table} was not published")));
        };
        self.write(&next).await?;
        self.commit(table, before.as_ref(), &next).await?;
        Ok(next.state)
    }

    pub(super) async fn next(
        &self,
        table: &str,
        before: Option<&State>,
        files: &[Arc<File>],
    ) -> Result<Option<Next>, Error> {
        let now = self.inner.world.now();
        let manifests = rows::manifests(&self.inner.db, table).await?;
        let mut state = before.cloned().unwrap_or_else(|| self.fresh(now));
        let evolved = evolve(&mut state)?;
        let (id, sequence) = (self.draw_id(), state.sequence + 1);
        let plan = Plan::of(manifests, files, id, sequence);
        let shrinks = plan.as_ref().is_some_and(|plan| plan.shrinks);
        let expired = expire(&mut state, now, shrinks, plan.is_some());
        if before.is_some() && !evolved && expired.is_empty() && plan.is_none() {
            return Ok(None);
        }
        let mut next = Next {
            objects: Vec::new(),
            manifests: Vec::new(),
            gone: Vec::new(),
            dropped: expired.into_iter().map(|snapshot| snapshot.list).collect(),
            state,
        };
        if let Some(plan) = plan {
            self.add_snapshot(table, &mut next, plan, id, now).await?;
        }
        self.add_metadata(table, before, &mut next, now);
        Ok(Some(next))
    }

    fn fresh(&self, now: Time) -> State {
        State {
            uuid: self.draw_uuid(),
            version: 0,
            metadata: String::new(),
            sequence: 0,
            updated: now,
            schemas: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    async fn add_snapshot(&self, table: &str, next: &mut Next, plan: Plan, id: i64, now: Time) -> Result<(), Error> {
        let (location, sequence) = (self.inner.shelf.location(), next.state.sequence + 1);
        let parent = next.state.current().map(|snapshot| snapshot.id);
        for draft in &plan.drafts {
            let key = format!("{table}/metadata/{}-m.avro", self.draw_uuid());
            let (manifest, bytes) = encode::manifest(draft, key.clone(), id, sequence, &location).await?;
            next.objects.push((key, bytes));
            next.manifests.push(manifest);
        }
        let all: Vec<Manifest> = plan.kept.into_iter().chain(next.manifests.iter().cloned()).collect();
        let list = format!("{table}/metadata/snap-{id}-{}.avro", self.draw_uuid());
        next.objects.push((list.clone(), encode::list(&all, id, parent, sequence, &location).await?));
        next.gone = plan.gone;
        // Times of snapshots do not go back, also when the clock does.
        let at = now.max(next.state.updated);
        let schema = next.state.schemas.len() as i64 - 1;
        next.state.sequence = sequence;
        next.state.updated = at;
        next.state.snapshots.push(Snapshot {
            id,
            parent,
            sequence,
            at,
            schema,
            list,
            summary: plan.summary,
            outlived: None,
        });
        Ok(())
    }

    fn add_metadata(&self, table: &str, before: Option<&State>, next: &mut Next, now: Time) {
        let state = &mut next.state;
        state.version += 1;
        state.updated = now.max(state.updated);
        state.metadata = format!("{table}/metadata/{:05}-{}.metadata.json", state.version, self.draw_uuid());
        let metadata = encode::metadata(table, state, &self.inner.shelf.location());
        next.objects.push((state.metadata.clone(), metadata.to_string().into()));
        next.dropped.extend(before.map(|before| before.metadata.clone()));
    }

    /// Steps 1 and 2.
    pub(super) async fn write(&self, next: &Next) -> Result<(), Error> {
        let remove_at = self.inner.world.now() + METADATA_KEPT;
        let mut tx = self.inner.db.write().await?;
        for (key, _) in &next.objects {
            rows::discard(&mut tx, key, remove_at).await?;
        }
        tx.commit().await?;
        for (key, bytes) in &next.objects {
            self.inner.shelf.put(key, bytes.clone()).await?;
        }
        Ok(())
    }

    /// Step 3. Errors: Conflict when the table was published since `before`.
    pub(super) async fn commit(&self, table: &str, before: Option<&State>, next: &Next) -> Result<(), Error> {
        let remove_at = self.inner.world.now() + METADATA_KEPT;
        let past = rows::past(&self.inner.db, table).await?;
        let mut tx = self.inner.db.write().await?;
        for (key, _) in &next.objects {
            rows::keep(&mut tx, key).await?;
        }
        for key in &next.dropped {
            rows::discard(&mut tx, key, remove_at).await?;
        }
        for manifest in &next.manifests {
            rows::add_manifest(&mut tx, table, manifest).await?;
        }
        let gone = next.gone.iter().map(|manifest| (&manifest.key, manifest.sequence, next.state.sequence));
        let past = past.iter().map(|past| (&past.key, past.came, past.gone));
        for (key, came, gone) in gone.chain(past) {
            if next.state.shows(came, gone) {
                rows::retire_manifest(&mut tx, key, gone).await?;
            } else {
                rows::forget_manifest(&mut tx, key).await?;
                rows::discard(&mut tx, key, remove_at).await?;
            }
        }
        if before.map(|before| before.version) != rows::version(&mut tx, table).await? {
            return Err(Error::Conflict(format!("table {table} was published meanwhile")));
        }
        rows::save_state(&mut tx, table, &next.state).await?;
        Ok(tx.commit().await?)
    }

    /// A positive number that no other snapshot has.
    fn draw_id(&self) -> i64 {
        (i64::from_be_bytes(self.inner.world.dice.bytes()) & i64::MAX).max(1)
    }

    fn draw_uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.inner.world.dice.bytes()).into_uuid().to_string()
    }
}

/// Whether the columns are others than when the table was published last.
fn evolve(state: &mut State) -> Result<bool, Error> {
    let last = state.schemas.len().checked_sub(1);
    if let Some(last) = last
        && state.schemas[last] == encode::schema_json(last)?
    {
        return Ok(false);
    }
    state.schemas.push(encode::schema_json(state.schemas.len())?);
    Ok(true)
}

/// Takes out the snapshots that are not to be shown any more: those of which files may be gone soon, and old
/// ones. The current one stays, unless another follows.
fn expire(state: &mut State, now: Time, shrinks: bool, followed: bool) -> Vec<Snapshot> {
    if shrinks {
        for snapshot in &mut state.snapshots {
            snapshot.outlived.get_or_insert(now);
        }
    }
    let count = state.snapshots.len();
    let mut number = 0;
    let (expired, kept) = std::mem::take(&mut state.snapshots).into_iter().partition(|snapshot| {
        number += 1;
        let newer = count - number + usize::from(followed);
        let outlived = snapshot.outlived.is_some_and(|since| now.since(since) >= GRACE);
        let old = newer >= SNAPSHOTS_MIN && now.since(snapshot.at) >= KEPT;
        newer > 0 && (outlived || old || newer >= SNAPSHOTS_MAX)
    });
    state.snapshots = kept;
    expired
}
