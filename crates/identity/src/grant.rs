//! What entities may do: policies of their own, and managed policies attached to them.

use crate::model::{Document, Sort};
use crate::{Error, Identity, PolicyKind, limit, managed};

impl Identity {
    /// Gives an entity a policy of its own, or another in the place of one.
    pub async fn put_inline(
        &self,
        account: &str,
        sort: Sort,
        name: &str,
        policy: &str,
        text: &str,
    ) -> Result<(), Error> {
        limit::name("policy", policy, 128)?;
        let document = Document::read(text, PolicyKind::Identity)?;
        let policy = policy.to_owned();
        self.alter(account, sort, name, move |_, entity| {
            entity.inline.insert(policy, document);
            limit::inline(entity)
        })
        .await?;
        Ok(())
    }

    /// The text of a policy that an entity has of its own.
    pub fn inline(&self, account: &str, sort: Sort, name: &str, policy: &str) -> Result<String, Error> {
        let entity = self.entity(account, sort, name)?;
        entity.inline.get(policy).map(|document| document.text.clone()).ok_or_else(|| no_inline(sort, policy))
    }

    pub async fn delete_inline(&self, account: &str, sort: Sort, name: &str, policy: &str) -> Result<(), Error> {
        let policy = policy.to_owned();
        self.alter(account, sort, name, move |_, entity| {
            entity.inline.remove(&policy).map(|_| ()).ok_or_else(|| no_inline(sort, &policy))
        })
        .await?;
        Ok(())
    }

    /// Attaches a managed policy; it may be attached already.
    pub async fn attach(&self, account: &str, sort: Sort, name: &str, arn: &str) -> Result<(), Error> {
        let arn = arn.to_owned();
        self.alter(account, sort, name, move |state, entity| {
            let policy = state.policy(&arn);
            let known =
                policy.is_some_and(|policy| policy.account == managed::OWNER || policy.account == entity.account);
            if !known {
                return Err(Error::NotFound(format!("policy {arn} does not exist or is not attachable")));
            }
            if !entity.attached.contains(&arn) {
                let quota = ["PoliciesPerUser", "PoliciesPerRole", "PoliciesPerGroup"][sort as usize];
                limit::count(quota, entity.attached.len(), limit::ATTACHED_MAX)?;
                entity.attached.insert(arn);
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    pub async fn detach(&self, account: &str, sort: Sort, name: &str, arn: &str) -> Result<(), Error> {
        let arn = arn.to_owned();
        self.alter(account, sort, name, move |_, entity| {
            if entity.attached.remove(&arn) {
                Ok(())
            } else {
                Err(Error::NotFound(format!("policy {arn} was not found")))
            }
        })
        .await?;
        Ok(())
    }
}

fn no_inline(sort: Sort, policy: &str) -> Error {
    Error::NotFound(format!("the {} policy with name {policy} cannot be found", sort.word()))
}
