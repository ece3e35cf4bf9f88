//! Rows on their way into files: sorted, cut, planned, put; whoever asked enters them in the books.

use super::cut::{Cut, Sorted};
use super::file::{File, Source, State as FileState};
use super::{Tables, blocking, broken, rows};
use crate::Error;
use crate::file::{Written, write};
use arrow::array::RecordBatch;
use cairn_event::Time;
use std::sync::Arc;

/// About what one row takes in a file; only for how many rows a file is to have.
const ROW_BYTES: u64 = 128;
const FILE_ROWS_MIN: u64 = 1024;
const CONTENT_TYPE: &str = "application/vnd.apache.parquet";

/// Rows of one table, and what is to become of them.
pub(crate) struct Draft {
    sorted: Arc<Sorted>,
    /// Each with the file that it becomes; what is not known before it is written is missing in it.
    pub files: Vec<(Cut, File)>,
}

/// The time in milliseconds at or before, and at or after.
fn around((oldest, newest): (i64, i64)) -> std::ops::Range<Time> {
    Time(oldest.div_euclid(1000))..Time(newest.div_euclid(1000) + i64::from(newest.rem_euclid(1000) > 0))
}

impl Tables {
    /// Draws what files the rows become. Nothing is written yet.
    pub(crate) async fn draft(&self, table: &str, rows: Vec<RecordBatch>, source: &Source) -> Result<Draft, Error> {
        let rows_max = (self.settings().file_bytes / ROW_BYTES).max(FILE_ROWS_MIN) as usize;
        let cutting = blocking(move || {
            let sorted = Sorted::new(rows);
            let cuts = sorted.cut(rows_max);
            Ok((sorted, cuts))
        });
        let (sorted, cuts) = cutting.await?;
        let file = |cut: Cut| {
            let times = around(sorted.span(&cut));
            let file = self.new_file(table, times, source.within(&cut.covers));
            (cut, file)
        };
        let files = cuts.into_iter().map(file).collect();
        Ok(Draft { sorted: Arc::new(sorted), files })
    }

    /// A file that is not written yet.
    pub(crate) fn new_file(&self, table: &str, times: std::ops::Range<Time>, source: Source) -> File {
        let id = uuid::Builder::from_random_bytes(self.inner.parts.world.dice.bytes()).into_uuid();
        let key = format!("{table}/data/{}/{id}.parquet", times.start.day_path());
        File { table: table.to_owned(), key, times, born: self.now(), source, ..File::default() }
    }

    /// Notes the keys of files that are about to be put, so that a crash leaves no object that nobody knows.
    pub(crate) async fn plan(&self, files: impl Iterator<Item = File>) -> Result<(), Error> {
        let mut books = self.books().await?;
        for file in files {
            rows::insert(&mut books.tx, file, FileState::Planned).await?;
        }
        books.commit(|_| ()).await
    }

    /// Puts the files of drafts; when this returns, their bytes are durable. After an error nothing is left.
    pub(crate) async fn put(&self, drafts: Vec<Draft>) -> Result<Vec<File>, Error> {
        let planned = |draft: &Draft| draft.files.iter().map(|(_, file)| file.clone()).collect::<Vec<_>>();
        let planned: Vec<File> = drafts.iter().flat_map(planned).collect();
        if planned.is_empty() {
            return Ok(planned);
        }
        self.plan(planned.iter().cloned()).await?;
        let mut files = Vec::with_capacity(planned.len());
        for Draft { sorted, files: cuts } in drafts {
            for (cut, file) in cuts {
                match self.put_cut(&sorted, cut, file).await {
                    Ok(file) => files.push(file),
                    Err(error) => {
                        self.discard(planned.into_iter().map(|file| file.key).collect()).await;
                        return Err(error);
                    }
                }
            }
        }
        Ok(files)
    }

    async fn put_cut(&self, sorted: &Arc<Sorted>, cut: Cut, mut file: File) -> Result<File, Error> {
        let sorted = sorted.clone();
        let written = blocking(move || write(&sorted.gather(&cut).map_err(broken)?)).await?;
        (file.rows, file.bytes, file.facts) = (written.rows, written.bytes.len() as u64, written.facts);
        self.inner.storage.put(&file.key, written.bytes, CONTENT_TYPE).await?;
        Ok(file)
    }

    /// Plans and puts a file that is written already.
    pub(crate) async fn put_written(
        &self,
        table: &str,
        written: Written,
        source: Source,
        settled: bool,
    ) -> Result<File, Error> {
        let mut file = self.new_file(table, around(written.times), source);
        (file.rows, file.bytes, file.settled) = (written.rows, written.bytes.len() as u64, settled);
        file.facts = written.facts;
        self.plan(std::iter::once(file.clone())).await?;
        if let Err(error) = self.inner.storage.put(&file.key, written.bytes, CONTENT_TYPE).await {
            self.discard(vec![file.key]).await;
            return Err(error);
        }
        Ok(file)
    }

    /// Removes files that are planned and not wanted; what cannot be removed now is tried again later. One
    /// that is in a list after all, because its commit failed only for who waited for it, stays.
    pub(crate) async fn discard(&self, keys: Vec<String>) {
        if let Err(error) = self.remove_planned(&keys).await {
            tracing::warn!(%error, "files that are not needed cannot be removed; it is tried again");
            self.inner.leftover.lock().await.extend(keys);
        }
    }

    async fn remove_planned(&self, keys: &[String]) -> Result<(), Error> {
        self.settle().await?;
        let (mut removed, mut failed) = (Vec::new(), Ok(()));
        for key in rows::planned(&self.inner.parts.db, keys).await? {
            match self.inner.storage.remove(&key).await {
                Ok(()) => removed.push(key),
                Err(error) => failed = Err(error),
            }
        }
        let mut books = self.books().await?;
        rows::forget(&mut books.tx, &removed).await?;
        books.commit(|_| ()).await?;
        failed
    }
}
