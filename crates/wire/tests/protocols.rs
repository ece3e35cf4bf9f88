//! Inputs, outputs and faults as the protocols write them.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped has failed the test")]

use cairn_event::Time;
use cairn_wire::{Blob, Fault, Protocol, Secret, Timestamp, json, query};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Input {
    name: String,
    count: Option<i32>,
    flag: Option<bool>,
    tags: Vec<Tag>,
    names: Vec<String>,
    attributes: BTreeMap<String, String>,
    since: Option<Timestamp>,
    data: Option<Blob>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Required {
    name: String,
}

fn form(text: &str) -> Result<Input, Fault> {
    query::decode(&query::Form::parse(text.as_bytes())?)
}

#[test]
fn both_protocols_read_the_same_input() {
    let from_json: Input = json::decode(
        br#"{"Name":"n","Count":-3,"Flag":true,"Tags":[{"Key":"a","Value":"1"},{"Key":"b"}],"Names":["x","y"],
            "Attributes":{"k":"v"},"Since":1688989320,"Data":"aGk=","SomethingNew":[1,{}]}"#,
    )
    .unwrap();
    let from_form = form(
        "Action=X&Name=n&Count=-3&Flag=true&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b\
         &Names.member.1=x&Names.member.2=y&Attributes.entry.1.key=k&Attributes.entry.1.value=v\
         &Since=2023-07-10T11%3A42%3A00Z&Data=aGk%3D",
    )
    .unwrap();
    assert_eq!(from_json, from_form);
    assert_eq!(from_json.data, Some(Blob(b"hi".to_vec())));
    assert_eq!(from_json.since, Some(Timestamp(Time(1_688_989_320_000))));
}

#[test]
fn lists_of_forms_are_ordered_by_their_numbers() {
    let numbers = (1..=12).rev().map(|number| format!("Names.member.{number}=n{number}")).collect::<Vec<_>>().join("&");
    let expected: Vec<String> = (1..=12).map(|number| format!("n{number}")).collect();
    assert_eq!(form(&numbers).unwrap().names, expected);
}

#[test]
fn an_empty_body_is_an_input_without_members() {
    assert_eq!(json::decode::<Input>(b"").unwrap(), Input::default());
    assert_eq!(json::decode::<Input>(b" {} ").unwrap(), Input::default());
    assert_eq!(form("").unwrap(), Input::default());
}

/// The code of the fault and a word that its message must have.
fn check(body: &[u8], code: &str, named: &str) {
    let fault = json::decode::<Input>(body).unwrap_err();
    assert_eq!((&*fault.code, fault.status), (code, if code.starts_with("Request") { 413 } else { 400 }));
    assert!(fault.message.contains(named), "{}", fault.message);
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    check(b"{", "SerializationException", "not JSON");
    check(b"[]", "SerializationException", "");
    check(b"\xff", "SerializationException", "UTF-8");
    check(br#"{"Name":7}"#, "SerializationException", "ame");
    check(br#"{"Count":"x"}"#, "SerializationException", "ount");
    check(br#"{"Count":99999999999}"#, "SerializationException", "ount");
    check(br#"{"Tags":{"Key":"a"}}"#, "SerializationException", "ags");
    check(br#"{"Data":"not base64!"}"#, "SerializationException", "ata");
    check("[".repeat(200).as_bytes(), "SerializationException", "");
    check(&vec![b' '; json::BODY_BYTES_MAX + 1], "RequestEntityTooLargeException", "longer");
}

#[test]
fn a_missing_member_is_a_validation_error_in_the_words_of_aws() {
    for body in [&b"{}"[..], br#"{"Name":null}"#] {
        let fault = json::decode::<Required>(body).unwrap_err();
        assert_eq!(fault.code, "ValidationException");
        assert!(fault.message.contains("'name'") && fault.message.contains("must not be null"), "{}", fault.message);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    name: &'static str,
    absent: Option<&'static str>,
    at: Timestamp,
    items: Vec<Tag>,
    secret: Secret,
    data: Blob,
}

fn output() -> Output {
    Output {
        name: "a<b",
        absent: None,
        at: Timestamp(Time(1_688_989_320_500)),
        items: vec![Tag { key: "k".into(), value: None }],
        secret: Secret::from("shown to its owner"),
        data: Blob(b"hi".to_vec()),
    }
}

#[test]
fn json_answers_have_no_null_and_epoch_times() {
    let text = String::from_utf8(json::encode(&output())).unwrap();
    let expected =
        r#"{"Name":"a<b","At":1688989320.5,"Items":[{"Key":"k"}],"Secret":"shown to its owner","Data":"aGk="}"#;
    assert_eq!(text, expected);
    assert_eq!(json::encode(&()), b"{}");
}

#[test]
fn query_answers_are_xml_with_iso_times() {
    let protocol = Protocol::Query { xmlns: "urn:x" };
    let text = String::from_utf8(protocol.encode("DoIt", "r-1", &output())).unwrap();
    for part in [
        r#"<DoItResponse xmlns="urn:x"><DoItResult>"#,
        "<Name>a&lt;b</Name>",
        "<At>2023-07-10T11:42:00.500Z</At>",
        "<Items><member><Key>k</Key></member></Items>",
        "<RequestId>r-1</RequestId>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Absent"), "{text}");
}

#[test]
fn faults_have_the_names_that_each_protocol_knows() {
    let fault = Fault::access_denied("no & never");
    let reply = Protocol::Json { version: "1.1" }.refuse(&fault, "r-1");
    assert_eq!((reply.status, reply.headers["x-amzn-errortype"].to_str().unwrap()), (400, "AccessDeniedException"));
    assert_eq!(reply.body, br#"{"__type":"AccessDeniedException","message":"no & never"}"#);
    let reply = Protocol::Query { xmlns: "urn:x" }.refuse(&fault, "r-1");
    let text = String::from_utf8(reply.body).unwrap();
    assert_eq!(reply.status, 403);
    assert!(text.contains("<Code>AccessDenied</Code><Message>no &amp; never</Message>"), "{text}");
}

proptest! {
    #[test]
    fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = json::decode::<Input>(&body);
        if let Ok(parsed) = query::Form::parse(&body) {
            let _ = query::decode::<Input>(&parsed);
        }
    }

    #[test]
    fn texts_survive_the_way_through_a_form(name in "\\PC{0,40}") {
        let text = format!("Name={}", percent(&name));
        prop_assert_eq!(form(&text).unwrap().name, name);
    }
}

fn percent(text: &str) -> String {
    text.bytes().flat_map(|byte| ['%', digit(byte >> 4), digit(byte & 15)]).collect()
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap()
}
