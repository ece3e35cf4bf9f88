//! Stores, channels and policies in memory, and the one way in which they change.
//!
//! A change is planned on the state as no other change can alter it meanwhile, committed in one
//! transaction with what it means for a table, and seen by others after that. What it means for
//! further tables follows in transactions of their own; were the house to end in between, the
//! next start brings the tables to what the register says ([`Register::settle`]).

use super::model::Store;
use super::policy::ResourcePolicy;
use super::rows;
use crate::channel::Channel;
use crate::table::{Also, Change, NewTable, Takes};
use crate::{Error, Parts, Tables};
use cairn_pattern::selector::StoreKind;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock as Lock};
use std::time::Duration;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

/// Everything by ARN, as it stood at one moment.
#[derive(Clone, Default)]
pub(crate) struct State {
    stores: BTreeMap<String, Arc<Store>>,
    channels: BTreeMap<String, Arc<Channel>>,
    policies: BTreeMap<String, Arc<ResourcePolicy>>,
}

/// One step of a change; the same in the database and in memory.
pub(crate) enum Edit {
    Store(Arc<Store>),
    NoStore(String),
    Channel(Arc<Channel>),
    NoChannel(String),
    Policy(String, Arc<ResourcePolicy>),
    NoPolicy(String),
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Register {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    tables: Tables,
    state: Lock<Arc<State>>,
    /// Held while a change goes from its plan to the database to the memory.
    turn: Mutex<()>,
    /// Held by whoever puts events into the journal by what the state says of their channel.
    flow: RwLock<()>,
}

/// What a change means for one table.
enum Step {
    Create(NewTable),
    Change(String, Change),
    Remove(String),
}

impl Step {
    fn table(&self) -> &str {
        match self {
            Self::Create(NewTable { id, .. }) | Self::Change(id, _) | Self::Remove(id) => id,
        }
    }
}

impl Edit {
    /// Whether it is about the store of this table itself.
    fn touches(&self, table: &str) -> bool {
        match self {
            Self::Store(store) => store.id == table,
            Self::NoStore(arn) => arn.ends_with(table),
            _ => false,
        }
    }
}

impl State {
    pub fn store(&self, arn: &str) -> Option<&Arc<Store>> {
        self.stores.get(arn)
    }

    pub fn stores(&self) -> impl Iterator<Item = &Arc<Store>> {
        self.stores.values()
    }

    pub fn channel(&self, arn: &str) -> Option<&Arc<Channel>> {
        self.channels.get(arn)
    }

    pub fn channels(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.channels.values()
    }

    pub fn policy(&self, arn: &str) -> Option<&Arc<ResourcePolicy>> {
        self.policies.get(arn)
    }

    /// The channels that fill this store.
    pub fn channels_of<'a>(&'a self, store: &'a str) -> impl Iterator<Item = &'a Arc<Channel>> {
        self.channels.values().filter(move |channel| channel.stores.iter().any(|arn| arn == store))
    }

    pub fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Store(store) => _ = self.stores.insert(store.arn.clone(), store.clone()),
            Edit::NoStore(arn) => _ = self.stores.remove(arn),
            Edit::Channel(channel) => _ = self.channels.insert(channel.arn.clone(), channel.clone()),
            Edit::NoChannel(arn) => _ = self.channels.remove(arn),
            Edit::Policy(arn, policy) => _ = self.policies.insert(arn.clone(), policy.clone()),
            Edit::NoPolicy(arn) => _ = self.policies.remove(arn),
        }
    }
}

impl Register {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        parts.db.migrate("lake-store", rows::SCHEMA).await?;
        let state = Lock::new(Arc::new(rows::load(&parts.db).await?));
        let inner = Inner {
            parts: parts.clone(),
            tables: tables.clone(),
            state,
            turn: Mutex::default(),
            flow: RwLock::default(),
        };
        let register = Self { inner: Arc::new(inner) };
        register.settle().await?;
        Ok(register)
    }

    pub fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    /// Everything as it stands now. Cheap; a later change is not seen in it.
    pub fn state(&self) -> Arc<State> {
        self.inner.state()
    }

    /// As long as it is held no channel changes where its events go.
    pub async fn flow(&self) -> RwLockReadGuard<'_, ()> {
        self.inner.flow.read().await
    }

    /// Makes one change. The plan sees the state as no other change can alter it meanwhile.
    pub async fn change<T, P>(&self, plan: P) -> Result<T, Error>
    where
        T: Send + 'static,
        P: FnOnce(&State) -> Result<(Vec<Edit>, T), Error> + Send + 'static,
    {
        let inner = self.inner.clone();
        // A task of its own: were the caller dropped between commit and memory, the two would differ.
        tokio::spawn(async move { inner.change(plan).await })
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))?
    }

    /// Brings the tables to what the register says: after a start, and when organizations changed.
    pub async fn settle(&self) -> Result<(), Error> {
        self.change(|_| Ok((Vec::new(), ()))).await
    }
}

impl Inner {
    fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn change<T, P>(&self, plan: P) -> Result<T, Error>
    where
        P: FnOnce(&State) -> Result<(Vec<Edit>, T), Error>,
    {
        let _turn = self.turn.lock().await;
        let state = self.state();
        let (edits, value) = plan(&state)?;
        let mut next = State::clone(&state);
        for edit in &edits {
            next.apply(edit);
        }
        let mut steps = self.steps(&state, &next);
        // The last one goes with the edits: one that they are about, if there is any.
        let touched = |step: &Step| edits.iter().any(|edit| edit.touches(step.table()));
        steps.sort_by_key(touched);
        let _still = self.flow.write().await;
        if !edits.is_empty() {
            self.commit(steps.pop(), edits).await?;
            *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        }
        for step in steps {
            let done = self.step(step, Box::new(|_| Box::pin(async { Ok(()) }))).await;
            if let Err(error) = done {
                tracing::warn!(%error, "a table does not follow its event data store yet; it is tried again");
            }
        }
        Ok(value)
    }

    async fn commit(&self, step: Option<Step>, edits: Vec<Edit>) -> Result<(), Error> {
        let Some(step) = step else {
            let mut tx = self.parts.db.write().await?;
            rows::save(&mut tx, &edits).await?;
            return Ok(tx.commit().await?);
        };
        self.step(step, Box::new(move |tx| Box::pin(async move { rows::save(tx, &edits).await }))).await
    }

    async fn step(&self, step: Step, also: Also<'_>) -> Result<(), Error> {
        match step {
            Step::Create(new) => self.tables.create(new, also).await.map(|_| ()),
            Step::Change(id, change) => self.tables.change(&id, change, also).await.map(|_| ()),
            Step::Remove(id) => self.tables.remove(&id, also).await,
        }
    }

    /// What the tables lack to be as the stores of `next` say.
    fn steps(&self, before: &State, next: &State) -> Vec<Step> {
        let gone = before.stores().filter(|store| next.store(&store.arn).is_none());
        let mut steps: Vec<Step> = gone.map(|store| Step::Remove(store.id.clone())).collect();
        steps.extend(next.stores().filter_map(|store| self.step_for(store, self.takes(store, next))));
        steps
    }

    fn step_for(&self, store: &Store, takes: Takes) -> Option<Step> {
        let retention = Duration::from_hours(24 * u64::from(store.retention_days));
        let Some(table) = self.tables.table(&store.id) else {
            return Some(Step::Create(NewTable { id: store.id.clone(), retention, takes }));
        };
        let same = table.intake.last().is_some_and(|rule| same(&rule.takes, &takes));
        let change =
            Change { retention: (table.retention != retention).then_some(retention), takes: (!same).then_some(takes) };
        let any = change.retention.is_some() || change.takes.is_some();
        any.then(|| Step::Change(store.id.clone(), change))
    }

    fn takes(&self, store: &Store, state: &State) -> Takes {
        if !store.ingesting || store.doomed.is_some() {
            return Takes::Nothing;
        }
        if store.kind() == StoreKind::ActivityAuditLog {
            return Takes::Channels(state.channels_of(&store.arn).map(|channel| channel.arn.clone()).collect());
        }
        Takes::Selected {
            accounts: self.accounts(store),
            region: (!store.multi_region).then(|| store.region.clone()),
            selectors: serde_json::to_value(&store.selectors).expect("plain data always serializes"),
        }
    }

    fn accounts(&self, store: &Store) -> Vec<String> {
        let own = || vec![store.account.clone()];
        let organization = self.parts.identity.organization_of(&store.account);
        let mut accounts = match organization.filter(|found| Some(&found.id) == store.organization.as_ref()) {
            Some(found) => found.members,
            None => own(),
        };
        // In an order of their own, so that the same members are the same rule.
        accounts.sort_unstable();
        accounts
    }
}

fn same(one: &Takes, other: &Takes) -> bool {
    serde_json::to_value(one).ok() == serde_json::to_value(other).ok()
}
