use super::*;
use crate::name;
use cairn_pattern::selector::{BasicSelector, Given};
use std::collections::BTreeMap;

const ACCOUNT: &str = "111122223333";
/// Later than anything here.
const NOW: Time = Time(100_000_000);

pub(super) fn entry(id: u128, name: &str) -> Entry {
    let trail = Trail {
        arn: name::arn(ACCOUNT, "us-east-1", name),
        name: name.to_owned(),
        account: ACCOUNT.to_owned(),
        home_region: "us-east-1".to_owned(),
        bucket: "b-1".to_owned(),
        prefix: Some("p".to_owned()),
        global_service_events: true,
        multi_region: false,
        validation: true,
        kms_key: None,
        organization: None,
        recursive_logging: true,
        custom_selectors: false,
        logging: false,
        started: None,
        stopped: None,
        created: Time(1000),
        tags: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
    };
    let history = History::new(Time(1000), "create".to_owned(), Rule::of(&trail, Arc::default()));
    Entry { id: Uuid::from_u128(id), trail, history, deleted: None }
}

fn switched(mut entry: Entry, on: bool, millis: i64) -> Entry {
    let trail = Trail { logging: on, ..entry.trail.clone() };
    entry.change(Time(millis), Uuid::from_u128(9), trail, entry.selectors().clone()).unwrap();
    entry
}

async fn register(dir: &tempfile::TempDir) -> Register {
    let db = Db::open(&dir.path().join("cairn.db")).await.unwrap();
    Register::open(&db, NOW).await.unwrap()
}

async fn put(register: &Register, entry: Entry) {
    register.change(move |_| Ok((vec![Edit::Put(Arc::new(entry))], ()))).await.unwrap();
}

fn all(register: &Register) -> Vec<Entry> {
    register.state().all().map(|entry| Entry::clone(entry)).collect()
}

#[tokio::test]
async fn trails_and_their_histories_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let register_before = register(&dir).await;
    let mut selected = switched(switched(entry(1, "one"), true, 2000), false, 3000);
    let given =
        Given::Basic(vec![BasicSelector { read_write_type: Some("ReadOnly".to_owned()), ..BasicSelector::default() }]);
    let selectors = Arc::new(Selectors::try_from(given).unwrap());
    selected.change(Time(4000), Uuid::nil(), selected.trail.clone(), selectors).unwrap();
    put(&register_before, selected).await;
    put(&register_before, entry(2, "two")).await;
    let before = all(&register_before);
    assert_eq!(before[0].history.phases().len(), 4);
    assert_eq!(all(&register(&dir).await), before);
}

#[tokio::test]
async fn what_the_archive_is_past_is_pruned_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let register_before = register(&dir).await;
    let hour = 3_600_000;
    put(&register_before, switched(switched(entry(1, "one"), true, hour), false, 2 * hour)).await;
    register_before.prune(Time(hour)).await.unwrap();
    assert_eq!(all(&register_before)[0].history.phases().len(), 3);
    register_before.prune(Time(2 * hour)).await.unwrap();
    assert_eq!(all(&register_before)[0].history.phases().len(), 2);
    let reopened = register(&dir).await;
    assert_eq!(all(&reopened), all(&register_before));
    put(&reopened, switched(all(&reopened).remove(0), true, 3 * hour)).await;
    assert_eq!(all(&register(&dir).await), all(&reopened));
}

#[tokio::test]
async fn a_deleted_trail_gives_its_name_away_and_lives_until_it_is_buried() {
    let dir = tempfile::tempdir().unwrap();
    let register_before = register(&dir).await;
    let mut old = switched(entry(1, "one"), true, 2000);
    put(&register_before, old.clone()).await;
    old.delete(Time(3000), Uuid::from_u128(7));
    assert!(!old.trail.logging && old.history.now().since == Time(3000));
    put(&register_before, old.clone()).await;
    assert!(register_before.state().living(&old.trail.arn).is_none());
    put(&register_before, entry(2, "one")).await;
    let reopened = register(&dir).await;
    assert_eq!(reopened.state().living(&old.trail.arn).unwrap().id, Uuid::from_u128(2));
    assert_eq!(all(&reopened).len(), 2);
    reopened.bury(old.id).await.unwrap();
    assert_eq!(all(&register(&dir).await).len(), 1);
}

#[tokio::test]
async fn what_began_ahead_of_the_clock_is_in_force_when_the_register_opens() {
    let dir = tempfile::tempdir().unwrap();
    let ahead = NOW.millis() + 1000;
    let before = register(&dir).await;
    put(&before, switched(switched(entry(1, "one"), true, 2000), false, ahead)).await;
    let since = |register: &Register| -> Vec<i64> {
        all(register)[0].history.phases().iter().map(|phase| phase.since.millis()).collect()
    };
    assert_eq!(since(&before), [1000, 2000, ahead]);
    let reopened = register(&dir).await;
    assert_eq!(since(&reopened), [1000, 2000, NOW.millis()]);
    put(&reopened, switched(all(&reopened).remove(0), true, 1500)).await;
    assert_eq!(since(&reopened), [1000, 1500, 1500, 1500]);
    assert_eq!(all(&register(&dir).await), all(&reopened));
}

#[test]
fn a_trail_changed_too_often_is_not_changed_again_but_can_be_deleted() {
    let mut entry = entry(1, "one");
    for number in 1..PHASES_MAX as i64 {
        entry = switched(entry, number % 2 == 1, number);
    }
    let trail = Trail { logging: !entry.trail.logging, ..entry.trail.clone() };
    let refused = entry.clone().change(Time(9999), Uuid::nil(), trail, Arc::default());
    assert!(matches!(refused, Err(Error::Invalid { code: "Throttling", .. })));
    let renamed = Trail { prefix: None, ..entry.trail.clone() };
    assert_eq!(entry.change(Time(9999), Uuid::nil(), renamed, entry.selectors().clone()), Ok(()));
    entry.delete(Time(9999), Uuid::nil());
    assert!(!entry.history.now().rule.logging);
}
