//! Six events, as rows and as files.

use crate::store::Store;
use bytes::Bytes;
use cairn_event::Time;
use cairn_lake::schema::{self, COLUMNS, Kind};
use cairn_lake::table::{File, Snapshot, Table};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the tests ask about.
pub fn events() -> Vec<Value> {
    let alice = json!({"type": "IAMUser", "principalId": "AIDAALICE", "arn": "arn:aws:iam::111111111111:user/alice",
        "accountId": "111111111111", "accessKeyId": "AKIAALICE", "userName": "alice"});
    let role = json!({"type": "AssumedRole", "principalId": "AROAROLE:bob", "accountId": "111111111111",
        "arn": "arn:aws:sts::111111111111:assumed-role/admin/bob", "accessKeyId": "ASIABOB",
        "sessionContext": {"attributes": {"creationDate": "2026-11-25T07:30:00Z", "mfaAuthenticated": "false"},
            "sessionIssuer": {"type": "Role", "principalId": "AROAROLE", "userName": "admin",
                "arn": "arn:aws:iam::111111111111:role/admin", "accountId": "111111111111"}}});
    let root = json!({"type": "Root", "principalId": "222222222222", "accountId": "222222222222",
        "arn": "arn:aws:iam::222222222222:root"});
    let event = |id: u32, time: &str, name: &str, source: &str, who: &Value, account: &str, read: bool| {
        json!({"eventVersion": "1.11", "userIdentity": who, "eventTime": time, "eventSource": source, "eventName": name,
            "awsRegion": "eu-north-1", "sourceIPAddress": format!("198.51.100.{id}"), "userAgent": "aws-cli/2.17",
            "eventID": format!("00000000-0000-4000-8000-00000000000{id}"), "eventType": "AwsApiCall",
            "eventCategory": "Management", "readOnly": read, "managementEvent": true, "recipientAccountId": account})
    };
    let iam = "iam.amazonaws.com";
    let mut all = vec![
        event(1, "2026-11-24T08:00:00Z", "CreateUser", iam, &alice, "111111111111", false),
        event(2, "2026-11-24T09:30:00Z", "ListUsers", iam, &alice, "111111111111", true),
        event(3, "2026-11-25T08:00:00Z", "PutObject", "s3.amazonaws.com", &role, "111111111111", false),
        event(4, "2026-11-25T08:00:01Z", "GetObject", "s3.amazonaws.com", &role, "111111111111", true),
        event(5, "2026-11-25T09:00:00Z", "ConsoleLogin", "signin.amazonaws.com", &root, "222222222222", false),
        event(6, "2026-11-25T10:00:00.250Z", "DeleteBucket", "s3.amazonaws.com", &role, "111111111111", false),
    ];
    all[0]["requestParameters"] = json!({"userName": "carol", "tags": [{"key": "team", "value": "blue"}], "count": 3});
    all[0]["responseElements"] = json!({"user": {"userName": "carol", "path": "/"}});
    all[2]["requestParameters"] = json!({"bucketName": "b1", "key": "a/b.txt"});
    all[2]["resources"] = json!([
        {"ARN": "arn:aws:s3:::b1/a/b.txt", "type": "AWS::S3::Object"},
        {"ARN": "arn:aws:s3:::b1", "accountId": "111111111111", "type": "AWS::S3::Bucket"}]);
    all[3]["requestParameters"] = json!({"bucketName": "b2", "key": "c%d_e\\f"});
    all[3]["errorCode"] = "AccessDenied".into();
    all[3]["errorMessage"] = "no".into();
    all[4]["responseElements"] = json!({"ConsoleLogin": "Success"});
    all[4]["additionalEventData"] = json!({"MFAUsed": "No", "LoginTo": "https://console.example:8443/a?x=1&y=a%20b#z"});
    all[5]["requestParameters"] = json!({"bucketName": "b1"});
    all
}

/// As the columns hold them.
pub fn rows(events: &[Value]) -> RecordBatch {
    let columns = COLUMNS.iter().map(|column| -> ArrayRef {
        let values: Vec<_> = events.iter().map(|event| at(event, column.path)).collect();
        match column.kind {
            _ if column.name == "username" => Arc::new(events.iter().map(user).collect::<StringArray>()),
            _ if column.name == "resourcenames" => names(events, column.name),
            _ if column.name == "origin" => Arc::new(StringArray::from(vec!["door"; events.len()])),
            _ if column.name == "form" => {
                Arc::new(events.iter().map(|event| Some(event.to_string())).collect::<StringArray>())
            }
            Kind::Text => Arc::new(values.iter().map(|value| value.as_str()).collect::<StringArray>()),
            Kind::Json => {
                let text = |value: &&Value| (!value.is_null()).then(|| value.to_string());
                Arc::new(values.iter().map(text).collect::<StringArray>())
            }
            Kind::Bool => Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>()),
            Kind::Time => {
                let times = values.iter().map(|value| Some(Time::parse(value.as_str()?).ok()?.millis() * 1000));
                Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Kind::Texts => names(&vec![Value::Null; events.len()], column.name),
        }
    });
    RecordBatch::try_new(schema::arrow(), columns.collect()).unwrap()
}

fn at<'a>(event: &'a Value, path: &[&str]) -> &'a Value {
    if path.is_empty() { &Value::Null } else { path.iter().fold(event, |value, key| &value[*key]) }
}

fn user(event: &Value) -> Option<String> {
    event["userIdentity"]["arn"].as_str().and_then(|arn| arn.rsplit(['/', ':']).next()).map(str::to_owned)
}

fn names(events: &[Value], column: &str) -> ArrayRef {
    let schema = schema::arrow();
    let DataType::List(element) = schema.field_with_name(column).unwrap().data_type() else { unreachable!() };
    let element: Arc<Field> = element.clone();
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element);
    for event in events {
        let resources = event["resources"].as_array();
        resources
            .into_iter()
            .flatten()
            .for_each(|resource| lists.values().append_value(resource["ARN"].as_str().unwrap()));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// A Parquet file with pages of `page` rows and bloom filters where the schema wants them.
pub fn file(id: i64, rows: &RecordBatch, page: usize) -> (File, Bytes) {
    let mut properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(page * 8))
        .set_data_page_row_count_limit(page)
        .set_write_batch_size(page)
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in COLUMNS.iter().filter(|column| column.bloom && column.kind == Kind::Text) {
        properties = properties.set_column_bloom_filter_enabled(column.name.into(), true);
    }
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties.build())).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    let times = rows.column_by_name("eventtime").unwrap();
    let times = times.as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap();
    let millis = times.iter().flatten().map(|micros| micros / 1000);
    let times = Time(millis.clone().min().unwrap())..Time(millis.max().unwrap());
    let (rows, size) = (rows.num_rows() as u64, bytes.len() as u64);
    let key = format!("events/{id}.parquet");
    let file = File { id, table: "events".to_owned(), key, rows, bytes: size, times, ..File::default() };
    (file, bytes.into())
}

/// Tables that the test holds.
pub struct Shelf {
    pub files: Vec<(Arc<File>, Bytes)>,
    pub fresh: Vec<RecordBatch>,
    /// Files from which anything was read.
    pub read: Arc<Mutex<BTreeSet<i64>>>,
    pub aside: Arc<Mutex<Vec<String>>>,
}

impl Shelf {
    pub fn of(files: Vec<(File, Bytes)>, fresh: Vec<RecordBatch>) -> Self {
        let files = files.into_iter().map(|(file, bytes)| (Arc::new(file), bytes)).collect();
        Self { files, fresh, read: Arc::default(), aside: Arc::default() }
    }

    /// The first two events in one file, the next two in another, the last two fresh.
    pub fn halves() -> Self {
        let events = events();
        let files = vec![file(1, &rows(&events[..2]), 1), file(2, &rows(&events[2..4]), 1)];
        Self::of(files, vec![rows(&events[4..])])
    }

    pub fn fresh() -> Self {
        Self::of(Vec::new(), vec![rows(&events())])
    }
}

#[async_trait::async_trait]
impl Store for Shelf {
    async fn snapshot(&self, table: &str) -> Result<Snapshot, cairn_lake::Error> {
        if table != "events" {
            return Err(cairn_lake::Error::NotFound(format!("no table {table}")));
        }
        let table = Table { id: table.to_owned(), retention: Duration::from_hours(24), intake: Vec::new() };
        let files = self.files.iter().map(|(file, _)| file.clone()).collect();
        Ok(Snapshot { table: Arc::new(table), version: 1, files, fresh: self.fresh.clone(), aside: Vec::new() })
    }

    async fn read(&self, file: &File, range: Range<u64>) -> Result<Bytes, cairn_lake::Error> {
        self.read.lock().unwrap().insert(file.id);
        let bytes = self.files.iter().find(|(known, _)| known.id == file.id).map(|(_, bytes)| bytes);
        let bytes = bytes.ok_or_else(|| cairn_lake::Error::NotFound(file.key.clone()))?;
        Ok(bytes.slice(range.start as usize..range.end as usize))
    }

    async fn set_aside(&self, file: &File, why: &str) {
        self.aside.lock().unwrap().push(format!("{}: {why}", file.key));
    }
}
