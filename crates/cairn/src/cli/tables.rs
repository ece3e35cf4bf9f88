//! `cairn tables`.

use super::query::{house, table};
use super::{DataDirOption, fail};
use crate::client::Client;
use cairn_event::Time;
use clap::Subcommand;
use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::process::ExitCode;

/// List the tables that `cairn query` can ask.
///
/// `events` holds every event; each event data store is a table of its own, named by its id.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    data: DataDirOption,
}

#[derive(Subcommand)]
enum Command {
    /// Show the columns of a table
    Describe {
        /// As it stands after FROM
        #[arg(value_name = "TABLE")]
        name: String,
        #[command(flatten)]
        data: DataDirOption,
    },
}

const AFTER_HELP: &str = "\
Examples:
  cairn tables                    rows, bytes, files, time range and retention of each table
  cairn tables describe events    the columns of the table of all events";

pub async fn run(args: Args) -> ExitCode {
    let done = match args.command {
        None => list(&args.data).await,
        Some(Command::Describe { name, data }) => describe(&name, &data).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

async fn asked(data: &DataDirOption, path: &str, input: &Value, list: &str) -> Result<Vec<Value>, String> {
    let client = Client::open(&data.data_dir).await?;
    let answer = house(&client, path, input).await;
    client.close().await;
    Ok(answer?.get(list).and_then(Value::as_array).cloned().unwrap_or_default())
}

fn print(names: &[&str], rows: &[Vec<Option<String>>]) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let width = std::io::stdout().is_terminal().then(|| usize::from(console::Term::stdout().size().1));
    print!("{}", table::shown(&names, rows, width));
}

async fn list(data: &DataDirOption) -> Result<(), String> {
    let tables = asked(data, "/lake/tables", &json!({}), "tables").await?;
    let row = |table: &Value| {
        let text = |name: &str| table.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| table.get(name).and_then(Value::as_u64).unwrap_or_default();
        let time = |name: &str| {
            let seconds = table.get(name).and_then(Value::as_f64)?;
            Some(Time::from_seconds(seconds as i64).iso())
        };
        vec![
            text("name"),
            text("title"),
            Some(HumanCount(number("rows")).to_string()),
            Some(HumanBytes(number("bytes")).to_string()),
            Some(number("files").to_string()),
            Some(number("fresh").to_string()),
            time("from"),
            time("to"),
            Some(format!("{} days", number("retentionDays"))),
        ]
    };
    let rows: Vec<_> = tables.iter().map(row).collect();
    print(&["table", "what", "rows", "bytes", "files", "fresh", "from", "to", "retention"], &rows);
    Ok(())
}

async fn describe(name: &str, data: &DataDirOption) -> Result<(), String> {
    let columns = asked(data, "/lake/tables/describe", &json!({"name": name}), "columns").await?;
    let text = |column: &Value, name: &str| column.get(name).and_then(Value::as_str).map(str::to_owned);
    let rows: Vec<_> = columns.iter().map(|column| vec![text(column, "name"), text(column, "kind")]).collect();
    print(&["column", "type"], &rows);
    Ok(())
}
