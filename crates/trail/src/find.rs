//! From what a caller says to the trail that is meant, and which trails a caller sees.

use crate::name::{self, Reference};
use crate::state::{Entry, State};
use crate::{Error, Scope};
use std::sync::Arc;

/// Trails that cover one region, at most.
const TRAILS_MAX: usize = 5;

/// Whose view it is: an account with the organization it belongs to, in a region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub account: &'a str,
    pub region: &'a str,
    /// `o-…`
    pub organization: Option<&'a str>,
}

impl<'a> View<'a> {
    pub fn of(scope: Scope<'a>, organization: Option<&'a str>) -> Self {
        Self { account: scope.account, region: scope.region, organization }
    }

    fn unknown(self, arn: &str) -> Error {
        Error::NotFound(format!("Unknown trail: {arn} for the user: {}", self.account))
    }
}

impl Entry {
    fn is_of_organization(&self, view: View<'_>) -> bool {
        self.trail.organization.is_some() && self.trail.organization.as_deref() == view.organization
    }

    /// Whether the trail is there to be seen in a region of an account.
    fn is_in(&self, view: View<'_>) -> bool {
        (self.trail.account == view.account || self.is_of_organization(view))
            && (self.trail.multi_region || self.trail.home_region == view.region)
    }

    /// Whether what is seen there is a copy: of a trail of another region, or of the organization's account.
    fn is_shadow_in(&self, view: View<'_>) -> bool {
        self.trail.account != view.account || self.trail.home_region != view.region
    }
}

impl State {
    /// The trail to look at. By name only those of the caller's account and region are found.
    pub fn seen(&self, view: View<'_>, reference: &str) -> Result<&Arc<Entry>, Error> {
        let arn = match Reference::parse(reference)? {
            Reference::Name(name) => name::arn(view.account, view.region, name),
            Reference::Arn(arn) => arn.to_string(),
        };
        let entry =
            self.living(&arn).filter(|entry| entry.trail.account == view.account || entry.is_of_organization(view));
        entry.ok_or_else(|| view.unknown(&arn))
    }

    /// The trail to change: the caller's own, in its home region.
    pub fn own(&self, view: View<'_>, reference: &str) -> Result<&Arc<Entry>, Error> {
        let found = match Reference::parse(reference)? {
            Reference::Arn(arn) => self.own_by_arn(view, arn.as_str(), arn.account())?,
            Reference::Name(name) => {
                let here = self.living(&name::arn(view.account, view.region, name));
                let own = |entry: &&Arc<Entry>| entry.trail.account == view.account && entry.trail.name == name;
                let copies = || self.all_living().filter(own).find(|entry| entry.is_in(view));
                here.or_else(copies).ok_or_else(|| view.unknown(&name::arn(view.account, view.region, name)))?
            }
        };
        if found.trail.account != view.account {
            let message = "Only the organization's management account can change an organization trail.";
            return Err(Error::invalid("NotOrganizationMasterAccount", message));
        }
        if found.trail.home_region != view.region {
            let home = &found.trail.home_region;
            let message = format!("Trail {} can be changed only in its home region, which is {home}.", found.trail.arn);
            return Err(Error::invalid("InvalidHomeRegion", message));
        }
        Ok(found)
    }

    fn own_by_arn(&self, view: View<'_>, arn: &str, account: &str) -> Result<&Arc<Entry>, Error> {
        match self.living(arn) {
            Some(entry) if account == view.account || entry.is_of_organization(view) => Ok(entry),
            _ if account != view.account => Err(foreign(arn)),
            _ => Err(view.unknown(arn)),
        }
    }

    /// The trails that are seen in a region of an account, by ARN.
    pub fn in_view<'a>(&'a self, view: View<'a>, shadows: bool) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.all_living().filter(move |entry| entry.is_in(view) && (shadows || !entry.is_shadow_in(view)))
    }

    /// Every trail of an account, wherever it is at home, and those of its organization.
    pub fn of_account<'a>(&'a self, view: View<'a>) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.all_living().filter(move |entry| entry.trail.account == view.account || entry.is_of_organization(view))
    }

    /// Whether an account can have one more trail of this name there, not counting the trail of ARN `but`.
    pub fn room(&self, view: View<'_>, name: &str, multi_region: bool, but: Option<&str>) -> Result<(), Error> {
        let own = |entry: &&Arc<Entry>| entry.trail.account == view.account && Some(entry.trail.arn.as_str()) != but;
        let meets =
            |entry: &&Arc<Entry>| multi_region || entry.trail.multi_region || entry.trail.home_region == view.region;
        if self.all_living().filter(own).filter(meets).any(|entry| entry.trail.name == name) {
            let message = format!("Trail {name} already exists for customer: {}", view.account);
            return Err(Error::invalid("TrailAlreadyExists", message));
        }
        let covering = |region: &str| {
            let covers = |entry: &&Arc<Entry>| entry.trail.multi_region || entry.trail.home_region == region;
            self.all_living().filter(own).filter(covers).count()
        };
        let mut regions = vec![view.region];
        if multi_region {
            regions.extend(self.all_living().filter(own).map(|entry| entry.trail.home_region.as_str()));
        }
        match regions.into_iter().find(|region| covering(region) >= TRAILS_MAX) {
            None => Ok(()),
            Some(region) => {
                let message = format!("User: {} already has {TRAILS_MAX} trails in {region}.", view.account);
                Err(Error::invalid("MaximumNumberOfTrailsExceeded", message))
            }
        }
    }
}

/// AWS tells a wrong account from a trail that does not exist.
pub(crate) fn foreign(arn: &str) -> Error {
    Error::invalid("CloudTrailARNInvalid", format!("AccountID in ARN is wrong: {arn}"))
}

#[cfg(test)]
mod tests;
