//! Looking at trails, and their tags.

use crate::find::{View, foreign};
use crate::name::Reference;
use crate::state::Entry;
use crate::{Error, Scope, Trail, Trails, limit};
use cairn_pattern::selector::Selectors;
use std::collections::BTreeMap;
use std::sync::Arc;

fn trail(entry: &Arc<Entry>) -> Trail {
    entry.trail.clone()
}

impl Trails {
    /// The trail that a name or ARN means.
    pub fn get(&self, scope: Scope<'_>, reference: &str) -> Result<Trail, Error> {
        self.with_view(scope, |view| self.inner.register.state().seen(view, reference).map(trail))
    }

    /// The caller's own trail that a name or ARN means, in its home region: the one to change.
    pub fn own(&self, scope: Scope<'_>, reference: &str) -> Result<Trail, Error> {
        self.with_view(scope, |view| self.inner.register.state().own(view, reference).map(trail))
    }

    /// The trails that a region sees, by ARN; with `shadows` also copies of trails of other
    /// regions and of the organization.
    pub fn in_region(&self, scope: Scope<'_>, shadows: bool) -> Vec<Trail> {
        self.with_view(scope, |view| self.inner.register.state().in_view(view, shadows).map(trail).collect())
    }

    /// The trails of all regions of an account, with those of its organization, by ARN.
    pub fn of_account(&self, scope: Scope<'_>) -> Vec<Trail> {
        self.with_view(scope, |view| self.inner.register.state().of_account(view).map(trail).collect())
    }

    /// A trail with its selectors; only the account that owns it sees them.
    pub fn selectors(&self, scope: Scope<'_>, reference: &str) -> Result<(Trail, Arc<Selectors>), Error> {
        if let Reference::Arn(arn) = Reference::parse(reference)?
            && arn.account() != scope.account
        {
            return Err(foreign(arn.as_str()));
        }
        let state = self.inner.register.state();
        let entry = state.seen(View::of(scope, None), reference)?;
        Ok((trail(entry), entry.selectors().clone()))
    }

    /// Adds tags or replaces their values.
    pub async fn tag(&self, scope: Scope<'_>, arn: &str, tags: BTreeMap<String, String>) -> Result<(), Error> {
        self.modify_tags(scope, arn, move |trail| {
            trail.tags.extend(tags);
            limit::tags(&trail.tags)
        })
        .await
    }

    /// Removes tags; those that are not there are no error.
    pub async fn untag(&self, scope: Scope<'_>, arn: &str, keys: Vec<String>) -> Result<(), Error> {
        self.modify_tags(scope, arn, move |trail| {
            trail.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await
    }
}
