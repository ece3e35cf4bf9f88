use super::*;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use proptest::prelude::*;

const RECEIVED: Time = Time(1_700_000_000_123);

fn shred(events: &[&str]) -> RecordBatch {
    let mut shredder = Shredder::new();
    for event in events {
        shredder.push(event, Origin::Import, RECEIVED).unwrap();
    }
    assert_eq!(shredder.rows(), events.len());
    shredder.finish()
}

/// Shreds one event, sees that it comes back, and gives its row.
fn row(event: &str) -> RecordBatch {
    let rows = shred(&[event]);
    assert_eq!(originals(&rows).value(0), event);
    rows
}

fn text<'a>(rows: &'a RecordBatch, column: &str) -> Option<&'a str> {
    let texts = rows.column_by_name(column).unwrap().as_string::<i32>();
    texts.is_valid(0).then(|| texts.value(0))
}

fn flag(rows: &RecordBatch, column: &str) -> Option<bool> {
    let flags = rows.column_by_name(column).unwrap().as_boolean();
    flags.is_valid(0).then(|| flags.value(0))
}

fn micros(rows: &RecordBatch, column: &str) -> i64 {
    rows.column_by_name(column).unwrap().as_primitive::<TimestampMicrosecondType>().value(0)
}

fn list(rows: &RecordBatch, column: &str) -> Vec<String> {
    let lists = rows.column_by_name(column).unwrap().as_list::<i32>();
    if lists.is_null(0) {
        return Vec::new();
    }
    lists.value(0).as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
}

const REAL: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:session","arn":"arn:aws:sts::111122223333:assumed-role/Admin/session","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/Admin","accountId":"111122223333","userName":"Admin"},"webIdFederationData":{},"attributes":{"creationDate":"2023-07-10T11:42:31Z","mfaAuthenticated":"true"}}},"eventTime":"2023-07-10T11:42:36Z","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","requestParameters":{"bucketName":"my-bucket","Host":"x","list":[{"roleName":"R"}]},"responseElements":null,"requestID":"R1","eventID":"293ba626-3be5-4a26-ab1b-0f4c54f49959","readOnly":false,"resources":[{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::my-bucket"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.2","cipherSuite":"ECDHE"}}"#;

#[test]
fn a_record_becomes_columns_and_a_short_form() {
    let rows = row(REAL);
    for (column, value) in [
        ("eventname", "PutBucketPolicy"),
        ("eventid", "293ba626-3be5-4a26-ab1b-0f4c54f49959"),
        ("useridentity_sessioncontext_sessionissuer_arn", "arn:aws:iam::111122223333:role/Admin"),
        ("useridentity_sessioncontext_attributes_mfaauthenticated", "true"),
        ("useridentity_sessioncontext_webidfederationdata", "{}"),
        ("requestparameters", r#"{"bucketName":"my-bucket","Host":"x","list":[{"roleName":"R"}]}"#),
        ("tlsdetails_ciphersuite", "ECDHE"),
        ("username", "session"),
        ("origin", "import"),
    ] {
        assert_eq!(text(&rows, column), Some(value), "{column}");
    }
    assert_eq!((flag(&rows, "readonly"), flag(&rows, "managementevent")), (Some(false), Some(true)));
    assert_eq!((text(&rows, "responseelements"), text(&rows, "errorcode")), (None, None));
    assert_eq!(micros(&rows, "eventtime"), 1_688_989_356_000_000);
    assert_eq!(micros(&rows, "received"), RECEIVED.millis() * 1000);
    assert_eq!(list(&rows, "resourcenames"), ["arn:aws:s3:::my-bucket", "my-bucket", "R"]);
    assert_eq!(list(&rows, "resourcetypes"), ["AWS::S3::Bucket", "AWS::IAM::Role"]);
    let form = text(&rows, "form").unwrap();
    assert!(form.len() < 200, "{form:?}");
}

#[test]
fn values_that_a_column_would_write_otherwise_stay_in_the_form() {
    let rows =
        row(r#"{"eventName":"a\u0062c","userAgent":"\"","errorCode":"\ud800","eventTime":"2023-07-10T11:42:36.5Z"}"#);
    assert_eq!((text(&rows, "eventname"), text(&rows, "useragent")), (Some("abc"), Some("\"")));
    assert_eq!(text(&rows, "errorcode"), None);
    assert_eq!(micros(&rows, "eventtime"), 1_688_989_356_500_000);
}

#[test]
fn wrong_types_and_nulls_read_as_null() {
    let rows = row(
        r#"{"eventName":5,"awsRegion":null,"readOnly":"true","managementEvent":"yes","userIdentity":"x","eventTime":7,"requestParameters": null,"resources":{},"responseElements":[1, 2]}"#,
    );
    assert_eq!(
        (text(&rows, "eventname"), text(&rows, "awsregion"), text(&rows, "requestparameters")),
        (None, None, None)
    );
    assert_eq!((flag(&rows, "readonly"), flag(&rows, "managementevent")), (Some(true), None));
    assert_eq!(micros(&rows, "eventtime"), micros(&rows, "received"));
    assert_eq!((text(&rows, "responseelements"), text(&rows, "resources")), (Some("[1, 2]"), Some("{}")));
}

#[test]
fn of_a_key_that_stands_twice_the_first_counts() {
    let rows = row(
        r#"{"eventName":"a","eventName":"b","userIdentity":{"arn":"x"},"userIdentity":{"arn":"y","userName":"z"},"eventTime":1,"eventTime":"2023-07-10T11:42:36Z"}"#,
    );
    assert_eq!((text(&rows, "eventname"), text(&rows, "useridentity_arn")), (Some("a"), Some("x")));
    assert_eq!(text(&rows, "useridentity_username"), None);
    assert_eq!(micros(&rows, "eventtime"), micros(&rows, "received"));
}

#[test]
fn a_key_with_escapes_is_the_same_key() {
    let rows = row(r#"{"event\u004eame":"a","\u0075serIdentity":{"arn":"x"}}"#);
    assert_eq!((text(&rows, "eventname"), text(&rows, "useridentity_arn")), (Some("a"), Some("x")));
}

#[test]
fn odd_events_come_back_as_they_were() {
    let deep = format!(
        "{{\"x\":{}{},\"requestParameters\":{}1{}}}",
        "[".repeat(500),
        "]".repeat(500),
        "{\"a\":[".repeat(200),
        "]}".repeat(200)
    );
    let large = format!("{{\"unknown\":\"{}\",\"eventName\":\"x\"}}", "é".repeat(100_000));
    for event in [
        "{}",
        " { } ",
        "\n{\t\"eventName\" :\r\n \"x\" , \"eventID\":\"y\" }\n",
        "{\"eventName\":\"x\" ,\"eventID\":\"y\", \"readOnly\":true,\"awsRegion\" :null,\"errorCode\":null}",
        "{\"userIdentity\":{},\"tlsDetails\":{ \"tlsVersion\":\"1\" }}",
        "{\"\":0,\"eventTime\":\"9999-12-31T23:59:59Z\"}",
        "{\"eventTime\":\"0000-12-31T23:59:59Z\"}",
        "{\"eventTime\":\"0001-01-01T00:00:00Z\"}",
        "{\"eventTime\":\"2016-12-31T23:59:60Z\"}",
        "{\"awsRegion\":null}",
        &deep,
        &large,
    ] {
        row(event);
    }
}

#[test]
fn what_is_not_an_object_is_refused_and_leaves_nothing() {
    let mut shredder = Shredder::new();
    let good = [REAL, "{}", "{\"eventName\":\"kept\",\"readOnly\":true}"];
    for bad in [
        "",
        "[]",
        "7",
        "{",
        "{\"eventName\":\"lost\"",
        "{\"eventName\":\"lost\",\"readOnly\":true,}",
        "{\"a\":\"\u{1}\"}",
        "{} x",
        "{\"eventName\":\"lost\"} \u{1}!",
    ] {
        assert!(shredder.push(bad, Origin::Door, RECEIVED).is_err(), "{bad}");
        assert!(shredder.push(&REAL[..REAL.len() - 1], Origin::Door, RECEIVED).is_err());
    }
    for event in good {
        shredder.push(event, Origin::Door, RECEIVED).unwrap();
        assert!(
            shredder
                .push(
                    "{\"eventName\":\"lost\",\"readOnly\":true,\"requestParameters\":{\"roleName\":\"r\"}",
                    Origin::Door,
                    RECEIVED
                )
                .is_err()
        );
    }
    assert!(shredder.bytes() > 0);
    let rows = shredder.finish();
    assert_eq!(originals(&rows).iter().flatten().collect::<Vec<_>>(), good);
    let names = rows.column_by_name("eventname").unwrap().as_string::<i32>();
    assert_eq!(names.iter().collect::<Vec<_>>(), [Some("PutBucketPolicy"), None, Some("kept")]);
    assert_eq!(
        rows.column_by_name("readonly").unwrap().as_boolean().iter().collect::<Vec<_>>(),
        [Some(false), None, Some(true)]
    );
    assert_eq!((shredder.rows(), shredder.finish().num_rows()), (0, 0));
}

#[test]
fn who_acted_is_named_as_lookups_name_them() {
    for (identity, name) in [
        (r#"{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::1:user/alice"}"#, Some("alice")),
        (r#"{"type":"Root","arn":"arn:aws:iam::1:root","userName":"alias"}"#, Some("root")),
        (r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/R/s@x"}"#, Some("s@x")),
        (r#"{"type":"AssumedRole","principalId":"AROA:i-0abc"}"#, Some("i-0abc")),
        (r#"{"type":"AssumedRole"}"#, None),
        (r#"{"type":"FederatedUser","arn":"arn:aws:sts::1:federated-user/bob"}"#, Some("bob")),
        (r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#, Some("ec2.amazonaws.com")),
        (r#"{"type":"AWSAccount","accountId":"1","principalId":"AIDA"}"#, None),
        (r#"{"type":"WebIdentityUser","userName":"u"}"#, Some("u")),
        (r#"{"type":"IAMUser","userName":""}"#, None),
        ("{}", None),
    ] {
        let rows = row(&format!("{{\"userIdentity\":{identity}}}"));
        assert_eq!(text(&rows, "username"), name, "{identity}");
    }
}

#[test]
fn resources_are_found_by_arn_and_bare_name() {
    for (event, names) in [
        (
            r#"{"resources":[{"ARN":"arn:aws:iam::1:role/path/R"}]}"#,
            vec!["arn:aws:iam::1:role/path/R", "role/path/R", "R"],
        ),
        (
            r#"{"resources":[{"ARN":"arn:aws:lambda:us-east-1:1:function:f"},{"ARN":5},7,null]}"#,
            vec!["arn:aws:lambda:us-east-1:1:function:f", "f"],
        ),
        (
            r#"{"resources":[{"ARN":"arn:aws:logs:us-east-1:1:log-group:g:*"}]}"#,
            vec!["arn:aws:logs:us-east-1:1:log-group:g:*", "g"],
        ),
        (r#"{"resources":[{"ARN":"*","type":""}]}"#, vec![]),
        (
            r#"{"requestParameters":{"policyArn":"arn:aws:iam::1:policy\/P","userName":"u"}}"#,
            vec!["arn:aws:iam::1:policy/P", "policy/P", "P", "u"],
        ),
        (r#"{"requestParameters":{"name":"t"},"eventSource":"cloudtrail.amazonaws.com"}"#, vec!["t"]),
        (r#"{"requestParameters":{"name":"t"},"eventSource":"xray.amazonaws.com"}"#, vec![]),
        (r#"{"requestParameters":{"userName":{"a":"x"},"keyId":null}}"#, vec![]),
        (
            r#"{"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}}"#,
            vec!["i-1", "i-2"],
        ),
    ] {
        assert_eq!(list(&row(event), "resourcenames"), names, "{event}");
    }
}

/// Values of any kind, with odd white space and escapes.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("\"true\"".to_owned()),
        "-?[1-9][0-9]{0,5}(\\.[0-9]{1,3})?(e[+-]?[0-9])?",
        "\"[a-zA-Z0-9é😀/: ]{0,12}\"",
        "\"([a-z]|\\\\n|\\\\\"|\\\\u00e9|\\\\ud800|\\\\/){0,6}\"",
        "\"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z\"",
        "\"arn:aws:[a-z]{1,3}::1:[a-z]{1,4}(/[a-z]{0,3}){0,2}\"",
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..5), space())
                .prop_map(|(values, space)| format!("[{space}{}{space}]", values.join(&format!("{space},")))),
            object(inner),
        ]
    })
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \n\t\r]{1,3}"]
}

fn key() -> impl Strategy<Value = String> {
    let known: Vec<String> =
        crate::schema::COLUMNS.iter().flat_map(|column| column.path).map(|key| (*key).to_owned()).collect();
    prop_oneof![
        12 => proptest::sample::select(known),
        1 => Just("bucketName".to_owned()),
        1 => Just("ARN".to_owned()),
        1 => Just("event\\u004eame".to_owned()),
        2 => "[a-zA-Zé]{0,6}",
    ]
}

fn object(value: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    let member = (space(), key(), space(), space(), value, space())
        .prop_map(|(a, key, b, c, value, d)| format!("{a}\"{key}\"{b}:{c}{value}{d}"));
    (proptest::collection::vec(member, 0..12), space()).prop_map(|(members, space)| {
        if members.is_empty() { format!("{{{space}}}") } else { format!("{{{}}}", members.join(",")) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_objects_come_back_byte_for_byte(events in proptest::collection::vec((space(), object(value()), space()), 1..5)) {
        let events: Vec<String> = events.into_iter().map(|(a, event, b)| format!("{a}{event}{b}")).collect();
        let mut shredder = Shredder::new();
        for event in &events {
            shredder.push(event, Origin::Door, RECEIVED).unwrap();
        }
        let rows = shredder.finish();
        let back = originals(&rows);
        prop_assert_eq!(back.iter().flatten().collect::<Vec<_>>(), events);
    }

    #[test]
    fn a_damaged_record_is_refused_or_comes_back(at in any::<prop::sample::Index>(), piece in "[\\[\\]{}\",:\\\\ 0a\u{1}\n]{0,2}", taken in 0_usize..30) {
        let at = at.index(REAL.len());
        let event = format!("{}{piece}{}", &REAL[..at], &REAL[(at + taken).min(REAL.len())..]);
        let json = serde_json::from_str::<serde::de::IgnoredAny>(&event).is_ok();
        let mut shredder = Shredder::new();
        shredder.push(REAL, Origin::Door, RECEIVED).unwrap();
        let taken = shredder.push(&event, Origin::Door, RECEIVED).is_ok();
        prop_assert_eq!(taken, json && event.trim_start().starts_with('{'), "{}", event);
        shredder.push(REAL, Origin::Door, RECEIVED).unwrap();
        let mut expected = vec![REAL, REAL];
        if taken {
            expected.insert(1, &event);
        }
        let back = originals(&shredder.finish());
        prop_assert_eq!(back.iter().flatten().collect::<Vec<_>>(), expected);
    }
}
