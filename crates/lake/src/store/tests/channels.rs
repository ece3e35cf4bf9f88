//! Where the events of channels go.

use super::house::{ACCOUNT, House, SCOPE, code};
use crate::channel::{AuditEvent, ChannelUpdate, NewChannel, Taken};
use serde_json::json;
use std::time::Duration;

fn event(id: &str, name: Option<&str>) -> AuditEvent {
    let data = json!({
        "version": "1", "userIdentity": {"type": "app", "principalId": "p"}, "eventSource": "door.example.com",
        "eventName": name, "eventTime": "2026-11-25T08:00:00Z", "UID": id, "recipientAccountId": ACCOUNT,
    });
    AuditEvent { id: id.to_owned(), data: data.to_string(), checksum: None }
}

fn to(stores: &[&str]) -> NewChannel {
    let stores = stores.iter().map(|store| (*store).to_owned()).collect();
    NewChannel { name: "channel-1".to_owned(), source: "Custom".to_owned(), stores, ..NewChannel::default() }
}

async fn put(house: &House, channel: &str, id: &str) -> Taken {
    let taken = house.channels.put(SCOPE, channel, vec![event(id, Some("Opened"))]).await.unwrap();
    // What follows is later by more than the millisecond by which rules are told apart.
    house.sim.clock.advance(Duration::from_secs(1));
    taken
}

fn event_ids(taken: &[&Taken]) -> Vec<String> {
    let mut ids: Vec<String> =
        taken.iter().flat_map(|taken| &taken.successful).map(|(_, event_id)| event_id.clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn events_go_to_the_stores_of_their_channel_and_no_others() {
    let house = House::new().await;
    let (first, second) = (house.audit_store("audit-1").await, house.audit_store("audit-2").await);
    let plain = house.store(super::house::named("plain")).await;
    let channel = house.channels.create(SCOPE, to(&[&first.id])).await.unwrap();
    let one = put(&house, &channel.arn, "one").await;
    let stores = Some(vec![second.arn.clone(), first.arn.clone()]);
    house.channels.update(SCOPE, &channel.arn, ChannelUpdate { stores, name: None }).await.unwrap();
    let two = put(&house, &channel.arn, "two").await;
    let stores = Some(vec![second.arn.clone()]);
    house.channels.update(SCOPE, &channel.arn, ChannelUpdate { stores, name: None }).await.unwrap();
    let house = house.restart().await;
    let three = put(&house, &channel.arn, "three").await;
    assert_eq!(house.ids(&first).await, event_ids(&[&one, &two]));
    assert_eq!(house.ids(&second).await, event_ids(&[&two, &three]));
    assert!(house.ids(&plain).await.is_empty());
    assert_eq!(code(house.stores.delete(SCOPE, &second.id, |_| false).await), "ChannelExistsForEDS");
    house.stores.delete(SCOPE, &first.id, |_| false).await.unwrap();
    house.channels.delete(SCOPE, &channel.arn).await.unwrap();
    assert_eq!(code(house.channels.put(SCOPE, &channel.arn, vec![event("four", Some("x"))]).await), "ChannelNotFound");
}

#[tokio::test]
async fn what_came_last_over_a_channel_is_known_after_a_restart() {
    let house = House::new().await;
    let store = house.audit_store("audit-1").await;
    let channel = house.channels.create(SCOPE, to(&[&store.id])).await.unwrap();
    assert_eq!(house.channels.ingestion(&channel.arn), None);
    let good = put(&house, &channel.arn, "one").await;
    house.sim.clock.advance(Duration::from_secs(5));
    let bad = house.channels.put(SCOPE, &channel.arn, vec![event("two", None)]).await.unwrap();
    assert_eq!(bad.failed[0].code, "FieldNotFound");
    let status = house.channels.ingestion(&channel.arn).unwrap();
    assert_eq!(status.success_event, Some(good.successful[0].1.clone()));
    assert_eq!(status.error.as_deref(), Some("FieldNotFound"));
    assert!(status.attempt > status.success);
    let shutdown = tokio_util::sync::CancellationToken::new();
    shutdown.cancel();
    house.channels.run(shutdown).await;
    let house = house.restart().await;
    assert_eq!(house.channels.ingestion(&channel.arn), Some(status));
    house.channels.delete(SCOPE, &channel.arn).await.unwrap();
    assert_eq!(house.channels.ingestion(&channel.arn), None);
}

#[tokio::test]
async fn a_store_that_a_channel_fills_stays_of_one_region() {
    let house = House::new().await;
    let store = house.audit_store("audit-1").await;
    house.channels.create(SCOPE, to(&[&store.id])).await.unwrap();
    let update = crate::store::StoreUpdate { multi_region: Some(true), ..crate::store::StoreUpdate::default() };
    assert_eq!(code(house.stores.update(SCOPE, &store.id, update).await), "InvalidParameter");
}
