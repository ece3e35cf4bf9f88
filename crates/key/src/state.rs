//! Everything known of all keys, in memory, and the edits that change it.

use crate::material::Material;
use crate::{Alias, Error, Key, Page, Scope, Status};
use cairn_event::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct State {
    keys: BTreeMap<Uuid, Entry>,
    /// By ARN.
    aliases: BTreeMap<String, Arc<Alias>>,
    /// The keys pending deletion, the most urgent first.
    pending: BTreeSet<(Time, Uuid)>,
}

/// A key with its material, the versions ascending.
#[derive(Clone)]
pub(crate) struct Entry {
    pub key: Arc<Key>,
    versions: Vec<Arc<Material>>,
}

/// One step of a change; the same in the database and in memory.
pub(crate) enum Edit {
    /// A key is new or not what it was.
    Key(Arc<Key>),
    /// A key has another version of its material.
    Material(Arc<Material>),
    /// A key, its material and its aliases are gone for good.
    KeyGone(Uuid),
    /// An alias is new or means another key.
    Alias(Arc<Alias>),
    /// The alias of this ARN is gone.
    AliasGone(String),
}

impl Entry {
    /// The material to encrypt with.
    pub fn newest(&self) -> Result<&Arc<Material>, Error> {
        self.versions.last().ok_or_else(|| Error::Corrupt(self.key.arn.clone()))
    }

    pub fn version(&self, version: u32) -> Option<&Arc<Material>> {
        self.versions.iter().find(|material| material.header.version == version)
    }
}

impl State {
    pub fn apply(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            match edit {
                Edit::Key(key) => self.put(key),
                Edit::Material(material) => {
                    if let Some(entry) = self.keys.get_mut(&material.header.key) {
                        entry.versions.push(material);
                    }
                }
                Edit::KeyGone(id) => self.remove(id),
                Edit::Alias(alias) => _ = self.aliases.insert(alias.arn.clone(), alias),
                Edit::AliasGone(arn) => _ = self.aliases.remove(&arn),
            }
        }
    }

    fn put(&mut self, key: Arc<Key>) {
        let versions = self.keys.remove(&key.id).map(|entry| {
            self.forget_deadline(&entry.key);
            entry.versions
        });
        if let Status::PendingDeletion(at) = key.status {
            self.pending.insert((at, key.id));
        }
        self.keys.insert(key.id, Entry { key, versions: versions.unwrap_or_default() });
    }

    fn remove(&mut self, id: Uuid) {
        if let Some(entry) = self.keys.remove(&id) {
            self.forget_deadline(&entry.key);
            self.aliases.retain(|_, alias| alias.key != id);
        }
    }

    fn forget_deadline(&mut self, key: &Key) {
        if let Status::PendingDeletion(at) = key.status {
            self.pending.remove(&(at, key.id));
        }
    }

    pub fn entry(&self, id: Uuid) -> Option<&Entry> {
        self.keys.get(&id)
    }

    /// The key as it stands, to be changed.
    pub fn key(&self, id: Uuid) -> Result<Key, Error> {
        let entry = self.entry(id).ok_or_else(|| Error::NotFound(id.to_string()))?;
        Ok(Key::clone(&entry.key))
    }

    pub fn alias(&self, arn: &str) -> Option<&Arc<Alias>> {
        self.aliases.get(arn)
    }

    /// The keys whose deletion is due.
    pub fn doomed(&self, now: Time) -> impl Iterator<Item = Uuid> {
        self.pending.iter().take_while(move |(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// The keys of a scope in the order of their ids.
    pub fn keys(&self, scope: Scope<'_>, after: Option<Uuid>) -> impl Iterator<Item = &Arc<Key>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.keys.range((from, Bound::Unbounded)).map(|(_, entry)| &entry.key);
        keys.filter(move |key| key.account == scope.account && key.region == scope.region)
    }

    /// The aliases of a scope in the order of their names.
    pub fn aliases(&self, scope: Scope<'_>, after: Option<&str>) -> impl Iterator<Item = &Arc<Alias>> {
        let prefix = scope.arn("alias/");
        let from = after.map_or(Bound::Included(prefix.clone()), |name| Bound::Excluded(scope.arn(name)));
        let aliases = self.aliases.range((from, Bound::Unbounded)).map(|(_, alias)| alias);
        aliases.take_while(move |alias| alias.arn.starts_with(&prefix))
    }
}

impl<T> Page<T> {
    /// At most `count_max` of what follows.
    pub(crate) fn take(mut rest: impl Iterator<Item = T>, count_max: usize) -> Self {
        let items = rest.by_ref().take(count_max).collect();
        Self { items, more: rest.next().is_some() }
    }
}
