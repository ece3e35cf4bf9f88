//! Which events the journal has already: an index by eventID.
//!
//! AWS delivers at least once, so that the same record may stand in several files. Two
//! records are the same when their ids and their bytes are equal. Equal ids with
//! different bytes are a conflict: both are kept, for one of them is evidence.
//!
//! ```text
//! DIR/state.json           the journal position up to which the files are complete,
//!                          and the key of the fingerprints
//! DIR/20230710/3fa.ids     one shard: the events of a day, of one account and region
//! DIR/undated/0c1.ids      events without a usable time
//!
//! file  = entry*           a last entry that is not whole was torn by a crash and is cut off
//! entry = id (16 bytes: the UUID, or half a SHA-256) │ fingerprint of the record (8)
//! ```
//! The index follows the journal and can always be made from it. Order of durability:
//! 1. records into the journal, synced by it;
//! 2. entries into memory, and only now does anyone hear that an event is known;
//! 3. from time to time, entries into the files, synced;
//! 4. the position.
//!
//! A crash before 4 is healed at the next start by reading the journal from the old
//! position: an entry that is there already is not added again. What an unsynced file
//! contains after a crash does no harm: an entry of zeros or noise is the identity of
//! no event.
//!
//! The fingerprint is a GCM tag over the record under a key that never leaves the
//! directory: a universal hash, so that nobody can make a record that passes for another.
//!
//! Memory: shards stay loaded, least recently used first out, up to `entries_max`
//! entries; one shard is always loaded whole. Conflicts are found within a shard, that
//! is, among records of the same day, account and region.

mod claim;
mod shard;

pub use claim::{Claim, Item, Verdict};

use crate::sketch::{Id, Shard};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use cairn_world::World;
use claim::{Owners, Ticket, UnderWay};
use serde::{Deserialize, Serialize};
use shard::{ENTRY_BYTES, Entries};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const VERSION: u32 = 1;

/// What stands for the bytes of a record.
pub type Fingerprint = [u8; 8];

/// Bounds of the index.
#[derive(Clone, Debug)]
pub struct Options {
    /// Entries in memory, of some 60 bytes each.
    pub entries_max: usize,
    /// Entries that are in memory alone; more, and they are due to be saved.
    pub unsaved_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { entries_max: 4_000_000, unsaved_max: 250_000 }
    }
}

/// The index. Its calls block.
pub struct Seen {
    world: World,
    dir: PathBuf,
    options: Options,
    key: LessSafeKey,
    key_bytes: [u8; 16],
    inner: Mutex<Inner>,
    /// Held by the one who saves.
    saving: Mutex<()>,
}

#[derive(Default)]
struct Inner {
    shards: HashMap<Shard, Entries>,
    /// Events that are on their way into the journal, and with whom.
    pending: HashMap<Id, Owners>,
    under_way: BTreeMap<Ticket, UnderWay>,
    next_ticket: Ticket,
    /// Counts uses, to tell which shard was used least recently.
    uses: u64,
    loaded: usize,
    unsaved: usize,
    saved: u64,
}

#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    position: u64,
    key: [u8; 16],
}

/// Entries on their way into one shard's file.
struct Part {
    shard: Shard,
    offset: u64,
    entries: Vec<(Id, Fingerprint)>,
}

impl Seen {
    /// Opens the index of a journal that reaches from `start` to `end`, or begins a new
    /// one where there is none that fits. [`Seen::saved`] tells from where to replay.
    pub fn open(world: &World, dir: &Path, start: u64, end: u64, options: Options) -> io::Result<Self> {
        let state = match read_state(world, dir)? {
            Some(state) if state.position <= end => {
                if state.position < start {
                    tracing::warn!(
                        from = state.position,
                        to = start,
                        "the journal dropped events before they were indexed"
                    );
                }
                State { position: state.position.max(start), ..state }
            }
            found => {
                if found.is_some() {
                    tracing::warn!(dir = %dir.display(), "the index of seen events is of another journal: making it anew");
                }
                begin(world, dir, start)?
            }
        };
        let key = UnboundKey::new(&AES_128_GCM, &state.key).expect("the key has the sixteen bytes of its algorithm");
        Ok(Self {
            world: world.clone(),
            dir: dir.to_owned(),
            options,
            key: LessSafeKey::new(key),
            key_bytes: state.key,
            inner: Mutex::new(Inner { saved: state.position, ..Inner::default() }),
            saving: Mutex::new(()),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal position from which the index may lack events after a crash.
    pub fn saved(&self) -> u64 {
        self.inner().saved
    }

    /// Whether enough entries are in memory alone that they ought to be saved.
    pub fn is_due(&self) -> bool {
        self.inner().unsaved >= self.options.unsaved_max
    }

    pub fn fingerprint(&self, record: &[u8]) -> Fingerprint {
        // The tag is compared and never shown, so that the nonce may stay the same.
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key([0; 12]), Aad::from(record), &mut [])
            .expect("a record is far shorter than what the algorithm takes");
        *tag.as_ref().first_chunk().expect("a tag has sixteen bytes")
    }

    /// Adds an event that was found in the journal, if it is not there.
    pub fn note(&self, id: Id, fingerprint: Fingerprint, shard: Shard) -> io::Result<()> {
        let mut inner = self.inner();
        let entries = self.load(&mut inner, shard)?;
        if entries.add(id, fingerprint) {
            inner.loaded += 1;
            inner.unsaved += 1;
        }
        self.evict(&mut inner);
        Ok(())
    }

    /// The entries of a shard, read from its file when they are not in memory.
    fn load<'a>(&self, inner: &'a mut Inner, shard: Shard) -> io::Result<&'a mut Entries> {
        inner.uses += 1;
        if !inner.shards.contains_key(&shard) {
            let entries = Entries::parse(&read_or_empty(&self.world, &self.path(shard))?);
            inner.loaded += entries.len();
            inner.shards.insert(shard, entries);
        }
        let entries = inner.shards.get_mut(&shard).expect("it was loaded just now");
        entries.used = inner.uses;
        Ok(entries)
    }

    /// Lets go of the shards that were used least recently, until the rest fits.
    fn evict(&self, inner: &mut Inner) {
        if inner.loaded <= self.options.entries_max {
            return;
        }
        let mut idle: Vec<_> = inner
            .shards
            .iter()
            .filter(|(_, entries)| entries.is_idle())
            .map(|(shard, entries)| (entries.used, *shard))
            .collect();
        idle.sort_unstable();
        // The one in use now stays, whatever its size; a quarter goes at once, so that
        // the next event does not look for one again.
        let latest = inner.uses;
        for (_, shard) in idle.into_iter().filter(|(used, _)| *used != latest) {
            if inner.loaded <= self.options.entries_max / 4 * 3 {
                break;
            }
            if let Some(entries) = inner.shards.remove(&shard) {
                inner.loaded -= entries.len();
            }
        }
    }

    fn path(&self, shard: Shard) -> PathBuf {
        self.dir.join(shard.folder()).join(format!("{}.ids", shard.lane()))
    }

    /// Brings the files up to date with memory. `end` is asked, while nothing moves, for
    /// the durable end of the journal.
    pub fn save(&self, end: impl FnOnce() -> u64) -> io::Result<()> {
        let _one = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let (parts, position) = {
            let mut inner = self.inner();
            let earliest = inner.under_way.values().map(|claim| claim.start).min();
            let position = earliest.unwrap_or_else(end).max(inner.saved);
            if position == inner.saved && inner.unsaved == 0 {
                return Ok(());
            }
            (inner.take_unsaved(), position)
        };
        let result = self.write(&parts).and_then(|()| write_state(&self.world, &self.dir, position, self.key_bytes));
        let mut inner = self.inner();
        match result {
            Ok(()) => {
                inner.saved = position;
                for part in parts {
                    inner.shard_mut(part.shard).saved(part.entries.len());
                }
                self.evict(&mut inner);
            }
            Err(_) => {
                for part in parts {
                    inner.unsaved += part.entries.len();
                    inner.shard_mut(part.shard).not_saved(part.entries);
                }
            }
        }
        result
    }

    fn write(&self, parts: &[Part]) -> io::Result<()> {
        let disk = &*self.world.disk;
        let mut changed = BTreeSet::new();
        for part in parts {
            let path = self.path(part.shard);
            let folder = self.dir.join(part.shard.folder());
            if !disk.exists(&folder)? {
                disk.create_dir_all(&folder)?;
                changed.insert(self.dir.clone());
            }
            let file = match disk.open(&path, cairn_world::Open::Write) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    changed.insert(folder);
                    disk.open(&path, cairn_world::Open::CreateNew)?
                }
                other => other?,
            };
            let bytes: Vec<u8> = part.entries.iter().flat_map(|(id, print)| id.iter().chain(print).copied()).collect();
            file.write_at(&bytes, part.offset)?;
            file.sync()?;
        }
        changed.iter().try_for_each(|dir| disk.sync_dir(dir))
    }
}

impl Inner {
    fn take_unsaved(&mut self) -> Vec<Part> {
        self.unsaved = 0;
        let with_news = self.shards.iter_mut().filter(|(_, entries)| entries.has_unsaved());
        with_news
            .map(|(shard, entries)| {
                let (offset, entries) = entries.take_unsaved();
                Part { shard: *shard, offset, entries }
            })
            .collect()
    }

    fn shard_mut(&mut self, shard: Shard) -> &mut Entries {
        self.shards.get_mut(&shard).expect("a shard with unsaved or claimed entries is not evicted")
    }
}

fn state_path(dir: &Path) -> PathBuf {
    dir.join("state.json")
}

fn read_or_empty(world: &World, path: &Path) -> io::Result<Vec<u8>> {
    match world.disk.read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// The state, if there is one that this version understands.
fn read_state(world: &World, dir: &Path) -> io::Result<Option<State>> {
    let bytes = read_or_empty(world, &state_path(dir))?;
    Ok(serde_json::from_slice(&bytes).ok().filter(|state: &State| state.version == VERSION))
}

fn write_state(world: &World, dir: &Path, position: u64, key: [u8; 16]) -> io::Result<()> {
    let state = serde_json::to_vec(&State { version: VERSION, position, key }).map_err(io::Error::other)?;
    world.disk.write_atomic(&state_path(dir), &state)
}

/// Removes what is there and begins an empty index at `position`.
fn begin(world: &World, dir: &Path, position: u64) -> io::Result<State> {
    match world.disk.remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    world.disk.create_dir_all(dir)?;
    if let Some(parent) = dir.parent() {
        world.disk.sync_dir(parent)?;
    }
    let key = world.dice.bytes();
    write_state(world, dir, position, key)?;
    Ok(State { version: VERSION, position, key })
}

const _: () = assert!(ENTRY_BYTES == size_of::<Id>() + size_of::<Fingerprint>());

#[cfg(test)]
mod tests;
