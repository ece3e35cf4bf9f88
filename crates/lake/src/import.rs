//! Imports: log files of a bucket become rows of one table.

use crate::{Error, Parts, Tables};
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct Imports;

impl Imports {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        let _ = (parts, tables);
        Ok(Self)
    }

    pub async fn run(&self, shutdown: CancellationToken) {
        shutdown.cancelled().await;
    }
}
