//! Walks every registered operation: each is recorded, and each asks whether the caller may.

use crate::client::Client;
use crate::config::Config;
use crate::serve;
use cairn_event::Head;
use cairn_journal::{Journal, Options, Position};
use cairn_services::{SERVICES, Service};
use cairn_wire::sigv4::Credentials;
use cairn_wire::{Protocol, Secret};
use cairn_world::World;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Operations that anybody with a good signature may call, as on AWS.
const OPEN_TO_ALL: [(&str, &str); 3] =
    [("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("cairn", "GetCatalogToken")];

/// What was called, with the id of the request.
struct Called {
    service: &'static Service,
    name: &'static str,
    request_id: String,
    denied: bool,
    body: String,
}

async fn call(client: &Client, credentials: &Credentials, service: &'static Service, name: &'static str) -> Called {
    let mut headers = HeaderMap::new();
    let mut method = Method::POST;
    let (path, body) = match service.protocol {
        Protocol::Json { version } => {
            let kind = format!("application/x-amz-json-{version}");
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::try_from(kind).unwrap());
            let target = format!("{}.{name}", service.target);
            headers.insert("x-amz-target", HeaderValue::try_from(target).unwrap());
            ("/".to_owned(), "{}".to_owned())
        }
        Protocol::Query { .. } => {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(http::header::CONTENT_TYPE, kind);
            ("/".to_owned(), format!("Action={name}&Version={}", service.api_version))
        }
        Protocol::RestJson => (rest_path(name).to_owned(), "{}".to_owned()),
        Protocol::Iceberg => {
            let path;
            (method, path) = iceberg_path(name);
            (format!("/iceberg/v1/{path}"), String::new())
        }
    };
    let answer = client.signed(credentials, service.name, method, &path, headers, body.into()).await;
    let (status, headers, body) = answer.unwrap();
    let request_id = headers.get("x-amzn-requestid").unwrap().to_str().unwrap().to_owned();
    let body = String::from_utf8(body.to_vec()).unwrap();
    // A look-up that succeeds may tell of others that were denied; an answer to HEAD has no body to say it in.
    let said = body.contains("AccessDenied") || status == StatusCode::FORBIDDEN && body.is_empty();
    let denied = !status.is_success() && said;
    Called { service, name, request_id, denied, body }
}

fn iceberg_path(name: &str) -> (Method, &'static str) {
    match name {
        "GetCatalogConfig" => (Method::GET, "config"),
        "GetCatalogToken" => (Method::POST, "oauth/tokens"),
        "ListNamespaces" => (Method::GET, "namespaces"),
        "CreateNamespace" => (Method::POST, "namespaces"),
        "LoadNamespace" => (Method::GET, "namespaces/cairn"),
        "NamespaceExists" => (Method::HEAD, "namespaces/cairn"),
        "DropNamespace" => (Method::DELETE, "namespaces/cairn"),
        "UpdateNamespaceProperties" => (Method::POST, "namespaces/cairn/properties"),
        "RegisterTable" => (Method::POST, "namespaces/cairn/register"),
        "ListViews" => (Method::GET, "namespaces/cairn/views"),
        "ListTables" => (Method::GET, "namespaces/cairn/tables"),
        "CreateTable" => (Method::POST, "namespaces/cairn/tables"),
        "LoadTable" => (Method::GET, "namespaces/cairn/tables/events"),
        "TableExists" => (Method::HEAD, "namespaces/cairn/tables/events"),
        "UpdateTable" => (Method::POST, "namespaces/cairn/tables/events"),
        "DropTable" => (Method::DELETE, "namespaces/cairn/tables/events"),
        "ReportMetrics" => (Method::POST, "namespaces/cairn/tables/events/metrics"),
        "LoadCredentials" => (Method::GET, "namespaces/cairn/tables/events/credentials"),
        "RenameTable" => (Method::POST, "tables/rename"),
        "CommitTransaction" => (Method::POST, "transactions/commit"),
        _ => panic!("the path of {name} is not known here"),
    }
}

fn rest_path(name: &str) -> &'static str {
    match name {
        "ImportEvents" => "/intake/cloudtrail",
        "PutAuditEvents" => "/PutAuditEvents",
        "ListCompleteFiles" => "/intake/cloudtrail/files",
        "LookUpEvents" => "/history/events",
        "ListTables" => "/lake/tables",
        "DescribeTable" => "/lake/tables/describe",
        "ExplainQuery" => "/lake/explain",
        "ListPastQueries" => "/lake/queries",
        "WatchQuery" => "/lake/queries/watch",
        "GetQueryResultFile" => "/lake/queries/result",
        _ => panic!("the path of {name} is not known here"),
    }
}

async fn house(dir: &Path) -> serve::Running {
    let flags = [("data_dir", Some(dir.display().to_string())), ("listen", Some("127.0.0.1:0".to_owned()))];
    serve::start(&World::system(), &Config::load(None, |_| None, &flags).unwrap(), true).await.unwrap()
}

/// A user of the house who may do nothing.
async fn nobody(client: &Client) -> Credentials {
    client.query("iam", "Action=CreateUser&Version=2010-05-08&UserName=nobody").await.unwrap();
    let key = client.query("iam", "Action=CreateAccessKey&Version=2010-05-08&UserName=nobody").await.unwrap();
    let text = |tag: &str| {
        let rest = key.split(&format!("<{tag}>")).nth(1).unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    Credentials { access_key: text("AccessKeyId"), secret: Secret(text("SecretAccessKey")), token: None }
}

/// Source, name and error code of every event in the journal, by request id.
fn recorded(dir: &Path) -> HashMap<String, (String, String, Option<String>)> {
    let options = Options { segment_bytes_max: 64 << 20, bytes_max: 1 << 40, age_max: Duration::from_secs(1 << 30) };
    let (journal, _) = Journal::open(&World::system(), &dir.join("journal"), options).unwrap();
    let mut found = HashMap::new();
    let mut from = journal.start();
    while from < journal.end() {
        let batch = journal.read(from, 8 << 20).unwrap();
        for item in batch.iter() {
            let head = Head::parse(item.raw()).unwrap();
            let text = |name| head.string_at(&[name]).map(Cow::into_owned);
            let what = (text("eventSource").unwrap(), text("eventName").unwrap(), text("errorCode"));
            if let Some(id) = text("requestID") {
                assert!(found.insert(id.clone(), what).is_none(), "{id} is recorded twice");
            }
        }
        from = Position(batch.range().end.0);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_recorded_and_authorized() {
    let dir = tempfile::tempdir().unwrap();
    let running = house(dir.path()).await;
    let client = Client::open(dir.path()).await.unwrap();
    let nobody = nobody(&client).await;
    let mut calls = Vec::new();
    for service in SERVICES {
        let names = service.operations.iter().map(|operation| operation.name());
        for name in names.chain(service.unsupported.iter().copied()) {
            calls.push((call(&client, &nobody, service, name).await, true));
            calls.push((call(&client, &client.credentials, service, name).await, false));
        }
    }
    client.close().await;
    running.stop().await;
    let recorded = recorded(dir.path());
    for (call, as_nobody) in calls {
        let what = format!("{}:{} {}", call.service.name, call.name, call.body);
        let (source, name, error) = recorded.get(&call.request_id).unwrap_or_else(|| panic!("not recorded: {what}"));
        assert_eq!((source.as_str(), name.as_str()), (call.service.source, call.name), "{what}");
        let open = OPEN_TO_ALL.contains(&(call.service.name, call.name));
        if as_nobody {
            assert_eq!(call.denied, !open, "{what}");
        }
        assert_eq!(error.as_deref() == Some("AccessDenied"), call.denied, "{what}");
    }
}
