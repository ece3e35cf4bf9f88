//! One query at work.

use super::deliver::DeliveryStatus;
use super::result::{Unwritten, Writer};
use super::{Entry, Live, Queries, Status, filled, rows};
use crate::sql::{self, Rows};
use arrow::array::RecordBatch;
use cairn_store::BlobId;
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a query waits for events that were acknowledged before it.
pub const CATCH_UP: Duration = Duration::from_secs(10);
/// Batches between the engine and the disk.
const BATCHES_MAX: usize = 4;
/// When the end of a query cannot be written down, it is tried again so often.
const RETRY: Duration = Duration::from_secs(1);
/// A larger result is refused with AWS's words.
const RESULT_BYTES_MAX: u64 = 1 << 30;
/// AWS gives at most so many characters.
const ERROR_CHARS_MAX: usize = 1000;

pub const INTERRUPTED: &str = "The server stopped while the query was running. Start the query again.";

/// How a query ended.
struct End {
    status: Status,
    error: Option<String>,
    blob: Option<(BlobId, u64)>,
    rows: u64,
}

impl End {
    fn without_result(status: Status, error: impl Into<Option<String>>) -> Self {
        Self { status, error: error.into().map(|text| shortened(&text)), blob: None, rows: 0 }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(ERROR_CHARS_MAX).collect()
}

impl From<sql::Error> for End {
    fn from(error: sql::Error) -> Self {
        let text = match &error {
            sql::Error::Memory(_) => format!("Query exhausted resources at this scale factor: {error}"),
            _ => error.to_string(),
        };
        let status = match error {
            sql::Error::Time(_) => Status::TimedOut,
            sql::Error::Cancelled => Status::Cancelled,
            _ => Status::Failed,
        };
        Self::without_result(status, text)
    }
}

impl From<Unwritten> for End {
    fn from(error: Unwritten) -> Self {
        let text = match error {
            Unwritten::TooLarge => "Query response is too large".to_owned(),
            Unwritten::Failed(cause) => format!("the result cannot be kept: {cause}"),
        };
        Self::without_result(Status::Failed, text)
    }
}

impl Queries {
    pub(super) async fn work(self, mut entry: Entry, live: Arc<Live>) {
        let end = self.run_in_place(&mut entry, &live).await;
        live.count(&mut entry, self.inner.parts.world.clock.monotonic());
        if self.write_end(&mut entry, end).await {
            self.forget(&entry.id);
            if entry.status == Status::Finished {
                self.deliver(entry).await;
            }
        } else {
            self.forget(&entry.id);
        }
    }

    /// Waits for a place and runs.
    async fn run_in_place(&self, entry: &mut Entry, live: &Live) -> End {
        let place = tokio::select! {
            place = self.inner.places.acquire() => place,
            () = live.cancel.cancelled() => return self.cancelled(),
        };
        let Ok(_place) = place else { return self.cancelled() };
        live.running.store(true, Ordering::Release);
        let clock = &self.inner.parts.world.clock;
        let _ = live.began.set(clock.monotonic());
        self.execute(entry, live).await.unwrap_or_else(|end| end)
    }

    fn cancelled(&self) -> End {
        if self.inner.stopping.is_cancelled() {
            return End::without_result(Status::Failed, INTERRUPTED.to_owned());
        }
        End::without_result(Status::Cancelled, None)
    }

    async fn execute(&self, entry: &mut Entry, live: &Live) -> Result<End, End> {
        let time_max = self.inner.parts.settings.query_time_max;
        let text = filled(&entry.text, &entry.parameters)
            .map_err(|error| End::without_result(Status::Failed, error.to_string()))?;
        let query = self.query(&text, entry.sources.iter(), live.cancel.clone());
        let begun = async {
            self.inner.tables.catch_up(CATCH_UP).await;
            self.inner.sql.run(query).await.map_err(End::from)
        };
        let late = self.inner.parts.world.clock.sleep(time_max);
        let mut late = std::pin::pin!(late);
        let rows = tokio::select! {
            rows = begun => rows?,
            () = live.cancel.cancelled() => return Err(self.cancelled()),
            () = &mut late => return Err(sql::Error::Time(time_max).into()),
        };
        let _ = live.statistics.set(rows.statistics.clone());
        entry.columns.clone_from(&rows.columns);
        self.keep(rows, live, late).await
    }

    /// Writes rows as they come.
    async fn keep(&self, rows: Rows, live: &Live, mut late: impl Future<Output = ()> + Unpin) -> Result<End, End> {
        let Rows { columns, mut batches, .. } = rows;
        let (sender, receiver) = mpsc::channel(BATCHES_MAX);
        let blobs = self.inner.parts.results.clone();
        let writing = tokio::task::spawn_blocking(move || write(&blobs, columns, receiver));
        let mut failed = None;
        loop {
            let batch = tokio::select! {
                batch = batches.next() => batch,
                () = live.cancel.cancelled() => return Err(self.cancelled()),
                // What came in time stays.
                () = &mut late => Some(Err(sql::Error::Time(self.inner.parts.settings.query_time_max))),
            };
            match batch {
                Some(Ok(batch)) => {
                    // Whoever reads no more has an error to tell.
                    if sender.send(Some(batch)).await.is_err() {
                        break;
                    }
                }
                Some(Err(error)) => {
                    failed = Some(End::from(error));
                    break;
                }
                None => break,
            }
        }
        let partial = failed.as_ref().is_none_or(|end| end.status == Status::TimedOut);
        if partial {
            let _ = sender.send(None).await;
        }
        drop((sender, batches));
        let written = writing.await.map_err(|error| End::without_result(Status::Failed, error.to_string()))?;
        match (failed, written) {
            (Some(end), Ok(Some((blob, bytes, rows)))) => Ok(End { blob: Some((blob, bytes)), rows, ..end }),
            (Some(end), _) => Err(end),
            (None, Ok(Some((blob, bytes, rows)))) => {
                Ok(End { status: Status::Finished, error: None, blob: Some((blob, bytes)), rows })
            }
            (None, Ok(None)) => Err(self.cancelled()),
            (None, Err(error)) => Err(error.into()),
        }
    }

    /// Tries until the database takes it. False when the query had ended before, or the house stops.
    async fn write_end(&self, entry: &mut Entry, end: End) -> bool {
        entry.close(end.status, end.error, self.inner.parts.world.now());
        let blob = end.blob;
        if let Some((id, bytes)) = &blob {
            entry.blob = Some(id.as_str().to_owned());
            (entry.bytes, entry.rows) = (*bytes, end.rows);
        }
        let written = loop {
            match rows::end(&self.inner.parts.db, entry).await {
                Ok(written) => break written,
                Err(error) => {
                    tracing::error!(query = entry.id, %error, "the end of a query cannot be written down");
                    tokio::select! {
                        () = self.inner.parts.world.clock.sleep(RETRY) => {}
                        () = self.inner.stopping.cancelled() => return false,
                    }
                }
            }
        };
        if let Some((id, _)) = blob.filter(|_| !written)
            && let Err(error) = self.remove(vec![id]).await
        {
            tracing::warn!(query = entry.id, %error, "the result of a cancelled query cannot be removed");
        }
        written
    }

    /// Delivers what was waiting when the house stopped.
    pub(super) async fn deliver_pending(&self) {
        match rows::unfinished(&self.inner.parts.db).await {
            Ok(entries) => {
                let waits = |entry: &Entry| {
                    entry.delivery.as_ref().is_some_and(|delivery| delivery.status == DeliveryStatus::Pending)
                };
                for entry in entries.into_iter().filter(|entry| entry.status == Status::Finished && waits(entry)) {
                    self.inner.tasks.spawn(self.clone().deliver(entry));
                }
            }
            Err(error) => tracing::error!(%error, "deliveries of results cannot be taken up"),
        }
    }
}

type Written = Option<(BlobId, u64, u64)>;

/// Takes batches until None says that they are all; without it nothing is kept.
fn write(
    blobs: &cairn_store::Blobs,
    columns: Vec<sql::Column>,
    mut batches: mpsc::Receiver<Option<RecordBatch>>,
) -> Result<Written, Unwritten> {
    let mut writer = Writer::create(blobs, columns, RESULT_BYTES_MAX)?;
    while let Some(batch) = batches.blocking_recv() {
        let Some(batch) = batch else {
            let rows = writer.rows;
            let (blob, bytes) = writer.finish()?;
            return Ok(Some((blob, bytes, rows)));
        };
        writer.write(&batch)?;
    }
    Ok(None)
}
