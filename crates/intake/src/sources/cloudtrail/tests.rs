use super::*;
use crate::sample::{aggregated, digest, event, file, insight};
use cairn_event::Head;
use proptest::prelude::*;
use serde_json::value::RawValue;

fn decoded(text: impl AsRef<[u8]>) -> Decoded {
    decode("log.json", text.as_ref(), &Limits::default()).unwrap()
}

fn texts(bytes: &[u8], decoded: &Decoded) -> Vec<String> {
    decoded.records.iter().map(|record| String::from_utf8(bytes[record.range()].to_vec()).unwrap()).collect()
}

fn refused(text: impl AsRef<[u8]>) -> (u64, String) {
    match decode("log.json", text.as_ref(), &Limits::default()) {
        Err(Error::Invalid { offset, reason }) => (offset, reason),
        other => panic!("{other:?}"),
    }
}

/// The records kept, by number, and the rejections as (offset, part of the reason).
fn check(text: impl AsRef<[u8]>, kept: &[u64], rejected: &[(usize, &str)]) {
    let text = text.as_ref();
    let shown = String::from_utf8_lossy(text);
    let decoded = decoded(text);
    let expected: Vec<String> = kept.iter().map(|number| event(*number)).collect();
    assert_eq!(texts(text, &decoded), expected, "{shown}");
    let found = &decoded.rejected.first;
    assert_eq!(found.len(), rejected.len(), "{shown}: {found:?}");
    assert_eq!(decoded.rejected.total, rejected.len() as u64);
    for (rejection, (offset, reason)) in found.iter().zip(rejected) {
        assert_eq!(rejection.offset, *offset as u64, "{shown}: {rejection:?}");
        assert!(rejection.reason.contains(reason), "{shown}: {rejection:?}");
    }
}

#[test]
fn every_form_in_which_events_arrive_is_taken() {
    let (a, b, c) = (event(1), event(2), event(3));
    for text in [
        file(&[&a, &b, &c]),
        format!("\u{feff}{}", file(&[&a, &b, &c])),
        format!("[{a},{b},{c}]"),
        format!("{a}\n{b}\n{c}\n"),
        format!("{a}{b}\r\n{c}"),
        format!("{}\n{}", file(&[&a, &b]), file(&[&c])),
        format!("{}{c}", file(&[&a, &b])),
        format!(" {{ \"x\" : [1] , \"Records\" : [ {a}\n,\t{b} , {c}\r\n] , \"y\" : null }} "),
    ] {
        check(text, &[1, 2, 3], &[]);
    }
    check(event(1), &[1], &[]);
    check("{\"Records\":[]}", &[], &[]);
    check("[]", &[], &[]);
}

#[test]
fn white_space_inside_a_record_is_kept() {
    let pretty = "{\n  \"eventID\" : \"e\",\n\t\"eventName\":\"N\",  \"eventVersion\": \"1.08\"\r\n }";
    let text = format!("{{\"Records\": [\n{pretty}\n]}}");
    assert_eq!(texts(text.as_bytes(), &decoded(&text)), [pretty]);
}

#[test]
fn a_bad_record_is_rejected_and_its_neighbours_kept() {
    let (one, two) = (event(1), event(2));
    let at = file(&[&one]).len() - 1;
    let deep = format!(r#"{{"eventID":"d","eventName":"N","x":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let large = format!(r#"{{"eventID":"d","eventName":"N","x":"{}"}}"#, "x".repeat(4 << 20));
    for (bad, reason) in [
        ("7", "not an object"),
        ("null", "not an object"),
        ("\"a\\\"],}\"", "not an object"),
        ("[{\"eventID\":\"x\",\"eventName\":\"n\"}]", "not an object"),
        ("{\"eventID\":\"a\",\"eventName\":tru,\"x\":[\"},{\"]}", "not JSON at byte"),
        ("{\"eventID\":\"a\"\"eventName\":\"b\"}", "not JSON at byte"),
        ("{\"eventID\":\"a\",}", "not JSON at byte"),
        ("{\"eventID\":\"a\n\"}", "not JSON at byte"),
        ("oops", "not JSON at byte"),
        (&deep, "nested deeper"),
        (&large, "larger than"),
        ("{\"eventID\":\"a\",\"eventID\":\"b\",\"eventName\":\"n\"}", "eventID twice"),
        ("{}", "no CloudTrail event"),
        ("{\"eventTime\":\"2023-07-10T11:42:00Z\",\"foo\":1}", "no CloudTrail event"),
        (
            "{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"eventTime\":\"2023-07-10T11:42:00Z\",\"eventName\":\"ObjectCreated:Put\"}",
            "a notification",
        ),
    ] {
        check(file(&[one.as_str(), bad, two.as_str()]), &[1, 2], &[(at, reason)]);
    }
    check(format!("[{one} {two},{}]", event(3)), &[1, 3], &[(one.len() + 2, "no comma")]);
}

#[test]
fn invalid_utf8_is_rejected_where_it_stands() {
    let mut bad = event(2).into_bytes();
    let at = bad.iter().position(|byte| *byte == 0xc3).unwrap();
    bad[at] = 0xff;
    let (one, three) = (event(1), event(3));
    let text = [b"{\"Records\":[", one.as_bytes(), b",", &bad, b",", three.as_bytes(), b"]}"].concat();
    check(text, &[1, 3], &[(13 + one.len(), "not UTF-8 at its byte")]);
    let outside = [b"{\"Records\":[\xff,", three.as_bytes(), b"]}"].concat();
    check(outside, &[3], &[(12, "not JSON")]);
}

#[test]
fn a_bad_line_costs_that_line() {
    let (one, three) = (event(1), event(3));
    let after = one.len() + 1;
    check(format!("{one}\nnonsense {{\n{three}\n"), &[1, 3], &[(after, "not an object")]);
    check(format!("{one}\n{{\"eventID\":\"x}}\n{three}"), &[1, 3], &[(after, "not JSON")]);
    check(format!("{one}\n{{\"a\":1}}\n{three}"), &[1, 3], &[(after, "no event")]);
    check(format!("{{\"a\":1}}\n{three}"), &[3], &[(0, "no event")]);
}

#[test]
fn damage_to_the_container_is_told_and_what_was_whole_is_kept() {
    let one = event(1);
    check(format!("{{\"Records\":[{one}]]"), &[1], &[(13 + one.len(), "not JSON")]);
    check(format!("{{\"Records\":[{one},]}}"), &[1], &[(13 + one.len(), "not JSON")]);
    check(format!("{{\"Records\":[{one}],}}"), &[1], &[(14 + one.len(), "not JSON")]);
    // A quote that was lost turns the rest inside out: nothing of it is believed.
    let text = file(&[event(1), event(2).replacen("\"eventVersion", "eventVersion", 1), event(3)]);
    let decoded = decoded(&text);
    assert_eq!(texts(text.as_bytes(), &decoded)[0], one);
    assert!(decoded.rejected.total > 0);
}

#[test]
fn behind_damage_a_record_must_name_itself() {
    let unnamed = r#"{"eventTime":"2023-07-10T11:42:00Z","eventName":"N"}"#;
    let whole = decoded(file(&[unnamed]));
    assert_eq!((whole.records.len(), whole.unnamed), (1, 1));
    let text = file(&["oops", unnamed]);
    check(text, &[], &[(12, "not JSON"), (17, "follows damage")]);
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let whole = file(&[event(1), event(2)]);
    for cut in (1..whole.len()).filter(|cut| whole.is_char_boundary(*cut)) {
        let (offset, reason) = refused(&whole[..cut]);
        assert_eq!(offset, cut as u64);
        assert!(reason.contains("cut off"), "{reason}");
    }
    let lines = format!("{}\n{}", event(1), event(2));
    assert!(refused(&lines[..lines.len() - 1]).1.contains("after 1 records"));
}

#[test]
fn files_of_other_kinds_are_told_apart() {
    let config = r#"{"fileVersion":"1.0","configSnapshotId":"x","configurationItems":[]}"#;
    for (name, text, kind, note) in [
        ("x.json", file(&[event(1), insight(1)]), Kind::Log, None),
        ("x.json", file(&[insight(1), insight(2)]), Kind::Insight, None),
        ("x.json", file(&[aggregated(1)]), Kind::Aggregated, None),
        ("a/CloudTrail-Insight/x.json", file::<&str>(&[]), Kind::Insight, None),
        ("a/CloudTrail-Insight/x.json", file(&[event(1)]), Kind::Log, None),
        ("a/CloudTrail-Digest/x.json", file(&[event(1)]), Kind::Log, None),
        ("x.json", digest(0), Kind::Digest, None),
        ("x.json", digest(3), Kind::Digest, None),
        ("x.json", config.to_owned(), Kind::Other, Some("AWS Config")),
        ("x.json", "{\"version\":\"1.0\",\"hashSignature\":\"\"}".to_owned(), Kind::Other, Some("query results")),
        ("x.json", "{\"detail-type\":\"x\",\"detail\":{}}".to_owned(), Kind::Other, Some("EventBridge")),
        ("x.json", "{}".to_owned(), Kind::Other, Some("neither")),
        ("x.json", String::new(), Kind::Other, Some("empty")),
        ("x.json", " \n".to_owned(), Kind::Other, Some("empty")),
        ("flow.log.gz", "2 123 eni-1 10.0.0.1".to_owned(), Kind::Other, Some("does not begin")),
    ] {
        let decoded = decode(name, text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(decoded.kind, kind, "{name} {text}");
        match note {
            Some(part) => assert!(decoded.note.as_deref().is_some_and(|note| note.contains(part)), "{text}"),
            None => assert_eq!(decoded.note, None),
        }
    }
    assert!(refused("<html>").1.contains("no log file"));
}

#[test]
fn a_digest_file_must_have_its_shape() {
    for (from, to) in [
        ("\"logFiles\":[", "\"logfiles\":["),
        ("\"hashAlgorithm\":\"SHA-256\"", "\"hashAlgorithm\":null"),
        ("\"hashValue\":\"9b", "\"hashValue\":\"xx"),
        ("\"awsAccountId\":", "\"awsAccount\":"),
        ("\"previousDigestSignature\":null", "\"previousDigestSignature\":7"),
        ("\"digestStartTime\":\"2015-08-17T14:01:31Z\"", "\"digestStartTime\":\"soon\""),
    ] {
        let text = digest(1).replacen(from, to, 1);
        assert_ne!(text, digest(1));
        assert!(refused(&text).1.starts_with("a digest file"), "{to}");
    }
}

#[test]
fn at_the_limits_the_file_is_refused_or_the_rest_only_counted() {
    let limits = Limits { records_max: 2, rejections_max: 2, ..Limits::default() };
    assert_eq!(decode("x", file(&[event(1), event(2)]).as_bytes(), &limits).unwrap().records.len(), 2);
    let error = decode("x", file(&[event(1), event(2), event(3)]).as_bytes(), &limits).unwrap_err();
    assert!(error.to_string().contains("more than 2 records"), "{error}");
    let many = decode("x", file(&["1"; 5]).as_bytes(), &limits).unwrap().rejected;
    assert_eq!((many.total, many.first.len()), (5, 2));
}

#[test]
fn one_line_of_three_hundred_megabytes_is_taken_apart() {
    let filler = format!(r#""x":"{}""#, "x".repeat(3 << 20));
    let records: Vec<String> = (0..100).map(|number| event(number).replacen('{', &format!("{{{filler},"), 1)).collect();
    let text = file(&records);
    drop(records);
    assert!(text.len() > 300_000_000 && !text.contains('\n'));
    let decoded = decoded(&text);
    assert_eq!((decoded.records.len(), decoded.rejected.total), (100, 0));
    assert_eq!(decoded.records[99].end as usize, text.len() - 2);
}

/// Any JSON, as text with white space in arbitrary places.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"([a-zé{}\\[\\],: ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,12}\"",
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..5), "[ \n\t\r]{0,2}")
                .prop_map(|(items, space)| format!("[{space}{}]", items.join(&format!("{space},")))),
            (proptest::collection::vec(("\"[a-z]{0,9}\"", inner), 0..5), "[ \n\t\r]{0,2}").prop_map(
                |(members, space)| {
                    let members: Vec<String> =
                        members.iter().map(|(key, value)| format!("{key}{space}:{space}{value}")).collect();
                    format!("{{{space}{}{space}}}", members.join(","))
                }
            ),
        ]
    })
}

fn any_record() -> impl Strategy<Value = String> {
    (json(), "[ \n]{0,2}", any::<u32>()).prop_map(|(value, space, number)| {
        format!(r#"{{{space}"requestParameters":{value},"eventName":"N"{space},"eventID":"e{number}"}}"#)
    })
}

#[derive(serde::Deserialize)]
struct Container<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<&'a RawValue>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn splitting_gives_back_what_was_joined(
        records in proptest::collection::vec(any_record(), 0..6), comma in "[ \n\t\r]{0,2},[ \n\t\r]{0,2}"
    ) {
        let text = format!("{{\"Records\":[{}]}}", records.join(&comma));
        let decoded = decoded(&text);
        prop_assert_eq!(decoded.rejected.total, 0);
        prop_assert_eq!(texts(text.as_bytes(), &decoded), records);
    }

    #[test]
    fn splitting_agrees_with_serde(elements in proptest::collection::vec(prop_oneof![any_record(), json()], 0..6)) {
        let text = format!("{{\"Records\":[{}]}}", elements.join(","));
        let by_serde: Container<'_> = serde_json::from_str(&text).unwrap();
        let decoded = decoded(&text);
        prop_assert_eq!(decoded.records.len() as u64 + decoded.rejected.total, by_serde.records.len() as u64);
        let named = |raw: &&&RawValue| raw.get().contains("\"eventID\":\"e") && raw.get().starts_with('{');
        let kept: Vec<&str> = by_serde.records.iter().filter(named).map(|raw| raw.get()).collect();
        prop_assert_eq!(texts(text.as_bytes(), &decoded), kept);
    }

    #[test]
    fn whatever_is_kept_of_a_damaged_file_is_json(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6)
    ) {
        let mut bytes = file(&[event(1), event(2), event(3)]).into_bytes();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"\"{}[],:\\"[usize::from(byte % 8)]),
                _ => drop(bytes.remove(at)),
            }
        }
        let Ok(decoded) = decode("log", &bytes, &Limits::default()) else { return Ok(()) };
        for text in texts(&bytes, &decoded) {
            prop_assert!(serde_json::from_str::<&RawValue>(&text).is_ok(), "{text}");
            prop_assert!(Head::parse(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), form in 0..4_usize) {
        bytes.splice(0..0, [&b""[..], b"{\"Records\":[", b"[", b"{\"eventID\":"][form].iter().copied());
        let _ = decode("log", &bytes, &Limits::default());
    }
}
