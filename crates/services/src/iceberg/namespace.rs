//! Namespaces: there is one.

use super::{NAMESPACE, check_namespace};
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /iceberg/v1/{prefix}/namespaces`
pub(super) struct ListNamespaces;
/// `GET /iceberg/v1/{prefix}/namespaces/{namespace}`
pub(super) struct LoadNamespace;
/// `HEAD` of the same.
pub(super) struct NamespaceExists;

#[derive(Deserialize, Serialize)]
pub(super) struct Below {
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Named {
    namespace: String,
}

#[derive(Serialize)]
pub(super) struct Namespaces {
    namespaces: Vec<[&'static str; 1]>,
}

#[derive(Serialize)]
pub(super) struct Namespace {
    namespace: [&'static str; 1],
    properties: BTreeMap<String, String>,
}

impl Operation for ListNamespaces {
    const NAME: &'static str = "ListNamespaces";
    const ACCESS: Access = Access::Read;
    type Input = Below;
    type Output = Namespaces;

    async fn call(_: &Call<'_>, input: Below) -> Result<Namespaces, Fault> {
        match input.parent.filter(|parent| !parent.is_empty()) {
            // It is there, and has none below it.
            Some(parent) => check_namespace(&parent).map(|()| Namespaces { namespaces: Vec::new() }),
            None => Ok(Namespaces { namespaces: vec![[NAMESPACE]] }),
        }
    }
}

impl Operation for LoadNamespace {
    const NAME: &'static str = "LoadNamespace";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Namespace;

    async fn call(_: &Call<'_>, input: Named) -> Result<Namespace, Fault> {
        check_namespace(&input.namespace)?;
        Ok(Namespace { namespace: [NAMESPACE], properties: BTreeMap::new() })
    }
}

impl Operation for NamespaceExists {
    const NAME: &'static str = "NamespaceExists";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = ();

    async fn call(_: &Call<'_>, input: Named) -> Result<(), Fault> {
        check_namespace(&input.namespace)
    }
}
