//! All trails with their histories, in memory: committed to the database first, then seen here.

use crate::history::{History, PHASES_MAX, Phase, Rule};
use crate::{Error, Trail, rows};
use cairn_event::{Head, Time};
use cairn_identity::Identity;
use cairn_pattern::selector::Selectors;
use cairn_store::Db;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Notify;
use uuid::Uuid;

/// One trail and what it recorded when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Names the trail for ever; a later trail of the same name has another.
    pub id: Uuid,
    pub trail: Trail,
    pub history: History,
    /// Since when it is deleted. It is kept until the archive has delivered its last files.
    pub deleted: Option<Time>,
}

/// Every trail as it stood at one moment.
#[derive(Default)]
pub(crate) struct State {
    /// By ARN, those that are not deleted.
    living: BTreeMap<String, Arc<Entry>>,
    deleted: BTreeMap<Uuid, Arc<Entry>>,
}

/// One step of a change; the same in the database and in memory.
pub(crate) enum Edit {
    /// A trail is new or not what it was.
    Put(Arc<Entry>),
    /// Nothing of a deleted trail is needed any more.
    Bury(Uuid),
}

/// The trails and their place in the database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Register {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    state: RwLock<Arc<State>>,
    /// Held while a change goes from its plan to the database to the memory.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
}

impl Entry {
    pub fn selectors(&self) -> &Arc<Selectors> {
        &self.history.now().rule.selectors
    }

    /// Takes the trail as it is to stand from `now` on; what it records changes only if the rule does.
    pub fn change(&mut self, now: Time, cause: Uuid, trail: Trail, selectors: Arc<Selectors>) -> Result<(), Error> {
        let rule = Rule::of(&trail, selectors);
        self.trail = trail;
        if rule == self.history.now().rule {
            return Ok(());
        }
        if self.history.phases().len() >= PHASES_MAX {
            let message = "The trail was changed too often while its archive lags behind. Try again later.";
            return Err(Error::invalid("Throttling", message));
        }
        self.history.begin(now, cause.to_string(), rule);
        Ok(())
    }

    /// Nothing that was done is to come yet, also when the clock was turned back.
    fn pull_back(&mut self, now: Time) {
        self.history.pull_back(now);
        for time in [&mut self.trail.started, &mut self.trail.stopped, &mut self.deleted].into_iter().flatten() {
            *time = now.min(*time);
        }
    }

    /// Deletes the trail: it records nothing from `now` on, however often it was changed before.
    pub fn delete(&mut self, now: Time, cause: Uuid) {
        self.deleted = Some(now);
        if self.trail.logging {
            self.trail.logging = false;
            self.trail.stopped = Some(now);
            self.history.begin(now, cause.to_string(), Rule::of(&self.trail, self.selectors().clone()));
        }
    }
}

impl State {
    /// The trail of this ARN, unless it is deleted.
    pub fn living(&self, arn: &str) -> Option<&Arc<Entry>> {
        self.living.get(arn)
    }

    /// Those that are not deleted, by ARN.
    pub fn all_living(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.living.values()
    }

    /// All, the deleted ones that still have something to deliver included.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.living.values().chain(self.deleted.values())
    }

    pub fn by_id(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.all().find(|entry| entry.id == id)
    }

    pub fn apply(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            match edit {
                Edit::Put(entry) if entry.deleted.is_some() => {
                    if self.living.get(&entry.trail.arn).is_some_and(|living| living.id == entry.id) {
                        self.living.remove(&entry.trail.arn);
                    }
                    self.deleted.insert(entry.id, entry);
                }
                Edit::Put(entry) => _ = self.living.insert(entry.trail.arn.clone(), entry),
                Edit::Bury(id) => _ = self.deleted.remove(&id),
            }
        }
    }

    fn copy(&self) -> Self {
        Self { living: self.living.clone(), deleted: self.deleted.clone() }
    }
}

impl Register {
    pub async fn open(db: &Db, now: Time) -> Result<Self, Error> {
        db.migrate("trail", rows::SCHEMA).await?;
        let state = RwLock::new(Arc::new(rows::load(db).await?));
        let inner = Inner { db: db.clone(), state, turn: tokio::sync::Mutex::default(), changed: Notify::new() };
        let register = Self { inner: Arc::new(inner) };
        register.pull_back(now).await?;
        Ok(register)
    }

    /// All trails as they stand now. Cheap; a later change is not seen in it.
    pub fn state(&self) -> Arc<State> {
        self.inner.state()
    }

    /// Told of every change; one may wait.
    pub fn changed(&self) -> &Notify {
        &self.inner.changed
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

    /// Forgets a deleted trail: its last files are delivered.
    pub async fn bury(&self, id: Uuid) -> Result<(), Error> {
        self.change(move |_| Ok((vec![Edit::Bury(id)], ()))).await
    }

    /// Drops what trails recorded in times that nobody will ask for again: all that was taken in
    /// before `absorbed` is durably absorbed.
    pub async fn prune(&self, absorbed: Time) -> Result<(), Error> {
        let due = move |entry: &Entry| entry.history.outlived(absorbed) > 0;
        self.alter(due, move |entry| entry.history.drop_oldest(entry.history.outlived(absorbed))).await
    }

    /// After a clock that was ahead was set right, what trails record is in force at once, not
    /// only when the time comes again.
    pub async fn pull_back(&self, now: Time) -> Result<(), Error> {
        self.alter(move |entry| entry.history.is_ahead(now), move |entry| entry.pull_back(now)).await
    }

    /// Alters every trail that it is due for.
    async fn alter(
        &self,
        due: impl Fn(&Entry) -> bool + Send + 'static,
        alter: impl Fn(&mut Entry) + Send + 'static,
    ) -> Result<(), Error> {
        if !self.state().all().any(|entry| due(entry)) {
            return Ok(());
        }
        self.change(move |state| {
            let altered = state.all().filter(|entry| due(entry)).map(|entry| {
                let mut entry = Entry::clone(entry);
                alter(&mut entry);
                Edit::Put(Arc::new(entry))
            });
            Ok((altered.collect(), ()))
        })
        .await
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
        if !edits.is_empty() {
            rows::save(&self.db, &edits).await?;
            let mut next = state.copy();
            next.apply(edits);
            *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            self.changed.notify_one();
        }
        Ok(value)
    }
}

/// Finds the trails that record the events of one batch. Made anew for every batch, because
/// trails and organizations change.
pub(crate) struct Choice {
    identity: Identity,
    state: Arc<State>,
    /// By account, as far as accounts were met.
    accounts: HashMap<String, Account>,
}

struct Account {
    organization: Option<String>,
    /// Its own trails, and those of its organization.
    trails: Vec<Arc<Entry>>,
}

impl Choice {
    pub fn new(identity: &Identity, register: &Register) -> Self {
        Self { identity: identity.clone(), state: register.state(), accounts: HashMap::new() }
    }

    /// The trails that record an event which entered the journal at `time`.
    pub fn trails<'a>(&'a mut self, event: &'a Head<'_>, time: Time) -> impl Iterator<Item = &'a Arc<Entry>> {
        let id = event.recipient_account_id.as_deref().unwrap_or_default();
        if !self.accounts.contains_key(id) {
            let account = self.account(id);
            self.accounts.insert(id.to_owned(), account);
        }
        let account = &self.accounts[id];
        account.trails.iter().filter(move |entry| {
            let Trail { account: owner, home_region, .. } = &entry.trail;
            entry.history.records(home_region, owner == id, account.organization.as_deref(), event, time)
        })
    }

    fn account(&self, id: &str) -> Account {
        let organization = self.identity.organization_of(id).map(|organization| organization.id);
        let of_organization = |phase: &Phase| organization.is_some() && phase.rule.organization == organization;
        let concerns =
            |entry: &&Arc<Entry>| entry.trail.account == id || entry.history.phases().iter().any(of_organization);
        Account { trails: self.state.all().filter(concerns).cloned().collect(), organization }
    }
}

#[cfg(test)]
mod tests;
