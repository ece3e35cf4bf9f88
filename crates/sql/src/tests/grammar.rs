//! What of SQL is answered, what is refused, and what errors say.

use super::{House, STORE, query};
use cairn_lake::sql::{Error, Sql};

#[tokio::test]
async fn the_grammar_of_lake_queries_is_answered() {
    let house = House::new();
    let cases = [
        ("SELECT eventname FROM events WHERE readonly UNION SELECT 'x' ORDER BY 1", "GetObject\nListUsers\nx"),
        (
            "SELECT eventname FROM events EXCEPT SELECT eventname FROM events WHERE NOT readonly ORDER BY 1",
            "GetObject\nListUsers",
        ),
        ("SELECT awsregion FROM events INTERSECT SELECT 'eu-north-1'", "eu-north-1"),
        ("SELECT count(*) FROM events a JOIN events b ON a.useridentity.arn = b.useridentity.arn", "14"),
        (
            "SELECT a.eventname, b.eventname FROM events a JOIN events b ON a.eventid = b.eventid WHERE a.errorcode IS NOT NULL",
            "GetObject|GetObject",
        ),
        (
            "SELECT a.eventname FROM events a LEFT JOIN events b ON a.eventid = b.eventid AND b.readonly WHERE b.eventid IS NULL ORDER BY 1 LIMIT 1",
            "ConsoleLogin",
        ),
        (
            "SELECT eventname, row_number() OVER (PARTITION BY eventsource ORDER BY eventtime) AS n FROM events WHERE eventsource LIKE 's3%' ORDER BY n",
            "PutObject|1\nGetObject|2\nDeleteBucket|3",
        ),
        (
            "SELECT n FROM (SELECT eventsource, count(*) AS n FROM events GROUP BY eventsource) t WHERE n > 1 ORDER BY n",
            "2\n3",
        ),
        (
            "WITH s AS (SELECT * FROM events WHERE eventsource = 's3.amazonaws.com') SELECT max(eventname) FROM s",
            "PutObject",
        ),
        (
            "SELECT eventname FROM events WHERE eventid IN (SELECT eventid FROM events WHERE errorcode = 'AccessDenied')",
            "GetObject",
        ),
        (
            "SELECT eventname FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.eventid = e.eventid AND f.errorcode IS NOT NULL)",
            "GetObject",
        ),
        ("SELECT eventname FROM events WHERE eventtime = (SELECT max(eventtime) FROM events)", "DeleteBucket"),
        ("SELECT eventsource, count(*) c FROM events GROUP BY 1 HAVING count(*) > 2", "s3.amazonaws.com|3"),
        ("SELECT errorcode, count(*) FROM events GROUP BY errorcode ORDER BY errorcode DESC", "AccessDenied|1\nNULL|5"),
        ("SELECT errorcode FROM events ORDER BY errorcode NULLS FIRST LIMIT 1", "NULL"),
        ("SELECT count(*) FROM events WHERE errorcode IS DISTINCT FROM 'AccessDenied'", "5"),
        ("SELECT count(*) FROM events WHERE eventname NOT IN ('ListUsers', 'GetObject')", "4"),
        (
            "SELECT CASE WHEN readonly THEN 'r' ELSE 'w' END AS k, count(*) FROM events GROUP BY 1 ORDER BY 1",
            "r|2\nw|4",
        ),
        ("SELECT 7 / 2, 7 % 4, 7.0 / 2, 'a' || 'b'", "3|3|3.5|ab"),
        ("SELECT 1 x FROM events LIMIT 0", ""),
        ("SELECT count(*), count(*), sum(1) FROM events", "6|6|6"),
        ("SELECT eventname, eventname FROM events WHERE readonly ORDER BY eventname LIMIT 1", "GetObject|GetObject"),
        ("VALUES (1, 'a'), (2, 'b')", "1|a\n2|b"),
        ("SELECT \"eventName\" FROM \"events\" WHERE \"EVENTID\" LIKE '%1'", "CreateUser"),
        ("SELECT eventname -- comment\nFROM events /* another */ WHERE eventid LIKE '%1';", "CreateUser"),
    ];
    for (text, expected) in cases {
        house.check(text, expected).await;
    }
}

#[tokio::test]
async fn times_compare_with_literals() {
    let house = House::new();
    let count = |condition: &str| format!("SELECT count(*) FROM events WHERE {condition}");
    let cases = [
        ("eventtime > '2026-11-25 08:00:00'", "3"),
        ("eventtime >= '2026-11-25T08:00:00Z'", "4"),
        ("eventtime >= timestamp '2026-11-25 08:00:00'", "4"),
        ("eventtime BETWEEN '2026-11-24 09:30:00' AND '2026-11-25 08:00:00.000'", "2"),
        ("eventtime >= date '2026-11-25'", "4"),
        ("eventtime >= from_iso8601_timestamp('2026-11-25T11:00:00.250+01:00')", "1"),
        ("eventtime > now() - interval '1' day", "4"),
        ("eventtime > date_add('hour', -10, current_timestamp)", "3"),
        ("eventtime > CAST('2026-11-25 09:59:59' AS timestamp)", "1"),
        ("date(eventtime) = date '2026-11-24'", "2"),
        ("eventtime < '2026-11-25'", "2"),
    ];
    for (condition, expected) in cases {
        house.check(&count(condition), expected).await;
    }
}

#[tokio::test]
async fn patterns_are_those_of_trino() {
    let house = House::new();
    let key = "element_at(requestparameters, 'key')";
    for (pattern, expected) in [
        ("LIKE 'c%d_e\\f'", "1"),
        ("LIKE 'c!%d!_e\\f' ESCAPE '!'", "1"),
        ("LIKE 'c!%d!_e!\\f' ESCAPE '!'", "error"),
        ("LIKE 'c_d_e\\_'", "1"),
        ("LIKE 'c\\%'", "0"),
        ("NOT LIKE '%/%'", "1"),
    ] {
        let text = format!("SELECT count(*) FROM events WHERE {key} {pattern}");
        if expected == "error" {
            assert!(matches!(house.fails(&text).await, Error::Invalid(_)), "{text}");
        } else {
            house.check(&text, expected).await;
        }
    }
}

#[tokio::test]
async fn lists_become_rows() {
    let house = House::new();
    let cases = [
        ("SELECT x FROM UNNEST(ARRAY[3, 1, 2]) AS t (x) ORDER BY x", "1\n2\n3"),
        ("SELECT x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t (x, n) ORDER BY n DESC", "b|2\na|1"),
        ("SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY['x']) AS t (a, b) ORDER BY a", "1|x\n2|NULL"),
        (
            "SELECT eventname, n FROM events CROSS JOIN UNNEST(resourcenames) AS t (n) ORDER BY n",
            "PutObject|arn:aws:s3:::b1\nPutObject|arn:aws:s3:::b1/a/b.txt",
        ),
        (
            "SELECT eventname, n FROM events, UNNEST(resourcenames) AS t (n) WHERE n LIKE '%txt'",
            "PutObject|arn:aws:s3:::b1/a/b.txt",
        ),
        (
            "SELECT k, count(*) FROM events CROSS JOIN UNNEST(requestparameters) AS p (k, v) GROUP BY k ORDER BY 2 DESC, 1 LIMIT 2",
            "bucketName|3\nkey|2",
        ),
        ("SELECT count(*), count(n) FROM events LEFT JOIN UNNEST(resourcenames) AS t (n) ON true", "7|2"),
        (
            "SELECT e.eventname, r.type, n FROM events e CROSS JOIN UNNEST(e.resources) WITH ORDINALITY AS r (a, type, c, d, n) ORDER BY n",
            "PutObject|AWS::S3::Object|1\nPutObject|AWS::S3::Bucket|2",
        ),
        ("SELECT a, b FROM UNNEST(ARRAY[1, 2]) t (a) CROSS JOIN UNNEST(ARRAY[3]) u (b) ORDER BY a", "1|3\n2|3"),
    ];
    for (text, expected) in cases {
        house.check(text, expected).await;
    }
}

#[tokio::test]
async fn only_queries_are_answered() {
    let house = House::new();
    for text in [
        "INSERT INTO events VALUES (1)",
        "CREATE TABLE x AS SELECT 1",
        "DELETE FROM events",
        "COPY events TO 'x'",
        "EXPLAIN SELECT 1",
        "SET x = 1",
        "SHOW TABLES",
        "SELECT 1; SELECT 2",
        "SELECT * INTO x FROM events",
        "SELECT * FROM generate_series(1, 5)",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM events TABLESAMPLE BERNOULLI (10)",
        "WITH x AS (INSERT INTO events VALUES (1)) SELECT 1",
        "TABLE events",
        "SELECT * FROM events FOR UPDATE",
    ] {
        let error = house.fails(text).await;
        assert!(matches!(error, Error::Refused(_) | Error::Syntax { .. }), "{text}: {error:?}");
    }
    for text in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'x.parquet'",
        "SELECT * FROM nothing",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM a.events",
    ] {
        let error = house.fails(text).await;
        assert!(matches!(error, Error::NoTable(_)), "{text}: {error:?}");
    }
    house
        .says(
            "SELECT 1 FROM 1b2c3d4e-0000-4a6b-8c9d-0123456789ff",
            "no such table: 1b2c3d4e-0000-4a6b-8c9d-0123456789ff",
        )
        .await;
}

#[tokio::test]
async fn errors_name_the_place_or_what_is_near() {
    let house = House::new();
    house
        .says(&format!("SELECT eventname\nFROM {STORE} WHERE AND"), "line 2:49: expected an expression, found AND")
        .await;
    house.says("SELECT evntname FROM events", "there is no column evntname; did you mean eventname?").await;
    house.says("SELECT regexp_lik('a', 'b')", "there is no function regexp_lik; did you mean regexp_like?").await;
    house.says("SELECT max_buy(1, 2)", "there is no function max_buy; did you mean max_by?").await;
    house.says("SELECT date_add('dya', 1, now())", "there is no unit dya of time; did you mean day?").await;
    house.says("SELECT 1 / 0", "division by zero").await;
    for text in [
        "SELECT eventname + 1 FROM events",
        "SELECT json_extract('{}', 'a')",
        "SELECT regexp_like('a', '(')",
        "SELECT sum(eventname) FROM events",
        "SELECT useridentity.nothing FROM events",
    ] {
        assert!(matches!(house.fails(text).await, Error::Invalid(_)), "{text}: {:?}", house.fails(text).await);
    }
}

#[tokio::test]
async fn parameters_stand_where_the_question_marks_are() {
    let house = House::new();
    let mut asked = query("SELECT eventname, '?' FROM events WHERE eventid LIKE ? AND readonly = ? LIMIT ?");
    asked.parameters = ["'%2'", "true", "5"].map(str::to_owned).to_vec();
    assert_eq!(house.ask(asked.clone()).await.unwrap().rows, [["ListUsers", "?"]]);
    asked.parameters.pop();
    let error = house.ask(asked.clone()).await.map(|answer| answer.rows).unwrap_err();
    assert_eq!(error.to_string(), "the query has 3 parameters (?), and 2 values were given");
    asked.parameters = ["'a' OR 1=1", "true", "5"].map(str::to_owned).to_vec();
    assert!(matches!(house.ask(asked).await.map(|answer| answer.rows), Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_query_is_checked_without_being_run() {
    let house = House::new();
    let checked =
        house.engine.check(&query(&format!("SELECT eventName, count(*) c FROM {STORE} GROUP BY 1"))).await.unwrap();
    assert_eq!(checked.tables, [STORE]);
    let columns: Vec<_> = checked.columns.iter().map(|column| (column.name.as_str(), column.kind.as_str())).collect();
    assert_eq!(columns, [("eventName", "varchar"), ("c", "bigint")]);
    assert!(house.engine.check(&query("SELECT x FROM events")).await.is_err());
}
