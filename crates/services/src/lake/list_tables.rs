//! ListTables and DescribeTable: the tables that the caller's queries can name.

use crate::call::Call;
use crate::cloudtrail::query;
use crate::operation::{Access, Operation, Target};
use cairn_lake::store::Scope;
use cairn_lake::table::EVENTS;
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) struct ListTables;
pub(crate) struct DescribeTable;

#[derive(Deserialize, Serialize)]
pub(crate) struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tables {
    tables: Vec<Table>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    /// As it is named after FROM.
    name: String,
    /// As its owner calls it.
    title: String,
    rows: u64,
    /// Of its files.
    bytes: u64,
    files: usize,
    /// Rows that are in no file yet.
    fresh: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    retention_days: u64,
}

async fn table(call: &Call<'_>, name: &str, title: &str) -> Result<Table, Fault> {
    let snapshot = call.engines.lake.tables.snapshot(name).await.map_err(query::fault)?;
    let mut fresh = 0;
    for batch in &snapshot.fresh {
        fresh += batch.num_rows();
    }
    Ok(Table {
        name: name.to_owned(),
        title: title.to_owned(),
        rows: snapshot.files.iter().map(|file| file.rows).sum::<u64>() + fresh as u64,
        bytes: snapshot.files.iter().map(|file| file.bytes).sum(),
        files: snapshot.files.len(),
        fresh,
        from: snapshot.files.iter().map(|file| file.times.start).min().map(Timestamp),
        to: snapshot.files.iter().map(|file| file.times.end).max().map(Timestamp),
        retention_days: snapshot.table.retention.as_secs() / 86_400,
    })
}

impl Operation for ListTables {
    const NAME: &'static str = "ListTables";
    const ACCESS: Access = Access::Read;
    type Input = Nothing;
    type Output = Tables;

    async fn call(call: &Call<'_>, _: Nothing) -> Result<Tables, Fault> {
        let mut tables = Vec::new();
        // How much there is of everybody is for the house's own account.
        if call.account() == call.engines.account {
            tables.push(table(call, EVENTS, "every event").await?);
        }
        let scope = Scope { account: call.account(), region: call.region };
        for store in call.engines.lake.stores.list(scope) {
            tables.push(table(call, &store.id, &store.name).await?);
        }
        Ok(Tables { tables })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Description {
    columns: Vec<Column>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Column {
    name: String,
    kind: String,
}

impl Operation for DescribeTable {
    const NAME: &'static str = "DescribeTable";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Description;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        let source = call.engines.lake.queries.source(call.account(), None, call.region, &input.name);
        Ok(query::targets(call, &[source.map_err(query::refused)?], None))
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Description, Fault> {
        let source = call.engines.lake.queries.source(call.account(), None, call.region, &input.name);
        let name = source.map_err(query::refused)?.view.table;
        let plan = query::plan(call, None, &format!("SELECT * FROM {name}"), &[]).await?;
        let column = |column: cairn_lake::sql::Column| Column { name: column.name, kind: column.kind };
        Ok(Description { columns: plan.columns.into_iter().map(column).collect() })
    }
}
