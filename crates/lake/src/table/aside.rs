//! Files whose bytes are not what was written: kept, not read, and rebuilt from the journal as far as it goes.

use super::cut::times;
use super::file::{File, Source, State as FileState};
use super::state::State;
use super::take::{Plan, take};
use super::{Tables, blocking, broken, rows};
use crate::Error;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use cairn_journal::{Error as JournalError, Position};
use std::ops::Range;
use std::sync::Arc;

/// Records read at once, before compression.
const READ_BYTES: usize = 2 << 20;
/// Rows gathered before they are written.
const GATHER_BYTES: usize = 64 << 20;

/// A file that is kept and not read.
#[derive(Clone, Debug)]
pub struct Aside {
    pub file: Arc<File>,
    /// What is wrong with it, and what of it is lost.
    pub why: String,
    pub(crate) state: FileState,
}

impl Aside {
    pub(crate) fn new(file: Arc<File>, state: FileState, why: String) -> Self {
        Self { file, why, state }
    }

    /// Whether rows are missing from the table because of it.
    pub fn is_missed(&self) -> bool {
        self.state != FileState::Rebuilt
    }
}

/// What the journal has of a file.
struct Found {
    files: Vec<File>,
    rows: u64,
    /// Rows that are not in a file yet.
    gathered: Vec<RecordBatch>,
    source: Source,
}

impl Tables {
    /// Takes a file that cannot be read out of its table and keeps its object; queries go on without it.
    /// What the journal still has of it is rebuilt in the background.
    pub async fn set_aside(&self, file: &File, why: &str) {
        if let Err(error) = self.put_aside(file, why).await {
            tracing::error!(key = file.key, %error, "a file that cannot be read could not be set aside");
        }
    }

    async fn put_aside(&self, file: &File, why: &str) -> Result<(), Error> {
        let mut books = self.books().await?;
        let id = &file.table;
        let there = self.state().shelves.get(id).is_some_and(|shelf| shelf.files.iter().any(|f| f.id == file.id));
        let Some(version) = (if there { rows::next_version(&mut books.tx, id).await? } else { None }) else {
            return Ok(());
        };
        rows::set_state(&mut books.tx, file.id, FileState::Aside, why).await?;
        let show = |state: &mut State| {
            let Some(shelf) = state.shelves.get_mut(id) else { return };
            shelf.version = version;
            let aside = shelf.take(file.id).map(|file| Aside::new(file, FileState::Aside, why.to_owned()));
            shelf.aside.extend(aside.map(Arc::new));
        };
        books.commit(show).await?;
        let (from, to) = (file.times.start.iso(), file.times.end.iso());
        tracing::error!(key = file.key, table = file.table, rows = file.rows, from, to, why, "a file is set aside");
        self.inner.aside.notify_one();
        Ok(())
    }

    /// Rebuilds what was set aside, as far as the journal has it.
    pub(crate) async fn rebuild(&self) {
        let due: Vec<Arc<Aside>> = {
            let state = self.state();
            let all = state.shelves.values().flat_map(|shelf| &shelf.aside);
            all.filter(|aside| aside.state == FileState::Aside).cloned().collect()
        };
        for aside in due {
            // One that cannot be rebuilt does not hold up the others.
            if let Err(error) = self.rebuild_one(&aside).await {
                tracing::error!(key = aside.file.key, %error, "a file that was set aside cannot be rebuilt now");
            }
        }
    }

    async fn rebuild_one(&self, aside: &Arc<Aside>) -> Result<(), Error> {
        if self.is_whole(&aside.file).await? {
            return self.bring_back(&aside.file).await;
        }
        let mut found = Found { files: Vec::new(), rows: 0, gathered: Vec::new(), source: Source::default() };
        if let Err(error) = self.find(&aside.file, &mut found).await {
            self.discard(found.files.into_iter().map(|file| file.key).collect()).await;
            return Err(error);
        }
        self.enter_found(aside, found).await
    }

    /// Whether a file can be read after all: what was missing may only have been away for a moment.
    async fn is_whole(&self, file: &File) -> Result<bool, Error> {
        let bytes = match self.inner.storage.read(&file.key, 0..file.bytes).await {
            Ok(bytes) => bytes,
            Err(Error::Corrupt(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let rows = blocking(move || crate::file::read(bytes)).await;
        Ok(rows.is_ok_and(|rows| rows.iter().map(|rows| rows.num_rows() as u64).sum::<u64>() == file.rows))
    }

    async fn bring_back(&self, file: &File) -> Result<(), Error> {
        let mut books = self.books().await?;
        let id = &file.table;
        let Some(version) = rows::next_version(&mut books.tx, id).await? else { return Ok(()) };
        rows::set_state(&mut books.tx, file.id, FileState::Live, "").await?;
        let show = |state: &mut State| {
            if let Some(shelf) = state.shelves.get_mut(id) {
                shelf.aside.retain(|aside| aside.file.id != file.id);
            }
            state.add(id, version, [file.clone()]);
        };
        books.commit(show).await?;
        tracing::info!(key = file.key, "a file that was set aside can be read again and is back");
        Ok(())
    }

    /// Reads the places of the journal from which the file came, and puts what is there into files.
    async fn find(&self, file: &File, found: &mut Found) -> Result<(), Error> {
        for part in &file.source.parts {
            let mut at = Position(part.positions.start).max(self.inner.parts.journal.start());
            let end = Position(part.positions.end);
            found.source = Source::union([&found.source, &Source::of(part.positions.clone()).within(&part.times)]);
            while at < end {
                let (rows, next) = self.read_back(&file.table, at..end, part.times.clone()).await?;
                at = next;
                found.rows += rows.num_rows() as u64;
                found.gathered.push(rows);
                if found.gathered.iter().map(RecordBatch::get_array_memory_size).sum::<usize>() > GATHER_BYTES {
                    self.put_found(&file.table, found).await?;
                }
            }
        }
        self.put_found(&file.table, found).await
    }

    async fn put_found(&self, table: &str, found: &mut Found) -> Result<(), Error> {
        let mut rows = std::mem::take(&mut found.gathered);
        rows.retain(|rows| rows.num_rows() > 0);
        if rows.is_empty() {
            return Ok(());
        }
        // Which of several files has which rows of the parts is not told: together they have them all.
        let mut source = std::mem::take(&mut found.source);
        source.loaded = true;
        let draft = self.draft(table, rows, &source).await?;
        found.files.extend(self.put(vec![draft]).await?);
        Ok(())
    }

    /// The rows of a table at the first of these positions and at these times, and where to read on.
    async fn read_back(
        &self,
        table: &str,
        positions: Range<Position>,
        span: Range<i64>,
    ) -> Result<(RecordBatch, Position), Error> {
        let plan = self.state().shelves.get(table).map(|shelf| (shelf.table.clone(), shelf.rules.clone()));
        let (table, rules) = plan.ok_or_else(|| super::no_table(table))?;
        let plan = Plan { id: table.id.clone(), rules, oldest: table.oldest(self.today()) };
        let journal = self.inner.parts.journal.clone();
        blocking(move || {
            let none = RecordBatch::new_empty(crate::schema::arrow());
            match journal.read(positions.start, READ_BYTES) {
                Ok(batch) => {
                    let next = batch.range().end.min(positions.end);
                    let rows = take(&batch, positions, std::slice::from_ref(&plan))?.pop().unwrap_or(none);
                    Ok((within(&rows, &span)?, next))
                }
                Err(JournalError::Trimmed { start, .. }) => Ok((none, Position(start))),
                Err(JournalError::Corrupt { resume, .. }) => Ok((none, resume)),
                Err(error) => Err(Error::Unavailable(error.to_string())),
            }
        })
        .await
    }

    /// What was found takes the file's place; what was not is said.
    async fn enter_found(&self, aside: &Arc<Aside>, found: Found) -> Result<(), Error> {
        let (file, why) = (&aside.file, &aside.why);
        let keys = found.files.iter().map(|file| file.key.clone()).collect();
        let lost = file.rows.saturating_sub(found.rows);
        let (from, to) = (file.times.start.iso(), file.times.end.iso());
        let (state, why) = if lost == 0 {
            (FileState::Rebuilt, format!("{why}; it is rebuilt from the journal"))
        } else {
            let said = format!("; {lost} of its {} rows, from {from} to {to}, are lost", file.rows);
            (FileState::Lost, format!("{}{said}", why.strip_suffix(&said).unwrap_or(why)))
        };
        let entering = async {
            let mut books = self.books().await?;
            let Some(version) = rows::next_version(&mut books.tx, &file.table).await? else { return Ok(false) };
            let mut entered = Vec::with_capacity(found.files.len());
            for file in found.files {
                entered.push(rows::insert(&mut books.tx, file, FileState::Live).await?);
            }
            // Where nothing took its place, the next start looks once more whether the file can be read.
            let written = if entered.is_empty() && lost > 0 { FileState::Aside } else { state };
            rows::set_state(&mut books.tx, file.id, written, &why).await?;
            let known = Arc::new(Aside::new(file.clone(), state, why.clone()));
            let show = |all: &mut State| {
                all.add(&file.table, version, entered);
                let shelf = all.shelves.get_mut(&file.table).into_iter();
                if let Some(old) = shelf.flat_map(|shelf| &mut shelf.aside).find(|old| old.file.id == file.id) {
                    *old = known;
                }
            };
            books.commit(show).await?;
            Ok(true)
        };
        let entered: Result<bool, Error> = entering.await;
        if !matches!(entered, Ok(true)) {
            self.discard(keys).await;
        }
        if entered? {
            if lost == 0 {
                tracing::info!(key = file.key, "a file that was set aside is rebuilt from the journal");
            } else {
                tracing::error!(key = file.key, lost, from, to, "rows of a file that was set aside are lost");
            }
        }
        Ok(())
    }
}

/// The rows that happened at these times.
fn within(rows: &RecordBatch, span: &Range<i64>) -> Result<RecordBatch, Error> {
    let keep: BooleanArray = times(rows).iter().map(|time| Some(span.contains(time))).collect();
    filter_record_batch(rows, &keep).map_err(broken)
}
