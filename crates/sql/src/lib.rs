//! SQL over the lake, by DataFusion, in the dialect that Trino's users write.
//!
//! Start from [`engine`]. What it is not: it knows no caller, no HTTP and no file: what a query may see
//! it is told, and bytes it reads through [`cairn_lake::Tables`]. Nothing of DataFusion leaves this crate.

use cairn_lake::Tables;
use cairn_lake::sql::{Checked, Error, Query, Rows, Sql};
use std::sync::Arc;

struct Engine {
    tables: Tables,
}

/// The engine over these tables.
pub fn engine(tables: &Tables) -> Arc<dyn Sql> {
    Arc::new(Engine { tables: tables.clone() })
}

#[async_trait::async_trait]
impl Sql for Engine {
    async fn check(&self, query: &Query) -> Result<Checked, Error> {
        let _ = (query, &self.tables);
        Err(Error::Failed("SQL is not built yet".to_owned()))
    }

    async fn run(&self, query: Query) -> Result<Rows, Error> {
        let _ = query;
        Err(Error::Failed("SQL is not built yet".to_owned()))
    }

    async fn explain(&self, query: Query, analyze: bool) -> Result<String, Error> {
        let _ = (query, analyze);
        Err(Error::Failed("SQL is not built yet".to_owned()))
    }
}
