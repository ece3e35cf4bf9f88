use super::super::Selectors;
use super::super::tests::{advanced, data, field, management, of, refused};
use super::*;
use serde_json::{Value, json};

fn store(selectors: Value) -> Result<StoreSelectors, Error> {
    StoreSelectors::try_from(serde_json::from_value::<Vec<AdvancedSelector>>(selectors).unwrap())
}

fn matches(selectors: &StoreSelectors, event: &Value) -> bool {
    let raw = event.to_string();
    selectors.matches(&Head::parse(&raw).unwrap())
}

/// Selectors of several categories, with what each needs.
fn mixed(categories: &[&str]) -> Value {
    let all = categories.iter().map(|category| {
        let needed = match *category {
            "Data" => vec![field("resources.type", "Equals", &["AWS::S3::Object"])],
            "NetworkActivity" => vec![field("eventSource", "Equals", &["kms.amazonaws.com"])],
            _ => vec![],
        };
        of(category, needed)[0].clone()
    });
    all.collect()
}

#[test]
fn a_new_store_takes_management_events_and_says_so_in_awss_words() {
    let selectors = StoreSelectors::default();
    let words = json!([{"Name": "Default management events",
        "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]);
    assert_eq!(serde_json::to_value(&selectors).unwrap(), words);
    assert_eq!(serde_json::from_value::<StoreSelectors>(words).unwrap(), selectors);
    assert_eq!(selectors.kind(), StoreKind::Trail);
    assert!(matches(&selectors, &management("kms.amazonaws.com", true)));
    assert!(!matches(&selectors, &json!({"eventCategory": "Data"})));
}

#[test]
fn a_store_has_one_kind_of_events() {
    for (categories, kind) in [
        (&["Management"][..], Some(StoreKind::Trail)),
        (&["Data", "Management", "NetworkActivity"], Some(StoreKind::Trail)),
        (&["Insight"], Some(StoreKind::Insight)),
        (&["Insight", "Insight"], Some(StoreKind::Insight)),
        (&["ConfigurationItem"], Some(StoreKind::ConfigurationItem)),
        (&["Evidence"], Some(StoreKind::Evidence)),
        (&["ActivityAuditLog"], Some(StoreKind::ActivityAuditLog)),
        (&["Management", "Insight"], None),
        (&["Evidence", "ActivityAuditLog"], None),
        (&["ConfigurationItem", "Data"], None),
        (&["management"], None),
        (&[], None),
    ] {
        let selectors = store(mixed(categories));
        assert_eq!(selectors.as_ref().ok().map(StoreSelectors::kind), kind, "{categories:?} {selectors:?}");
        for category in Category::ALL.map(Category::name) {
            let event = json!({"eventCategory": category, "eventSource": "kms.amazonaws.com",
                "resources": [{"type": "AWS::S3::Object"}]});
            let wanted = selectors.is_ok() && categories.contains(&category);
            assert_eq!(selectors.as_ref().is_ok_and(|selectors| matches(selectors, &event)), wanted, "{category}");
        }
    }
}

#[test]
fn what_is_no_api_activity_is_selected_by_its_category_alone() {
    for category in ["Insight", "ConfigurationItem", "Evidence", "ActivityAuditLog"] {
        assert!(store(of(category, vec![])).is_ok());
        assert!(refused(&advanced(of(category, vec![]))), "{category} on a trail");
        for name in ["eventName", "eventSource", "readOnly", "resources.type", "userIdentity.arn", "errorCode"] {
            assert!(store(of(category, vec![field(name, "Equals", &["true"])])).is_err(), "{category} {name}");
        }
    }
}

#[test]
fn management_events_are_chosen_by_more_fields_than_on_a_trail() {
    let event = json!({"eventCategory": "Management", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
        "eventType": "AwsApiCall", "readOnly": false, "sessionCredentialFromConsole": "true",
        "userIdentity": {"arn": "arn:aws:iam::1:user/\u{e9}va"}});
    for (name, operator, values, wanted) in [
        ("eventSource", "Equals", &["iam.amazonaws.com", "s3.amazonaws.com"][..], true),
        ("eventSource", "StartsWith", &["s3."], false),
        ("eventSource", "NotEquals", &["iam.amazonaws.com"], false),
        ("eventName", "StartsWith", &["Delete", "Create"], true),
        ("eventName", "NotEndsWith", &["User"], false),
        ("eventType", "Equals", &["AwsConsoleSignIn"], false),
        ("eventType", "NotEquals", &["AwsConsoleSignIn"], true),
        ("userIdentity.arn", "EndsWith", &["user/\u{e9}va"], true),
        ("userIdentity.arn", "NotStartsWith", &["arn:aws:iam::1:"], false),
        ("sessionCredentialFromConsole", "Equals", &["true"], true),
        ("sessionCredentialFromConsole", "NotEquals", &["true"], false),
    ] {
        let given = of("Management", vec![field(name, operator, values)]);
        assert_eq!(matches(&store(given.clone()).unwrap(), &event), wanted, "{name} {operator} {values:?}");
        assert!(refused(&advanced(given)), "{name} {operator} on a trail");
    }
}

#[test]
fn the_fields_of_one_selector_agree_and_selectors_are_alternatives() {
    let event = |name: &str, user: Option<&str>| json!({"eventCategory": "Management", "eventName": name, "userIdentity": {"arn": user}});
    let two = |name: &str, user: &str| {
        of("Management", vec![field("eventName", "Equals", &[name]), field("userIdentity.arn", "StartsWith", &[user])])
            [0]
        .clone()
    };
    let selectors = store(json!([two("A", "x"), two("B", "y")])).unwrap();
    for (name, user, wanted) in [
        ("A", Some("x1"), true),
        ("B", Some("y1"), true),
        ("A", Some("y1"), false),
        ("B", Some("x1"), false),
        ("A", None, false),
    ] {
        assert_eq!(matches(&selectors, &event(name, user)), wanted, "{name} {user:?}");
    }
}

#[test]
fn the_grammar_for_stores_is_kept() {
    let sources: Vec<String> = (0..499).map(|number| format!("s{number}.amazonaws.com")).collect();
    let many = |count: usize| of("Management", vec![json!({"Field": "eventSource", "Equals": &sources[..count]})]);
    assert!(store(many(499)).is_ok());
    let mut too_many = many(499);
    too_many[0]["FieldSelectors"].as_array_mut().unwrap().push(field("eventName", "Equals", &["A"]));
    for bad in [
        json!([]),
        json!([{"FieldSelectors": []}]),
        too_many,
        of("Management", vec![field("resources.type", "Equals", &["AWS::S3::Object"])]),
        of("Management", vec![field("errorCode", "Equals", &["VpceAccessDenied"])]),
        of("Management", vec![field("vpcEndpointId", "Equals", &["vpce-1"])]),
        of("Management", vec![field("readOnly", "Equals", &["yes"])]),
        of("Management", vec![field("readOnly", "NotEquals", &["true"])]),
        of("Management", vec![field("sessionCredentialFromConsole", "StartsWith", &["true"])]),
        of("Management", vec![field("eventName", "Equals", &[])]),
        of("Management", vec![field("eventName", "Equals", &["A"]), field("eventName", "NotEquals", &["B"])]),
        of("Data", vec![]),
        data(vec![field("vpcEndpointId", "Equals", &["vpce-1"])]),
        of("NetworkActivity", vec![]),
        of("NetworkActivity", vec![field("eventSource", "StartsWith", &["kms"])]),
        json!([{"FieldSelectors": [field("eventCategory", "NotEquals", &["Insight"])]}]),
    ] {
        assert!(matches!(store(bad.clone()), Err(Error::Selector(_))), "{bad}");
    }
}

#[test]
fn what_a_trail_may_select_a_store_may_too() {
    for given in [
        data(vec![field("resources.ARN", "StartsWith", &["arn:aws:s3:::b/"]), field("readOnly", "Equals", &["true"])]),
        of("NetworkActivity", vec![field("eventSource", "Equals", &["kms.amazonaws.com"])]),
        of("Management", vec![field("eventSource", "NotEquals", &["kms.amazonaws.com"])]),
        serde_json::to_value(Vec::from(StoreSelectors::default())).unwrap(),
    ] {
        let on_trail: Selectors = advanced(given.clone()).unwrap();
        let on_store = store(given).unwrap();
        for event in [
            management("kms.amazonaws.com", true),
            management("iam.amazonaws.com", false),
            json!({"eventCategory": "NetworkActivity", "eventSource": "kms.amazonaws.com"}),
            json!({"eventCategory": "Data", "readOnly": true,
                "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}]}),
            json!({"eventCategory": "Insight"}),
            json!({"eventCategory": "Unheard"}),
        ] {
            let raw = event.to_string();
            let head = Head::parse(&raw).unwrap();
            assert_eq!(on_store.matches(&head), on_trail.matches(&head), "{event}");
        }
    }
}
