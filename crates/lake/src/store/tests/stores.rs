//! Which events a store has, and how long it lives.

use super::house::{ACCOUNT, DAY, House, SCOPE, code, named, selectors};
use crate::store::{NewStore, Status, StoreUpdate};
use cairn_identity::NewAccount;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_store_takes_what_its_account_region_and_selectors_choose() {
    let house = House::new().await;
    house.happen("before", ACCOUNT, "us-east-1").await;
    let wide = house.store(named("wide")).await;
    let narrow = house.store(NewStore { multi_region: Some(false), ..named("narrow") }).await;
    let reads = selectors(&json!([{"FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["true"]}]}]));
    let reads = house.store(NewStore { selectors: Some(reads), ..named("reads") }).await;
    house.happen("here", ACCOUNT, "us-east-1").await;
    house.happen("there", ACCOUNT, "eu-west-1").await;
    house.happen("others", "444455556666", "us-east-1").await;
    assert_eq!(house.ids(&wide).await, ["here", "there"]);
    assert_eq!(house.ids(&narrow).await, ["here"]);
    assert!(house.ids(&reads).await.is_empty());
    let update = StoreUpdate { selectors: Some(wide.selectors.given().to_vec()), ..StoreUpdate::default() };
    house.stores.update(SCOPE, &reads.id, update).await.unwrap();
    house.happen("later", ACCOUNT, "us-east-1").await;
    assert_eq!(house.ids(&reads).await, ["later"]);
}

#[tokio::test]
async fn a_stopped_store_takes_nothing_until_it_is_started() {
    let house = House::new().await;
    let store = house.store(named("store-1")).await;
    house.happen("one", ACCOUNT, "us-east-1").await;
    house.stores.ingest(SCOPE, &store.id, false).await.unwrap();
    house.happen("two", ACCOUNT, "us-east-1").await;
    let house = house.restart().await;
    assert_eq!(house.stores.get(SCOPE, &store.arn).unwrap().status(), Status::Stopped);
    house.stores.ingest(SCOPE, &store.id, true).await.unwrap();
    house.happen("three", ACCOUNT, "us-east-1").await;
    assert_eq!(house.ids(&store).await, ["one", "three"]);
}

#[tokio::test]
async fn a_deleted_store_can_be_restored_for_seven_days_and_is_then_gone_with_its_table() {
    let house = House::new().await;
    let store = house.store(named("store-1")).await;
    house.happen("one", ACCOUNT, "us-east-1").await;
    house.stores.delete(SCOPE, &store.id, |_| false).await.unwrap();
    assert_eq!(code(house.stores.active(SCOPE, &store.id)), "InactiveEventDataStore");
    assert_eq!(code(house.stores.readable(SCOPE, &store.id)), "InactiveEventDataStore");
    house.happen("two", ACCOUNT, "us-east-1").await;
    house.sim.clock.advance(DAY * 6);
    house.stores.remove_doomed().await.unwrap();
    house.stores.restore(SCOPE, &store.id).await.unwrap();
    house.happen("three", ACCOUNT, "us-east-1").await;
    assert_eq!(house.ids(&store).await, ["one", "three"]);

    house.stores.delete(SCOPE, &store.id, |_| false).await.unwrap();
    house.sim.clock.advance(DAY * 7);
    // It is as good as gone, before somebody looked.
    assert_eq!(code(house.stores.restore(SCOPE, &store.id).await), "InvalidEventDataStoreStatus");
    house.stores.remove_doomed().await.unwrap();
    assert_eq!(code(house.stores.get(SCOPE, &store.id)), "EventDataStoreNotFound");
    assert!(house.tables.table(&store.id).is_none());
    let house = house.restart().await;
    assert_eq!(code(house.stores.get(SCOPE, &store.id)), "EventDataStoreNotFound");
    house.store(named("store-1")).await;
}

#[tokio::test]
async fn stores_that_are_due_are_removed_in_the_background() {
    let house = House::new().await;
    let store = house.store(named("store-1")).await;
    house.stores.delete(SCOPE, &store.id, |_| false).await.unwrap();
    let (stores, shutdown) = (house.stores.clone(), CancellationToken::new());
    let task = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { stores.run(shutdown).await }
    });
    while house.stores.get(SCOPE, &store.id).is_ok() {
        house.sim.clock.advance(DAY);
        tokio::task::yield_now().await;
    }
    assert!(house.sim.world().now().since(store.created) >= DAY * 7);
    shutdown.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_being_imported_into_is_not_deleted() {
    let house = House::new().await;
    let store = house.store(named("store-1")).await;
    let refused = house.stores.delete(SCOPE, &store.id, |_| true).await;
    assert_eq!(code(refused), "EventDataStoreHasOngoingImport");
}

#[tokio::test]
async fn an_organizations_store_takes_the_events_of_new_members_too() {
    let house = House::new().await;
    house.identity.create_organization(ACCOUNT).await.unwrap();
    let store = house.store(NewStore { organization: Some(true), ..named("store-1") }).await;
    let own = house.store(named("store-2")).await;
    house.happen("own", ACCOUNT, "us-east-1").await;
    let new = NewAccount { name: "two".to_owned(), email: "two@example.com".to_owned(), role: "Admin".to_owned() };
    let member = house.identity.create_account(ACCOUNT, new).await.unwrap();
    house.stores.members_changed().await.unwrap();
    house.happen("member", &member.id, "us-east-1").await;
    assert_eq!(house.ids(&store).await, ["member", "own"]);
    assert_eq!(house.ids(&own).await, ["own"]);
    let scope = crate::store::Scope { account: &member.id, ..SCOPE };
    let refused = house.stores.create(scope, NewStore { organization: Some(true), ..named("store-1") }).await;
    assert_eq!(code(refused), "NotOrganizationMasterAccount");
}

#[tokio::test]
async fn a_table_follows_the_retention_of_its_store() {
    let house = House::new().await;
    let store = house.store(NewStore { retention_days: Some(30), ..named("store-1") }).await;
    let retention = |house: &House| house.tables.table(&store.id).unwrap().retention;
    assert_eq!(retention(&house), DAY * 30);
    let update = StoreUpdate { retention_days: Some(7), ..StoreUpdate::default() };
    house.stores.update(SCOPE, &store.id, update).await.unwrap();
    assert_eq!(retention(&house.restart().await), Duration::from_hours(7 * 24));
}
