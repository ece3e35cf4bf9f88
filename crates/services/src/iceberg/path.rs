//! From a method and a path to an operation and its input.
//!
//! Paths are `/iceberg/v1/…`, or `/iceberg/v1/{prefix}/…` with the house's account as the prefix, for clients
//! that need one.

use super::PATH;
use cairn_wire::{Fault, json, query};
use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Longer names name nothing.
const NAME_BYTES_MAX: usize = 1024;

/// What a path names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place<'a> {
    prefix: Option<&'a str>,
    kind: &'a str,
    namespace: Option<&'a str>,
    /// `tables`, `views`, `properties`, `register`.
    within: Option<&'a str>,
    table: Option<&'a str>,
    /// `metrics`, `credentials`.
    of_table: Option<&'a str>,
}

/// None for a path that is none of the protocol's.
fn place(path: &str) -> Option<Place<'_>> {
    let mut parts: Vec<&str> = path.strip_prefix(PATH)?.split('/').collect();
    let known = |part: &str| matches!(part, "config" | "oauth" | "namespaces" | "tables" | "views" | "transactions");
    let mut place = Place::default();
    if !known(parts[0]) && parts.len() > 1 {
        place.prefix = Some(parts.remove(0));
    }
    let mut parts = parts.into_iter();
    place.kind = parts.next().filter(|kind| known(kind))?;
    place.namespace = parts.next();
    place.within = parts.next();
    place.table = parts.next();
    place.of_table = parts.next();
    parts.next().is_none().then_some(place)
}

/// The operation that a request asks for.
pub(crate) fn operation(parts: &Parts) -> Option<&'static str> {
    let place = place(parts.uri.path())?;
    let method = match parts.method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => return None,
    };
    let Place { kind, namespace, within, table, of_table, .. } = place;
    Some(match (method, kind, namespace, within, table, of_table) {
        ("GET", "config", None, ..) => "GetCatalogConfig",
        ("POST", "oauth", Some("tokens"), None, ..) => "GetCatalogToken",
        ("GET", "namespaces", None, ..) => "ListNamespaces",
        ("POST", "namespaces", None, ..) => "CreateNamespace",
        ("GET", "namespaces", Some(_), None, ..) => "LoadNamespace",
        ("HEAD", "namespaces", Some(_), None, ..) => "NamespaceExists",
        ("DELETE", "namespaces", Some(_), None, ..) => "DropNamespace",
        ("POST", "namespaces", Some(_), Some("properties"), None, _) => "UpdateNamespaceProperties",
        ("POST", "namespaces", Some(_), Some("register"), None, _) => "RegisterTable",
        ("GET", "namespaces", Some(_), Some("views"), None, _) => "ListViews",
        ("GET", "namespaces", Some(_), Some("tables"), None, _) => "ListTables",
        ("POST", "namespaces", Some(_), Some("tables"), None, _) => "CreateTable",
        ("GET", "namespaces", Some(_), Some("tables"), Some(_), None) => "LoadTable",
        ("HEAD", "namespaces", Some(_), Some("tables"), Some(_), None) => "TableExists",
        ("POST", "namespaces", Some(_), Some("tables"), Some(_), None) => "UpdateTable",
        ("DELETE", "namespaces", Some(_), Some("tables"), Some(_), None) => "DropTable",
        ("POST", "namespaces", Some(_), Some("tables"), Some(_), Some("metrics")) => "ReportMetrics",
        ("GET", "namespaces", Some(_), Some("tables"), Some(_), Some("credentials")) => "LoadCredentials",
        ("POST", "tables", Some("rename"), None, ..) => "RenameTable",
        ("POST", "transactions", Some("commit"), None, ..) => "CommitTransaction",
        _ => return None,
    })
}

/// The input of an operation, as JSON: what path, query, form and headers say.
pub(crate) fn input(parts: &Parts, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut input = Map::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            input.insert(name.to_owned(), Value::String(value));
        }
    };
    if let Some(place) = place(parts.uri.path()) {
        for (name, text) in [("prefix", place.prefix), ("namespace", place.namespace), ("table", place.table)] {
            say(name, text.map(|text| decoded(name, text)).transpose()?);
        }
    }
    let asked = query::Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
    for name in ["warehouse", "parent", "pageToken", "pageSize", "snapshots"] {
        say(name, asked.get(name).map(str::to_owned));
    }
    if operation(parts) == Some("GetCatalogToken") {
        // The secret is read where it is proved, and stands in no input.
        say("grantType", query::Form::parse(body)?.get("grant_type").map(str::to_owned));
    }
    let delegation = parts.headers.get("x-iceberg-access-delegation").and_then(|value| value.to_str().ok());
    say("accessDelegation", delegation.map(str::to_owned));
    Ok(json::encode(&input))
}

fn decoded(what: &str, text: &str) -> Result<String, Fault> {
    let invalid = |message: &str| Fault::new("BadRequestException", 400, format!("the {what} in the path {message}"));
    if text.len() > NAME_BYTES_MAX {
        return Err(invalid("is too long"));
    }
    let text = percent_decode_str(text).decode_utf8().map_err(|_| invalid("is not UTF-8"))?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(method: &str, path: &str) -> Parts {
        Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
    }

    fn check(method: &str, path: &str, expected: Option<&str>) {
        assert_eq!(operation(&parts(method, path)), expected, "{method} {path}");
    }

    #[test]
    fn paths_name_operations_with_and_without_a_prefix() {
        for prefix in ["", "111122223333/"] {
            let path = |rest: &str| format!("/iceberg/v1/{prefix}{rest}");
            check("GET", &path("namespaces"), Some("ListNamespaces"));
            check("HEAD", &path("namespaces/cairn"), Some("NamespaceExists"));
            check("GET", &path("namespaces/cairn/tables"), Some("ListTables"));
            check("GET", &path("namespaces/cairn/tables/events?snapshots=all"), Some("LoadTable"));
            check("POST", &path("namespaces/cairn/tables/events/metrics"), Some("ReportMetrics"));
            check("POST", &path("tables/rename"), Some("RenameTable"));
        }
        check("GET", "/iceberg/v1/config?warehouse=cairn", Some("GetCatalogConfig"));
        check("POST", "/iceberg/v1/oauth/tokens", Some("GetCatalogToken"));
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in ["", "x", "x/y", "config/x/y/z/a/b", "namespaces/cairn/tables/events/data", "oauth/tokens/x"] {
            check("GET", &format!("/iceberg/v1/{path}"), None);
        }
        check("PATCH", "/iceberg/v1/config", None);
    }

    #[test]
    fn names_are_decoded_and_bounded() {
        let read = |path: &str| input(&parts("GET", path), b"");
        let found = read("/iceberg/v1/namespaces/a%1Fb/tables/my%20store?pageSize=5").unwrap();
        let found: Value = serde_json::from_slice(&found).unwrap();
        assert_eq!((&found["namespace"], &found["table"]), (&Value::from("a\u{1f}b"), &Value::from("my store")));
        assert_eq!(found["pageSize"], "5");
        assert_eq!(read("/iceberg/v1/namespaces/%ff").unwrap_err().status, 400);
        assert_eq!(read(&format!("/iceberg/v1/namespaces/{}", "x".repeat(2000))).unwrap_err().status, 400);
    }
}
