//! The work of an import, step by step.

use super::place::{self, Place};
use super::source::{Item, Refused, Source, UNAVAILABLE};
use super::{Failure, FailureStatus, Import, Inner, Status, rows};
use crate::Error;
use crate::shred::Shredder;
use crate::table::Also;
use arrow::array::{Array, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use bytes::Bytes;
use cairn_event::log::{self, Kind, Limits};
use cairn_event::{Origin, Time};
use cairn_store::{Write, gzip};
use futures::{FutureExt, StreamExt, stream};
use std::num::NonZero;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// Files of one step: at most so many, of so many bytes together as they lie in the bucket (a larger one goes
/// alone). The rows of a step are in memory until they are in the table.
const STEP_FILES_MAX: usize = 256;
const STEP_BYTES_MAX: u64 = 8 << 20;
/// Of one file after decompression; a larger one is a failure.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// What may work later is tried so often, with longer and longer pauses between.
const TRIES_MAX: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);
/// Before an import of which could not be written how it ended is gone on with.
const END_PAUSE: Duration = Duration::from_secs(30);

/// Failures that are tried again in one step.
const RETRIES_MAX: usize = 64;
const MESSAGE_CHARS_MAX: usize = 1000;

/// A file to be taken.
pub(super) struct Wanted {
    key: String,
    /// How it failed before.
    before: Option<Failure>,
}

/// What came of one file.
enum Taken {
    Rows(RecordBatch),
    /// A digest or insight file, which is no log of API activity.
    Other,
    Refused(Refused),
}

/// Why an import ends before its end.
pub(super) enum Ends {
    /// Somebody stopped it, or the process ends: nothing is to be written.
    Left,
    Failed(Refused),
}

impl From<Error> for Ends {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict(_) => Self::Left,
            Error::NotFound(message) => Self::Failed(Refused::new("EventDataStoreNotFound", message)),
            other => Self::Failed(Refused::new(UNAVAILABLE, other.to_string())),
        }
    }
}

impl Inner {
    /// Works on an import until it has ended; gives its id.
    pub async fn carry_out(&self, mut import: Import) -> String {
        let ended = self.go_through(&mut import).await;
        let failure = match ended {
            Ok(()) => None,
            Err(Ends::Left) => return import.id,
            Err(Ends::Failed(refused)) => {
                tracing::warn!(import = import.id, error = refused.message, "an import failed");
                Some(self.failure(import.from.uri.clone(), refused))
            }
        };
        if let Err(error) = self.end(&import, failure).await {
            tracing::warn!(%error, import = import.id, "how an import ended is not written");
            self.parts.world.clock.sleep(END_PAUSE).await;
        }
        import.id
    }

    /// Writes how an import ended. How far it is stays as it is written: a step that said that it failed may
    /// be in the table all the same.
    pub(super) async fn end(&self, import: &Import, failure: Option<Failure>) -> Result<(), Error> {
        let mut tx = self.parts.db.write().await?;
        let mut now = rows::find(&mut *tx, &import.account, &import.region, &import.id).await?;
        now.statistics.failed_entries += u64::from(failure.is_some());
        now.status = if now.statistics.failed_entries == 0 { Status::Completed } else { Status::Failed };
        now.updated = self.parts.world.now();
        write(&mut tx, &now, failure.as_slice()).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn go_through(&self, import: &mut Import) -> Result<(), Ends> {
        let place = Place::parse(&import.from.uri)?;
        let source = Source::open(&self.parts, &import.account, place, &import.from.role);
        let source = source.map_err(|error| Ends::Failed(Refused::new("InvalidImportSource", error.to_string())))?;
        self.try_again(import, &source).await?;
        while !import.walk.ended {
            let (items, more) = self.listed(import, &source).await?;
            import.status = Status::InProgress;
            let mut rest = items.as_slice();
            while !rest.is_empty() {
                let (step, left) = rest.split_at(step(rest));
                let mut next = import.clone();
                let files = next.walk_over(&source.place, step);
                *import = self.take(&source, files, next).await?;
                rest = left;
            }
            if !more {
                import.walk.ended = true;
                import.statistics.prefixes_completed = import.statistics.prefixes_found;
                self.save(import, Vec::new()).await?;
            }
        }
        Ok(())
    }

    async fn listed(&self, import: &Import, source: &Source) -> Result<(Vec<Item>, bool), Ends> {
        let mut tries = 0;
        loop {
            match source.list(import.walk.after.as_deref()).await {
                Err(refused) if refused.kind == UNAVAILABLE && tries < TRIES_MAX => {
                    self.parts.world.clock.sleep(PAUSE * 2_u32.pow(tries)).await;
                    tries += 1;
                }
                done => return done.map_err(Ends::Failed),
            }
        }
    }

    /// Takes what failed before, as far as it is to be tried again.
    async fn try_again(&self, import: &mut Import, source: &Source) -> Result<(), Ends> {
        let mut after = None;
        loop {
            let retried = Some(FailureStatus::Retry);
            let failures = rows::failures(&self.parts.db, &import.id, retried, after.as_deref(), RETRIES_MAX).await?;
            let Some(last) = failures.last() else { return Ok(()) };
            after = Some(last.location.clone());
            let mut files = Vec::new();
            for failure in failures {
                match source.place.key(&failure.location) {
                    Some(key) if failure.location != import.from.uri => {
                        files.push(Wanted { key: key.to_owned(), before: Some(failure) });
                    }
                    // That the import failed as a whole stands at its own place; now it goes on.
                    _ => self.save(import, vec![self.succeeded(failure)]).await?,
                }
            }
            *import = self.take(source, files, import.clone()).await?;
        }
    }

    /// Takes files: their rows and the import's progress in one transaction. `next` is the import as it is
    /// after that, but for what comes of the files.
    pub async fn take(&self, source: &Source, files: Vec<Wanted>, mut next: Import) -> Result<Import, Ends> {
        let table = self.tables.table(&next.table);
        let table = table.ok_or_else(|| Error::NotFound(format!("there is no table {}", next.table)))?;
        let oldest = self.tables.today() - table.retention;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let reading = files.into_iter().map(|wanted| async move {
            let taken = self.file(source, &wanted.key, oldest).await;
            (wanted, taken)
        });
        let taken: Vec<(Wanted, Taken)> = stream::iter(reading).buffered(cores * 2).collect().await;
        let (mut batches, mut failures) = (Vec::new(), Vec::new());
        for (Wanted { key, before }, taken) in taken {
            match taken {
                Taken::Refused(refused) => {
                    next.statistics.failed_entries += 1;
                    failures.push(self.failure(source.place.uri(&key), refused));
                    continue;
                }
                Taken::Rows(batch) => {
                    next.statistics.files_completed += 1;
                    next.statistics.events_completed += batch.num_rows() as u64;
                    batches.extend((batch.num_rows() > 0).then_some(batch));
                }
                Taken::Other => {}
            }
            failures.extend(before.map(|failure| self.succeeded(failure)));
        }
        next.updated = self.parts.world.now();
        if batches.is_empty() {
            self.save(&next, failures).await?;
            return Ok(next);
        }
        let written = next.clone();
        let also: Also<'_> = Box::new(move |tx| async move { write(tx, &written, &failures).await }.boxed());
        self.tables.load(&next.table, batches, also).await?;
        Ok(next)
    }

    async fn save(&self, import: &Import, failures: Vec<Failure>) -> Result<(), Error> {
        let mut tx = self.parts.db.write().await?;
        write(&mut tx, import, &failures).await?;
        tx.commit().await?;
        Ok(())
    }

    /// One file: read, taken apart and shredded.
    async fn file(&self, source: &Source, key: &str, oldest: Time) -> Taken {
        let mut tries = 0;
        let bytes = loop {
            match source.read(key).await {
                Ok(bytes) => break bytes,
                Err(refused) if refused.kind == UNAVAILABLE && tries < TRIES_MAX => {
                    self.parts.world.clock.sleep(PAUSE * 2_u32.pow(tries)).await;
                    tries += 1;
                }
                Err(refused) => return Taken::Refused(refused),
            }
        };
        let (name, now) = (key.to_owned(), self.parts.world.now());
        let reading = spawn_blocking(move || taken(&name, &bytes, oldest, now)).await;
        match reading {
            Ok(Ok(taken)) => taken,
            Ok(Err(refused)) => Taken::Refused(refused),
            Err(error) => Taken::Refused(Refused::new(UNAVAILABLE, error.to_string())),
        }
    }

    fn failure(&self, location: String, refused: Refused) -> Failure {
        let Refused { kind, message } = refused;
        let message = message.chars().take(MESSAGE_CHARS_MAX).collect();
        let (status, updated) = (FailureStatus::Failed, self.parts.world.now());
        Failure { location, status, kind: kind.to_owned(), message, updated }
    }

    fn succeeded(&self, failure: Failure) -> Failure {
        Failure { status: FailureStatus::Succeeded, updated: self.parts.world.now(), ..failure }
    }
}

impl Import {
    /// Goes past some keys; gives those that are to be taken.
    pub(super) fn walk_over(&mut self, place: &Place, step: &[Item]) -> Vec<Wanted> {
        let mut files = Vec::new();
        for Item { key, .. } in step {
            if !place.holds(key) || !place::is_within(key, self.start, self.end) {
                continue;
            }
            let folder = place::folder(key);
            if self.walk.folder.as_deref() != Some(folder) {
                self.statistics.prefixes_completed = self.statistics.prefixes_found;
                self.statistics.prefixes_found += 1;
                self.walk.folder = Some(folder.to_owned());
            }
            files.push(Wanted { key: key.clone(), before: None });
        }
        self.walk.after = step.last().map(|item| item.key.clone()).or_else(|| self.walk.after.take());
        files
    }
}

/// Errors: Conflict when the import does not go on any more.
async fn write(tx: &mut Write, import: &Import, failures: &[Failure]) -> Result<(), Error> {
    rows::update(tx, import, &[Status::Initializing, Status::InProgress]).await?;
    for failure in failures {
        rows::put_failure(tx, &import.id, failure).await?;
    }
    Ok(())
}

/// How many of these make the next step.
fn step(items: &[Item]) -> usize {
    let mut bytes = 0;
    let fits = items.iter().take(STEP_FILES_MAX).take_while(|item| {
        bytes += item.size;
        bytes <= STEP_BYTES_MAX
    });
    fits.count().max(1)
}

/// The rows of a log file. One that holds anything that cannot be taken is refused as a whole, so that a
/// retry of the repaired file brings each record once.
fn taken(name: &str, bytes: &Bytes, oldest: Time, now: Time) -> Result<Taken, Refused> {
    if !gzip::is_gzip(bytes) {
        return Err(Refused::new("InvalidGzip", "the file is not compressed with gzip"));
    }
    let json = gzip::inflate(bytes, FILE_BYTES_MAX).map_err(|error| {
        let kind = if matches!(error, gzip::Error::TooLarge { .. }) { "TooLarge" } else { "InvalidGzip" };
        Refused::new(kind, error.to_string())
    })?;
    let invalid = |offset: u64, reason: &str| Refused::new("InvalidLogFile", format!("at byte {offset}: {reason}"));
    let decoded = log::decode(name, &json, &Limits::default(), |found| found.range);
    let decoded = decoded.map_err(|error| invalid(error.offset, &error.reason))?;
    if let Some(first) = decoded.rejected.first.first() {
        return Err(invalid(first.offset, &first.reason));
    }
    match decoded.kind {
        Kind::Log => {}
        Kind::Insight | Kind::Aggregated | Kind::Digest => return Ok(Taken::Other),
        Kind::Other => return Err(Refused::new("InvalidLogFile", decoded.note.unwrap_or_default())),
    }
    let mut shredder = Shredder::new();
    for range in decoded.records {
        let offset = range.start as u64;
        let text = std::str::from_utf8(&json[range]).map_err(|_| invalid(offset, "not UTF-8"))?;
        shredder.push(text, Origin::Import, now).map_err(|error| invalid(offset, &error.to_string()))?;
    }
    within(&shredder.finish(), oldest).map(Taken::Rows)
}

/// The rows that are not too old for the table. An event without a time is.
fn within(rows: &RecordBatch, oldest: Time) -> Result<RecordBatch, Refused> {
    let times = rows.column_by_name("eventtime").and_then(|column| column.as_any().downcast_ref());
    let Some(times): Option<&TimestampMicrosecondArray> = times else {
        return Err(Refused::new(UNAVAILABLE, "the rows have no eventtime"));
    };
    let oldest = oldest.0.saturating_mul(1000);
    let kept: BooleanArray =
        (0..times.len()).map(|row| Some(times.is_valid(row) && times.value(row) >= oldest)).collect();
    filter_record_batch(rows, &kept).map_err(|error| Refused::new(UNAVAILABLE, error.to_string()))
}
