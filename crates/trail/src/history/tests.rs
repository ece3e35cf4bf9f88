use super::*;

fn rule(logging: bool) -> Rule {
    Rule {
        logging,
        multi_region: false,
        global_service_events: true,
        recursive_logging: true,
        organization: None,
        selectors: Arc::default(),
    }
}

fn event(id: &str) -> String {
    format!(
        r#"{{"eventID":"{id}","awsRegion":"eu-west-1","eventSource":"s3.amazonaws.com","eventCategory":"Management"}}"#
    )
}

fn records(history: &History, raw: &str, millis: i64) -> bool {
    history.records("eu-west-1", true, None, &Head::parse(raw).unwrap(), Time(millis))
}

/// Made at 1000, started at 2000, stopped at 3000.
fn history() -> History {
    let mut history = History::new(Time(1000), "create".to_owned(), rule(false));
    history.begin(Time(2000), "start".to_owned(), rule(true));
    history.begin(Time(3000), "stop".to_owned(), rule(false));
    history
}

#[test]
fn an_event_falls_under_what_was_in_force_when_it_was_journaled() {
    let history = history();
    for (millis, recorded) in [(500, false), (1999, false), (2000, true), (2999, true), (3000, false), (9000, false)] {
        assert_eq!(records(&history, &event("e"), millis), recorded, "{millis}");
    }
}

#[test]
fn the_call_that_blinds_a_trail_is_still_recorded() {
    let history = history();
    assert!(records(&history, &event("stop"), 3010));
    assert!(records(&history, &event("start"), 2010));
    assert!(!records(&history, &event("create"), 1010));
    let late = 3000 + LAG_MAX.as_millis() as i64;
    assert!(!records(&history, &event("stop"), late), "an old id is no pass");
}

#[test]
fn a_clock_turned_back_does_not_reorder_phases() {
    let mut history = history();
    history.begin(Time(1500), "again".to_owned(), rule(true));
    let since: Vec<i64> = history.phases().iter().map(|phase| phase.since.millis()).collect();
    assert_eq!(since, [1000, 1500, 1500, 1500]);
    assert_eq!(History::from_phases(history.phases().to_vec()), Some(history.clone()));
    assert!(!records(&history, &event("e"), 1499));
    assert!(records(&history, &event("e"), 1500));
}

#[test]
fn what_began_ahead_of_the_clock_is_in_force_at_once() {
    let mut history = History::new(Time(9000), "create".to_owned(), rule(true));
    assert!(history.is_ahead(Time(1000)) && !records(&history, &event("e"), 1000));
    history.pull_back(Time(1000));
    assert!(!history.is_ahead(Time(1000)) && records(&history, &event("e"), 1000));
}

#[test]
fn what_is_outlived_is_dropped_and_the_rest_stays() {
    let mut history = history();
    let after = |millis: i64| Time(millis) + LAG_MAX;
    assert_eq!(history.outlived(Time(3000)), 0);
    assert_eq!(history.outlived(after(2500)), 1);
    assert_eq!(history.outlived(after(3000)), 2);
    history.drop_oldest(1);
    assert!(records(&history, &event("e"), 2500));
    assert_eq!(History::from_phases(history.phases().to_vec()), Some(history.clone()));
    history.drop_oldest(99);
    assert_eq!(history.phases().len(), 1);
}

#[test]
fn a_history_with_holes_is_none() {
    let mut phases = history().phases().to_vec();
    phases.remove(1);
    assert_eq!(History::from_phases(phases), None);
    assert_eq!(History::from_phases(Vec::new()), None);
}

fn check_region(multi_region: bool, global: bool, source: &str, region: &str, recorded: bool) {
    let rule = Rule { multi_region, global_service_events: global, ..rule(true) };
    let raw =
        format!(r#"{{"awsRegion":"{region}","eventSource":"{source}.amazonaws.com","eventCategory":"Management"}}"#);
    let found = rule.takes("us-east-1", &Head::parse(&raw).unwrap());
    assert_eq!(found, recorded, "{multi_region} {global} {source} {region}");
}

#[test]
fn regions_are_covered_as_the_trail_says() {
    for (multi_region, global, source, region, recorded) in [
        (false, true, "s3", "us-east-1", true),
        (false, true, "s3", "eu-west-1", false),
        (true, true, "s3", "eu-west-1", true),
        (false, true, "iam", "us-east-1", true),
        (false, false, "iam", "us-east-1", false),
        (false, false, "sts", "us-east-1", false),
        (false, false, "s3", "us-east-1", true),
        (true, true, "iam", "us-east-1", true),
    ] {
        check_region(multi_region, global, source, region, recorded);
    }
}

#[test]
fn an_organization_takes_its_members_events() {
    let of = |id: &str| Some(id.to_owned());
    let rule = Rule { organization: of("o-1"), ..rule(true) };
    let history = History::new(Time(0), String::new(), rule);
    let raw = event("e");
    let head = Head::parse(&raw).unwrap();
    for (own, organization, recorded) in
        [(true, None, true), (false, Some("o-1"), true), (false, Some("o-2"), false), (false, None, false)]
    {
        let found = history.records("eu-west-1", own, organization, &head, Time(1));
        assert_eq!(found, recorded, "{own} {organization:?}");
    }
}

#[test]
fn without_recursive_logging_own_deliveries_stay_out() {
    for (name, by, recorded) in [
        ("PutObject", "cloudtrail.amazonaws.com", false),
        ("PutObject", "config.amazonaws.com", true),
        ("GetBucketAcl", "cloudtrail.amazonaws.com", true),
    ] {
        let raw = format!(
            r#"{{"awsRegion":"eu-west-1","eventSource":"s3.amazonaws.com","eventName":"{name}",
            "eventCategory":"Management","userIdentity":{{"type":"AWSService","invokedBy":"{by}"}}}}"#
        );
        let head = Head::parse(&raw).unwrap();
        assert!(rule(true).takes("eu-west-1", &head));
        let found = Rule { recursive_logging: false, ..rule(true) }.takes("eu-west-1", &head);
        assert_eq!(found, recorded, "{name} {by}");
    }
}
