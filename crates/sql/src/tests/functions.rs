//! Trino's functions, each with an answer worked out by hand.

use super::House;

async fn all(cases: &[(&str, &str)]) {
    let house = House::new();
    let mut wrong = Vec::new();
    for (call, expected) in cases {
        match house.ask(super::query(&format!("SELECT {call}"))).await {
            Ok(answer) if answer.rows == [[*expected]] => {}
            Ok(answer) => wrong.push(format!("{call}: {:?}, not {expected}", answer.rows)),
            Err(error) => wrong.push(format!("{call}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn json_is_text() {
    all(&[
        (r#"json_extract_scalar('{"a":{"b":[1,{"c":"x"}]}}', '$.a.b[1].c')"#, "x"),
        (r#"json_extract_scalar('{"a b":true}', '$["a b"]')"#, "true"),
        (r#"json_extract_scalar('{"a":{"b":1}}', '$.a')"#, "NULL"),
        (r#"json_extract_scalar('{"a":null}', '$.a')"#, "NULL"),
        (r#"json_extract_scalar('{"a":"\u00e9\n"}', '$.a')"#, "é\n"),
        (r#"json_extract('{"a":{"b":1}}', '$.a')"#, r#"{"b":1}"#),
        (r#"CAST(json_extract('{"a":"x"}', '$.a') AS varchar)"#, "x"),
        (r#"CAST(json_extract('{"a":5}', '$.a') AS bigint) + 1"#, "6"),
        (r#"CAST(json_extract('{"a":["x",null,3]}', '$.a') AS array(varchar))"#, "[x, null, 3]"),
        (r#"CAST(json_parse('{"a":1}') AS map(varchar, varchar))"#, "{a=1}"),
        (r#"json_format(json_parse('{ "a" : 1 }'))"#, r#"{"a":1}"#),
        ("try(json_parse('{'))", "NULL"),
        ("json_array_length('[1, [2], 3]')", "3"),
        (r#"json_size('{"a":{"b":1,"c":2}}', '$.a')"#, "2"),
        (r#"json_array_get('["a","b"]', -1)"#, r#""b""#),
        ("json_array_contains('[1, 2]', 2)", "true"),
        ("is_json_scalar('[]')", "false"),
        ("CAST(ARRAY[1, 2] AS json)", "[1,2]"),
    ])
    .await;
}

#[tokio::test]
async fn times_are_computed() {
    all(&[
        ("date_trunc('hour', timestamp '2026-11-25 08:31:05')", "2026-11-25 08:00:00.000"),
        ("date_trunc('week', timestamp '2026-11-25 08:31:05')", "2026-11-23 00:00:00.000"),
        ("date_add('month', 1, timestamp '2026-01-31 00:00:00')", "2026-02-28 00:00:00.000"),
        ("date_add('day', -1, timestamp '2026-03-01 12:00:00')", "2026-02-28 12:00:00.000"),
        ("date_diff('day', timestamp '2026-11-24 23:00:00', timestamp '2026-11-26 22:00:00')", "1"),
        ("date_diff('month', timestamp '2026-01-31 00:00:00', timestamp '2026-03-30 00:00:00')", "1"),
        ("date_diff('second', timestamp '2026-01-01 00:00:10', timestamp '2026-01-01 00:00:00')", "-10"),
        ("date_format(timestamp '2026-11-25 08:31:05', '%Y/%m/%d %H:%i')", "2026/11/25 08:31"),
        ("format_datetime(timestamp '2026-11-25 08:31:05', 'yyyy-MM-dd HH')", "2026-11-25 08"),
        ("date_parse('25.11.2026', '%d.%m.%Y')", "2026-11-25 00:00:00.000"),
        ("from_iso8601_timestamp('2026-11-25T08:00:00+02:00')", "2026-11-25 06:00:00.000"),
        ("from_iso8601_timestamp('20261125T080000Z')", "2026-11-25 08:00:00.000"),
        ("from_iso8601_date('2026-11-25')", "2026-11-25"),
        ("to_iso8601(timestamp '2026-11-25 08:00:00')", "2026-11-25T08:00:00.000Z"),
        ("from_unixtime(1795629600)", "2026-11-25 18:00:00.000"),
        ("to_unixtime(timestamp '2026-11-25 18:00:00')", "1.7956296E9"),
        (
            "at_timezone(timestamp '2026-11-25 18:00:00', 'Europe/Stockholm')",
            "2026-11-25 19:00:00.000 Europe/Stockholm",
        ),
        ("timestamp '2026-11-25 18:00:00' AT TIME ZONE 'America/New_York'", "2026-11-25 13:00:00.000 America/New_York"),
        ("hour(at_timezone(timestamp '2026-11-25 18:00:00', 'Europe/Stockholm'))", "19"),
        ("current_timestamp", "2026-11-25 18:00:00.000"),
        ("now() = current_timestamp", "true"),
        ("current_date", "2026-11-25"),
        ("year(timestamp '2026-11-25 08:31:05')", "2026"),
        ("quarter(timestamp '2026-11-25 08:31:05')", "4"),
        ("month(date '2026-11-25')", "11"),
        ("week(date '2026-11-25')", "48"),
        ("day(date '2026-11-25')", "25"),
        ("day_of_week(date '2026-11-25')", "3"),
        ("day_of_year(date '2026-11-25')", "329"),
        ("minute(timestamp '2026-11-25 08:31:05')", "31"),
        ("second(timestamp '2026-11-25 08:31:05')", "5"),
        ("EXTRACT(HOUR FROM timestamp '2026-11-25 08:31:05')", "8"),
        ("last_day_of_month(date '2028-02-03')", "2028-02-29"),
        ("timestamp '2026-11-25 00:00:00' + interval '36' hour", "2026-11-26 12:00:00.000"),
        ("try(date_parse('x', '%Y'))", "NULL"),
    ])
    .await;
}

#[tokio::test]
async fn texts_are_taken_apart() {
    all(&[
        ("regexp_like('arn:aws:iam', 'iam$')", "true"),
        ("regexp_extract('a1b22', '\\d+')", "1"),
        ("regexp_extract('user/bob', '(\\w+)/(\\w+)', 2)", "bob"),
        ("regexp_extract_all('a1b22', '\\d+')", "[1, 22]"),
        ("regexp_replace('a1b2', '(\\d)', '<$1>')", "a<1>b<2>"),
        ("regexp_replace('a1b2', '\\d')", "ab"),
        ("regexp_count('a1b22', '\\d')", "3"),
        ("regexp_split('a1b22c', '\\d+')", "[a, b, c]"),
        ("split('a,b,c', ',')", "[a, b, c]"),
        ("split('a,b,c', ',', 2)", "[a, b,c]"),
        ("split_part('a/b/c', '/', 3)", "c"),
        ("split_part('a/b/c', '/', 4)", "NULL"),
        ("strpos('grüße', 'ß')", "4"),
        ("position('b' IN 'abc')", "2"),
        ("substr('hello', 2, 3)", "ell"),
        ("substring('hello', -3)", "llo"),
        ("length('grüße')", "5"),
        ("lower('ABC') || upper('d')", "abcD"),
        ("trim('  x ')", "x"),
        ("replace('banana', 'an', 'o')", "booa"),
        ("replace('banana', 'an')", "ba"),
        ("concat('a', 'b', 'c')", "abc"),
        ("concat_ws('-', 'a', 'b')", "a-b"),
        ("starts_with('AKIA1', 'AKIA')", "true"),
        ("reverse('abc')", "cba"),
        ("lpad('7', 3, '0')", "007"),
        ("levenshtein_distance('kitten', 'sitting')", "3"),
        ("url_extract_host('https://console.example:8443/a?x=1&y=a%20b#z')", "console.example"),
        ("url_extract_path('https://console.example:8443/a?x=1')", "/a"),
        ("url_extract_port('https://console.example:8443/a')", "8443"),
        ("url_extract_parameter('https://e.org/?x=1&y=a%20b', 'y')", "a b"),
        ("url_decode('a%2Fb+c')", "a/b c"),
        ("url_encode('a/b c')", "a%2Fb+c"),
    ])
    .await;
}

#[tokio::test]
async fn arrays_and_maps_are_looked_into() {
    all(&[
        ("cardinality(ARRAY[1, 2, 3])", "3"),
        ("element_at(ARRAY['a', 'b'], 2)", "b"),
        ("element_at(ARRAY['a', 'b'], -1)", "b"),
        ("element_at(ARRAY['a', 'b'], 3)", "NULL"),
        ("ARRAY['a', 'b'][1]", "a"),
        ("element_at(map(ARRAY['k'], ARRAY[5]), 'k')", "5"),
        ("map_keys(map(ARRAY['k', 'l'], ARRAY[5, 6]))", "[k, l]"),
        ("map_values(map(ARRAY['k', 'l'], ARRAY[5, 6]))", "[5, 6]"),
        ("contains(ARRAY[1, 2], 2)", "true"),
        ("array_join(ARRAY['a', 'b'], '+')", "a+b"),
        ("cardinality(array_distinct(ARRAY[1, 1, 2]))", "2"),
        ("array_sort(ARRAY[3, 1, 2])", "[1, 2, 3]"),
        ("array_max(ARRAY[3, 1])", "3"),
        ("array_position(ARRAY['a', 'b'], 'b')", "2"),
        ("arrays_overlap(ARRAY[1, 2], ARRAY[2, 3])", "true"),
        ("slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2, 3]"),
        ("slice(ARRAY[1, 2, 3, 4], -2, 9)", "[3, 4]"),
        ("sequence(1, 3)", "[1, 2, 3]"),
        ("sequence(5, 1, -2)", "[5, 3, 1]"),
        ("cardinality(sequence(date '2026-11-01', date '2026-11-03', interval '1' day))", "3"),
        ("repeat('x', 2)", "[x, x]"),
        ("filter(ARRAY[1, 2, 3], x -> x > 1)", "[2, 3]"),
        ("transform(ARRAY[1, 2], x -> x * 10)", "[10, 20]"),
        ("any_match(ARRAY[1, 2], x -> x = 2)", "true"),
        ("all_match(ARRAY[1, 2], x -> x = 2)", "false"),
        ("none_match(ARRAY[1, 2], x -> x = 3)", "true"),
    ])
    .await;
}

#[tokio::test]
async fn values_are_chosen() {
    all(&[
        ("coalesce(NULL, 'a')", "a"),
        ("if(1 > 2, 'a', 'b')", "b"),
        ("if(1 > 2, 'a')", "NULL"),
        ("nullif('a', 'a')", "NULL"),
        ("greatest(1, 3, 2)", "3"),
        ("least(1, 3, NULL)", "NULL"),
        ("try_cast('x' AS bigint)", "NULL"),
        ("try(CAST('x' AS bigint))", "NULL"),
        ("try(1 / 0)", "NULL"),
        ("CAST('5' AS integer) + 1", "6"),
        ("CAST(1 AS varchar) || 'x'", "1x"),
        ("CAST('2026-11-25' AS date)", "2026-11-25"),
        ("mod(7, 4)", "3"),
        ("round(2.567, 2)", "2.57"),
        ("abs(-3)", "3"),
        ("pow(2, 10)", "1024.0"),
        ("1 IS DISTINCT FROM NULL", "true"),
        ("'a' IN ('a', 'b')", "true"),
        ("2 BETWEEN 1 AND 3", "true"),
    ])
    .await;
}

#[tokio::test]
async fn rows_are_gathered() {
    let house = House::new();
    for (call, expected) in [
        ("approx_distinct(useridentity.arn)", "3"),
        ("count(DISTINCT eventsource)", "3"),
        ("max_by(eventname, eventtime)", "DeleteBucket"),
        ("min_by(eventname, eventtime)", "CreateUser"),
        ("min_by(eventname, errorcode)", "GetObject"),
        ("arbitrary(awsregion)", "eu-north-1"),
        ("any_value(awsregion)", "eu-north-1"),
        ("count_if(readonly)", "2"),
        ("count_if(readonly) FILTER (WHERE eventsource LIKE 's3%')", "1"),
        ("bool_or(readonly)", "true"),
        ("every(readonly)", "false"),
        ("approx_percentile(length(eventname), 1.0)", "12.0"),
        (
            "array_join(array_agg(eventname ORDER BY eventtime), ',')",
            "CreateUser,ListUsers,PutObject,GetObject,ConsoleLogin,DeleteBucket",
        ),
        ("cardinality(array_agg(DISTINCT eventsource))", "3"),
        ("min(eventtime)", "2026-11-24 08:00:00.000"),
        ("avg(length(eventname))", "10.166666666666666"),
    ] {
        house.check(&format!("SELECT {call} FROM events"), expected).await;
    }
}
