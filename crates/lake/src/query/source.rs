//! What the names after FROM mean, and what a query will read.

use super::Queries;
use crate::Error;
use crate::sql::{self, Checked, Column, Limits, Query, View};
use crate::store::{Readable, Scope};
use crate::table::EVENTS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Tables in one query, at most.
const SOURCES_MAX: usize = 20;

/// A table that a query reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// As it stands after FROM.
    pub name: String,
    pub arn: String,
    /// The account that owns it.
    pub account: String,
    pub view: View,
}

/// What a query reads and gives, known before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub sources: Vec<Source>,
    pub columns: Vec<Column>,
}

/// Why a query cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    Sql(#[from] sql::Error),
    #[error("{0}")]
    Store(#[from] Error),
}

impl Queries {
    /// Reads a query whose parameters are filled in, as `account` writes it in `region`. Names are those of
    /// `owner`'s event data stores, or of the account's own.
    pub async fn plan(&self, account: &str, owner: Option<&str>, region: &str, text: &str) -> Result<Plan, Refusal> {
        let mut sources = BTreeMap::new();
        loop {
            let query = self.query(text, sources.values(), CancellationToken::new());
            match self.inner.sql.check(&query).await {
                Ok(checked) => return Ok(plan(checked, sources)),
                Err(sql::Error::NoTable(name)) if sources.len() < SOURCES_MAX && !sources.contains_key(&name) => {
                    let source = self.source(account, owner, region, &name).map_err(|refusal| match refusal {
                        Refusal::Store(Error::Refused { code: "EventDataStoreARNInvalid", .. }) => missing(&name),
                        refusal => refusal,
                    })?;
                    sources.insert(name, source);
                }
                Err(sql::Error::NoTable(name)) if sources.contains_key(&name) => return Err(missing(&name)),
                Err(sql::Error::NoTable(_)) => {
                    let message = format!("a query reads at most {SOURCES_MAX} event data stores");
                    return Err(sql::Error::Invalid(message).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The plan in words; with what running it costs when `analyze`.
    pub async fn explain(&self, plan: &Plan, text: &str, analyze: bool) -> Result<String, sql::Error> {
        let query = self.query(text, plan.sources.iter(), self.inner.stopping.child_token());
        // It may run the query, so it waits for one of the places that all queries share.
        let _place = self.inner.places.acquire().await.expect("the places are never closed");
        self.inner.tables.catch_up(super::work::CATCH_UP).await;
        self.inner.sql.explain(query, analyze).await
    }

    pub(super) fn query<'a>(
        &self,
        text: &str,
        sources: impl Iterator<Item = &'a Source>,
        cancel: CancellationToken,
    ) -> Query {
        let settings = &self.inner.parts.settings;
        Query {
            text: text.to_owned(),
            parameters: Vec::new(),
            tables: sources.map(|source| (source.name.clone(), source.view.clone())).collect(),
            limits: Limits { memory_bytes_max: settings.query_memory_bytes_max, time_max: settings.query_time_max },
            cancel,
        }
    }

    /// What a name means: the table of all events, or an event data store by its ARN or the end of it.
    pub fn source(&self, account: &str, owner: Option<&str>, region: &str, name: &str) -> Result<Source, Refusal> {
        let own = |account| self.inner.stores.readable(Scope { account, region }, name);
        let events = own(account).ok().filter(|readable| readable.view.table == EVENTS);
        let readable = match (events, owner) {
            (Some(events), _) => events,
            (None, None) => own(account)?,
            // Beside the owner's stores a query may read the account's own.
            (None, Some(owner)) => own(owner).or_else(|error| own(account).map_err(|_| error))?,
        };
        // Whoever names the house as the owner gets no further than by the name alone.
        if readable.view.table == EVENTS && readable.account != account {
            return Err(missing(name));
        }
        let Readable { arn, account, view, .. } = readable;
        Ok(Source { name: name.to_owned(), arn, account, view })
    }
}

fn missing(name: &str) -> Refusal {
    Error::refused("EventDataStoreNotFound", format!("The event data store {name} does not exist.")).into()
}

fn plan(checked: Checked, mut sources: BTreeMap<String, Source>) -> Plan {
    let named = checked.tables.iter().filter_map(|name| sources.remove(name)).collect();
    Plan { sources: named, columns: checked.columns }
}
