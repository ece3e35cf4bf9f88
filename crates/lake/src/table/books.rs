//! One change of the books: in the database first, then for all to see.

use super::file::{File, State as FileState};
use super::state::{Retired, Shelf, State};
use super::{Aside, Rules, Tables, rows};
use crate::Error;
use cairn_event::Time;
use cairn_store::Write;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// The one open change. Others wait for it, so that changes are seen in the order in which they
/// are committed and no list of files is shown without what an earlier version had.
pub(crate) struct Books<'a> {
    tables: &'a Tables,
    /// Whether a commit was begun of which nobody knows how it ended: its error does not say, or whoever
    /// waited for it has gone. Then memory is set right from the database before the next change.
    doubt: MutexGuard<'a, bool>,
    pub tx: Write,
}

impl Tables {
    /// Waits for the books.
    pub(crate) async fn books(&self) -> Result<Books<'_>, Error> {
        let doubt = self.sure().await?;
        let tx = self.inner.parts.db.write().await?;
        Ok(Books { tables: self, doubt, tx })
    }

    /// Waits until what is in memory is what the database has.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        self.sure().await.map(|_| ())
    }

    async fn sure(&self) -> Result<MutexGuard<'_, bool>, Error> {
        let mut doubt = self.inner.doubt.lock().await;
        if *doubt {
            // Whatever was being written has ended once this has the writer.
            let _writer = self.inner.parts.db.write().await?;
            self.reread().await?;
            *doubt = false;
        }
        Ok(doubt)
    }

    /// Sets what is in memory right by the database: the lists, and whether fresh rows are in files.
    pub(crate) async fn reread(&self) -> Result<(), Error> {
        let db = &self.inner.parts.db;
        let position = rows::position(db).await?;
        let tables = rows::tables(db).await?;
        let entries = rows::files(db).await?;
        let mut shelves = Vec::with_capacity(tables.len());
        for (table, version) in tables {
            let rules = Arc::new(Rules::of(&table)?);
            shelves.push(Shelf::new(Arc::new(table), rules, version));
        }
        let mut state = self.state();
        state.replace(shelves, entries);
        if let Some(position) = position {
            if state.departed == Some(position) {
                state.arrived(position);
            }
            state.durable = position;
        }
        Ok(())
    }
}

impl Books<'_> {
    /// Commits, and then lets everybody see it.
    pub async fn commit(self, show: impl FnOnce(&mut State)) -> Result<(), Error> {
        let Self { tables, mut doubt, tx } = self;
        *doubt = true;
        tx.commit().await?;
        show(&mut tables.state());
        *doubt = false;
        Ok(())
    }
}

impl State {
    /// Takes other lists; fresh rows and files that are known already stay.
    fn replace(&mut self, shelves: Vec<Shelf>, entries: Vec<rows::Entry>) {
        let mut old = std::mem::take(&mut self.shelves);
        let known = old.values().flat_map(|shelf| &shelf.files).chain(self.retired.iter().map(|retired| &retired.file));
        let known: HashMap<i64, Arc<File>> = known.map(|file| (file.id, file.clone())).collect();
        for mut shelf in shelves {
            if let Some(old) = old.get_mut(&shelf.table.id) {
                shelf.fresh = std::mem::take(&mut old.fresh);
            }
            self.shelves.insert(shelf.table.id.clone(), shelf);
        }
        self.retired.clear();
        for rows::Entry { file, state, retired_at, why } in entries {
            let file = known.get(&file.id).cloned().unwrap_or_else(|| Arc::new(file));
            match state {
                FileState::Retired => self.retired.push(Retired { file, at: retired_at }),
                FileState::Live => {
                    if let Some(shelf) = self.shelves.get_mut(&file.table) {
                        shelf.files.push(file);
                    }
                }
                FileState::Aside | FileState::Lost | FileState::Rebuilt => {
                    if let Some(shelf) = self.shelves.get_mut(&file.table) {
                        shelf.aside.push(Arc::new(Aside::new(file, state, why)));
                    }
                }
                FileState::Planned => {}
            }
        }
        for shelf in self.shelves.values_mut() {
            shelf.files.sort_by_key(|file| (file.times.start, file.times.end, file.id));
        }
    }

    /// Takes a file out of its table's list into those whose objects are to be removed.
    pub fn retire(&mut self, table: &str, id: i64, at: Time) {
        let file = self.shelves.get_mut(table).and_then(|shelf| shelf.take(id));
        self.retired.extend(file.map(|file| Retired { file, at }));
    }

    /// A change of a table's list: what comes into it, and its version.
    pub fn add(&mut self, table: &str, version: u64, files: impl IntoIterator<Item = File>) {
        if let Some(shelf) = self.shelves.get_mut(table) {
            shelf.version = version;
            shelf.add(files);
        }
    }
}
