//! Everything known of all identities, in memory, and the edits that change it.

use crate::model::{AccessKey, Account, Entity, ManagedPolicy, Owner, Sort};
use crate::{Error, managed};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

pub(crate) struct State {
    accounts: BTreeMap<String, Arc<Account>>,
    /// By id.
    entities: HashMap<String, Arc<Entity>>,
    /// Account, sort and name in small letters, for a name is taken in every spelling.
    names: BTreeMap<(String, Sort, String), String>,
    /// By ARN.
    policies: BTreeMap<String, Arc<ManagedPolicy>>,
    keys: HashMap<String, Arc<AccessKey>>,
    /// Ids of keys by account and owner.
    keys_of: BTreeMap<(String, Owner), BTreeSet<String>>,
}

/// One step of a change; the same in the database and in memory.
pub(crate) enum Edit {
    Account(Arc<Account>),
    Entity(Arc<Entity>),
    EntityGone(Arc<Entity>),
    Policy(Arc<ManagedPolicy>),
    /// The policy of this ARN is gone.
    PolicyGone(String),
    Key(Arc<AccessKey>),
    KeyGone(Arc<AccessKey>),
}

fn name_of(entity: &Entity) -> (String, Sort, String) {
    (entity.account.clone(), entity.sort, entity.name.to_lowercase())
}

impl State {
    /// Nobody, and the policies that come with the house.
    pub fn empty() -> Self {
        let policies = managed::policies().map(|policy| (policy.arn.clone(), Arc::new(policy))).collect();
        Self {
            accounts: BTreeMap::new(),
            entities: HashMap::new(),
            names: BTreeMap::new(),
            policies,
            keys: HashMap::new(),
            keys_of: BTreeMap::new(),
        }
    }

    pub fn apply(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            match edit {
                Edit::Account(account) => _ = self.accounts.insert(account.id.clone(), account),
                Edit::Entity(entity) => self.put(entity),
                Edit::EntityGone(entity) => {
                    self.entities.remove(&entity.id);
                    self.names.remove(&name_of(&entity));
                }
                Edit::Policy(policy) => _ = self.policies.insert(policy.arn.clone(), policy),
                Edit::PolicyGone(arn) => _ = self.policies.remove(&arn),
                Edit::Key(key) => {
                    let owner = (key.account.clone(), key.owner.clone());
                    self.keys_of.entry(owner).or_default().insert(key.id.clone());
                    self.keys.insert(key.id.clone(), key);
                }
                Edit::KeyGone(key) => {
                    self.keys.remove(&key.id);
                    if let Some(keys) = self.keys_of.get_mut(&(key.account.clone(), key.owner.clone())) {
                        keys.remove(&key.id);
                    }
                }
            }
        }
    }

    fn put(&mut self, entity: Arc<Entity>) {
        if let Some(old) = self.entities.get(&entity.id) {
            self.names.remove(&name_of(old));
        }
        self.names.insert(name_of(&entity), entity.id.clone());
        self.entities.insert(entity.id.clone(), entity);
    }

    pub fn account(&self, id: &str) -> Option<&Arc<Account>> {
        self.accounts.get(id)
    }

    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    pub fn entity(&self, id: &str) -> Option<&Arc<Entity>> {
        self.entities.get(id)
    }

    pub fn named(&self, account: &str, sort: Sort, name: &str) -> Option<&Arc<Entity>> {
        self.entity(self.names.get(&(account.to_owned(), sort, name.to_lowercase()))?)
    }

    /// The same, or that there is none.
    pub fn need(&self, account: &str, sort: Sort, name: &str) -> Result<&Arc<Entity>, Error> {
        let missing = || Error::NotFound(format!("the {} with name {name} cannot be found", sort.word()));
        self.named(account, sort, name).ok_or_else(missing)
    }

    /// The entities of a sort in the order of their names, from after a name on.
    pub fn entities(&self, account: &str, sort: Sort, after: Option<&str>) -> impl Iterator<Item = &Arc<Entity>> {
        let key = |name: &str| (account.to_owned(), sort, name.to_lowercase());
        let from = after.map_or_else(|| Bound::Included(key("")), |name| Bound::Excluded(key(name)));
        let account = account.to_owned();
        let of_sort = self.names.range((from, Bound::Unbounded));
        let of_sort = of_sort.take_while(move |((owner, kind, _), _)| *owner == account && *kind == sort);
        of_sort.filter_map(|(_, id)| self.entity(id))
    }

    /// All users, roles and groups of an account.
    pub fn residents(&self, account: &str) -> impl Iterator<Item = &Arc<Entity>> {
        [Sort::User, Sort::Role, Sort::Group].into_iter().flat_map(move |sort| self.entities(account, sort, None))
    }

    pub fn policy(&self, arn: &str) -> Option<&Arc<ManagedPolicy>> {
        self.policies.get(arn)
    }

    pub fn policies(&self, after: Option<&str>) -> impl Iterator<Item = &Arc<ManagedPolicy>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.policies.range::<str, _>((from, Bound::Unbounded)).map(|(_, policy)| policy)
    }

    pub fn key(&self, id: &str) -> Option<&Arc<AccessKey>> {
        self.keys.get(id)
    }

    pub fn keys_of(&self, account: &str, owner: &Owner) -> impl Iterator<Item = &Arc<AccessKey>> {
        let ids = self.keys_of.get(&(account.to_owned(), owner.clone()));
        ids.into_iter().flatten().filter_map(|id| self.keys.get(id))
    }
}
