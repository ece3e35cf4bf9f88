//! Policies on event data stores, channels and dashboards: which other accounts may do what with them.

use super::check::Thing;
use super::model::Scope;
use super::register::{Edit, State};
use crate::store::Stores;
use crate::{Error, store};
use cairn_event::Arn;
use cairn_identity::{Policy, PolicyKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const BYTES_MAX: usize = 8192;
const STATEMENTS_MAX: usize = 20;
const PRINCIPALS_MAX: usize = 50;

const STORE_ACTIONS: &[&str] = &[
    "cloudtrail:StartQuery",
    "cloudtrail:CancelQuery",
    "cloudtrail:ListQueries",
    "cloudtrail:DescribeQuery",
    "cloudtrail:GetQueryResults",
    "cloudtrail:GenerateQuery",
    "cloudtrail:GenerateQueryResultsSummary",
    "cloudtrail:GetEventDataStore",
];

/// A policy as it was put and as it is asked. The serialized form is its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourcePolicy {
    pub text: String,
    pub policy: Arc<Policy>,
}

impl TryFrom<String> for ResourcePolicy {
    type Error = cairn_identity::PolicyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let policy = Policy::parse(&text, PolicyKind::Resource)?;
        Ok(Self { text, policy: Arc::new(policy) })
    }
}

impl From<ResourcePolicy> for String {
    fn from(policy: ResourcePolicy) -> Self {
        policy.text
    }
}

/// What stands on a resource.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// What somebody put.
    pub own: Option<String>,
    /// What an organization's store has by itself: those who administer the organization may use it.
    pub delegated: Option<String>,
}

/// What can have a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Store,
    Channel,
    Dashboard,
}

impl Carrier {
    /// What an ARN names, wherever it is and whether or not it exists.
    fn of(text: &str) -> Result<(Self, Arn), Error> {
        let shown: String = text.chars().take(256).collect();
        let invalid =
            || Error::refused("ResourceARNNotValid", format!("{shown:?} is not the ARN of a resource of CloudTrail."));
        let arn = Arn::parse(text).ok().filter(|arn| arn.service() == "cloudtrail").ok_or_else(invalid)?;
        let (folder, id) = arn.resource().split_once('/').ok_or_else(invalid)?;
        let scope = Scope { account: arn.account(), region: arn.region() };
        let carrier = match folder {
            "eventdatastore" => Thing::Store.resolve(scope, text).map(|_| Self::Store),
            "channel" => Thing::Channel.resolve(scope, text).map(|_| Self::Channel),
            "dashboard" if !id.is_empty() => Ok(Self::Dashboard),
            _ => return Err(Error::refused("ResourceTypeNotSupported", format!("{shown:?} cannot have a policy."))),
        };
        Ok((carrier.map_err(|_| invalid())?, arn))
    }

    const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Store => STORE_ACTIONS,
            Self::Channel => &["cloudtrail-data:PutAuditEvents"],
            Self::Dashboard => &["cloudtrail:StartDashboardRefresh"],
        }
    }
}

fn not_valid(message: impl Into<String>) -> Error {
    Error::refused("ResourcePolicyNotValid", message)
}

/// One value or a list of values, as policies write both.
fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

/// Whether a resource of this kind may have this policy.
fn check(carrier: Carrier, arn: &str, text: &str) -> Result<ResourcePolicy, Error> {
    if text.len() > BYTES_MAX {
        return Err(not_valid(format!("A resource policy has at most {BYTES_MAX} bytes, not {}.", text.len())));
    }
    let policy = ResourcePolicy::try_from(text.to_owned()).map_err(|error| not_valid(format!("{error}.")))?;
    let value: Value = serde_json::from_str(text).map_err(|error| not_valid(error.to_string()))?;
    let statements = listed(&value["Statement"]);
    if statements.len() > STATEMENTS_MAX {
        return Err(not_valid(format!("A resource policy has at most {STATEMENTS_MAX} statements.")));
    }
    statements.into_iter().try_for_each(|statement| check_statement(carrier, arn, statement))?;
    Ok(policy)
}

fn check_statement(carrier: Carrier, arn: &str, statement: &Value) -> Result<(), Error> {
    for element in ["NotAction", "NotPrincipal", "NotResource"] {
        if statement.get(element).is_some() {
            return Err(not_valid(format!("A resource policy does not have the element {element} here.")));
        }
    }
    for action in listed(&statement["Action"]) {
        let allowed = |text: &str| carrier.actions().iter().any(|known| known.eq_ignore_ascii_case(text));
        if !action.as_str().is_some_and(allowed) {
            let known = carrier.actions().join(", ");
            return Err(not_valid(format!("The action {action} cannot be in a policy of {arn}, only {known}.")));
        }
    }
    for resource in listed(&statement["Resource"]) {
        if !matches!(resource.as_str(), Some(text) if text == arn || text == "*") {
            return Err(not_valid(format!("The resource {resource} is not {arn}, which the policy is put on.")));
        }
    }
    check_principals(carrier, &statement["Principal"])
}

fn check_principals(carrier: Carrier, principal: &Value) -> Result<(), Error> {
    let principals: Vec<&Value> = match principal.as_object() {
        Some(kinds) => kinds.values().flat_map(listed).collect(),
        None => vec![principal],
    };
    if principals.len() > PRINCIPALS_MAX {
        return Err(not_valid(format!("A statement names at most {PRINCIPALS_MAX} principals.")));
    }
    let service = json!({"Service": "cloudtrail.amazonaws.com"});
    if carrier == Carrier::Dashboard && *principal != service {
        return Err(not_valid("The principal of a dashboard's policy is the service cloudtrail.amazonaws.com."));
    }
    Ok(())
}

fn missing(arn: &str) -> Error {
    Error::refused("ResourceNotFound", format!("{arn} does not exist."))
}

/// Whether the account has it. Dashboards are known elsewhere: whoever asks says whether one is there.
fn check_there(state: &State, scope: Scope<'_>, (carrier, arn): &(Carrier, Arn), dashboard: bool) -> Result<(), Error> {
    let there = match carrier {
        Carrier::Store => state.store(arn.as_str()).is_some(),
        Carrier::Channel => state.channel(arn.as_str()).is_some(),
        Carrier::Dashboard => dashboard,
    };
    let own = arn.account() == scope.account && arn.region() == scope.region;
    if there && own { Ok(()) } else { Err(missing(arn.as_str())) }
}

impl Stores {
    /// Puts a policy on a resource, or another in place of it. `dashboard` says whether a dashboard of this ARN exists.
    pub async fn put_policy(
        &self,
        scope: Scope<'_>,
        arn: &str,
        text: &str,
        dashboard: bool,
    ) -> Result<Policies, Error> {
        let named = Carrier::of(arn)?;
        check_there(&self.register.state(), scope, &named, dashboard)?;
        let policy = Arc::new(check(named.0, arn, text)?);
        let (owner, key) = (store::Owned::of(scope), arn.to_owned());
        self.register
            .change(move |state| {
                check_there(state, owner.scope(), &named, dashboard)?;
                Ok((vec![Edit::Policy(key, policy)], ()))
            })
            .await?;
        Ok(self.policies(arn))
    }

    /// The policies on a resource; it is an error when there are none.
    pub fn get_policy(&self, scope: Scope<'_>, arn: &str, dashboard: bool) -> Result<Policies, Error> {
        check_there(&self.register.state(), scope, &Carrier::of(arn)?, dashboard)?;
        let found = self.policies(arn);
        if found.own.is_none() && found.delegated.is_none() {
            return Err(no_policy(arn));
        }
        Ok(found)
    }

    pub async fn delete_policy(&self, scope: Scope<'_>, arn: &str, dashboard: bool) -> Result<(), Error> {
        let named = Carrier::of(arn)?;
        let (owner, arn) = (store::Owned::of(scope), arn.to_owned());
        self.register
            .change(move |state| {
                check_there(state, owner.scope(), &named, dashboard)?;
                state.policy(&arn).ok_or_else(|| no_policy(&arn))?;
                Ok((vec![Edit::NoPolicy(arn)], ()))
            })
            .await
    }

    /// Forgets the policy of what no longer exists.
    pub async fn forget_policy(&self, arn: &str) -> Result<(), Error> {
        let arn = arn.to_owned();
        self.register
            .change(move |state| Ok((state.policy(&arn).map(|_| Edit::NoPolicy(arn)).into_iter().collect(), ())))
            .await
    }

    /// The policy on a resource, to authorize calls with.
    pub fn policy(&self, arn: &str) -> Option<Arc<Policy>> {
        self.register.state().policy(arn).map(|found| found.policy.clone())
    }

    fn policies(&self, arn: &str) -> Policies {
        let state = self.register.state();
        let delegated = state.store(arn).filter(|store| store.organization.is_some());
        Policies {
            own: state.policy(arn).map(|found| found.text.clone()),
            delegated: delegated.map(|store| delegated_policy(&store.account, arn)),
        }
    }
}

fn no_policy(arn: &str) -> Error {
    Error::refused("ResourcePolicyNotFound", format!("{arn} has no resource policy."))
}

/// What those who administer an organization may do with its store anyway, said as a policy.
fn delegated_policy(management: &str, arn: &str) -> String {
    let statement = json!({
        "Sid": "EventDataStoreDelegatedAdmin",
        "Effect": "Allow",
        "Principal": {"AWS": [format!("arn:aws:iam::{management}:root")]},
        "Action": STORE_ACTIONS,
        "Resource": arn,
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &str = "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/0f2f6c0e-9a7f-4d0a-8f5f-1f6a4f7d2b11";
    const CHANNEL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:channel/0f2f6c0e-9a7f-4d0a-8f5f-1f6a4f7d2b11";
    const DASHBOARD: &str = "arn:aws:cloudtrail:us-east-1:111122223333:dashboard/d-1";

    fn statement(arn: &str, action: &str) -> Value {
        json!({"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": action, "Resource": arn})
    }

    fn code(arn: &str, policy: &Value) -> Option<&'static str> {
        let result = Carrier::of(arn).and_then(|(carrier, _)| check(carrier, arn, &policy.to_string()));
        match result {
            Ok(_) => None,
            Err(Error::Refused { code, .. }) => Some(code),
            Err(error) => panic!("{error}"),
        }
    }

    fn of(statement: &Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": statement})
    }

    #[test]
    fn each_kind_of_resource_has_actions_of_its_own() {
        let put = "cloudtrail-data:PutAuditEvents";
        for (arn, action, good) in [
            (STORE, "cloudtrail:StartQuery", true),
            (STORE, "CloudTrail:getqueryresults", true),
            (STORE, "cloudtrail:DeleteEventDataStore", false),
            (STORE, "cloudtrail:*", false),
            (STORE, put, false),
            (CHANNEL, put, true),
            (CHANNEL, "cloudtrail:StartQuery", false),
        ] {
            let expected = if good { None } else { Some("ResourcePolicyNotValid") };
            assert_eq!(code(arn, &of(&statement(arn, action))), expected, "{arn} {action}");
        }
        let mut refresh = statement(DASHBOARD, "cloudtrail:StartDashboardRefresh");
        assert_eq!(code(DASHBOARD, &of(&refresh)), Some("ResourcePolicyNotValid"));
        refresh["Principal"] = json!({"Service": "cloudtrail.amazonaws.com"});
        assert_eq!(code(DASHBOARD, &of(&refresh)), None);
    }

    #[test]
    fn a_policy_stays_within_its_limits_and_on_its_resource() {
        let good = statement(CHANNEL, "cloudtrail-data:PutAuditEvents");
        assert_eq!(code(CHANNEL, &of(&json!(vec![good.clone(); 20]))), None);
        let bad = |change: &dyn Fn(&mut Value)| {
            let mut statement = good.clone();
            change(&mut statement);
            assert_eq!(code(CHANNEL, &of(&statement)), Some("ResourcePolicyNotValid"), "{statement}");
        };
        bad(&|statement| statement["Resource"] = json!(STORE));
        bad(&|statement| statement["Effect"] = json!("Maybe"));
        bad(&|statement| statement["Sid"] = json!("x".repeat(8192)));
        bad(&|statement| {
            statement["NotAction"] = statement["Action"].take();
            statement.as_object_mut().unwrap().remove("Action");
        });
        let many: Vec<String> = (0..51).map(|number| format!("{:012}", 100_000_000_000_u64 + number)).collect();
        bad(&|statement| statement["Principal"] = json!({"AWS": many}));
        assert_eq!(code(CHANNEL, &of(&json!(vec![good.clone(); 21]))), Some("ResourcePolicyNotValid"));
    }

    #[test]
    fn what_can_have_no_policy_is_told_apart() {
        for (arn, expected) in [
            ("arn:aws:cloudtrail:us-east-1:111122223333:trail/t-1", "ResourceTypeNotSupported"),
            ("arn:aws:cloudtrail:us-east-1:111122223333:channel/x", "ResourceARNNotValid"),
            ("arn:aws:s3:::b-1", "ResourceARNNotValid"),
            ("x", "ResourceARNNotValid"),
        ] {
            assert_eq!(code(arn, &json!({})), Some(expected), "{arn}");
        }
    }
}
