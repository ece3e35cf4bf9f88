//! Dashboards: queries that are run together.

use crate::query::Queries;
use crate::{Error, Parts};
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct Dashboards;

impl Dashboards {
    pub async fn open(parts: &Parts, queries: &Queries) -> Result<Self, Error> {
        let _ = (parts, queries);
        Ok(Self)
    }

    /// The statement of a widget, by its alias.
    pub fn template(&self, account: &str, region: &str, alias: &str) -> Option<String> {
        let _ = (account, region, alias);
        None
    }

    pub async fn run(&self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
    }
}
