//! Object Lock: nothing gives a locked version up before its time.

use crate::house::{ACCOUNT, BUCKET, House, delete, new_bucket, put};
use cairn_bucket::{
    DefaultRetention, Error, LockMode, LockSettings, NewBucket, Period, Put, Retention, Setting, Versioning,
};
use cairn_event::Time;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

impl House {
    async fn locked(&self, mode: LockMode, days: u32) -> String {
        let retention = Some(self.in_days(mode, days));
        self.try_put(Put { retention, ..put("k") }, b"kept").await.unwrap().version.unwrap()
    }

    async fn retain(&self, version: &str, retention: Option<Retention>, bypass: bool) -> Result<(), Error> {
        self.buckets.set_retention(BUCKET, "k", Some(version), retention, bypass).await.map(drop)
    }

    async fn default_retention(&self, mode: LockMode, period: Period) {
        let default = Some(DefaultRetention { mode, period });
        self.buckets.set_lock(BUCKET, LockSettings { default }).await.unwrap();
    }

    fn in_days(&self, mode: LockMode, days: u32) -> Retention {
        Retention { mode, until: self.sim.world().now() + DAY * days }
    }
}

fn assert_locked<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::Locked(_))), "{result:?}");
}

#[tokio::test]
async fn nobody_deletes_shortens_or_removes_a_compliance_lock() {
    let house = House::lockable().await;
    let version = house.locked(LockMode::Compliance, 30).await;
    for bypass in [false, true] {
        assert_locked(&house.delete_version("k", &version, bypass).await);
        assert_locked(&house.retain(&version, None, bypass).await);
        assert_locked(&house.retain(&version, Some(house.in_days(LockMode::Compliance, 29)), bypass).await);
        assert_locked(&house.retain(&version, Some(house.in_days(LockMode::Governance, 60)), bypass).await);
        let many = house.buckets.delete_many(BUCKET, vec![delete("k", &version, bypass)]).await.unwrap();
        assert!(many.into_iter().all(|result| matches!(result, Err(Error::Locked(_)))));
    }
    assert!(matches!(house.buckets.remove(BUCKET).await, Err(Error::NotEmpty(_))));
    assert!(matches!(house.buckets.set_versioning(BUCKET, Versioning::Suspended).await, Err(Error::InvalidState(_))));
    house.buckets.set_lock(BUCKET, LockSettings::default()).await.unwrap();
    assert_locked(&house.delete_version("k", &version, true).await);
    assert_eq!(house.get_version("k", &version).await.unwrap(), b"kept");

    house.retain(&version, Some(house.in_days(LockMode::Compliance, 31)), false).await.unwrap();
    house.sim.clock.advance(DAY * 30 + DAY / 2);
    assert_locked(&house.delete_version("k", &version, true).await);
    house.sim.clock.advance(DAY);
    house.delete_version("k", &version, false).await.unwrap();
}

#[tokio::test]
async fn a_marker_hides_a_locked_version_but_does_not_remove_it() {
    let house = House::lockable().await;
    let version = house.locked(LockMode::Compliance, 30).await;
    let marker = house.delete("k").await.version.unwrap();
    house.put("k", b"newer").await;
    assert_eq!(house.get_version("k", &version).await.unwrap(), b"kept");
    house.delete_version("k", &marker, false).await.unwrap();
}

#[tokio::test]
async fn a_governance_lock_opens_only_to_who_may_bypass_it() {
    let house = House::lockable().await;
    let version = house.locked(LockMode::Governance, 30).await;
    assert_locked(&house.delete_version("k", &version, false).await);
    assert_locked(&house.retain(&version, None, false).await);
    assert_locked(&house.retain(&version, Some(house.in_days(LockMode::Governance, 1)), false).await);
    assert_locked(&house.retain(&version, Some(house.in_days(LockMode::Compliance, 40)), false).await);
    house.retain(&version, Some(house.in_days(LockMode::Governance, 40)), false).await.unwrap();
    house.retain(&version, Some(house.in_days(LockMode::Governance, 1)), true).await.unwrap();
    house.delete_version("k", &version, true).await.unwrap();
    let version = house.locked(LockMode::Governance, 30).await;
    house.retain(&version, Some(house.in_days(LockMode::Compliance, 1)), true).await.unwrap();
    assert_locked(&house.delete_version("k", &version, true).await);
}

#[tokio::test]
async fn a_legal_hold_keeps_a_version_until_it_is_lifted() {
    let house = House::lockable().await;
    let version = house.try_put(Put { legal_hold: Some(true), ..put("k") }, b"1").await.unwrap().version.unwrap();
    house.sim.clock.advance(DAY * 10_000);
    assert_locked(&house.delete_version("k", &version, true).await);
    let object = house.buckets.set_legal_hold(BUCKET, "k", Some(&version), false).await.unwrap();
    assert!(!object.legal_hold().unwrap());
    house.delete_version("k", &version, false).await.unwrap();
}

#[tokio::test]
async fn a_clock_turned_back_ends_no_lock_and_makes_no_new_one_shorter() {
    let house = House::lockable().await;
    let now = house.sim.world().now();
    house.default_retention(LockMode::Compliance, Period::Days(1)).await;
    house.sim.clock.set(Time::parse("2001-01-01T00:00:00Z").unwrap());
    let version = house.put("k", b"1").await.version.unwrap();
    let until = house.find("k").await.unwrap().retention().unwrap().until;
    assert_eq!(until, now + DAY, "the retention counts from the latest time ever seen");
    let past = Some(Retention { mode: LockMode::Compliance, until: Time::parse("2001-02-01T00:00:00Z").unwrap() });
    let refused = house.try_put(Put { retention: past, ..put("k") }, b"2").await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");

    let house = house.reopen().await;
    assert_locked(&house.delete_version("k", &version, true).await);
    assert_locked(&house.retain(&version, None, true).await);
    house.sim.clock.set(now + DAY / 2);
    assert_locked(&house.delete_version("k", &version, true).await);
    house.sim.clock.set(now + DAY);
    house.delete_version("k", &version, false).await.unwrap();
}

#[tokio::test]
async fn the_latest_time_is_written_while_nothing_happens() {
    let house = House::lockable().await;
    house.default_retention(LockMode::Governance, Period::Years(1)).await;
    // The keeper of time has gone to sleep before the clock moves, and has written when the row shows it.
    tokio::task::yield_now().await;
    let later = house.sim.world().now() + Duration::from_mins(2);
    house.sim.clock.advance(Duration::from_mins(2));
    let high = "SELECT high FROM bucket_time";
    while cairn_store::sqlx::query_scalar::<_, i64>(high).fetch_one(house.db.read()).await.unwrap() < later.millis() {
        tokio::task::yield_now().await;
    }
    house.sim.clock.set(Time(0));
    let house = house.reopen().await;
    house.put("k", b"1").await;
    assert_eq!(house.find("k").await.unwrap().retention().unwrap().until, later + DAY * 365);
}

#[tokio::test]
async fn default_retention_is_put_on_what_brings_none_and_only_from_then_on() {
    let house = House::lockable().await;
    house.put("before", b"1").await;
    house.default_retention(LockMode::Governance, Period::Days(10)).await;
    house.put("k", b"1").await;
    let own = Some(house.in_days(LockMode::Compliance, 3));
    house.try_put(Put { retention: own, ..put("own") }, b"1").await.unwrap();
    assert!(matches!(house.find("before").await.unwrap().retention(), Err(Error::NotSet(Setting::Retention))));
    assert_eq!(house.find("k").await.unwrap().retention, Some(house.in_days(LockMode::Governance, 10)));
    assert_eq!(house.find("own").await.unwrap().retention, own);
}

#[tokio::test]
async fn locks_need_a_bucket_that_has_them_and_a_time_to_come() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let retention = Some(house.in_days(LockMode::Governance, 1));
    let refused = house.try_put(Put { retention, ..put("k") }, b"1").await;
    assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{refused:?}");
    let version = house.put("k", b"1").await.version.unwrap();
    assert!(matches!(house.retain(&version, retention, true).await, Err(Error::InvalidRequest(_))));
    let held = house.buckets.set_legal_hold(BUCKET, "k", None, true).await;
    assert!(matches!(held, Err(Error::InvalidRequest(_))));

    house.buckets.set_lock(BUCKET, LockSettings::default()).await.unwrap();
    let past = Some(Retention { mode: LockMode::Governance, until: house.sim.world().now() });
    assert!(matches!(house.retain(&version, past, true).await, Err(Error::Invalid(_))));
    let endless = Some(house.in_days(LockMode::Governance, 40_000));
    assert!(matches!(house.retain(&version, endless, true).await, Err(Error::Invalid(_))));
    house.retain(&version, retention, false).await.unwrap();
    assert_locked(&house.delete_version("k", &version, false).await);
}

#[tokio::test]
async fn a_null_version_that_was_locked_later_is_kept_too() {
    let house = House::open().await;
    house.buckets.create(NewBucket { ..new_bucket(BUCKET, ACCOUNT) }).await.unwrap();
    house.put("k", b"null").await;
    house.buckets.set_versioning(BUCKET, Versioning::Enabled).await.unwrap();
    house.buckets.set_lock(BUCKET, LockSettings::default()).await.unwrap();
    house.retain("null", Some(house.in_days(LockMode::Compliance, 1)), false).await.unwrap();
    house.put("k", b"newer").await;
    assert_locked(&house.delete_version("k", "null", true).await);
}

/// What somebody with every permission does to get rid of one object's versions.
#[derive(Clone, Debug)]
enum Act {
    Put { compliance: bool, days: u32 },
    Retain { which: usize, retention: Option<(bool, u32)> },
    Delete { which: usize },
    Default { days: Option<u32> },
    TurnClock { hours: i64 },
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let retention = prop::option::of((any::<bool>(), 1..5_u32));
    prop_oneof![
        4 => (any::<bool>(), 1..5_u32).prop_map(|(compliance, days)| Act::Put { compliance, days }),
        4 => (0..6_usize, retention).prop_map(|(which, retention)| Act::Retain { which, retention }),
        6 => (0..6_usize).prop_map(|which| Act::Delete { which }),
        1 => prop::option::of(1..4_u32).prop_map(|days| Act::Default { days }),
        3 => (-2000..30_i64).prop_map(|hours| Act::TurnClock { hours }),
        1 => Just(Act::Restart),
    ]
}

const fn mode(compliance: bool) -> LockMode {
    if compliance { LockMode::Compliance } else { LockMode::Governance }
}

/// Acts with every bypass, and looks after each act whether each COMPLIANCE lock of which the time has not come still holds.
async fn besiege(acts: Vec<Act>) {
    let mut house = House::lockable().await;
    let mut versions = Vec::new();
    let mut locked = BTreeMap::<String, Time>::new();
    let mut latest = house.sim.world().now();
    for act in acts {
        match act {
            Act::Put { compliance, days } => {
                let retention = Some(Retention { mode: mode(compliance), until: latest + DAY * days });
                versions.push(house.try_put(Put { retention, ..put("k") }, b"kept").await.unwrap().version.unwrap());
            }
            Act::Retain { which, retention } => {
                let retention = retention.map(|(compliance, days)| (mode(compliance), latest + DAY * days));
                let retention = retention.map(|(mode, until)| Retention { mode, until });
                if let Some(version) = versions.get(which) {
                    _ = house.retain(version, retention, true).await;
                }
            }
            Act::Delete { which } => {
                if let Some(version) = versions.get(which) {
                    _ = house.delete_version("k", version, true).await;
                }
            }
            Act::Default { days } => {
                let default =
                    days.map(Period::Days).map(|period| DefaultRetention { mode: LockMode::Compliance, period });
                house.buckets.set_lock(BUCKET, LockSettings { default }).await.unwrap();
                versions.push(house.put("k", b"kept").await.version.unwrap());
            }
            Act::TurnClock { hours } => {
                let to = Time(house.sim.world().now().millis() + hours * 3_600_000);
                house.sim.clock.set(to);
                latest = latest.max(to);
            }
            Act::Restart => house = house.reopen().await,
        }
        for version in &versions {
            let found = house.buckets.find(BUCKET, "k", Some(version)).await;
            let retention = found.as_ref().ok().and_then(|object| object.retention);
            if let Some(until) = locked.get(version).filter(|until| **until > latest) {
                assert!(
                    retention.is_some_and(|now| now.mode == LockMode::Compliance && now.until >= *until),
                    "{found:?}"
                );
                assert_eq!(house.get_version("k", version).await.unwrap(), b"kept");
            }
            if let Some(Retention { mode: LockMode::Compliance, until }) = retention {
                locked.insert(version.clone(), until);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_acts_breaks_a_compliance_lock(acts in prop::collection::vec(act(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(besiege(acts));
    }
}
