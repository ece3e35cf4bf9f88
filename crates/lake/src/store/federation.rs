//! Federation: a store is handed to query engines elsewhere.
//!
//! The tables of the lake are in its Iceberg catalog anyway, for whoever may read them. Federation names the
//! role that engines read a store through, makes sure that there is such a role, and keeps the store from
//! being deleted under them.

use super::Stores;
use super::manage::active;
use super::model::{Scope, Store};
use crate::Error;
use cairn_event::Arn;
use cairn_identity::Sort;
use std::ops::RangeInclusive;
use std::sync::Arc;

const ROLE_CHARS: RangeInclusive<usize> = 3..=125;

impl Stores {
    pub async fn enable_federation(&self, scope: Scope<'_>, reference: &str, role: &str) -> Result<Arc<Store>, Error> {
        self.check_role(scope, role)?;
        let (role, now) = (role.to_owned(), self.register.parts().world.now());
        self.modify(scope, reference, move |_, store| {
            active(store)?;
            if store.federation.is_some() {
                let message = format!("The event data store {} is federated already.", store.arn);
                return Err(Error::refused("EventDataStoreFederationEnabled", message));
            }
            (store.federation, store.updated) = (Some(role), now);
            Ok(())
        })
        .await
    }

    /// It is no error when it is not federated.
    pub async fn disable_federation(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Store>, Error> {
        let now = self.register.parts().world.now();
        self.modify(scope, reference, move |_, store| {
            active(store)?;
            if store.federation.take().is_some() {
                store.updated = now;
            }
            Ok(())
        })
        .await
    }

    fn check_role(&self, scope: Scope<'_>, role: &str) -> Result<(), Error> {
        let invalid = |message: String| Error::refused("InvalidParameter", message);
        let arn = Arn::parse(role).ok().filter(|arn| {
            arn.service() == "iam" && arn.resource().starts_with("role/") && ROLE_CHARS.contains(&role.len())
        });
        let arn = arn.ok_or_else(|| invalid("FederationRoleArn is not the ARN of a role.".to_owned()))?;
        if arn.account() != scope.account {
            return Err(invalid(format!("The role {role} is not of account {}.", scope.account)));
        }
        let name = role.rsplit('/').next().unwrap_or_default();
        let found = self.register.parts().identity.entity(scope.account, Sort::Role, name);
        match found {
            Ok(found) if found.arn() == role => Ok(()),
            _ => Err(invalid(format!("The role {role} does not exist."))),
        }
    }
}
