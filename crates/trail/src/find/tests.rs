use super::*;
use crate::Trail;
use crate::history::{History, Rule};
use crate::state::Edit;
use cairn_event::Time;
use std::collections::BTreeMap;
use uuid::Uuid;

const ACCOUNT: &str = "111122223333";
const MEMBER: &str = "444455556666";

fn entry(name: &str, region: &str, multi_region: bool, organization: Option<&str>) -> Arc<Entry> {
    let trail = Trail {
        arn: name::arn(ACCOUNT, region, name),
        name: name.to_owned(),
        account: ACCOUNT.to_owned(),
        home_region: region.to_owned(),
        bucket: "b-1".to_owned(),
        prefix: None,
        global_service_events: true,
        multi_region,
        validation: false,
        kms_key: None,
        organization: organization.map(str::to_owned),
        recursive_logging: true,
        custom_selectors: false,
        logging: false,
        started: None,
        stopped: None,
        created: Time(0),
        tags: BTreeMap::new(),
    };
    let history = History::new(Time(0), String::new(), Rule::of(&trail, Arc::default()));
    let id = Uuid::from_u128(trail.arn.bytes().fold(0, |sum, byte| u128::wrapping_mul(sum, 31) + u128::from(byte)));
    Arc::new(Entry { id, trail, history, deleted: None })
}

/// `single` and `multi` and `org` in us-east-1, `west` in eu-west-1.
fn state() -> State {
    let entries = [
        entry("single", "us-east-1", false, None),
        entry("multi", "us-east-1", true, None),
        entry("org", "us-east-1", true, Some("o-1")),
        entry("west", "eu-west-1", false, None),
    ];
    with(entries.into())
}

fn with(entries: Vec<Arc<Entry>>) -> State {
    let mut state = State::default();
    state.apply(entries.into_iter().map(Edit::Put).collect());
    state
}

fn view(account: &'static str, region: &'static str) -> View<'static> {
    View { account, region, organization: Some("o-1") }
}

fn arn(name: &str, region: &str) -> String {
    name::arn(ACCOUNT, region, name)
}

fn outcome(result: Result<&Arc<Entry>, Error>) -> String {
    match result {
        Ok(entry) => entry.trail.name.clone(),
        Err(Error::Invalid { code, .. }) => code.to_owned(),
        Err(Error::NotFound(_)) => "unknown".to_owned(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn names_are_looked_up_at_home_and_arns_everywhere() {
    let state = state();
    for (account, region, reference, found) in [
        (ACCOUNT, "us-east-1", "single".to_owned(), "single"),
        (ACCOUNT, "eu-west-1", "single".to_owned(), "unknown"),
        (ACCOUNT, "eu-west-1", "multi".to_owned(), "unknown"),
        (ACCOUNT, "eu-west-1", arn("single", "us-east-1"), "single"),
        (ACCOUNT, "us-east-1", arn("none", "us-east-1"), "unknown"),
        (MEMBER, "us-east-1", "org".to_owned(), "unknown"),
        (MEMBER, "eu-west-1", arn("org", "us-east-1"), "org"),
        (MEMBER, "us-east-1", arn("single", "us-east-1"), "unknown"),
        (ACCOUNT, "us-east-1", "a b".to_owned(), "InvalidTrailName"),
        (ACCOUNT, "us-east-1", "arn:aws:x".to_owned(), "CloudTrailARNInvalid"),
    ] {
        assert_eq!(outcome(state.seen(view(account, region), &reference)), found, "{account} {region} {reference}");
    }
}

#[test]
fn trails_are_changed_only_at_home_by_their_owner() {
    let state = state();
    for (account, region, reference, found) in [
        (ACCOUNT, "us-east-1", "multi".to_owned(), "multi"),
        (ACCOUNT, "eu-west-1", "multi".to_owned(), "InvalidHomeRegion"),
        (ACCOUNT, "eu-west-1", arn("multi", "us-east-1"), "InvalidHomeRegion"),
        (ACCOUNT, "eu-west-1", arn("single", "us-east-1"), "InvalidHomeRegion"),
        (ACCOUNT, "eu-west-1", "single".to_owned(), "unknown"),
        (MEMBER, "us-east-1", arn("org", "us-east-1"), "NotOrganizationMasterAccount"),
        (MEMBER, "us-east-1", arn("single", "us-east-1"), "CloudTrailARNInvalid"),
        (MEMBER, "us-east-1", "single".to_owned(), "unknown"),
        (MEMBER, "eu-west-1", "org".to_owned(), "unknown"),
    ] {
        assert_eq!(outcome(state.own(view(account, region), &reference)), found, "{account} {region} {reference}");
    }
}

#[test]
fn an_unknown_trail_is_named_as_aws_names_it() {
    let error = state().seen(view(ACCOUNT, "us-east-1"), "none").unwrap_err();
    let expected = format!("Unknown trail: {} for the user: {ACCOUNT}", arn("none", "us-east-1"));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn shadows_are_seen_unless_left_out() {
    let state = state();
    for (account, region, shadows, names) in [
        (ACCOUNT, "us-east-1", false, &["multi", "org", "single"][..]),
        (ACCOUNT, "eu-west-1", true, &["west", "multi", "org"]),
        (ACCOUNT, "eu-west-1", false, &["west"]),
        (MEMBER, "eu-west-1", true, &["org"]),
        (MEMBER, "us-east-1", false, &[]),
    ] {
        let found: Vec<_> =
            state.in_view(view(account, region), shadows).map(|entry| entry.trail.name.as_str()).collect();
        assert_eq!(found, names, "{account} {region} {shadows}");
    }
    let stranger = View { organization: None, ..view(MEMBER, "us-east-1") };
    assert_eq!(state.in_view(stranger, true).count(), 0);
}

#[test]
fn a_trail_that_covers_a_region_counts_there() {
    let many = |count: usize| (0..count).map(|number| entry(&format!("west-{number}"), "eu-west-1", false, None));
    let room = |state: &State, region: &'static str, multi: bool| {
        let error = state.room(view(ACCOUNT, region), "one-more", multi, None).err();
        error.map(|error| outcome(Err(error)))
    };
    let full = Some("MaximumNumberOfTrailsExceeded".to_owned());
    let state = with(many(5).collect());
    assert_eq!(room(&state, "eu-west-1", false), full);
    assert_eq!(room(&state, "us-east-1", false), None);
    assert_eq!(room(&state, "us-east-1", true), full);
    let state = with(many(4).chain([entry("multi", "us-east-1", true, None)]).collect());
    assert_eq!(room(&state, "eu-west-1", false), full);
    assert_eq!(room(&state, "us-east-1", false), None);
}

#[test]
fn a_name_is_taken_where_a_trail_of_it_is_seen() {
    let state = state();
    for (region, name, multi, taken) in [
        ("us-east-1", "single", false, true),
        ("eu-west-1", "single", false, false),
        ("eu-west-1", "multi", false, true),
        ("eu-west-1", "single", true, true),
    ] {
        let found = state.room(view(ACCOUNT, region), name, multi, None).is_err();
        assert_eq!(found, taken, "{region} {name} {multi}");
    }
    let multi = arn("multi", "us-east-1");
    assert_eq!(state.room(view(ACCOUNT, "us-east-1"), "multi", true, Some(&multi)), Ok(()));
}
