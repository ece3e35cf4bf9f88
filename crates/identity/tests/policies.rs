//! What policies say: each case is a policy, a call and the decision.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "each case is written in place")]

use Decision::{Allowed, ExplicitDeny, ImplicitDeny};
use cairn_event::Time;
use cairn_identity::{
    Caller, Context, Decision, FirstAccount, Identity, NewAccount, NewEntity, NewRole, NewSession, Owner, Policy,
    PolicyKind, Request, Sort, Tags,
};
use cairn_store::{Db, Seal};
use cairn_world::sim::Sim;
use serde_json::{Value, json};
use std::sync::Arc;

const HOME: &str = "111122223333";
const BUCKET: &str = "arn:aws:s3:::b/k";

struct House {
    identity: Identity,
    _dir: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Sim::at(Time::parse("2026-11-24T12:00:00Z").unwrap()).world();
        let seal = Arc::new(Seal::open(&world, &dir.path().join("root.key")).unwrap());
        let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
        let identity = Identity::open(&world, &db, seal).await.unwrap();
        identity.found(FirstAccount { account: HOME.to_owned(), access_key: None }).await.unwrap();
        Self { identity, _dir: dir }
    }

    fn root(&self) -> Caller {
        let key = self.identity.root_key().unwrap();
        self.identity.credential(&key.access_key, None).unwrap().caller
    }

    /// A user with one policy of its own, if it is to have one.
    async fn user(&self, account: &str, name: &str, policy: Option<Value>) -> Caller {
        let tags = Tags::from([("team".to_owned(), "blue".to_owned())]);
        let new = NewEntity { sort: Sort::User, name: name.to_owned(), path: None, tags, role: None };
        let user = self.identity.create(account, new).await.unwrap();
        if let Some(policy) = policy {
            self.identity.put_inline(account, Sort::User, name, "p", &policy.to_string()).await.unwrap();
        }
        let key = self.identity.create_key(account, &Owner::User(user.id.clone())).await.unwrap();
        self.identity.credential(&key.id, None).unwrap().caller
    }

    async fn role(&self, account: &str, name: &str, policy: Value, limit: Option<Value>) -> Caller {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]});
        let role = NewRole { trust: trust.to_string(), description: None, session_seconds_max: None };
        let (name, tags) = (name.to_owned(), Tags::new());
        let new = NewEntity { sort: Sort::Role, name: name.clone(), path: None, tags, role: Some(role) };
        let role = self.identity.create(account, new).await.unwrap();
        self.identity.put_inline(account, Sort::Role, &name, "p", &policy.to_string()).await.unwrap();
        let new =
            NewSession { name: "s1".to_owned(), policy: limit.map(|limit| limit.to_string()), ..NewSession::default() };
        let issued = self.identity.assume(&self.root(), &role, new).unwrap();
        let token = Some(issued.token.expose());
        self.identity.credential(&issued.session.access_key, token).unwrap().caller
    }

    async fn second_account(&self) -> String {
        self.identity.create_organization(HOME).await.unwrap();
        let new = NewAccount { name: "two".to_owned(), email: "two@example.com".to_owned(), role: "Admin".to_owned() };
        self.identity.create_account(HOME, new).await.unwrap().id.clone()
    }

    fn decide(&self, caller: &Caller, policy: Option<&Value>, required: bool) -> Decision {
        let policy = policy.map(|policy| Policy::parse(&policy.to_string(), PolicyKind::Resource).unwrap());
        self.identity.decide(&Request {
            caller,
            action: "s3:GetObject",
            resource: BUCKET,
            resource_account: HOME,
            resource_policy: policy.as_ref(),
            policy_required: required,
            context: &Context::default(),
        })
    }
}

fn policy(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statement})
}

fn says(effect: &str) -> Value {
    policy(json!({"Effect": effect, "Action": "s3:GetObject", "Resource": BUCKET}))
}

fn on_bucket(effect: &str, principal: Value) -> Value {
    policy(json!({"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}))
}

#[tokio::test]
async fn in_one_account_either_side_may_allow_and_each_may_deny() {
    let house = House::open().await;
    let nobody = house.user(HOME, "none", None).await;
    let allowed = house.user(HOME, "allowed", Some(says("Allow"))).await;
    let denied = house.user(HOME, "denied", Some(says("Deny"))).await;
    let root = house.root();
    let check = |caller: &Caller, policy: Option<Value>, expected: Decision| {
        assert_eq!(house.decide(caller, policy.as_ref(), false), expected, "{} {policy:?}", caller.arn());
    };
    let everybody = || Some(on_bucket("Allow", json!("*")));
    let account = || Some(on_bucket("Allow", json!({"AWS": format!("arn:aws:iam::{HOME}:root")})));
    check(&nobody, None, ImplicitDeny);
    check(&allowed, None, Allowed);
    check(&nobody, everybody(), Allowed);
    check(&nobody, Some(on_bucket("Allow", json!({"AWS": nobody.arn()}))), Allowed);
    check(&nobody, Some(on_bucket("Allow", json!({"AWS": nobody.principal_id()}))), Allowed);
    check(&nobody, Some(on_bucket("Allow", json!({"AWS": allowed.arn()}))), ImplicitDeny);
    check(&nobody, account(), ImplicitDeny);
    check(&denied, everybody(), ExplicitDeny);
    check(&allowed, Some(on_bucket("Deny", json!({"AWS": HOME}))), ExplicitDeny);
    check(&root, None, Allowed);
    check(&root, Some(on_bucket("Deny", json!("*"))), ExplicitDeny);
    check(&Caller::anonymous(), everybody(), Allowed);
    check(&Caller::anonymous(), account(), ImplicitDeny);
    check(&Caller::anonymous(), None, ImplicitDeny);
    check(&Caller::unknown("AKIAIOSFODNN7EXAMPLE"), everybody(), ImplicitDeny);
}

#[tokio::test]
async fn services_are_allowed_only_by_the_resource() {
    let house = House::open().await;
    let service = Caller::service("cloudtrail.amazonaws.com");
    let check = |principal: Value, expected: Decision| {
        assert_eq!(house.decide(&service, Some(&on_bucket("Allow", principal)), false), expected);
    };
    check(json!({"Service": "cloudtrail.amazonaws.com"}), Allowed);
    check(json!({"Service": ["s3.amazonaws.com", "cloudtrail.amazonaws.com"]}), Allowed);
    check(json!({"Service": "s3.amazonaws.com"}), ImplicitDeny);
    check(json!({"AWS": HOME}), ImplicitDeny);
    assert_eq!(house.decide(&service, None, false), ImplicitDeny);
}

#[tokio::test]
async fn a_required_policy_must_name_the_caller_or_leave_it_to_the_account() {
    let house = House::open().await;
    let nobody = house.user(HOME, "none", None).await;
    let allowed = house.user(HOME, "allowed", Some(says("Allow"))).await;
    let check = |caller: &Caller, principal: Value, expected: Decision| {
        assert_eq!(house.decide(caller, Some(&on_bucket("Allow", principal)), true), expected, "{}", caller.arn());
    };
    let other = || json!({"AWS": "arn:aws:iam::111122223333:user/other"});
    check(&allowed, other(), ImplicitDeny);
    check(&house.root(), other(), ImplicitDeny);
    check(&house.root(), json!({"AWS": HOME}), Allowed);
    check(&nobody, json!({"AWS": HOME}), ImplicitDeny);
    check(&allowed, json!({"AWS": HOME}), Allowed);
    check(&nobody, json!({"AWS": nobody.arn()}), Allowed);
    assert_eq!(house.decide(&allowed, None, true), ImplicitDeny);
}

#[tokio::test]
async fn from_another_account_both_sides_must_allow() {
    let house = House::open().await;
    let account = house.second_account().await;
    let nobody = house.user(&account, "none", None).await;
    let allowed = house.user(&account, "allowed", Some(says("Allow"))).await;
    let check = |caller: &Caller, policy: Option<Value>, expected: Decision| {
        assert_eq!(house.decide(caller, policy.as_ref(), false), expected, "{} {policy:?}", caller.arn());
    };
    check(&allowed, None, ImplicitDeny);
    check(&allowed, Some(on_bucket("Allow", json!({"AWS": account}))), Allowed);
    check(&allowed, Some(on_bucket("Allow", json!({"AWS": allowed.arn()}))), Allowed);
    check(&allowed, Some(on_bucket("Allow", json!({"AWS": HOME}))), ImplicitDeny);
    check(&nobody, Some(on_bucket("Allow", json!({"AWS": nobody.arn()}))), ImplicitDeny);
    check(&nobody, Some(on_bucket("Allow", json!("*"))), ImplicitDeny);
}

#[tokio::test]
async fn a_session_does_no_more_than_its_own_policy_says() {
    let house = House::open().await;
    let everything = policy(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let elsewhere = policy(json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::other/*"}));
    let free = house.role(HOME, "free", everything.clone(), None).await;
    let limited = house.role(HOME, "limited", everything.clone(), Some(elsewhere.clone())).await;
    let forbidden = house.role(HOME, "forbidden", everything.clone(), Some(says("Deny"))).await;
    let unfit = house.role(HOME, "unfit", elsewhere, Some(everything)).await;
    let check = |caller: &Caller, policy: Option<Value>, expected: Decision| {
        assert_eq!(house.decide(caller, policy.as_ref(), false), expected, "{} {policy:?}", caller.arn());
    };
    check(&free, None, Allowed);
    check(&limited, None, ImplicitDeny);
    check(&forbidden, None, ExplicitDeny);
    check(&unfit, None, ImplicitDeny);
    check(
        &limited,
        Some(on_bucket("Allow", json!({"AWS": format!("arn:aws:iam::{HOME}:role/limited")}))),
        ImplicitDeny,
    );
    check(&limited, Some(on_bucket("Allow", json!({"AWS": limited.arn()}))), Allowed);
    check(&free, Some(on_bucket("Deny", json!({"AWS": format!("arn:aws:iam::{HOME}:role/free")}))), ExplicitDeny);
}

#[tokio::test]
async fn whoever_is_left_out_of_a_denial_must_be_named_themselves() {
    let house = House::open().await;
    let one = house.user(HOME, "one", Some(says("Allow"))).await;
    let other = house.user(HOME, "other", Some(says("Allow"))).await;
    let but = |who: Value| {
        policy(
            json!({"Effect": "Deny", "NotPrincipal": {"AWS": who}, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}),
        )
    };
    assert_eq!(house.decide(&one, Some(&but(json!([one.arn(), HOME]))), false), Allowed);
    assert_eq!(house.decide(&other, Some(&but(json!([one.arn(), HOME]))), false), ExplicitDeny);
}

#[tokio::test]
async fn policies_of_groups_and_attached_ones_count_until_they_go() {
    let house = House::open().await;
    let (identity, user) = (&house.identity, house.user(HOME, "alice", None).await);
    let new = NewEntity { sort: Sort::Group, name: "g".to_owned(), path: None, tags: Tags::new(), role: None };
    identity.create(HOME, new).await.unwrap();
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    identity.attach(HOME, Sort::Group, "g", arn).await.unwrap();
    assert_eq!(house.decide(&user, None, false), ImplicitDeny);
    identity.join(HOME, "alice", "g").await.unwrap();
    assert_eq!(house.decide(&user, None, false), Allowed);
    identity.leave(HOME, "alice", "g").await.unwrap();
    assert_eq!(house.decide(&user, None, false), ImplicitDeny);
    identity.attach(HOME, Sort::User, "alice", arn).await.unwrap();
    assert_eq!(house.decide(&user, None, false), Allowed);
    identity.detach(HOME, Sort::User, "alice", arn).await.unwrap();
    assert_eq!(house.decide(&user, None, false), ImplicitDeny);
}

/// What a user's policy of one statement says about one call.
async fn statement(house: &House, caller: &Caller, statement: Value, context: &[(&str, &str)]) -> Decision {
    let name = caller.user_name().unwrap();
    house.identity.put_inline(HOME, Sort::User, name, "p", &policy(statement).to_string()).await.unwrap();
    let mut pairs = Context::default();
    for (key, value) in context {
        pairs.insert(key, value);
    }
    house.identity.decide(&Request {
        caller,
        action: "s3:PutObject",
        resource: "arn:aws:s3:::home/alice/notes.txt",
        resource_account: HOME,
        resource_policy: None,
        policy_required: false,
        context: &pairs,
    })
}

#[tokio::test]
async fn actions_and_resources_are_matched_with_wildcards_and_variables() {
    let house = House::open().await;
    let alice = house.user(HOME, "alice", None).await;
    let cases = [
        (json!({"Action": "s3:PutObject", "Resource": "*"}), Allowed),
        (json!({"Action": "S3:putobject", "Resource": "*"}), Allowed),
        (json!({"Action": ["s3:Get*", "s3:P?tObject"], "Resource": "*"}), Allowed),
        (json!({"Action": "s3:Get*", "Resource": "*"}), ImplicitDeny),
        (json!({"NotAction": "iam:*", "Resource": "*"}), Allowed),
        (json!({"NotAction": "s3:*", "Resource": "*"}), ImplicitDeny),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::home/*"}), Allowed),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::HOME/*"}), ImplicitDeny),
        (json!({"Action": "*", "NotResource": "arn:aws:s3:::home/*"}), ImplicitDeny),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::home/${aws:username}/*"}), Allowed),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/team, 'home'}/*"}), ImplicitDeny),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/none, 'home'}/*"}), Allowed),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::home/${aws:PrincipalTag/none}*"}), ImplicitDeny),
        (json!({"Action": "*", "Resource": "arn:aws:s3:::home/${*}"}), ImplicitDeny),
    ];
    for (mut case, expected) in cases {
        case["Effect"] = "Allow".into();
        assert_eq!(statement(&house, &alice, case.clone(), &[]).await, expected, "{case}");
    }
}

#[tokio::test]
async fn conditions_hold_as_their_operators_say() {
    let house = House::open().await;
    let alice = house.user(HOME, "alice", None).await;
    let context = [
        ("aws:SourceIp", "203.0.113.9"),
        ("aws:CurrentTime", "2026-11-24T12:00:00Z"),
        ("aws:SecureTransport", "false"),
        ("s3:max-keys", "10"),
        ("s3:prefix", "Home/Alice"),
        ("aws:SourceArn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/t1"),
        ("aws:TagKeys", "a"),
        ("aws:TagKeys", "b"),
        ("x:binary", "AQID"),
        // What the caller brings along cannot be said otherwise.
        ("aws:username", "bob"),
    ];
    let cases = [
        (json!({"StringEquals": {"s3:prefix": "Home/Alice"}}), true),
        (json!({"StringEquals": {"S3:PREFIX": ["x", "Home/Alice"]}}), true),
        (json!({"StringEquals": {"s3:prefix": "home/alice"}}), false),
        (json!({"StringEquals": {"s3:prefix": "Home/*"}}), false),
        (json!({"StringEquals": {"s3:none": "x"}}), false),
        (json!({"StringEqualsIfExists": {"s3:none": "x"}}), true),
        (json!({"StringNotEquals": {"s3:prefix": "Home/Alice"}}), false),
        (json!({"StringNotEquals": {"s3:none": "x"}}), true),
        (json!({"StringEqualsIgnoreCase": {"s3:prefix": "home/alice"}}), true),
        (json!({"StringNotEqualsIgnoreCase": {"s3:prefix": "home/alice"}}), false),
        (json!({"StringLike": {"s3:prefix": "Home/*"}}), true),
        (json!({"StringNotLike": {"s3:prefix": ["Home/*", "x"]}}), false),
        (json!({"StringEquals": {"aws:username": "alice"}}), true),
        (json!({"StringEquals": {"aws:username": "bob"}}), false),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "blue", "s3:prefix": "Home/Alice"}}), true),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "blue", "s3:prefix": "x"}}), false),
        (json!({"StringEquals": {"aws:PrincipalAccount": HOME, "aws:PrincipalType": "User"}}), true),
        (json!({"NumericEquals": {"s3:max-keys": 10}}), true),
        (json!({"NumericNotEquals": {"s3:max-keys": "10.0"}}), false),
        (json!({"NumericLessThan": {"s3:max-keys": "10"}}), false),
        (json!({"NumericLessThanEquals": {"s3:max-keys": "10"}}), true),
        (json!({"NumericGreaterThan": {"s3:max-keys": 9}}), true),
        (json!({"NumericGreaterThanEquals": {"s3:max-keys": 11}}), false),
        (json!({"DateLessThan": {"aws:CurrentTime": "2026-11-25T00:00:00Z"}}), true),
        (json!({"DateGreaterThan": {"aws:CurrentTime": "2026-11-25"}}), false),
        (json!({"DateEquals": {"aws:CurrentTime": 1_795_521_600}}), true),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), false),
        (json!({"Bool": {"aws:SecureTransport": false}}), true),
        (json!({"BinaryEquals": {"x:binary": "AQID"}}), true),
        (json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), true),
        (json!({"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8"]}}), false),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:111122223333:trail/*"}}), true),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:*:trail/*"}}), false),
        (json!({"ArnEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{HOME}:user/*")}}), true),
        (json!({"ArnNotLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}}), false),
        (json!({"Null": {"aws:TokenIssueTime": "true"}}), true),
        (json!({"Null": {"s3:prefix": true}}), false),
        (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}), true),
        (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "c"]}}), false),
        (json!({"ForAllValues:StringEquals": {"s3:none": "a"}}), true),
        (json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["b", "c"]}}), true),
        (json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "c"}}), false),
        (json!({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}}), true),
        (json!({"ForAllValues:StringNotEquals": {"aws:TagKeys": "a"}}), false),
        (json!({"ForAnyValue:StringNotEquals": {"s3:none": "a"}}), false),
        (json!({"ForAnyValue:StringLikeIfExists": {"s3:none": "a"}}), true),
        (json!({"StringLike": {"s3:prefix": "${aws:username}*"}}), false),
        (json!({"StringEquals": {"s3:prefix": "Home/${x:none, 'Alice'}"}}), true),
    ];
    for (condition, holds) in cases {
        let case = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
        let expected = if holds { Allowed } else { ImplicitDeny };
        assert_eq!(statement(&house, &alice, case, &context).await, expected, "{condition}");
    }
}

#[test]
fn a_policy_that_is_none_says_where_and_why() {
    type Change<'a> = &'a dyn Fn(&mut Value);
    let identity = |change: Change<'_>| {
        let mut value = policy(json!([{"Sid": "One", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]));
        change(&mut value);
        Policy::parse(&value.to_string(), PolicyKind::Identity).map(|_| ()).map_err(|error| error.0)
    };
    assert_eq!(identity(&|_| ()), Ok(()));
    let one = |name: &'static str, value: Value| move |policy: &mut Value| policy["Statement"][0][name] = value.clone();
    let gone =
        |name: &'static str| move |policy: &mut Value| _ = policy["Statement"][0].as_object_mut().unwrap().remove(name);
    let cases: [(Change<'_>, &str); 20] = [
        (&|policy| *policy = json!([]), "a policy is a JSON object"),
        (&|policy| policy["Version"] = "2013-01-01".into(), "Version: must be"),
        (&|policy| policy["Versoin"] = "2012-10-17".into(), "\"Versoin\" is not an element"),
        (&|policy| policy["Statement"] = json!([]), "Statement: must be an object or a list of at least one"),
        (&one("Effect", json!("allow")), "statement 1 (One): Effect: must be Allow or Deny"),
        (&one("Sid", json!("a b")), "statement 1 (a b): Sid: takes only"),
        (&one("Principal", json!("*")), "statement 1 (One): Principal: is not allowed"),
        (&one("NotPrincipal", json!("*")), "statement 1 (One): NotPrincipal: is not allowed"),
        (&one("NotAction", json!("s3:*")), "statement 1 (One): Action: cannot stand beside NotAction"),
        (&gone("Action"), "statement 1 (One): Action: is missing"),
        (&gone("Resource"), "statement 1 (One): Resource: is missing"),
        (&one("Action", json!("GetObject")), "statement 1 (One): Action: \"GetObject\" is not service:action"),
        (&one("Action", json!([])), "statement 1 (One): Action: must not be empty"),
        (&one("Resource", json!("bucket")), "statement 1 (One): Resource: \"bucket\" is not an ARN"),
        (&one("Resource", json!("arn:aws:s3:::${aws:username")), "has a ${ without its }"),
        (&one("Condition", json!({"StringSame": {"a:b": "c"}})), "StringSame: a:b: not a condition operator"),
        (&one("Condition", json!({"NumericEquals": {"a:b": "c"}})), "NumericEquals: a:b: \"c\" is not a number"),
        (&one("Condition", json!({"IpAddress": {"a:b": "1.2.3.4/99"}})), "\"1.2.3.4/99\" is not an IP address"),
        (&one("Condition", json!({"NullIfExists": {"a:b": "true"}})), "takes no prefix and no IfExists"),
        (&one("Condition", json!({"StringEquals": "x"})), "StringEquals: must be an object"),
    ];
    for (change, expected) in cases {
        let error = identity(change).unwrap_err();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    }
}

#[test]
fn principals_are_checked() {
    let check = |principal: Value, fits: bool| {
        let parsed = Policy::parse(&on_bucket("Allow", principal.clone()).to_string(), PolicyKind::Resource);
        assert_eq!(parsed.is_ok(), fits, "{principal}: {parsed:?}");
    };
    for fit in [
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": [HOME, "arn:aws:iam::111122223333:role/a/b", "AROAAAAAAAAAAAAAAAAAA"]}),
        json!({"AWS": "arn:aws:sts::111122223333:assumed-role/a/s"}),
        json!({"Service": "cloudtrail.amazonaws.com", "Federated": "cognito-identity.amazonaws.com"}),
    ] {
        check(fit, true);
    }
    for unfit in [
        json!("arn:aws:iam::111122223333:root"),
        json!({}),
        json!({"AWS": []}),
        json!({"AWS": "1111"}),
        json!({"AWS": "arn:aws:iam::111122223333:user/*"}),
        json!({"AWS": "arn:aws:s3:::b"}),
        json!({"Service": "cloudtrail"}),
        json!({"CanonicalUser": "79a5"}),
        json!({"Aws": "*"}),
    ] {
        check(unfit, false);
    }
    let trust = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"});
    assert!(Policy::parse(&policy(trust).to_string(), PolicyKind::Trust).is_err());
}

#[test]
fn no_text_makes_the_parser_panic() {
    use proptest::prelude::*;
    proptest!(|(text in r#"[\[\]{}":,*$a-z ]{0,80}"#)| {
        let _ = Policy::parse(&text, PolicyKind::Identity);
    });
    proptest!(|(value in r"[${}*?a:, ']{0,20}")| {
        let case = json!({"Effect": "Allow", "Action": "*", "Resource": format!("arn:aws:s3:::{value}")});
        let _ = Policy::parse(&policy(case).to_string(), PolicyKind::Identity);
    });
}
