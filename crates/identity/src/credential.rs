//! From an access key to the caller that it proves.

use crate::caller::Caller;
use crate::error::CredentialError;
use crate::model::Owner;
use crate::session::Session;
use crate::state::State;
use crate::{Identity, Inner};
use cairn_event::Time;
use cairn_wire::Secret;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// Credentials kept ready; past that they are made anew, at some microseconds each.
const READY_MAX: usize = 10_000;

/// A secret to check a signature with and the caller that it proves.
#[derive(Clone, Debug)]
pub struct Credential {
    pub secret: Secret,
    pub caller: Caller,
}

/// Credentials as they were found since the last change.
#[derive(Default)]
pub(crate) struct Ready {
    by_key: HashMap<String, Entry>,
}

#[derive(Clone)]
struct Entry {
    credential: Credential,
    /// The session's token and end.
    session: Option<(Secret, Time)>,
}

impl Ready {
    pub fn clear(&mut self) {
        self.by_key.clear();
    }

    fn keep(&mut self, access_key: &str, entry: Entry) {
        if self.by_key.len() >= READY_MAX {
            self.clear();
        }
        self.by_key.insert(access_key.to_owned(), entry);
    }
}

impl Identity {
    /// Whose access key it is. In memory, no waiting.
    pub fn credential(&self, access_key: &str, token: Option<&str>) -> Result<Credential, CredentialError> {
        let now = self.now();
        if let Some(ready) = self.inner.ready(access_key, token, now)? {
            return Ok(ready);
        }
        // Until the lock on the state is given back no change can clear what is kept ready.
        let state = self.state();
        let entry = match token {
            Some(token) => self.inner.session(&state, access_key, token, now)?,
            None => long_lived(&state, access_key)?,
        };
        let credential = entry.credential.clone();
        self.inner.ready.write().unwrap_or_else(PoisonError::into_inner).keep(access_key, entry);
        Ok(credential)
    }
}

impl Inner {
    fn ready(&self, access_key: &str, token: Option<&str>, now: Time) -> Result<Option<Credential>, CredentialError> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = ready.by_key.get(access_key) else { return Ok(None) };
        match (&entry.session, token) {
            (None, None) => Ok(Some(entry.credential.clone())),
            (Some((own, expires)), Some(token)) if own.expose() == token => {
                if now < *expires {
                    Ok(Some(entry.credential.clone()))
                } else {
                    Err(CredentialError::ExpiredToken)
                }
            }
            _ => Ok(None),
        }
    }

    fn session(&self, state: &State, access_key: &str, token: &str, now: Time) -> Result<Entry, CredentialError> {
        let session = Session::of_token(token, &self.seal).filter(|session| session.access_key == access_key);
        let session = Arc::new(session.ok_or(CredentialError::InvalidToken)?);
        let expires = session.span.expires;
        if now >= expires {
            return Err(CredentialError::ExpiredToken);
        }
        let lives = |parent: &String| state.key(parent).is_some_and(|key| key.active);
        if !session.parent.as_ref().is_none_or(lives) {
            return Err(CredentialError::InvalidToken);
        }
        let secret = session.secret.clone();
        let caller = caller(state, &session.account, &session.owner, access_key, Some(session.clone()));
        let caller = caller.ok_or(CredentialError::InvalidToken)?;
        Ok(Entry { credential: Credential { secret, caller }, session: Some((Secret::from(token), expires)) })
    }
}

fn long_lived(state: &State, access_key: &str) -> Result<Entry, CredentialError> {
    let key = state.key(access_key).ok_or(CredentialError::Unknown)?;
    if !key.active {
        return Err(CredentialError::Inactive);
    }
    let caller = caller(state, &key.account, &key.owner, access_key, None).ok_or(CredentialError::Unknown)?;
    Ok(Entry { credential: Credential { secret: key.secret.clone(), caller }, session: None })
}

/// None when the owner is gone.
fn caller(
    state: &State,
    account: &str,
    owner: &Owner,
    access_key: &str,
    session: Option<Arc<Session>>,
) -> Option<Caller> {
    let account = state.account(account)?;
    Some(match owner {
        Owner::Root => Caller::root(account, access_key, session),
        Owner::User(id) => Caller::user(account, state.entity(id)?, access_key, session),
        Owner::Role(id) => Caller::role(account, state.entity(id)?, session?),
    })
}
