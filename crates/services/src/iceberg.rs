//! The lake for others: an Iceberg REST catalog, read only.
//!
//! There is one namespace, `cairn`, with the table `events` and one for each event data store, by its id, or
//! by its name where no other has that. Callers sign with SigV4, or show a bearer token that they were given
//! for their access key and its secret.

mod config;
mod namespace;
mod path;
mod proof;
mod table;
mod token;
mod vend;

pub(crate) use path::{input, operation};
pub(crate) use proof::{Proof, is_access_key, proof};

use crate::Service;
use crate::operation::row;
use cairn_wire::{Fault, Protocol};

pub static SERVICE: Service = Service {
    name: "cairn",
    source: "cairn.internal",
    target: "",
    protocol: Protocol::Iceberg,
    api_version: "2026-11-25",
    global: false,
    operations: &[
        row::<config::GetCatalogConfig>(),
        row::<token::GetCatalogToken>(),
        row::<namespace::ListNamespaces>(),
        row::<namespace::LoadNamespace>(),
        row::<namespace::NamespaceExists>(),
        row::<table::ListTables>(),
        row::<table::LoadTable>(),
        row::<table::TableExists>(),
        row::<table::ReportMetrics>(),
        row::<vend::LoadCredentials>(),
    ],
    unsupported: &[
        "CreateNamespace",
        "DropNamespace",
        "UpdateNamespaceProperties",
        "CreateTable",
        "UpdateTable",
        "DropTable",
        "RenameTable",
        "RegisterTable",
        "CommitTransaction",
        "ListViews",
    ],
};

/// Where its paths begin.
pub const PATH: &str = "/iceberg/v1/";

/// The one namespace.
const NAMESPACE: &str = "cairn";

/// Members of every path that names a namespace.
fn check_namespace(namespace: &str) -> Result<(), Fault> {
    if namespace == NAMESPACE {
        return Ok(());
    }
    Err(Fault::new("NoSuchNamespaceException", 404, format!("Namespace does not exist: {namespace:.150}")))
}
