//! Look-ups over fresh rows and files together.

use super::*;
use crate::table::tests::house::{ACCOUNT, DAY, HOUR, House, START, event};
use cairn_event::Origin;

fn history(house: &House) -> History {
    History::open(house.tables.parts(), &house.tables)
}

fn everything() -> Look {
    Look {
        account: Some(ACCOUNT.to_owned()),
        region: Some("us-east-1".to_owned()),
        scope: Scope::Management,
        attributes: Vec::new(),
        from: None,
        to: None,
        after: None,
        max: 50,
    }
}

fn by(attribute: Attribute, value: &str) -> Look {
    Look { attributes: vec![(attribute, value.to_owned())], ..everything() }
}

async fn ids(history: &History, look: &Look) -> Vec<String> {
    let page = history.look(look).await.unwrap();
    page.events.into_iter().map(|found| found.id.unwrap()).collect()
}

/// Every page of a list, in its order.
async fn paged(history: &History, mut look: Look, mut between: impl AsyncFnMut()) -> Vec<Found> {
    let mut all = Vec::new();
    loop {
        let page = history.look(&look).await.unwrap();
        assert!(page.events.len() <= look.max);
        all.extend(page.events);
        look.after = page.next;
        if look.after.is_none() {
            return all;
        }
        between().await;
    }
}

async fn recorded(house: &House, body: &str) {
    house.append(body, Origin::Door).await;
    house.absorb().await;
}

#[tokio::test]
async fn pages_give_every_event_once_newest_first_while_others_come_and_files_are_written() {
    let house = House::new().await;
    let mut expected = Vec::new();
    for number in 0..90_u64 {
        // Seven share each second, and every other file has some of them.
        let (id, time) =
            (format!("id-{:03}", number * 37 % 90), START - HOUR - std::time::Duration::from_secs(number / 7));
        house.append(&event(&id, time, "Listed"), Origin::Door).await;
        expected.push((time, id));
        if number % 40 == 39 {
            house.absorb().await;
            house.tables.flush().await.unwrap();
        }
    }
    house.absorb().await;
    expected.sort();
    expected.reverse();
    let history = history(&house);
    let look = Look { max: 4, ..everything() };
    let found = paged(&history, look, async || {
        recorded(&house, &event("newer", START, "Newer")).await;
        house.tables.flush().await.unwrap();
    });
    let found: Vec<(Time, String)> = found.await.into_iter().map(|found| (found.time, found.id.unwrap())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn equal_rows_are_told_apart_by_how_many_were_given() {
    let house = House::new().await;
    let body = |note: &str| {
        event("same", START, "Twice").replace("\"eventVersion\"", &format!("\"note\":\"{note}\",\"eventVersion\""))
    };
    for note in ["a", "b", "c"] {
        house.append(&body(note), Origin::Import).await;
    }
    house.absorb().await;
    let found = paged(&history(&house), Look { max: 1, ..everything() }, async || {}).await;
    let mut events: Vec<String> = found.into_iter().map(|found| found.event).collect();
    events.sort();
    assert_eq!(events, [body("a"), body("b"), body("c")]);
}

#[tokio::test]
async fn bounds_are_inclusive_and_the_history_ends_where_it_is_said_to() {
    let house = House::new().await;
    for (id, time) in [("old", START - DAY * 91), ("edge", START - DAY * 90), ("one", START - HOUR), ("two", START)] {
        recorded(&house, &event(id, time, "X")).await;
    }
    house.tables.flush().await.unwrap();
    let history = history(&house);
    assert_eq!(ids(&history, &everything()).await, ["two", "one", "edge"]);
    assert_eq!(ids(&history, &Look { from: Some(START - HOUR), ..everything() }).await, ["two", "one"]);
    assert_eq!(ids(&history, &Look { to: Some(START - HOUR), ..everything() }).await, ["one", "edge"]);
    let at = Some(START - HOUR);
    assert_eq!(ids(&history, &Look { from: at, to: at, ..everything() }).await, ["one"]);
    assert!(ids(&history, &Look { to: Some(START - DAY * 90 - HOUR), ..everything() }).await.is_empty());
}

#[tokio::test]
async fn each_look_up_sees_its_account_region_and_kind_of_events() {
    let house = House::new().await;
    let base = |id: &str| event(id, START, "X");
    let management = "\"eventCategory\":\"Management\"";
    let without = |id: &str, flag: &str| {
        base(id).replace(&format!(",{management}"), "").replace("\"managementEvent\":true", flag)
    };
    for body in [
        base("plain"),
        without("old", "\"managementEvent\":true"),
        without("older", "\"apiVersion\":\"1\""),
        without("old-data", "\"managementEvent\":false"),
        base("data").replace("Management\"", "Data\""),
        base("insight").replace("Management\"", "Insight\""),
        base("elsewhere").replace("us-east-1", "eu-west-1"),
        base("theirs").replace(ACCOUNT, "444455556666"),
        base("by-identity")
            .replace("\"recipientAccountId\"", "\"userIdentity\":{\"accountId\":\"111122223333\"},\"x\""),
    ] {
        house.append(&body, Origin::Door).await;
    }
    house.append(&base("sent"), Origin::Channel).await;
    house.absorb().await;
    for _ in 0..2 {
        let history = history(&house);
        let sorted = async |look: Look| {
            let mut ids = ids(&history, &look).await;
            ids.sort();
            ids
        };
        assert_eq!(sorted(everything()).await, ["by-identity", "old", "older", "plain"]);
        assert_eq!(sorted(Look { scope: Scope::Insight, ..everything() }).await, ["insight"]);
        let all = Look { scope: Scope::Activity, account: None, region: None, ..everything() };
        let expected = ["by-identity", "data", "elsewhere", "old", "old-data", "older", "plain", "theirs"];
        assert_eq!(sorted(all).await, expected);
        assert_eq!(sorted(Look { region: Some("eu-west-1".to_owned()), ..everything() }).await, ["elsewhere"]);
        assert_eq!(sorted(Look { account: Some("444455556666".to_owned()), ..everything() }).await, ["theirs"]);
        house.tables.flush().await.unwrap();
    }
}

#[tokio::test]
async fn every_attribute_finds_what_has_it_in_files_and_fresh_rows() {
    let house = House::new().await;
    let one = r#""sourceIPAddress":"192.0.2.7","errorCode":"Denied","userIdentity":{"type":"IAMUser","userName":"alice","accessKeyId":"AKIA1"},"resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}],"eventVersion""#;
    recorded(&house, &event("one", START, "A").replace("\"eventVersion\"", one)).await;
    recorded(&house, &event("two", START, "B").replace("\"readOnly\":false", "\"readOnly\":true")).await;
    for _ in 0..2 {
        let history = history(&house);
        for (attribute, value, expected) in [
            (Attribute::EventId, "one", "one"),
            (Attribute::EventName, "B", "two"),
            (Attribute::ReadOnly, "true", "two"),
            (Attribute::ReadOnly, "false", "one"),
            (Attribute::Username, "alice", "one"),
            (Attribute::ResourceType, "AWS::S3::Bucket", "one"),
            (Attribute::ResourceName, "arn:aws:s3:::b", "one"),
            (Attribute::ResourceName, "b", "one"),
            (Attribute::AccessKeyId, "AKIA1", "one"),
            (Attribute::SourceIp, "192.0.2.7", "one"),
            (Attribute::ErrorCode, "Denied", "one"),
        ] {
            assert_eq!(ids(&history, &by(attribute, value)).await, [expected], "{attribute:?} {value}");
        }
        assert_eq!(ids(&history, &by(Attribute::EventSource, "ec2.amazonaws.com")).await, ["two", "one"]);
        for attribute in [Attribute::EventId, Attribute::Username, Attribute::ResourceName, Attribute::EventName] {
            assert!(ids(&history, &by(attribute, "none")).await.is_empty());
        }
        let mut both = by(Attribute::EventName, "A");
        both.attributes.push((Attribute::Username, "alice".to_owned()));
        assert_eq!(ids(&history, &both).await, ["one"]);
        both.attributes.push((Attribute::ReadOnly, "true".to_owned()));
        assert!(ids(&history, &both).await.is_empty());
        house.tables.flush().await.unwrap();
    }
    let found = history(&house).look(&by(Attribute::EventId, "one")).await.unwrap().events.remove(0);
    assert_eq!(found.event, event("one", START, "A").replace("\"eventVersion\"", one));
    let pair = |name: &str| (Some("AWS::S3::Bucket".to_owned()), Some(name.to_owned()));
    assert_eq!(found.resources, [pair("arn:aws:s3:::b"), pair("b")]);
    assert_eq!((found.username.as_deref(), found.read_only), (Some("alice"), Some(false)));
}

#[tokio::test]
async fn a_look_up_goes_on_without_a_damaged_file_and_finds_it_again_once_it_is_rebuilt() {
    let house = House::new().await;
    recorded(&house, &event("stored", START - HOUR, "X")).await;
    house.tables.flush().await.unwrap();
    recorded(&house, &event("fresh", START, "X")).await;
    let file = house.snapshot(table::EVENTS).await.files[0].clone();
    house.damage(file.bytes);
    let house = house.restart().await;
    house.absorb().await;
    let history = history(&house);
    assert_eq!(ids(&history, &everything()).await, ["fresh"]);
    house.tables.maintain().await;
    assert_eq!(ids(&history, &everything()).await, ["fresh", "stored"]);
}

#[test]
fn a_name_belongs_to_the_arn_that_ends_in_it() {
    assert!(is_name_of("b", "arn:aws:s3:::b") && is_name_of("R", "arn:aws:iam::1:role/path/R"));
    assert!(!is_name_of("ucket", "arn:aws:s3:::bucket") && !is_name_of("", "arn:aws:s3:::"));
}
