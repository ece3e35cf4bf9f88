//! Queries: started, watched, kept and delivered.

use crate::store::Stores;
use crate::{Error, Parts, Sql, Tables};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct Queries;

impl Queries {
    pub async fn open(parts: &Parts, tables: &Tables, stores: &Stores, sql: &Arc<dyn Sql>) -> Result<Self, Error> {
        let _ = (parts, tables, stores, sql);
        Ok(Self)
    }

    pub async fn run(&self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
    }
}
