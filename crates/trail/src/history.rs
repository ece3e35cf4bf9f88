//! What a trail records, and from when on.
//!
//! Recording is asynchronous, and after a crash the journal is read again. So what an event
//! falls under is decided by the time of its journal entry, never by how the trail stands
//! when the event is looked at; what was superseded is kept until no reader needs it.

use crate::Trail;
use cairn_event::{Head, Time};
use cairn_pattern::selector::Selectors;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Phases that a trail keeps at most; a change that would make more is refused until the
/// archive has caught up.
pub(crate) const PHASES_MAX: usize = 256;

/// For so long the record of a call may be taken in after what the call changed.
pub(crate) const LAG_MAX: Duration = Duration::from_mins(15);

/// What decides whether a trail records an event. The serialized form stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub logging: bool,
    pub multi_region: bool,
    pub global_service_events: bool,
    pub recursive_logging: bool,
    /// `o-…`
    pub organization: Option<String>,
    pub selectors: Arc<Selectors>,
}

/// One rule and the span that it is in force, which ends where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Ascends within a trail, without holes.
    pub number: i64,
    pub since: Time,
    /// `eventID` of the call that began it. That event is recorded when this phase or the
    /// one before it would: whoever blinds a trail is still seen doing it.
    pub cause: String,
    pub rule: Rule,
}

/// The phases of a trail, oldest first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History(Vec<Phase>);

impl Rule {
    pub fn of(trail: &Trail, selectors: Arc<Selectors>) -> Self {
        Self {
            logging: trail.logging,
            multi_region: trail.multi_region,
            global_service_events: trail.global_service_events,
            recursive_logging: trail.recursive_logging,
            organization: trail.organization.clone(),
            selectors,
        }
    }

    /// Whether it lets through an event of an account that it covers.
    fn takes(&self, home_region: &str, event: &Head<'_>) -> bool {
        self.logging
            && self.covers_region(home_region, event)
            && self.selectors.matches(event)
            && (self.recursive_logging || !is_own_delivery(event))
    }

    /// A trail of one region takes what happened there; global services happen in one region.
    fn covers_region(&self, home_region: &str, event: &Head<'_>) -> bool {
        self.multi_region
            || (event.aws_region.as_deref() == Some(home_region) && (self.global_service_events || !is_global(event)))
    }
}

/// IAM, CloudFront and the global endpoint of STS.
fn is_global(event: &Head<'_>) -> bool {
    match event.event_source.as_deref() {
        Some("iam.amazonaws.com" | "cloudfront.amazonaws.com") => true,
        Some("sts.amazonaws.com") => event.aws_region.as_deref() == Some("us-east-1"),
        _ => false,
    }
}

/// What trails themselves do to deliver, as AWS draws the line.
fn is_own_delivery(event: &Head<'_>) -> bool {
    let delivers = matches!(
        (event.event_source.as_deref(), event.event_name.as_deref()),
        (Some("s3.amazonaws.com"), Some("PutObject")) | (Some("logs.amazonaws.com"), Some("PutLogEvents"))
    );
    delivers && event.string_at(&["userIdentity", "invokedBy"]).as_deref() == Some("cloudtrail.amazonaws.com")
}

impl History {
    pub fn new(since: Time, cause: String, rule: Rule) -> Self {
        Self(vec![Phase { number: 0, since, cause, rule }])
    }

    /// None when there are no phases or they have holes.
    pub fn from_phases(phases: Vec<Phase>) -> Option<Self> {
        let whole =
            phases.windows(2).all(|pair| pair[0].number + 1 == pair[1].number && pair[0].since <= pair[1].since);
        (whole && !phases.is_empty()).then_some(Self(phases))
    }

    pub fn phases(&self) -> &[Phase] {
        &self.0
    }

    /// The phase in force now.
    pub fn now(&self) -> &Phase {
        self.0.last().expect("a history is never empty")
    }

    /// Where the phase in force at `time` stands; None before the trail was made.
    fn at(&self, time: Time) -> Option<usize> {
        self.0.partition_point(|phase| phase.since <= time).checked_sub(1)
    }

    /// Whether the trail records an event that entered the journal at `time`, if its account
    /// is `own` (the trail's) or belongs to `organization`.
    pub fn records(
        &self,
        home_region: &str,
        own: bool,
        organization: Option<&str>,
        event: &Head<'_>,
        time: Time,
    ) -> bool {
        let Some(index) = self.at(time) else { return false };
        let takes = |phase: &Phase| {
            let member = || phase.rule.organization.is_some() && phase.rule.organization.as_deref() == organization;
            (own || member()) && phase.rule.takes(home_region, event)
        };
        takes(&self.0[index]) || self.before_change(index, event, time).is_some_and(takes)
    }

    /// The phase that was in force before the call that `event` tells of, when that call began
    /// a phase. Only young phases are looked at, so usually none.
    fn before_change(&self, index: usize, event: &Head<'_>, time: Time) -> Option<&Phase> {
        let id = event.event_id.as_deref()?;
        let young = |number: &usize| self.0[*number].since > time - LAG_MAX;
        let begun = (1..=index).rev().take_while(young).find(|number| self.0[*number].cause == id)?;
        Some(&self.0[begun - 1])
    }

    /// Another rule is in force from `now` on, also when the clock was turned back.
    pub fn begin(&mut self, now: Time, cause: String, rule: Rule) {
        self.pull_back(now);
        let number = self.now().number + 1;
        self.0.push(Phase { number, since: now, cause, rule });
    }

    /// Whether a phase begins after `now`: the clock was ahead when it was made.
    pub fn is_ahead(&self, now: Time) -> bool {
        self.now().since > now
    }

    /// What is in force is in force now, whatever the clock said when it began.
    pub fn pull_back(&mut self, now: Time) {
        for phase in self.0.iter_mut().rev().take_while(|phase| phase.since > now) {
            phase.since = now;
        }
    }

    /// How many phases nobody needs who has absorbed all that entered the journal before `absorbed`.
    pub fn outlived(&self, absorbed: Time) -> usize {
        self.at(absorbed - LAG_MAX).unwrap_or(0)
    }

    /// Drops the oldest phases, but never the one in force.
    pub fn drop_oldest(&mut self, count: usize) {
        self.0.drain(..count.min(self.0.len() - 1));
    }
}

#[cfg(test)]
mod tests;
