//! Accounts: their aliases, and the organization that they can be in.

use crate::model::{Account, Document, Membership, Sort, Tags};
use crate::state::{Edit, State};
use crate::{Error, Identity, NewEntity, NewRole, PolicyKind, draw, limit};
use serde_json::json;
use std::sync::Arc;

/// What a new account of an organization is to be.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub name: String,
    pub email: String,
    /// The role by which the management account governs it.
    pub role: String,
}

/// An organization of accounts of this house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `o-…`
    pub id: String,
    pub management_account: String,
    /// The management account among them.
    pub members: Vec<String>,
}

impl Identity {
    pub fn account(&self, id: &str) -> Option<Arc<Account>> {
        self.state().account(id).cloned()
    }

    /// The organization that an account belongs to.
    pub fn organization_of(&self, account: &str) -> Option<Organization> {
        let state = self.state();
        let own = state.account(account)?.membership.clone()?;
        let members = state.members(&own.organization).map(|account| account.id.clone()).collect();
        Some(Organization { id: own.organization, management_account: own.management_account, members })
    }

    /// Gives an account its alias, which no other account has.
    pub async fn set_alias(&self, account: &str, alias: &str) -> Result<(), Error> {
        limit::alias(alias)?;
        let alias = alias.to_owned();
        self.alter_account(account, move |state, account| {
            let taken = |other: &Arc<Account>| other.id != account.id && other.alias.as_ref() == Some(&alias);
            if state.accounts().any(taken) {
                return Err(Error::Conflict(format!("the account alias {alias} already exists")));
            }
            account.alias = Some(alias);
            Ok(())
        })
        .await
    }

    pub async fn remove_alias(&self, account: &str, alias: &str) -> Result<(), Error> {
        let alias = alias.to_owned();
        self.alter_account(account, move |_, account| {
            if account.alias.as_ref() != Some(&alias) {
                return Err(Error::NotFound(format!("the account alias with name {alias} cannot be found")));
            }
            account.alias = None;
            Ok(())
        })
        .await
    }

    /// Makes an organization with this account as its management account.
    pub async fn create_organization(&self, account: &str) -> Result<(), Error> {
        let (organization, joined) = (draw::small(&self.inner.world, "o-", 10), self.now().to_second());
        self.alter_account(account, move |_, account| {
            if let Some(membership) = &account.membership {
                return Err(Error::Conflict(format!(
                    "the account is in organization {} already",
                    membership.organization
                )));
            }
            let management_account = account.id.clone();
            account.membership = Some(Membership { organization, management_account, joined, request: None });
            Ok(())
        })
        .await
    }

    /// Makes an account in the organization that `management` manages. It has no root key:
    /// its management account comes in by the role.
    pub async fn create_account(&self, management: &str, new: NewAccount) -> Result<Arc<Account>, Error> {
        let management = management.to_owned();
        self.change(move |inner, state| {
            let organization = state.managed_by(&management)?.organization.clone();
            let members = state.members(&organization);
            limit::count("accounts of an organization", members.count(), limit::ACCOUNTS_MAX)?;
            if state.accounts().any(|account| account.email.eq_ignore_ascii_case(&new.email)) {
                return Err(Error::Conflict("an account with this e-mail address exists already".to_owned()));
            }
            let mut id = draw::account(&inner.world);
            while state.account(&id).is_some() {
                id = draw::account(&inner.world);
            }
            let joined = inner.world.now().to_second();
            let request = Some(draw::small(&inner.world, "car-", 32));
            let membership = Membership { organization, management_account: management.clone(), joined, request };
            let trust = trust_in(&management);
            let role = NewRole { trust, description: None, session_seconds_max: None };
            let role = NewEntity { sort: Sort::Role, name: new.role, path: None, tags: Tags::new(), role: Some(role) };
            let mut role = inner.entity(state, &id, role)?;
            role.inline.insert("AdministratorAccess".to_owned(), everything()?);
            let account = Arc::new(Account {
                id,
                created: joined,
                name: new.name,
                email: new.email,
                alias: None,
                membership: Some(membership),
                home: false,
            });
            Ok((vec![Edit::Account(account.clone()), Edit::Entity(Arc::new(role))], account))
        })
        .await
    }

    async fn alter_account<C>(&self, account: &str, change: C) -> Result<(), Error>
    where
        C: FnOnce(&State, &mut Account) -> Result<(), Error> + Send + 'static,
    {
        let id = account.to_owned();
        self.change(move |_, state| {
            let missing = || Error::NotFound(format!("account {id} does not exist"));
            let mut account = Account::clone(state.account(&id).ok_or_else(missing)?);
            change(state, &mut account)?;
            Ok((vec![Edit::Account(Arc::new(account))], ()))
        })
        .await
    }
}

fn trust_in(account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}

fn everything() -> Result<Document, Error> {
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    Document::read(&text.to_string(), PolicyKind::Identity)
}

impl State {
    fn members(&self, organization: &str) -> impl Iterator<Item = &Arc<Account>> {
        let belongs = move |membership: &Membership| membership.organization == organization;
        self.accounts().filter(move |account| account.membership.as_ref().is_some_and(belongs))
    }

    fn managed_by(&self, account: &str) -> Result<&Membership, Error> {
        let membership = self.account(account).and_then(|account| account.membership.as_ref());
        let missing = || Error::NotFound(format!("account {account} manages no organization"));
        membership.filter(|membership| membership.management_account == account).ok_or_else(missing)
    }
}
