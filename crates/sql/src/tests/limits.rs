//! Memory, time, cancellation, and queries that are meant to hurt.

use super::data::Shelf;
use super::{House, query};
use cairn_lake::sql::{Error, Sql};
use futures::StreamExt;
use std::time::Duration;

/// Seven joins of six rows: 280,000 rows, each with texts of its own.
const LARGE: &str = "SELECT count(*) FROM (SELECT DISTINCT a.eventid || b.eventid || c.eventid || d.eventid || e.eventid || f.eventid || g.eventid AS x \
                     FROM events a, events b, events c, events d, events e, events f, events g)";
/// More rows than anybody waits for.
const ENDLESS: &str = "SELECT count(*) FROM events a, events b, events c, events d, events e, events f, events g, events h, \
                       events i, events j, events k, events l, events m WHERE a.eventid || m.eventid = 'x'";

#[tokio::test]
async fn a_query_beyond_its_memory_fails_alone() {
    let house = House::over(Shelf::fresh());
    let mut large = query(LARGE);
    large.limits.memory_bytes_max = 256 << 10;
    let (failed, other) = tokio::join!(house.ask(large), house.ask(query("SELECT count(*) FROM events")));
    assert_eq!(failed.map(|answer| answer.rows).unwrap_err(), Error::Memory(256 << 10));
    assert_eq!(other.unwrap().rows, [["6"]]);
}

#[tokio::test]
async fn what_has_no_room_in_memory_is_spilled() {
    let house = House::over(Shelf::fresh());
    let mut large = query(LARGE);
    large.limits.memory_bytes_max = 24 << 20;
    assert_eq!(house.ask(large).await.unwrap().rows, [["279936"]]);
}

#[tokio::test]
async fn a_query_has_its_time() {
    let house = House::over(Shelf::fresh());
    let mut endless = query(ENDLESS);
    endless.limits.time_max = Duration::from_secs(5);
    let ask = house.ask(endless);
    let (result, ()) = tokio::join!(ask, async {
        // until the query waits for the clock
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
            house.sim.clock.advance(Duration::from_millis(10));
            std::thread::yield_now();
        }
        house.sim.clock.advance(Duration::from_mins(1));
        while !house.idle() {
            house.sim.clock.advance(Duration::from_mins(1));
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(result.map(|answer| answer.rows).unwrap_err(), Error::Time(Duration::from_secs(5)));
}

#[tokio::test]
async fn a_query_is_cancelled_by_its_token_and_by_dropping_it() {
    let house = House::over(Shelf::fresh());
    let endless = query(ENDLESS);
    let token = endless.cancel.clone();
    let mut rows = house.engine.run(endless).await.unwrap();
    token.cancel();
    assert_eq!(rows.batches.next().await.map(|batch| batch.map(|_| ())), Some(Err(Error::Cancelled)));
    let rows = house.engine.run(query(ENDLESS)).await.unwrap();
    drop(rows);
    house.check("SELECT count(*) FROM events", "6").await;
}

#[tokio::test]
async fn thousands_of_columns_are_answered() {
    let house = House::over(Shelf::fresh());
    let columns = (0..2_000).map(|index| format!("{index} AS c{index}")).collect::<Vec<_>>().join(", ");
    let answer = house.ask(query(&format!("SELECT {columns}"))).await.unwrap();
    assert_eq!(answer.rows[0].len(), 2_000);
}

#[tokio::test]
async fn long_texts_and_lists_are_answered() {
    let house = House::over(Shelf::fresh());
    let text = "x".repeat(900_000);
    assert_eq!(house.rows(&format!("SELECT length('{text}')")).await, [["900000"]]);
    let list = (0..10_000).map(|index| format!("'{index}'")).collect::<Vec<_>>().join(", ");
    house.check(&format!("SELECT count(*) FROM events WHERE eventname IN ({list})"), "0").await;
    let chain = vec!["eventname = 'x'"; 1_000].join(" OR ");
    house.check(&format!("SELECT count(*) FROM events WHERE {chain}"), "0").await;
    let union = vec!["SELECT 1"; 300].join(" UNION ALL ");
    house.check(&format!("SELECT count(*) FROM ({union})"), "300").await;
}

#[tokio::test]
async fn hostile_queries_get_a_clear_error() {
    let house = House::over(Shelf::fresh());
    for hostile in [
        format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1", "- ".repeat(20_000)),
        format!("SELECT {}true", "NOT ".repeat(2_900)),
        format!("SELECT {}1{}", "abs(".repeat(2_000), ")".repeat(2_000)),
        format!("SELECT 1{}", " + 1".repeat(100_000)),
        format!("SELECT {}", "x,".repeat(400_000)),
        " ".repeat(2 << 20),
        "SELECT regexp_like('a', '(a{1,1000}){1,1000}')".to_owned(),
        "SELECT regexp_like('a', 'a{100000}{100000}')".to_owned(),
        "SELECT sequence(1, 1000000000)".to_owned(),
        "SELECT cardinality(repeat('x', 2000000000))".to_owned(),
        "SELECT length(lpad('x', 2000000000, 'y'))".to_owned(),
        "SELECT timestamp '99999999-01-01 00:00:00'".to_owned(),
        "SELECT date_add('year', 9223372036854775807, now())".to_owned(),
        "\0".to_owned(),
    ] {
        let shown: String = hostile.chars().take(60).collect();
        let error = house.fails(&hostile).await;
        assert!(!matches!(error, Error::Failed(_)), "{shown}: {error:?}");
    }
}

#[tokio::test]
async fn a_short_text_that_means_a_huge_plan_is_refused() {
    let house = House::over(Shelf::fresh());
    let doubling = |first: &str, next: &dyn Fn(usize) -> String| {
        let rest: Vec<_> = (1..30).map(|index| format!("c{index} AS ({})", next(index - 1))).collect();
        format!("WITH c0 AS ({first}), {} SELECT count(*) FROM c29", rest.join(", "))
    };
    let joined = |below: usize| format!("SELECT a.x FROM c{below} a, c{below} b");
    let within = |below: usize| format!("SELECT x FROM C{below} WHERE x IN (SELECT x FROM \"c{below}\")");
    for text in [
        doubling("SELECT eventid AS x FROM events", &joined),
        doubling("SELECT 1 AS x", &joined),
        doubling("VALUES (1) ", &joined).replace("SELECT a.x", "SELECT a.column1"),
        doubling("SELECT eventid AS x FROM events", &within),
        format!("SELECT * FROM ({}) q", doubling("SELECT 1 AS x", &joined)),
    ] {
        let error = house.engine.check(&query(&text)).await.unwrap_err();
        assert!(matches!(&error, Error::Invalid(why) if why.contains("more than 1000 tables")), "{text}: {error}");
    }
    let nested = format!("SELECT {}1{}", "greatest(".repeat(40), ", 1)".repeat(40));
    let error = house.engine.check(&query(&nested)).await.unwrap_err();
    assert!(matches!(&error, Error::Invalid(why) if why.contains("greatest")), "{error}");
    let few =
        "WITH a AS (SELECT eventid FROM events), b AS (SELECT x.eventid FROM a x, a y) SELECT count(*) FROM b, b c";
    house.check(few, "1296").await;
}

#[tokio::test]
async fn a_plan_that_waits_for_its_place_has_its_time_and_frees_its_caller() {
    let house = House::over(Shelf::fresh());
    let places = house.engine.inner.plans.clone().acquire_many_owned(4).await.unwrap();
    let text = query("SELECT count(*) FROM events");
    let mut checks = Box::pin(house.engine.check(&text));
    let error = loop {
        tokio::select! {
            biased;
            checked = &mut checks => break checked.unwrap_err(),
            () = tokio::task::yield_now() => house.sim.clock.advance(Duration::from_secs(1)),
        }
    };
    assert_eq!(error, Error::Time(Duration::from_secs(30)));
    drop(places);
    house.check("SELECT count(*) FROM events", "6").await;
}
