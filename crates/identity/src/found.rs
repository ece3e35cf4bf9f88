//! The first account of the house, and its root key.

use crate::model::{AccessKey, Account, Owner};
use crate::state::Edit;
use crate::{Error, Identity, Inner, draw, limit, rows};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_event::Time;
use cairn_wire::Secret;
use std::sync::Arc;

/// The first account, made at the first start.
pub struct FirstAccount {
    pub account: String,
    /// Given key or drawn.
    pub access_key: Option<(String, Secret)>,
}

/// What the house knows of its own account, for the credentials file.
#[derive(Clone, Debug)]
pub struct RootKey {
    pub account: String,
    pub access_key: String,
    pub secret: Secret,
}

impl Identity {
    /// Makes the first account with its root key; called once, at the first start.
    pub async fn found(&self, first: FirstAccount) -> Result<RootKey, Error> {
        limit::account(&first.account)?;
        if let Some((id, secret)) = &first.access_key {
            limit::given_key(id, secret)?;
        }
        self.change(move |inner, state| {
            if let Some(home) = state.accounts().find(|account| account.home) {
                return Err(Error::Conflict(format!("the house was founded with account {} already", home.id)));
            }
            let now = inner.world.now();
            let name = "Management account".to_owned();
            let email = format!("root@{}.invalid", first.account);
            let account =
                Account { id: first.account, created: now, name, email, alias: None, membership: None, home: true };
            let key = match first.access_key {
                Some((id, secret)) => inner.key(id, secret, &account.id, Owner::Root, now),
                None => inner.draw_key(&account.id, Owner::Root, now),
            };
            let root = RootKey { account: account.id.clone(), access_key: key.id.clone(), secret: key.secret.clone() };
            Ok((vec![Edit::Account(Arc::new(account)), Edit::Key(Arc::new(key))], root))
        })
        .await
    }

    /// A root access key of the home account, to write DATA/aws/credentials again.
    pub fn root_key(&self) -> Option<RootKey> {
        let state = self.state();
        let home = state.accounts().find(|account| account.home)?;
        let key = state.keys_of(&home.id, &Owner::Root).find(|key| key.active)?;
        Some(RootKey { account: home.id.clone(), access_key: key.id.clone(), secret: key.secret.clone() })
    }
}

impl Inner {
    pub(crate) fn draw_key(&self, account: &str, owner: Owner, now: Time) -> AccessKey {
        let id = draw::access_key(&self.world, "AKIA", account);
        self.key(id, draw::secret(&self.world), account, owner, now)
    }

    fn key(&self, id: String, secret: Secret, account: &str, owner: Owner, now: Time) -> AccessKey {
        let sealed = STANDARD.encode(self.seal.seal(&rows::place(&id), secret.expose().as_bytes()));
        AccessKey { id, account: account.to_owned(), owner, active: true, created: now, sealed, secret }
    }
}
