//! Look-ups of recorded management events, newest first.

use crate::{Parts, Sql, Tables};
use std::sync::Arc;

#[derive(Clone)]
pub struct History;

impl History {
    pub fn open(parts: &Parts, tables: &Tables, sql: &Arc<dyn Sql>) -> Self {
        let _ = (parts, tables, sql);
        Self
    }
}
