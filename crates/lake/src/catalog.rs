//! The tables as Iceberg shows them.

use crate::{Error, Parts, Tables};
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct Catalog;

impl Catalog {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        let _ = (parts, tables);
        Ok(Self)
    }

    pub async fn run(&self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
    }
}
