//! Making, changing, starting, stopping and deleting trails.
//!
//! What can be refused without looking at other trails is refused first; names, quotas and
//! states are decided in the one turn that also makes the change.

use crate::find::View;
use crate::history::{History, Rule};
use crate::state::{Edit, Entry, State};
use crate::{Error, NewTrail, Scope, Trail, TrailUpdate, Trails, limit, name};
use cairn_event::Time;
use cairn_pattern::selector::{Given, Selectors};
use std::sync::Arc;
use uuid::Uuid;

/// A scope that a change can take along.
#[derive(Clone)]
struct Owned {
    account: String,
    region: String,
    organization: Option<String>,
    event_id: Uuid,
}

impl Owned {
    fn view(&self) -> View<'_> {
        View { account: &self.account, region: &self.region, organization: self.organization.as_deref() }
    }
}

impl Trails {
    fn owned(&self, scope: Scope<'_>) -> Owned {
        self.with_view(scope, |view| Owned {
            account: view.account.to_owned(),
            region: view.region.to_owned(),
            organization: view.organization.map(str::to_owned),
            event_id: scope.event_id,
        })
    }

    fn now(&self) -> Time {
        self.inner.parts.world.now()
    }

    /// Makes a trail, which does not log yet.
    pub async fn create(&self, scope: Scope<'_>, new: NewTrail) -> Result<Trail, Error> {
        name::check(&new.name)?;
        limit::tags(&new.tags)?;
        check_regions(new.multi_region, new.global_service_events)?;
        let organization = new.organization.then(|| self.organization_for(scope.account)).transpose()?;
        let mut trail = draft(scope, new, organization, self.now());
        self.check_bucket(&trail)?;
        if let Some(reference) = trail.kms_key.take() {
            trail.kms_key = Some(self.check_key(&trail, &reference).await?);
        }
        let id = uuid::Builder::from_random_bytes(self.inner.parts.world.dice.bytes()).into_uuid();
        let scope = self.owned(scope);
        self.inner.register.change(move |state| plan_create(state, &scope, id, trail)).await
    }

    /// Changes what is given; the rest stays.
    pub async fn update(&self, scope: Scope<'_>, reference: &str, update: TrailUpdate) -> Result<Trail, Error> {
        let before = self.own(scope, reference)?;
        let mut draft = before.clone();
        update.apply(&mut draft);
        if let Some(wanted) = update.organization {
            draft.organization = wanted.then(|| self.organization_for(scope.account)).transpose()?;
        }
        check_regions(draft.multi_region, draft.global_service_events)?;
        if update.bucket.is_some() || update.prefix.is_some() || draft.organization != before.organization {
            self.check_bucket(&draft)?;
        }
        let kms_key = match update.kms_key {
            Some(Some(ref reference)) => Some(Some(self.check_key(&draft, reference).await?)),
            ref other => other.clone(),
        };
        let (organization, now) = (update.organization.map(|_| draft.organization), self.now());
        self.modify(scope, &before.arn, move |state, scope, entry| {
            let mut trail = entry.trail.clone();
            TrailUpdate { kms_key, ..update }.apply(&mut trail);
            trail.organization = organization.unwrap_or(trail.organization);
            if trail.multi_region && !entry.trail.multi_region {
                let room = state.room(scope.view(), &trail.name, true, Some(&trail.arn));
                // AWS knows neither of the refusals of a new trail for this operation.
                room.map_err(|error| Error::Conflict(error.to_string()))?;
            }
            entry.change(now, scope.event_id, trail, entry.selectors().clone())
        })
        .await
    }

    /// Logs from now on.
    pub async fn start(&self, scope: Scope<'_>, reference: &str) -> Result<Trail, Error> {
        self.switch(scope, reference, true).await
    }

    /// Logs no longer.
    pub async fn stop(&self, scope: Scope<'_>, reference: &str) -> Result<Trail, Error> {
        self.switch(scope, reference, false).await
    }

    async fn switch(&self, scope: Scope<'_>, reference: &str, on: bool) -> Result<Trail, Error> {
        let now = self.now();
        self.modify(scope, reference, move |_, scope, entry| {
            let mut trail = entry.trail.clone();
            if trail.logging == on {
                return Ok(());
            }
            trail.logging = on;
            *(if on { &mut trail.started } else { &mut trail.stopped }) = Some(now);
            entry.change(now, scope.event_id, trail, entry.selectors().clone())
        })
        .await
    }

    /// Replaces the selectors of a trail.
    pub async fn put_selectors(
        &self,
        scope: Scope<'_>,
        reference: &str,
        given: Given,
    ) -> Result<(Trail, Arc<Selectors>), Error> {
        self.own(scope, reference)?;
        let selectors = Arc::new(Selectors::try_from(given)?);
        let (now, put) = (self.now(), selectors.clone());
        let trail = self
            .modify(scope, reference, move |_, scope, entry| {
                let trail = Trail { custom_selectors: true, ..entry.trail.clone() };
                entry.change(now, scope.event_id, trail, put)
            })
            .await?;
        Ok((trail, selectors))
    }

    /// Deletes a trail. It is gone for everybody but the archive, which still delivers what was recorded.
    pub async fn delete(&self, scope: Scope<'_>, reference: &str) -> Result<(), Error> {
        let now = self.now();
        let deleted = self.modify(scope, reference, move |_, scope, entry| {
            entry.delete(now, scope.event_id);
            Ok(())
        });
        deleted.await.map(|_| ())
    }

    /// Changes one of the caller's own trails, in its home region.
    async fn modify<F>(&self, scope: Scope<'_>, reference: &str, change: F) -> Result<Trail, Error>
    where
        F: FnOnce(&State, &Owned, &mut Entry) -> Result<(), Error> + Send + 'static,
    {
        let (scope, reference) = (self.owned(scope), reference.to_owned());
        self.inner
            .register
            .change(move |state| {
                let before = state.own(scope.view(), &reference)?;
                let mut entry = Entry::clone(before);
                change(state, &scope, &mut entry)?;
                let trail = entry.trail.clone();
                let edits = if entry == **before { Vec::new() } else { vec![Edit::Put(Arc::new(entry))] };
                Ok((edits, trail))
            })
            .await
    }

    /// Changes the tags of one of the caller's own trails.
    pub(crate) async fn modify_tags<F>(&self, scope: Scope<'_>, arn: &str, change: F) -> Result<(), Error>
    where
        F: FnOnce(&mut Trail) -> Result<(), Error> + Send + 'static,
    {
        self.modify(scope, arn, move |_, _, entry| change(&mut entry.trail)).await.map(|_| ())
    }
}

impl TrailUpdate {
    /// All but the organization, whose id is not in here.
    fn apply(&self, trail: &mut Trail) {
        fn set<T: Clone>(field: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        set(&mut trail.bucket, self.bucket.as_ref());
        set(&mut trail.prefix, self.prefix.as_ref());
        set(&mut trail.global_service_events, self.global_service_events.as_ref());
        set(&mut trail.multi_region, self.multi_region.as_ref());
        set(&mut trail.validation, self.validation.as_ref());
        set(&mut trail.kms_key, self.kms_key.as_ref());
        set(&mut trail.recursive_logging, self.recursive_logging.as_ref());
    }
}

fn check_regions(multi_region: bool, global_service_events: bool) -> Result<(), Error> {
    if multi_region && !global_service_events {
        let message = "Multi-Region trail must include global service events.";
        return Err(Error::invalid("InvalidParameterCombination", message));
    }
    Ok(())
}

fn draft(scope: Scope<'_>, new: NewTrail, organization: Option<String>, now: Time) -> Trail {
    Trail {
        arn: name::arn(scope.account, scope.region, &new.name),
        name: new.name,
        account: scope.account.to_owned(),
        home_region: scope.region.to_owned(),
        bucket: new.bucket,
        prefix: new.prefix,
        global_service_events: new.global_service_events,
        multi_region: new.multi_region,
        validation: new.validation,
        kms_key: new.kms_key,
        organization,
        recursive_logging: new.recursive_logging,
        custom_selectors: false,
        logging: false,
        started: None,
        stopped: None,
        created: now,
        tags: new.tags,
    }
}

fn plan_create(state: &State, scope: &Owned, id: Uuid, trail: Trail) -> Result<(Vec<Edit>, Trail), Error> {
    state.room(scope.view(), &trail.name, trail.multi_region, None)?;
    let rule = Rule::of(&trail, Arc::default());
    let history = History::new(trail.created, scope.event_id.to_string(), rule);
    let entry = Entry { id, trail: trail.clone(), history, deleted: None };
    Ok((vec![Edit::Put(Arc::new(entry))], trail))
}
