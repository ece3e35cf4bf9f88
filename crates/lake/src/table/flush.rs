//! Fresh rows become files, in one transaction with the reader's position; loaded rows past the journal.

use super::file::{File, Source, State as FileState};
use super::state::State;
use super::take::since;
use super::write::Draft;
use super::{Also, Tables, blocking, broken, rows};
use crate::Error;
use arrow::array::RecordBatch;
use cairn_journal::Position;
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows that are about to become files. They stay visible as fresh until the files take their place.
pub(crate) struct Departure {
    /// What of the journal they are from.
    pub positions: Range<Position>,
    rows: Vec<(String, Vec<RecordBatch>)>,
}

impl Tables {
    /// Writes every fresh row into files. When this returns, they are durable.
    pub async fn flush(&self) -> Result<(), Error> {
        let tables = self.clone();
        // To its end, also when whoever asked has gone.
        let flushed = tokio::spawn(async move {
            let _turn = tables.inner.flushing.lock().await;
            let Some(departure) = tables.depart().await? else { return Ok(()) };
            let flushed = tables.arrive(departure).await;
            if flushed.is_err() {
                tables.state().waits_since.get_or_insert_with(|| tables.clock().monotonic());
            }
            flushed
        });
        flushed.await.map_err(|error| Error::Unavailable(format!("writing broke off: {error}")))?
    }

    /// Takes what is fresh; None when nothing has come since the last time.
    pub(crate) async fn depart(&self) -> Result<Option<Departure>, Error> {
        self.settle().await?;
        let mut state = self.state();
        if state.absorbed == state.durable {
            state.waits_since = None;
            return Ok(None);
        }
        let positions = state.durable..state.absorbed;
        (state.departed, state.waits_since) = (Some(state.absorbed), None);
        let mut departing = Vec::new();
        for (id, shelf) in &mut state.shelves {
            shelf.fresh.depart();
            let rows: Vec<_> = shelf.fresh.writing.iter().map(|chunk| chunk.rows.clone()).collect();
            if !rows.is_empty() {
                departing.push((id.clone(), rows));
            }
        }
        Ok(Some(Departure { positions, rows: departing }))
    }

    async fn arrive(&self, departure: Departure) -> Result<(), Error> {
        let position = departure.positions.end;
        let drafts = self.drafts(departure).await?;
        let files = self.put(drafts).await?;
        self.enter(files, position).await
    }

    pub(crate) async fn drafts(&self, departure: Departure) -> Result<Vec<Draft>, Error> {
        let Departure { positions, rows } = departure;
        let source = if positions.start <= positions.end {
            Source::of(positions.start.0..positions.end.0)
        } else {
            Source::loaded()
        };
        let mut drafts = Vec::with_capacity(rows.len());
        for (table, rows) in rows {
            drafts.push(self.draft(&table, rows, &source).await?);
        }
        Ok(drafts)
    }

    /// Files take the place of what departed, and the reader's position moves, all at once.
    pub(crate) async fn enter(&self, files: Vec<File>, position: Position) -> Result<(), Error> {
        let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
        let entering = async {
            let mut books = self.books().await?;
            let (lists, orphans) = list(&mut books.tx, files).await?;
            rows::set_position(&mut books.tx, position).await?;
            let show = |state: &mut State| {
                state.list(lists);
                state.arrived(position);
            };
            books.commit(show).await?;
            Ok(orphans)
        };
        match entering.await {
            Ok(orphans) if orphans.is_empty() => Ok(()),
            Ok(orphans) => {
                self.discard(orphans).await;
                Ok(())
            }
            Err(error) => {
                self.discard(keys).await;
                Err(error)
            }
        }
    }

    /// Puts rows into one table past the journal, in one transaction with what `also` writes (an import's
    /// progress), so that both are there once or not at all. Rows older than the retention are left out.
    /// `also` must not call the tables. Errors: NotFound.
    pub async fn load(&self, id: &str, rows: Vec<RecordBatch>, also: Also<'_>) -> Result<(), Error> {
        let oldest = self.table(id).ok_or_else(|| super::no_table(id))?.oldest(self.today());
        let recent = blocking(move || {
            let recent = rows.into_iter().map(|rows| since(rows, oldest));
            recent.collect::<Result<Vec<_>, _>>().map_err(broken)
        });
        let rows: Vec<_> = recent.await?.into_iter().filter(|rows| rows.num_rows() > 0).collect();
        let files = if rows.is_empty() {
            Vec::new()
        } else {
            self.put(vec![self.draft(id, rows, &Source::loaded()).await?]).await?
        };
        let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
        let loading = async {
            let mut books = self.books().await?;
            let (lists, orphans) = list(&mut books.tx, files).await?;
            if !orphans.is_empty() {
                return Err(super::no_table(id));
            }
            also(&mut books.tx).await?;
            books.commit(|state| state.list(lists)).await
        };
        let loaded = loading.await;
        if loaded.is_err() {
            self.discard(keys).await;
        }
        loaded
    }
}

impl State {
    fn list(&mut self, lists: Lists) {
        for (table, (version, files)) in lists {
            self.add(&table, version, files);
        }
    }
}

/// What comes into the lists of tables, and their versions.
type Lists = BTreeMap<String, (u64, Vec<File>)>;

/// Enters files into the lists of their tables; gives the new lists, and the keys of files whose tables are gone.
async fn list(tx: &mut cairn_store::Write, files: Vec<File>) -> Result<(Lists, Vec<String>), Error> {
    let (mut lists, mut orphans) = (Lists::new(), Vec::new());
    for file in files {
        if !lists.contains_key(&file.table) {
            let Some(version) = rows::next_version(tx, &file.table).await? else {
                orphans.push(file.key);
                continue;
            };
            lists.insert(file.table.clone(), (version, Vec::new()));
        }
        let file = rows::insert(tx, file, FileState::Live).await?;
        if let Some((_, files)) = lists.get_mut(&file.table) {
            files.push(file);
        }
    }
    Ok((lists, orphans))
}
