//! The entries of one shard, in memory.

use super::Fingerprint;
use crate::sketch::Id;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

pub const ENTRY_BYTES: usize = 24;

/// What the index knows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    No,
    /// This id with these bytes.
    Same,
    /// This id, but only with other bytes.
    Otherwise,
}

#[derive(Default)]
pub struct Entries {
    ids: HashMap<Id, Fingerprint>,
    /// Ids that came with more than one content.
    more: HashSet<(Id, Fingerprint)>,
    /// Whole entries in the file.
    in_file: u64,
    unsaved: Vec<(Id, Fingerprint)>,
    /// Entries that are being written to the file now.
    saving: u64,
    /// Claims that touch this shard.
    pub claims: u32,
    /// When it was used last.
    pub used: u64,
}

impl Entries {
    /// Reads a file. A torn last entry is dropped and will be overwritten.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut entries = Self { ids: HashMap::with_capacity(bytes.len() / ENTRY_BYTES), ..Self::default() };
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let id = *entry.first_chunk().expect("an entry begins with sixteen bytes");
            let fingerprint = *entry.last_chunk().expect("an entry ends with eight bytes");
            entries.insert(id, fingerprint);
            entries.in_file += 1;
        }
        entries
    }

    pub fn len(&self) -> usize {
        self.ids.len() + self.more.len()
    }

    pub fn known(&self, id: &Id, fingerprint: Fingerprint) -> Known {
        match self.ids.get(id) {
            None => Known::No,
            Some(first) if *first == fingerprint => Known::Same,
            Some(_) if self.more.contains(&(*id, fingerprint)) => Known::Same,
            Some(_) => Known::Otherwise,
        }
    }

    /// False when it was there.
    fn insert(&mut self, id: Id, fingerprint: Fingerprint) -> bool {
        match self.ids.entry(id) {
            Entry::Vacant(place) => {
                place.insert(fingerprint);
                true
            }
            Entry::Occupied(first) => *first.get() != fingerprint && self.more.insert((id, fingerprint)),
        }
    }

    /// Adds an event, to be saved. False when it was there.
    pub fn add(&mut self, id: Id, fingerprint: Fingerprint) -> bool {
        let new = self.insert(id, fingerprint);
        if new {
            self.unsaved.push((id, fingerprint));
        }
        new
    }

    /// Whether its file says all that it knows, and nobody is at work on it.
    pub fn is_idle(&self) -> bool {
        self.claims == 0 && self.saving == 0 && self.unsaved.is_empty()
    }

    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// What is to be written, and where in the file.
    pub fn take_unsaved(&mut self) -> (u64, Vec<(Id, Fingerprint)>) {
        let entries = std::mem::take(&mut self.unsaved);
        self.saving = entries.len() as u64;
        (self.in_file * ENTRY_BYTES as u64, entries)
    }

    pub fn saved(&mut self, count: usize) {
        self.in_file += count as u64;
        self.saving = 0;
    }

    /// What was not written is written with the next ones, over whatever got there.
    pub fn not_saved(&mut self, mut entries: Vec<(Id, Fingerprint)>) {
        entries.append(&mut self.unsaved);
        self.unsaved = entries;
        self.saving = 0;
    }
}
