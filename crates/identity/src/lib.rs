//! Identity: who calls, and may they?
//!
//! Start from [`Identity`]: `open`, at the first start `found`, then for each call
//! [`Identity::credential`] (whose access key is it?) and [`Identity::decide`] (may the
//! [`Caller`] do it?). Accounts hold users, roles and groups, each an [`Entity`]; what these
//! may do is said by a [`Policy`].
//!
//! What it is not: it knows no service and no operation, checks no signature, and keeps no
//! policy of buckets or keys; whoever keeps one hands it in with the [`Request`].
//!
//! Everything is held in memory, policies parsed. A change is committed to the database
//! first and seen by others after that, and runs to its end even when its caller has gone.
//! So no call waits for the database to learn who calls and what they may do.
//!
//! At rest each account, entity, policy and access key is one row of `identity_row`:
//! ```text
//! kind │ id │ body, JSON
//! ```
//! Secrets of access keys are sealed under the root key, bound to the key's id. Sessions
//! have no rows: their token is their record, sealed ([`Session`]).

mod access_key;
mod assume;
mod bearer;
mod caller;
mod credential;
mod customer;
mod decide;
mod draw;
mod entity;
mod error;
mod found;
mod grant;
mod limit;
mod managed;
mod model;
mod organization;
mod policy;
mod rows;
mod session;
mod state;

pub use assume::{Issued, NewSession};
pub use bearer::Bearer;
pub use caller::{Caller, Context};
pub use credential::Credential;
pub use customer::NewPolicy;
pub use decide::{Decision, Request};
pub use entity::{NewEntity, NewRole};
pub use error::{CredentialError, Error};
pub use found::{FirstAccount, RootKey};
pub use model::{
    AccessKey, Account, Assumable, Document, Entity, ManagedPolicy, Membership, Owner, Page, Sort, Tags, Version, arn,
};
pub use organization::{NewAccount, Organization};
pub use policy::{Policy, PolicyError, PolicyKind};
pub use session::{Session, SessionSpan};

use cairn_event::Time;
use cairn_store::{Db, Seal};
use cairn_world::World;
use credential::Ready;
use state::{Edit, State};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Users, roles, keys, sessions, policies of all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub world: World,
    pub seal: Arc<Seal>,
    db: Db,
    state: RwLock<State>,
    /// Locked after the state, never before it.
    pub ready: RwLock<Ready>,
    /// Held while a change goes from its plan to the database to the memory.
    turn: tokio::sync::Mutex<()>,
}

impl Identity {
    /// Reads everything, and makes sure that every secret can be unsealed.
    pub async fn open(world: &World, db: &Db, seal: Arc<Seal>) -> Result<Self, Error> {
        db.migrate("identity", rows::SCHEMA).await?;
        let state = RwLock::new(rows::load(db, &seal).await?);
        let inner = Inner {
            world: world.clone(),
            seal,
            db: db.clone(),
            state,
            ready: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The account this house was made with, if it was.
    pub fn home_account(&self) -> Option<String> {
        self.state().accounts().find(|account| account.home).map(|account| account.id.clone())
    }

    pub(crate) fn now(&self) -> Time {
        self.inner.world.now()
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state()
    }

    /// Makes one change. The plan sees the state as no other change can alter it meanwhile.
    pub(crate) async fn change<T, P>(&self, plan: P) -> Result<T, Error>
    where
        T: Send + 'static,
        P: FnOnce(&Inner, &State) -> Result<(Vec<Edit>, T), Error> + Send + 'static,
    {
        let inner = self.inner.clone();
        // A task of its own: were the caller dropped between commit and memory, the two would differ.
        tokio::spawn(async move { inner.change(plan).await })
            .await
            .map_err(|error| Error::Unavailable(error.to_string()))?
    }
}

impl Inner {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn change<T, P>(&self, plan: P) -> Result<T, Error>
    where
        P: FnOnce(&Self, &State) -> Result<(Vec<Edit>, T), Error>,
    {
        let _turn = self.turn.lock().await;
        let (edits, value) = plan(self, &self.state())?;
        if !edits.is_empty() {
            rows::save(&self.db, &edits).await?;
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.apply(edits);
            // Within the lock: what is found from the old state cannot be kept after this.
            self.ready.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Ok(value)
    }
}
