//! May a caller do it?
//!
//! A denial anywhere decides. Else, in the resource's own account, the caller's policies or
//! the resource's policy must allow it; from another account, both. Where the resource's
//! policy is required, it must name the caller, or the account whose policies then decide.
//! The root of the resource's account needs nobody's leave but that of a required policy.
//! Policies of a session limit what its entity may do, unless a resource's policy names
//! that very session; a session that was handed out for one purpose can do nothing else in
//! any case. Source: IAM User Guide, "Policy evaluation logic".

use crate::Identity;
use crate::caller::{Caller, Context, Facts, Kind, Who};
use crate::model::Entity;
use crate::policy::{Policy, Strength, Verdict};
use crate::state::State;

/// One question.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub caller: &'a Caller,
    /// `cloudtrail:CreateTrail`
    pub action: &'a str,
    pub resource: &'a str,
    pub resource_account: &'a str,
    pub resource_policy: Option<&'a Policy>,
    /// The resource policy must allow (KMS keys, role trust) rather than may.
    pub policy_required: bool,
    pub context: &'a Context,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// Nothing allows it.
    ImplicitDeny,
    ExplicitDeny,
}

impl Identity {
    /// May the caller do it? See [`Request`].
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let who = &*request.caller.inner;
        let Request { action, resource, context, .. } = *request;
        let facts = Facts { who, action, resource, context };
        let resource = request.resource_policy.map(|policy| policy.judge(&facts)).unwrap_or_default();
        let (own, limit) = match who.kind {
            Kind::User | Kind::Role => {
                let state = self.state();
                (state.judge(who, &facts), state.limit(who, &facts))
            }
            Kind::Root => (Verdict { denied: false, allowed: Strength::Entity }, None),
            Kind::Anonymous | Kind::Unknown | Kind::Service => (Verdict::default(), None),
        };
        if resource.denied || own.denied || limit.is_some_and(|limit| limit.denied) {
            return Decision::ExplicitDeny;
        }
        if let Some(scope) = who.session.as_deref().and_then(|session| session.scope.as_ref()) {
            let verdict = scope.policy.judge(&facts);
            if verdict.denied || verdict.allowed == Strength::None {
                return Decision::ImplicitDeny;
            }
        }
        let voices = Voices {
            own: own.allowed != Strength::None,
            within: limit.is_none_or(|limit| limit.allowed != Strength::None),
            resource: resource.allowed,
        };
        let allowed = match who.kind {
            Kind::Unknown => false,
            Kind::Anonymous | Kind::Service => resource.allowed >= Strength::Entity,
            Kind::Root | Kind::User | Kind::Role if who.account == request.resource_account => {
                voices.allow_at_home(request.policy_required)
            }
            Kind::Root | Kind::User | Kind::Role => voices.allow_abroad(),
        };
        if allowed { Decision::Allowed } else { Decision::ImplicitDeny }
    }
}

/// Who allows it, when nobody denies it.
#[derive(Clone, Copy)]
struct Voices {
    /// The caller's own policies do.
    own: bool,
    /// The session's do, or it has none.
    within: bool,
    resource: Strength,
}

impl Voices {
    fn allow_at_home(self, required: bool) -> bool {
        match self.resource {
            Strength::Session => true,
            Strength::Entity => self.within,
            Strength::Account => self.own && self.within,
            Strength::None => !required && self.own && self.within,
        }
    }

    fn allow_abroad(self) -> bool {
        self.resource != Strength::None && self.own && self.within
    }
}

impl State {
    /// What the policies of the caller's user or role say, those of its groups with them.
    fn judge(&self, who: &Who, facts: &Facts<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        if let Some(entity) = self.entity(&who.entity) {
            self.judge_entity(entity, facts, &mut verdict);
            for group in entity.groups.iter().filter_map(|id| self.entity(id)) {
                self.judge_entity(group, facts, &mut verdict);
            }
        }
        verdict
    }

    fn judge_entity(&self, entity: &Entity, facts: &Facts<'_>, verdict: &mut Verdict) {
        let inline = entity.inline.values().map(|document| &document.policy);
        for policy in inline.chain(self.attached(entity.attached.iter())) {
            verdict.merge(policy.judge(facts));
        }
    }

    fn attached<'a>(&'a self, arns: impl Iterator<Item = &'a String>) -> impl Iterator<Item = &'a Policy> {
        arns.filter_map(|arn| self.policy(arn)?.policy())
    }

    /// What the session's policies say; None when it has none.
    fn limit(&self, who: &Who, facts: &Facts<'_>) -> Option<Verdict> {
        let session = who.session.as_deref()?;
        if session.policy.is_none() && session.policy_arns.is_empty() {
            return None;
        }
        let mut verdict = Verdict::default();
        let own = session.policy.iter().map(|document| &document.policy);
        for policy in own.chain(self.attached(session.policy_arns.iter())) {
            verdict.merge(policy.judge(facts));
        }
        Some(verdict)
    }
}
