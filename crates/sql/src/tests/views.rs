//! Columns as CloudTrail Lake shows them.

use super::{House, STORE, query};
use cairn_lake::sql::Sql;

#[tokio::test]
async fn rows_are_found_in_files_and_in_memory() {
    let house = House::new();
    house.check("SELECT count(*) FROM events", "6").await;
    house.check("SELECT eventname FROM events ORDER BY eventtime DESC LIMIT 2", "DeleteBucket\nConsoleLogin").await;
    house.check(&format!("SELECT count(*) FROM {STORE}"), "6").await;
}

#[tokio::test]
async fn the_identity_is_a_row_of_rows() {
    let house = House::new();
    let name = "SELECT DISTINCT useridentity.sessioncontext.sessionissuer.username FROM events WHERE userIdentity.type = 'AssumedRole'";
    house.check(name, "admin").await;
    house.check("SELECT e.useridentity.username FROM events e WHERE e.eventname = 'CreateUser'", "alice").await;
    let name = format!(
        "SELECT e.userIdentity.sessionContext.sessionIssuer.userName FROM {STORE} AS e WHERE eventid LIKE '%6'"
    );
    house.check(&name, "admin").await;
    let date = "SELECT useridentity.sessioncontext.attributes.creationdate FROM events WHERE eventname = 'GetObject'";
    house.check(date, "2026-11-25 07:30:00.000").await;
    let whole = "SELECT useridentity FROM events WHERE eventname = 'ConsoleLogin'";
    let text = &house.rows(whole).await[0][0];
    assert!(text.starts_with("{type=Root, principalid=222222222222, arn=arn:aws:iam::222222222222:root, "), "{text}");
}

#[tokio::test]
async fn parameters_are_a_map_of_texts() {
    let house = House::new();
    house
        .check("SELECT element_at(requestParameters, 'bucketName') FROM events WHERE eventname = 'PutObject'", "b1")
        .await;
    house
        .check(
            "SELECT eventname FROM events WHERE element_at(requestparameters, 'bucketName') = 'b1' ORDER BY 1",
            "DeleteBucket\nPutObject",
        )
        .await;
    house.check("SELECT requestparameters['key'] FROM events WHERE eventname = 'PutObject'", "a/b.txt").await;
    house
        .check("SELECT requestparameters FROM events WHERE eventname = 'PutObject'", "{bucketName=b1, key=a/b.txt}")
        .await;
    house.check("SELECT cardinality(requestparameters) FROM events WHERE eventname = 'CreateUser'", "3").await;
    let nested = "SELECT json_extract_scalar(element_at(responseelements, 'user'), '$.userName') FROM events WHERE eventname = 'CreateUser'";
    house.check(nested, "carol").await;
    house.check("SELECT element_at(requestparameters, 'count') FROM events WHERE eventname = 'CreateUser'", "3").await;
    house.check("SELECT count(*) FROM events WHERE element_at(requestparameters, 'none') IS NULL", "6").await;
}

#[tokio::test]
async fn resources_are_an_array_of_rows() {
    let house = House::new();
    let all = "SELECT resources FROM events WHERE eventname = 'PutObject'";
    let expected = "[{accountid=null, type=AWS::S3::Object, arn=arn:aws:s3:::b1/a/b.txt, arnprefix=null}, \
                    {accountid=111111111111, type=AWS::S3::Bucket, arn=arn:aws:s3:::b1, arnprefix=null}]";
    house.check(all, expected).await;
    let one = "SELECT r.arn FROM events CROSS JOIN UNNEST(resources) AS r (accountid, type, arn, arnprefix) WHERE r.type = 'AWS::S3::Bucket'";
    house.check(one, "arn:aws:s3:::b1").await;
    house.check("SELECT eventname FROM events WHERE contains(resourcenames, 'arn:aws:s3:::b1')", "PutObject").await;
}

#[tokio::test]
async fn columns_are_called_as_the_query_wrote_them() {
    let house = House::new();
    let names = |text: &str| {
        let query = query(text);
        let house = &house;
        async move {
            let columns = house.ask(query).await.unwrap().columns;
            columns.into_iter().map(|column| format!("{}:{}", column.name, column.kind)).collect::<Vec<_>>().join(" ")
        }
    };
    let text = "SELECT eventName, count(*) AS C, userIdentity.ARN, 1, max(eventTime) FROM events GROUP BY eventName, userIdentity.arn";
    assert_eq!(names(text).await, "eventName:varchar C:bigint ARN:varchar _col3:bigint _col4:timestamp(3)");
    let all = names(&format!("SELECT * FROM {STORE} LIMIT 1")).await;
    assert!(all.starts_with("eventVersion:varchar userIdentity:row(type varchar, "), "{all}");
    assert!(all.contains(" requestParameters:map(varchar, varchar) "), "{all}");
    assert!(all.ends_with("eventJson:varchar eventJsonChecksum:varchar"), "{all}");
    assert!(!all.contains('·'), "{all}");
    let more = names("SELECT * FROM events LIMIT 1").await;
    assert!(more.contains(" resourceNames:array(varchar) ") && more.contains(" useridentity_arn:varchar"), "{more}");
}

#[tokio::test]
async fn a_view_gives_its_rows_and_maps_through_subqueries() {
    let house = House::new();
    let inner = "WITH w AS (SELECT * FROM events) SELECT x.useridentity.arn, element_at(requestparameters, 'bucketName') \
                 FROM (SELECT * FROM w) x WHERE x.useridentity.accesskeyid = 'ASIABOB' AND readonly";
    house.check(inner, "arn:aws:sts::111111111111:assumed-role/admin/bob|b2").await;
    let plan = house.engine.explain(query(inner), false).await.unwrap();
    assert!(!plan.contains("named_struct") && !plan.contains("json_map"), "{plan}");
    let union = "SELECT useridentity FROM events WHERE eventname = 'X' UNION ALL SELECT useridentity FROM events WHERE eventname = 'Y'";
    house.check(union, "").await;
}

#[tokio::test]
async fn activity_has_its_data() {
    let house = House::new();
    house
        .check("SELECT count(eventdata.useridentity.principalid), count(metadata.channelarn) FROM activity", "0|0")
        .await;
}
