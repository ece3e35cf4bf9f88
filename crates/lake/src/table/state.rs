//! What is known of all tables, in memory: the lists of files and the fresh rows.

use super::file::File;
use super::fresh::Fresh;
use super::rules::Rules;
use super::{Aside, Snapshot, Table};
use cairn_event::Time;
use cairn_journal::Position;
use cairn_world::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Held for moments only: nothing waits, reads or copies rows under its lock.
pub(crate) struct State {
    pub shelves: BTreeMap<String, Shelf>,
    /// Behind the last record that is in the tables, be it in memory.
    pub absorbed: Position,
    /// Behind the last record that is in files.
    pub durable: Position,
    /// Up to where the rows go that are on their way into files.
    pub departed: Option<Position>,
    /// Since when (monotonic) something waits to be written.
    pub waits_since: Option<Duration>,
    /// Files whose objects are to be removed.
    pub retired: Vec<Retired>,
}

/// One table.
pub(crate) struct Shelf {
    pub table: Arc<Table>,
    pub rules: Arc<Rules>,
    /// Of the list of files; each change of the list has the next.
    pub version: u64,
    /// Oldest first.
    pub files: Vec<Arc<File>>,
    pub aside: Vec<Arc<Aside>>,
    pub fresh: Fresh,
}

/// A file that is no longer part of its table.
pub(crate) struct Retired {
    pub file: Arc<File>,
    pub at: Time,
}

impl Shelf {
    pub fn new(table: Arc<Table>, rules: Arc<Rules>, version: u64) -> Self {
        let (files, aside, fresh) = (Vec::new(), Vec::new(), Fresh::default());
        Self { table, rules, version, files, aside, fresh }
    }

    pub fn add(&mut self, files: impl IntoIterator<Item = File>) {
        self.files.extend(files.into_iter().map(Arc::new));
        self.files.sort_by_key(|file| (file.times.start, file.times.end, file.id));
    }

    /// Takes a file out of the list.
    pub fn take(&mut self, id: i64) -> Option<Arc<File>> {
        let index = self.files.iter().position(|file| file.id == id)?;
        Some(self.files.remove(index))
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            table: self.table.clone(),
            version: self.version,
            files: self.files.clone(),
            fresh: self.fresh.all().map(|chunk| chunk.rows.clone()).collect(),
            aside: self.aside.iter().filter(|aside| aside.is_missed()).cloned().collect(),
        }
    }
}

impl State {
    pub fn fresh_bytes(&self) -> u64 {
        self.shelves.values().map(|shelf| shelf.fresh.bytes()).sum()
    }

    /// Rows that wait to be written, of the table that has most.
    pub fn waiting_rows(&self) -> usize {
        self.shelves.values().map(|shelf| shelf.fresh.waiting_rows()).max().unwrap_or(0)
    }

    /// What was on its way is in files now.
    pub fn arrived(&mut self, position: Position) {
        self.shelves.values_mut().for_each(|shelf| shelf.fresh.writing.clear());
        self.durable = position;
        self.departed = None;
    }
}

/// The time of day as retention believes it: a clock that jumps ahead would make everything old at
/// once, so this one gains at most as fast again as time passes.
pub(crate) struct Calendar {
    today: Time,
    looked: Duration,
}

impl Calendar {
    pub fn new(clock: &dyn Clock) -> Self {
        Self { today: clock.now(), looked: clock.monotonic() }
    }

    pub fn now(&mut self, clock: &dyn Clock) -> Time {
        let passed = clock.monotonic().saturating_sub(self.looked);
        self.looked += passed;
        self.today = clock.now().min(self.today + passed * 2);
        self.today
    }
}
