//! Long-lived access keys of roots and users.

use crate::model::{AccessKey, Owner};
use crate::state::{Edit, State};
use crate::{Error, Identity, draw, limit};
use cairn_wire::Secret;
use std::sync::Arc;

impl AccessKey {
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl Identity {
    pub async fn create_key(&self, account: &str, owner: &Owner) -> Result<Arc<AccessKey>, Error> {
        let (account, owner) = (account.to_owned(), owner.clone());
        self.change(move |inner, state| {
            limit::count("AccessKeysPerUser", state.keys_of(&account, &owner).count(), limit::KEYS_MAX)?;
            if let Owner::User(id) = &owner
                && state.entity(id).is_none()
            {
                return Err(Error::NotFound(format!("the user with id {id} cannot be found")));
            }
            let now = inner.world.now().to_second();
            let mut key = inner.draw_key(&account, owner.clone(), now);
            while state.key(&key.id).is_some() {
                key = inner.draw_key(&account, owner.clone(), now);
            }
            let key = Arc::new(key);
            Ok((vec![Edit::Key(key.clone())], key))
        })
        .await
    }

    /// The keys of a root or user, in the order of their ids.
    pub fn keys(&self, account: &str, owner: &Owner) -> Vec<Arc<AccessKey>> {
        self.state().keys_of(account, owner).cloned().collect()
    }

    /// Switches a key on or off.
    pub async fn set_key_active(&self, account: &str, owner: &Owner, id: &str, active: bool) -> Result<(), Error> {
        let (account, owner, id) = (account.to_owned(), owner.clone(), id.to_owned());
        self.change(move |_, state| {
            let key = state.key_of(&account, &owner, &id)?;
            if !active {
                state.check_dispensable(key)?;
            }
            Ok((vec![Edit::Key(Arc::new(AccessKey { active, ..AccessKey::clone(key) }))], ()))
        })
        .await
    }

    pub async fn delete_key(&self, account: &str, owner: &Owner, id: &str) -> Result<(), Error> {
        let (account, owner, id) = (account.to_owned(), owner.clone(), id.to_owned());
        self.change(move |_, state| {
            let key = state.key_of(&account, &owner, &id)?;
            state.check_dispensable(key)?;
            Ok((vec![Edit::KeyGone(key.clone())], ()))
        })
        .await
    }

    /// The account that a key, also a session's, belongs to.
    pub fn account_of_key(&self, id: &str) -> Option<String> {
        let state = self.state();
        if let Some(key) = state.key(id) {
            return Some(key.account.clone());
        }
        // Sessions have no rows; their keys tell the account.
        let told = draw::account_of(id).filter(|_| id.starts_with("ASIA"))?;
        state.account(&told).map(|account| account.id.clone())
    }
}

impl State {
    fn key_of(&self, account: &str, owner: &Owner, id: &str) -> Result<&Arc<AccessKey>, Error> {
        let own = |key: &&Arc<AccessKey>| key.account == account && key.owner == *owner;
        self.key(id).filter(own).ok_or_else(|| Error::NotFound(format!("the access key with id {id} cannot be found")))
    }

    /// Without a root key nobody could come into the house again, for it has no other door.
    fn check_dispensable(&self, key: &AccessKey) -> Result<(), Error> {
        let home = self.account(&key.account).is_some_and(|account| account.home);
        let mut others = self.keys_of(&key.account, &key.owner).filter(|other| other.active && other.id != key.id);
        if home && key.owner == Owner::Root && others.next().is_none() {
            let message = "it is the last active access key of the house's root; make and activate another first";
            return Err(Error::InUse(message.to_owned()));
        }
        Ok(())
    }
}
