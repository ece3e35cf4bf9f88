//! From memory to durable files: cut, compress, stage, commit.

use super::Archive;
use super::layout::Slot;
use super::pending::{Cut, Ready};
use super::rows::{self, Chain, Contents, Kind, Staged};
use crate::Error;
use crate::state::Entry;
use cairn_event::Time;
use cairn_store::{BlobId, Blobs, Write};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UNIQUE_CHARACTERS: usize = 16;

/// A file whose bytes are durable and that no row names yet.
pub(crate) struct Written {
    pub blob: BlobId,
    pub sha256: String,
}

/// Compresses `json` into one gzip member and makes it durable. Blocks.
pub(crate) fn write(blobs: &Blobs, json: &[u8]) -> io::Result<Written> {
    let sha256 = sha256(json);
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut gzip = vec![0; compressor.gzip_compress_bound(json.len())];
    let length = compressor.gzip_compress(json, &mut gzip).map_err(io::Error::other)?;
    let mut writer = blobs.create()?;
    writer.write(&gzip[..length])?;
    Ok(Written { blob: writer.finish()?, sha256 })
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// All or none: what was written before a failure is removed.
fn write_all(blobs: &Blobs, cut: &Cut) -> io::Result<Vec<Written>> {
    let mut written: Vec<Written> = Vec::with_capacity(cut.files.len());
    for file in &cut.files {
        match write(blobs, &file.records.to_json()) {
            Ok(file) => written.push(file),
            Err(error) => {
                for file in &written {
                    // No row names it; what stays is removed at the next start.
                    let _ = blobs.remove(&file.blob);
                }
                return Err(error);
            }
        }
    }
    Ok(written)
}

impl Archive {
    /// Ends all open log files and stages them. What cannot be staged stays in memory and is
    /// tried again with the next cut; the position in the journal does not move meanwhile.
    pub async fn cut(&self) -> Result<(), Error> {
        let mut turn = self.inner.cutting.lock().await;
        if let Some(failed) = turn.clone() {
            self.stage(&failed, &mut turn).await?;
        }
        let cut = Arc::new(self.pending().cut());
        if cut.files.is_empty() && cut.upto == self.durable() {
            return Ok(());
        }
        self.stage(&cut, &mut turn).await
    }

    /// `turn` keeps the cut until it is staged.
    async fn stage(&self, cut: &Arc<Cut>, turn: &mut Option<Arc<Cut>>) -> Result<(), Error> {
        *turn = Some(cut.clone());
        self.hold(cut.bytes());
        if let Err(error) = self.try_stage(cut).await {
            self.show_all(cut, &error).await;
            return Err(error);
        }
        *turn = None;
        self.hold(0);
        Ok(())
    }

    async fn show_all(&self, cut: &Cut, error: &Error) {
        let mut trails: Vec<_> = cut.files.iter().map(|file| file.slot.trail).collect();
        trails.dedup();
        for trail in trails {
            self.show(trail, Kind::Log, &format!("log files cannot be staged: {error}")).await;
        }
    }

    async fn try_stage(&self, cut: &Arc<Cut>) -> Result<(), Error> {
        let (blobs, files) = (self.blobs().clone(), cut.clone());
        let written = tokio::task::spawn_blocking(move || write_all(&blobs, &files)).await;
        let written = written.map_err(|error| Error::Unavailable(error.to_string()))?;
        let written = written.map_err(|error| Error::Unavailable(error.to_string()))?;
        self.commit(cut, written).await?;
        self.reached(cut);
        self.inner.staged.notify_one();
        // Only memory and rows are saved by it: what fails now is done after the next cut.
        if let Err(error) = self.register().prune(cut.heard).await {
            tracing::warn!(%error, "what trails recorded in the past was not pruned");
        }
        Ok(())
    }

    /// Files and position together: a crash before leaves the records to be read from the
    /// journal again, a crash after leaves the files to be published.
    async fn commit(&self, cut: &Cut, written: Vec<Written>) -> Result<(), Error> {
        let _books = self.inner.books.lock().await;
        let mut tx = self.db().write().await?;
        if !cut.files.is_empty() && rows::position_in(&mut tx).await? == Some(cut.upto) {
            // An earlier attempt was committed though it seemed to fail.
            return Ok(());
        }
        let now = self.now();
        for (ready, written) in cut.files.iter().zip(written) {
            let Ready { slot, entry, records } = ready;
            let entry = self.register().state().by_id(slot.trail).unwrap_or(entry).clone();
            let contents =
                Contents { sha256: written.sha256, oldest: Some(records.oldest), newest: Some(records.newest) };
            rows::insert(&mut tx, &self.log_file(&entry, slot, written.blob, now), &contents).await?;
            join_chain(&mut tx, &entry, slot).await?;
        }
        rows::set_position(&mut tx, cut.upto).await?;
        Ok(tx.commit().await?)
    }

    fn log_file(&self, entry: &Entry, slot: &Slot, blob: BlobId, now: Time) -> Staged {
        let unique = self.world().dice.text(ALPHANUMERIC, UNIQUE_CHARACTERS);
        Staged {
            id: 0,
            slot: slot.clone(),
            arn: entry.trail.arn.clone(),
            kind: Kind::Log,
            bucket: entry.trail.bucket.clone(),
            key: slot.log_key(&entry.trail, now, &unique),
            kms_key: entry.trail.kms_key.clone(),
            metadata: BTreeMap::new(),
            blob,
            cut: now,
            chained: entry.trail.validation,
        }
    }
}

/// A trail's first log file from another region or account begins a chain of digests there,
/// whose windows are those of the trail's own chain.
async fn join_chain(tx: &mut Write, entry: &Entry, slot: &Slot) -> Result<(), Error> {
    let Some(home) = rows::chain(tx, &entry.home_slot(), false).await?.filter(|home| home.open) else { return Ok(()) };
    let own = rows::chain(tx, slot, false).await?;
    if own.as_ref().is_some_and(|own| own.open) {
        return Ok(());
    }
    let ends = own.map_or(home.ends, |own| own.ends.max(home.ends));
    rows::set_chain(tx, &Chain { slot: slot.clone(), ends, head: None, ..home }).await
}
