//! The house's own API of the lake: what its commands ask that CloudTrail's API does not answer.

pub(crate) mod explain_query;
pub(crate) mod get_query_result;
pub(crate) mod list_past_queries;
pub(crate) mod list_tables;
pub(crate) mod watch_query;

/// Where its paths begin, for requests that are signed for the house.
pub const PATH: &str = "/lake/";

/// The operation of a path.
pub fn operation(path: &str) -> Option<&'static str> {
    match path {
        "/lake/tables" => Some("ListTables"),
        "/lake/tables/describe" => Some("DescribeTable"),
        "/lake/explain" => Some("ExplainQuery"),
        "/lake/queries" => Some("ListPastQueries"),
        "/lake/queries/watch" => Some("WatchQuery"),
        "/lake/queries/result" => Some("GetQueryResultFile"),
        _ => None,
    }
}
