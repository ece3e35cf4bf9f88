//! Tables come, change and go.

use super::rules::Rules;
use super::state::{Retired, Shelf};
use super::{Also, Change, EVENTS, NewTable, Rule, Table, Tables, Takes, no_table, rows};
use crate::Error;
use cairn_event::Time;
use std::sync::Arc;

const TABLES_MAX: usize = 1000;
/// Rules kept of one table; older ones concern what was absorbed long ago.
const RULES_MAX: usize = 100;

impl Tables {
    /// The table of this id.
    pub fn table(&self, id: &str) -> Option<Arc<Table>> {
        self.state().shelves.get(id).map(|shelf| shelf.table.clone())
    }

    pub fn tables(&self) -> Vec<Arc<Table>> {
        self.state().shelves.values().map(|shelf| shelf.table.clone()).collect()
    }

    /// Makes a table, in one transaction with what `also` writes; `also` must not call the tables.
    /// Errors: Conflict when the id is taken, Limit, Invalid for selectors that are none.
    pub async fn create(&self, new: NewTable, also: Also<'_>) -> Result<Arc<Table>, Error> {
        // Nothing is absorbed meanwhile, so that no event slips between the rule's time and the table.
        let _turn = self.inner.absorbing.lock().await;
        let since = self.now();
        self.make(new, since, also).await
    }

    async fn make(&self, new: NewTable, since: Time, also: Also<'_>) -> Result<Arc<Table>, Error> {
        let NewTable { id, retention, takes } = new;
        let mut books = self.books().await?;
        if self.table(&id).is_some() {
            return Err(Error::Conflict(format!("there is a table {id} already")));
        }
        if self.tables().len() >= TABLES_MAX {
            return Err(Error::Limit(format!("there are at most {TABLES_MAX} tables")));
        }
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Error::Invalid(format!("{id:?} is no id of a table")));
        }
        let table = Table { id, retention, intake: vec![Rule { since, takes }] };
        let rules = Arc::new(Rules::of(&table)?);
        rows::save_table(&mut books.tx, &table).await?;
        also(&mut books.tx).await?;
        let table = Arc::new(table);
        let shelf = Shelf::new(table.clone(), rules, 0);
        books.commit(|state| _ = state.shelves.insert(shelf.table.id.clone(), shelf)).await?;
        Ok(table)
    }

    /// Changes a table, in one transaction with what `also` writes; `also` must not call the tables.
    /// Errors: NotFound, Invalid.
    pub async fn change(&self, id: &str, change: Change, also: Also<'_>) -> Result<Arc<Table>, Error> {
        let _turn = self.inner.absorbing.lock().await;
        let since = self.now();
        let mut books = self.books().await?;
        let mut table = Table::clone(&*self.table(id).ok_or_else(|| no_table(id))?);
        table.retention = change.retention.unwrap_or(table.retention);
        table.intake.extend(change.takes.map(|takes| Rule { since, takes }));
        let superfluous = table.intake.len().saturating_sub(RULES_MAX);
        table.intake.drain(..superfluous);
        let rules = Arc::new(Rules::of(&table)?);
        rows::save_table(&mut books.tx, &table).await?;
        also(&mut books.tx).await?;
        let table = Arc::new(table);
        let changed = table.clone();
        let show = |state: &mut super::state::State| {
            if let Some(shelf) = state.shelves.get_mut(id) {
                (shelf.table, shelf.rules) = (changed, rules);
            }
        };
        books.commit(show).await?;
        Ok(table)
    }

    /// Forgets a table and its files, in one transaction with what `also` writes; bytes follow in the
    /// background, once no snapshot shows them. `also` must not call the tables. Errors: NotFound,
    /// Invalid for the table that takes every event.
    pub async fn remove(&self, id: &str, also: Also<'_>) -> Result<(), Error> {
        if id == EVENTS {
            return Err(Error::Invalid(format!("the table {EVENTS} is always there")));
        }
        let _turn = self.inner.absorbing.lock().await;
        let at = self.now();
        let mut books = self.books().await?;
        self.table(id).ok_or_else(|| no_table(id))?;
        rows::remove_table(&mut books.tx, id).await?;
        rows::retire_all(&mut books.tx, id, at).await?;
        also(&mut books.tx).await?;
        let show = |state: &mut super::state::State| {
            let Some(shelf) = state.shelves.remove(id) else { return };
            let aside = shelf.aside.iter().map(|aside| aside.file.clone());
            let files = shelf.files.into_iter().chain(aside);
            state.retired.extend(files.map(|file| Retired { file, at }));
        };
        books.commit(show).await
    }

    /// Makes the table that takes every event, or gives it the retention that is configured now.
    pub(crate) async fn found(&self) -> Result<(), Error> {
        let retention = self.settings().retention;
        let nothing = || -> Also<'static> { Box::new(|_| Box::pin(async { Ok(()) })) };
        match self.table(EVENTS) {
            None => {
                let new = NewTable { id: EVENTS.to_owned(), retention, takes: Takes::Everything };
                self.make(new, Time(i64::MIN), nothing()).await?;
            }
            Some(table) if table.retention != retention => {
                tracing::info!(days = retention.as_secs() / 86_400, "the retention of all events is another now");
                let change = Change { retention: Some(retention), takes: None };
                self.change(EVENTS, change, nothing()).await?;
            }
            Some(_) => {}
        }
        Ok(())
    }
}
