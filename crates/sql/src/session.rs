//! The planner with all functions: made once, copied for each query.

use crate::functions::{self, Regexes};
use crate::rewrite::Unnests;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::execution::SessionState;
use datafusion::execution::registry::FunctionRegistry;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use std::sync::Arc;

/// Functions that make long values out of short ones, without asking how much memory there is; ours do, or
/// there is no need for them.
const DROPPED: [&str; 10] = [
    "array_repeat",
    "list_repeat",
    "range",
    "generate_series",
    "array_resize",
    "list_resize",
    "array_pad",
    "list_pad",
    "input_file_name",
    "version",
];

/// Partitions that one query is read and computed in.
pub const PARTITIONS_MAX: usize = 4;

pub fn session(cores: usize) -> Result<SessionState> {
    let mut state = SessionStateBuilder::new().with_config(config(cores)).with_default_features().build();
    let regexes = Arc::new(Regexes::default());
    for function in functions::all(&regexes) {
        state.register_udf(Arc::new(function))?;
    }
    for name in DROPPED {
        state.deregister_udf(name)?;
    }
    let of = |name: &str| {
        state.scalar_functions().get(name).cloned().ok_or_else(|| internal_datafusion_err!("no function {name}"))
    };
    let unnests = Unnests {
        keys: of("map_keys")?,
        values: of("map_values")?,
        ordinals: of("ordinals")?,
        field: of("get_field")?,
    };
    state.register_relation_planner(Arc::new(unnests))?;
    Ok(state)
}

fn config(cores: usize) -> SessionConfig {
    let mut config =
        SessionConfig::new().with_target_partitions(cores.clamp(1, PARTITIONS_MAX)).with_information_schema(false);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.bloom_filter_on_read = true;
    options.execution.parquet.enable_page_index = true;
    options.sql_parser.default_null_ordering = "nulls_last".into();
    config
}
