use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const OBJECT: &str = "AWS::S3::Object";

pub(super) fn advanced(selectors: Value) -> Result<Selectors, Error> {
    Selectors::try_from(Given::Advanced(serde_json::from_value(selectors).unwrap()))
}

fn basic(selectors: Value) -> Result<Selectors, Error> {
    Selectors::try_from(Given::Basic(serde_json::from_value(selectors).unwrap()))
}

pub(super) fn refused(result: &Result<Selectors, Error>) -> bool {
    matches!(result, Err(Error::Selector(_)))
}

fn matches(selectors: &Selectors, event: &Value) -> bool {
    let raw = event.to_string();
    selectors.matches(&Head::parse(&raw).unwrap())
}

pub(super) fn field(name: &str, operator: &str, values: &[&str]) -> Value {
    json!({"Field": name, operator: values})
}

/// One selector of a category with further fields.
pub(super) fn of(category: &str, mut fields: Vec<Value>) -> Value {
    fields.push(field("eventCategory", "Equals", &[category]));
    json!([{"FieldSelectors": fields}])
}

pub(super) fn data(fields: Vec<Value>) -> Value {
    let mut all = vec![field("resources.type", "Equals", &[OBJECT])];
    all.extend(fields);
    of("Data", all)
}

pub(super) fn management(source: &str, read_only: bool) -> Value {
    json!({"eventCategory": "Management", "eventSource": source, "readOnly": read_only, "managementEvent": true})
}

fn object(arn: &str) -> Value {
    json!({"eventCategory": "Data", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "readOnly": true,
        "managementEvent": false,
        "resources": [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}, {"type": OBJECT, "ARN": arn}]})
}

#[test]
fn a_new_trail_records_management_events_and_says_so_in_awss_words() {
    let selectors = Selectors::default();
    assert_eq!(
        serde_json::to_value(selectors.given()).unwrap(),
        json!({"Advanced": [{"Name": "Management events selector",
            "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]})
    );
    assert!(matches(&selectors, &management("kms.amazonaws.com", true)));
    assert!(matches(&selectors, &json!({"eventName": "older than categories"})));
    assert!(!matches(&selectors, &object("arn:aws:s3:::b/k")));
    assert!(!matches(&selectors, &json!({"managementEvent": false})));
    assert!(!matches(&selectors, &json!({"eventCategory": "Insight"})));
}

/// The worked example of the user guide's page on filtering data events.
#[test]
fn the_operators_of_one_field_combine_as_documented() {
    let bucket = "arn:aws:s3:::bucket";
    let selectors = advanced(data(vec![json!({"Field": "resources.ARN",
        "Equals": [format!("{bucket}/object1")], "StartsWith": [format!("{bucket}/")], "EndsWith": ["object3"],
        "NotStartsWith": [format!("{bucket}/deselect")], "NotEndsWith": ["object5"],
        "NotEquals": [format!("{bucket}/object6")]})]))
    .unwrap();
    for (key, wanted) in [
        ("/object1", true),
        ("/object2", true),
        ("1/object3", true),
        ("/deselectObject4", false),
        ("/object5", false),
        ("/object6", false),
        ("1/object2", false),
    ] {
        assert_eq!(matches(&selectors, &object(&format!("{bucket}{key}"))), wanted, "{key}");
    }
}

#[test]
fn kms_and_rds_data_can_be_left_out_of_management_events() {
    let both = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];
    let advanced = advanced(of("Management", vec![field("eventSource", "NotEquals", &both)])).unwrap();
    let basic = basic(json!([{"ExcludeManagementEventSources": both}])).unwrap();
    for selectors in [advanced, basic] {
        assert!(!matches(&selectors, &management("kms.amazonaws.com", true)));
        assert!(!matches(&selectors, &management("rdsdata.amazonaws.com", false)));
        assert!(matches(&selectors, &management("iam.amazonaws.com", false)));
    }
}

#[test]
fn reads_and_writes_are_told_apart() {
    let read = management("s3.amazonaws.com", true);
    let write = management("s3.amazonaws.com", false);
    let silent = json!({"eventCategory": "Management"});
    for (selectors, wanted) in [
        (basic(json!([{"ReadWriteType": "ReadOnly"}])), [true, false, false]),
        (basic(json!([{"ReadWriteType": "WriteOnly"}])), [false, true, true]),
        (basic(json!([{}])), [true, true, true]),
        (basic(json!([{"IncludeManagementEvents": false}])), [false, false, false]),
        (advanced(of("Management", vec![field("readOnly", "Equals", &["true"])])), [true, false, false]),
        (advanced(of("Management", vec![field("readOnly", "Equals", &["false"])])), [false, true, true]),
    ] {
        let selectors = selectors.unwrap();
        assert_eq!([&read, &write, &silent].map(|event| matches(&selectors, event)), wanted, "{selectors:?}");
    }
}

#[test]
fn basic_data_resources_match_by_kind() {
    let event = |kind: &str, arn: &str| json!({"eventCategory": "Data", "resources": [{"type": kind, "ARN": arn}]});
    let (function, table) = ("AWS::Lambda::Function", "AWS::DynamoDB::Table");
    for (kind, value, arn, wanted) in [
        (OBJECT, "arn:aws:s3:::b/p", "arn:aws:s3:::b/prefix/k", true),
        (OBJECT, "arn:aws:s3:::b/p", "arn:aws:s3:::b/q", false),
        (OBJECT, "arn:aws:s3:::b/", "arn:aws:s3:::b2/p", false),
        (OBJECT, "arn:aws:s3", "arn:aws:s3:::b2/p", true),
        (OBJECT, "arn:aws:s3:::", "arn:aws:s3:::b2/p", true),
        (function, "arn:aws:lambda", "arn:aws:lambda:r:1:function:f", true),
        (function, "arn:aws:lambda:r:1:function:f", "arn:aws:lambda:r:1:function:f:7", true),
        (function, "arn:aws:lambda:r:1:function:f", "arn:aws:lambda:r:1:function:f2", false),
        (table, "arn:aws:dynamodb:r:1:table/t", "arn:aws:dynamodb:r:1:table/t", true),
        (table, "arn:aws:dynamodb:r:1:table/t", "arn:aws:dynamodb:r:1:table/t2", false),
    ] {
        let selectors = basic(json!([{"DataResources": [{"Type": kind, "Values": [value]}]}])).unwrap();
        assert_eq!(matches(&selectors, &event(kind, arn)), wanted, "{value} {arn}");
        assert!(!matches(&selectors, &event("AWS::Other::Kind", arn)));
    }
}

#[test]
fn many_objects_at_once_are_named_by_what_their_arns_begin_with() {
    let event = json!({"eventCategory": "Data", "resources": [{"type": OBJECT, "ARNPrefix": "arn:aws:s3:::b/"}]});
    let value = ["arn:aws:s3:::b/"];
    assert!(matches(&basic(json!([{"DataResources": [{"Type": OBJECT, "Values": value}]}])).unwrap(), &event));
    assert!(matches(&advanced(data(vec![field("resources.ARN", "StartsWith", &value)])).unwrap(), &event));
}

#[test]
fn network_activity_is_selected_by_source_and_denial() {
    let denied = field("errorCode", "Equals", &["VpceAccessDenied"]);
    let selectors =
        advanced(of("NetworkActivity", vec![field("eventSource", "Equals", &["kms.amazonaws.com"]), denied])).unwrap();
    let event = |error: Option<&str>| json!({"eventCategory": "NetworkActivity", "eventSource": "kms.amazonaws.com", "errorCode": error});
    assert!(matches(&selectors, &event(Some("VpceAccessDenied"))));
    assert!(!matches(&selectors, &event(None)));
}

#[test]
fn basic_selectors_are_checked() {
    let values =
        |count: usize| -> Vec<String> { (0..count).map(|number| format!("arn:aws:s3:::b/{number}")).collect() };
    let object = |values: Vec<String>| json!([{"DataResources": [{"Type": OBJECT, "Values": values}]}]);
    assert!(basic(object(values(250))).is_ok());
    let mut with_all = values(250);
    with_all.push("arn:aws:s3".to_owned());
    assert!(basic(object(with_all)).is_ok());
    for bad in [
        json!([]),
        json!(vec![json!({}); 6]),
        object(values(251)),
        object(vec!["arn:aws:s3:::*".to_owned()]),
        object(vec!["arn:aws:s3:::b*/k".to_owned()]),
        object(vec!["arn:aws:s3:::b".to_owned()]),
        object(vec!["arn:aws:lambda".to_owned()]),
        json!([{"ReadWriteType": "read-only"}]),
        json!([{"ExcludeManagementEventSources": ["s3.amazonaws.com"]}]),
        json!([{"IncludeManagementEvents": false, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]),
        json!([{"DataResources": [{"Type": "AWS::SNS::Topic", "Values": []}]}]),
        json!([{"DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda:*"]}]}]),
        json!([{"DataResources": [{"Values": ["arn:aws:s3"]}]}]),
    ] {
        assert!(refused(&basic(bad.clone())), "{bad}");
    }
}

#[test]
fn what_was_not_given_in_a_basic_selector_is_filled_in() {
    let selectors = basic(json!([{}])).unwrap();
    let filled = json!({"Basic": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [],
        "ExcludeManagementEventSources": []}]});
    assert_eq!(serde_json::to_value(&selectors).unwrap(), filled);
    assert_eq!(serde_json::from_value::<Selectors>(filled).unwrap(), selectors);
}

#[test]
fn the_advanced_grammar_for_trails_is_kept() {
    let names = |count: usize| -> Vec<String> { (0..count).map(|number| number.to_string()).collect() };
    // Category and type are values too.
    let many = |count: usize| data(vec![json!({"Field": "eventName", "NotEquals": names(count - 2)})]);
    assert!(advanced(many(500)).is_ok());
    assert!(advanced(of("Data", vec![field("resources.type", "Equals", &["AWS::Brand::New"])])).is_ok());
    assert!(advanced(data(vec![field("sessionCredentialFromConsole", "NotEquals", &["true"])])).is_ok());
    for bad in [
        json!([]),
        many(501),
        json!([{"FieldSelectors": []}]),
        json!([{"Name": "n".repeat(1001), "FieldSelectors": [field("eventCategory", "Equals", &["Management"])]}]),
        json!([{"FieldSelectors": [field("eventCategory", "NotEquals", &["Management"])]}]),
        json!([{"FieldSelectors": [field("eventCategory", "Equals", &["Management", "Data"])]}]),
        of("Insight", vec![]),
        of("ConfigurationItem", vec![]),
        of("management", vec![]),
        of("Data", vec![]),
        of("Data", vec![field("resources.type", "StartsWith", &[OBJECT])]),
        of("Data", vec![field("resources.type", "Equals", &[OBJECT, "AWS::Lambda::Function"])]),
        of("Data", vec![field("resources.type", "Equals", &["S3"])]),
        of("NetworkActivity", vec![]),
        of("NetworkActivity", vec![field("eventSource", "Equals", &["kms"])]),
        of("Management", vec![field("eventCategory", "Equals", &["Management"])]),
        of("Management", vec![field("eventName", "Equals", &["RunInstances"])]),
        of("Management", vec![field("userIdentity.arn", "Equals", &["arn:aws:iam::1:root"])]),
        of("Management", vec![field("eventSource", "Equals", &["kms.amazonaws.com"])]),
        of("Management", vec![field("eventSource", "NotEquals", &["s3.amazonaws.com"])]),
        of("Management", vec![field("readOnly", "NotEquals", &["true"])]),
        of("Management", vec![field("readOnly", "Equals", &["yes"])]),
        data(vec![field("nonsense", "Equals", &["x"])]),
        data(vec![json!({"Field": "eventName"})]),
        data(vec![field("eventName", "Equals", &[])]),
        data(vec![field("eventName", "Equals", &[""])]),
        data(vec![json!({"Field": "eventName", "Equals": ["x".repeat(2049)]})]),
        data(vec![field("resources.ARN", "Equals", &["bucket"])]),
        data(vec![field("sessionCredentialFromConsole", "StartsWith", &["true"])]),
        data(vec![field("sessionCredentialFromConsole", "Equals", &["false"])]),
    ] {
        assert!(refused(&advanced(bad.clone())), "{bad}");
    }
}

/// What the documentation says, word for word, over the event's JSON.
fn naive(selector: &AdvancedSelector, event: &Value) -> bool {
    let kind = selector.field_selectors.iter().find(|field| field.field == "resources.type");
    let candidates: Vec<Value> = match kind {
        None => vec![Value::Null],
        Some(kind) => {
            let wanted = kind.equals.as_ref().unwrap()[0].as_str();
            let resources = event["resources"].as_array().cloned().unwrap_or_default();
            resources.into_iter().filter(|resource| resource["type"] == wanted).collect()
        }
    };
    candidates.iter().any(|resource| {
        selector.field_selectors.iter().all(|field| {
            let text = match field.field.as_str() {
                "resources.type" => return true,
                "resources.ARN" => resource["ARN"].as_str().map(str::to_owned),
                "readOnly" => Some(event["readOnly"].as_bool().unwrap_or(false).to_string()),
                "userIdentity.arn" => event["userIdentity"]["arn"].as_str().map(str::to_owned),
                name => event[name].as_str().map(str::to_owned),
            };
            naive_field(field, text.as_deref())
        })
    })
}

fn naive_field(field: &FieldSelector, text: Option<&str>) -> bool {
    let any = |values: &Option<Vec<String>>, test: &dyn Fn(&str, &str) -> bool| {
        values.iter().flatten().any(|value| text.is_some_and(|text| test(text, value)))
    };
    let equal = |text: &str, value: &str| text == value;
    let starts = |text: &str, value: &str| text.starts_with(value);
    let ends = |text: &str, value: &str| text.ends_with(value);
    let selecting = [&field.equals, &field.starts_with, &field.ends_with].iter().any(|values| values.is_some());
    let selected = any(&field.equals, &equal) || any(&field.starts_with, &starts) || any(&field.ends_with, &ends);
    let deselected =
        any(&field.not_equals, &equal) || any(&field.not_starts_with, &starts) || any(&field.not_ends_with, &ends);
    (!selecting || selected) && !deselected
}

fn some_text() -> impl Strategy<Value = String> {
    "[ab]{1,3}"
}

fn some_field(name: &'static str, prefix: &'static str) -> impl Strategy<Value = Option<FieldSelector>> {
    let list = move || {
        proptest::option::of(proptest::collection::vec(
            some_text().prop_map(move |text| format!("{prefix}{text}")),
            1..3,
        ))
    };
    let tail = || proptest::option::of(proptest::collection::vec(some_text(), 1..3));
    (list(), list(), tail(), list(), list(), tail()).prop_map(
        move |(equals, starts_with, ends_with, not_equals, not_starts_with, not_ends_with)| {
            let field = FieldSelector {
                field: name.to_owned(),
                equals,
                starts_with,
                ends_with,
                not_equals,
                not_starts_with,
                not_ends_with,
            };
            let given = field.values().next().is_some();
            given.then_some(field)
        },
    )
}

fn some_selectors() -> impl Strategy<Value = Vec<AdvancedSelector>> {
    let fields = (
        some_field("eventName", ""),
        some_field("resources.ARN", "arn:aws:s3:::b/"),
        some_field("userIdentity.arn", ""),
        some_field("eventType", ""),
        proptest::option::of(any::<bool>()),
    );
    let selector = fields.prop_map(|(name, arn, user, kind, read)| {
        let read = read.map(|read| FieldSelector::equals("readOnly", &[if read { "true" } else { "false" }]));
        let mut field_selectors =
            vec![FieldSelector::equals("eventCategory", &["Data"]), FieldSelector::equals("resources.type", &[OBJECT])];
        field_selectors.extend([name, arn, user, kind, read].into_iter().flatten());
        AdvancedSelector { name: None, field_selectors }
    });
    proptest::collection::vec(selector, 1..4)
}

fn some_event() -> impl Strategy<Value = Value> {
    let text = || proptest::option::of(some_text());
    let resource = (text(), any::<bool>()).prop_map(|(key, object)| {
        json!({"type": if object { OBJECT } else { "AWS::S3::Bucket" }, "ARN": key.map(|key| format!("arn:aws:s3:::b/{key}"))})
    });
    (text(), text(), text(), proptest::option::of(any::<bool>()), proptest::collection::vec(resource, 0..3)).prop_map(
        |(name, user, kind, read, resources)| {
            json!({"eventCategory": "Data", "eventName": name, "userIdentity": {"arn": user}, "eventType": kind,
                "readOnly": read, "resources": resources})
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_matcher_agrees_with_the_documentation(selectors in some_selectors(), event in some_event()) {
        let expected = selectors.iter().any(|selector| naive(selector, &event));
        let matcher = Selectors::try_from(Given::Advanced(selectors)).unwrap();
        prop_assert_eq!(matches(&matcher, &event), expected);
    }

    #[test]
    fn no_selector_panics(name in ".{0,20}", operator in 0..6_usize, value in ".{0,20}") {
        let operators = ["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"];
        for category in ["Management", "Data", "NetworkActivity"] {
            let _ = advanced(of(category, vec![field(&name, operators[operator], &[&value])]));
        }
        let _ = basic(json!([{"DataResources": [{"Type": OBJECT, "Values": [value]}]}]));
    }
}
