//! `cairn query`.

mod format;
mod progress;
pub mod table;

use super::{DataDirOption, fail};
use crate::client::Client;
use bytes::Bytes;
use cairn_world::World;
use clap::ValueEnum;
use format::Answer;
use http::{HeaderMap, Method};
use progress::Progress;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;
/// A call waits so long for the end; then progress is shown.
const WAIT: Duration = Duration::from_millis(500);

/// Ask the lake a question in SQL.
///
/// STATEMENT is one SELECT in Trino's dialect, over `events` (every event) or over an event data store by its id.
/// It works whether or not a server runs on the data directory. What was acknowledged before is seen.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// One SELECT; - reads it from standard input
    #[arg(value_name = "STATEMENT", required_unless_present = "history")]
    statement: Option<String>,
    #[command(flatten)]
    data: DataDirOption,
    /// How the rows are shown
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Write the rows to FILE
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fill in the next ? of the statement
    #[arg(long = "param", value_name = "VALUE")]
    parameters: Vec<String>,
    /// Say how the query would be run, and do not run it
    #[arg(long)]
    explain: bool,
    /// With --explain: run it too, and say what each step cost
    #[arg(long, requires = "explain")]
    analyze: bool,
    /// List past queries, the newest first
    #[arg(long, conflicts_with_all = ["statement", "explain", "output"])]
    history: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns that fit the terminal, or one record below the other where they do not
    Table,
    Csv,
    /// One object a line
    Json,
    Parquet,
}

const AFTER_HELP: &str = "\
Examples:
  cairn query \"SELECT eventname, count(*) AS calls FROM events GROUP BY eventname ORDER BY calls DESC\"
  cairn query \"SELECT eventtime, eventname FROM events WHERE useridentity.arn = ?\" --param arn:aws:iam::111122223333:root
  cairn query \"SELECT * FROM events WHERE errorcode IS NOT NULL\" --format csv --output errors.csv
  cairn query \"SELECT * FROM events\" --format parquet --output events.parquet
  cairn query --history

`cairn tables` lists what can stand after FROM. Ctrl-C cancels the query, also on a server.

Exit codes:
  0    the rows are printed
  1    the query failed
  2    the command line is wrong
  130  the query was cancelled";

/// Why there are no rows.
enum Failed {
    Usage(String),
    Cancelled,
    Other(String),
}

impl From<String> for Failed {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

pub async fn run(args: Args) -> ExitCode {
    match answer(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Usage(message)) => {
            let _ = fail(&message);
            ExitCode::from(USAGE)
        }
        Err(Failed::Cancelled) => {
            let _ = fail("the query was cancelled");
            ExitCode::from(INTERRUPTED)
        }
        Err(Failed::Other(message)) => fail(&message),
    }
}

async fn answer(args: &Args) -> Result<(), Failed> {
    if args.format == Format::Parquet && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failed::Usage("--format parquet is not for terminals; give --output FILE".to_owned()));
    }
    let world = World::system();
    let statement = statement(args)?;
    let client = Client::open(&args.data.data_dir).await?;
    let done = match statement {
        None => history(&client, args).await,
        Some(statement) if args.explain => explain(&client, args, &statement).await,
        Some(statement) => ask(&world, &client, args, &statement).await,
    };
    client.close().await;
    done
}

fn statement(args: &Args) -> Result<Option<String>, Failed> {
    match args.statement.as_deref() {
        Some("-") => std::io::read_to_string(std::io::stdin())
            .map(Some)
            .map_err(|error| Failed::Other(format!("standard input: {error}"))),
        other => Ok(other.map(str::to_owned)),
    }
}

/// One call of the house's own API.
pub async fn house(client: &Client, path: &str, input: &Value) -> Result<Value, String> {
    let body = Bytes::from(input.to_string());
    let (status, _, body) = client.call(Method::POST, path, HeaderMap::new(), body).await?;
    let answer: Value = serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))?;
    if status.is_success() {
        return Ok(answer);
    }
    Err(answer.get("message").and_then(Value::as_str).map_or_else(|| format!("{path}: {status}"), str::to_owned))
}

/// How far a query is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    status: String,
    error: Option<String>,
    rows: u64,
    millis: u64,
    rows_matched: u64,
    bytes_scanned: u64,
    bytes_planned: u64,
    columns: Vec<Column>,
}

/// A column of a result.
#[derive(Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: String,
}

async fn ask(world: &World, client: &Client, args: &Args, statement: &str) -> Result<(), Failed> {
    let mut input = json!({"QueryStatement": statement});
    if !args.parameters.is_empty() {
        input["QueryParameters"] = json!(args.parameters);
    }
    let started = client.json("cloudtrail", "CloudTrail_20131101.StartQuery", &input).await?;
    let id =
        started.get("QueryId").and_then(Value::as_str).ok_or_else(|| "the server gave no id".to_owned())?.to_owned();
    let state = tokio::select! {
        state = ended(client, &id) => state?,
        _ = tokio::signal::ctrl_c() => {
            let _ = client.json("cloudtrail", "CloudTrail_20131101.CancelQuery", &json!({"QueryId": id})).await;
            return Err(Failed::Cancelled);
        }
    };
    match state.status.as_str() {
        "FINISHED" => {}
        "CANCELLED" => return Err(Failed::Cancelled),
        _ => return Err(Failed::Other(state.error.unwrap_or(state.status))),
    }
    let file = download(client, &id).await?;
    show(world, args, &state, file)
}

async fn ended(client: &Client, id: &str) -> Result<State, String> {
    let progress = Progress::default();
    loop {
        let input = json!({"id": id, "waitMillis": WAIT.as_millis() as u64});
        let state = house(client, "/lake/queries/watch", &input).await?;
        let state: State = serde_json::from_value(state).map_err(|error| format!("the state of the query: {error}"))?;
        if !matches!(state.status.as_str(), "QUEUED" | "RUNNING") {
            return Ok(state);
        }
        progress.show(&state);
    }
}

/// The whole result as a Parquet file.
async fn download(client: &Client, id: &str) -> Result<Bytes, String> {
    #[derive(Deserialize)]
    struct Piece {
        piece: cairn_wire::Blob,
    }
    let mut file = Vec::new();
    loop {
        let piece = house(client, "/lake/queries/result", &json!({"id": id, "offset": file.len()})).await?;
        let piece: Piece = serde_json::from_value(piece).map_err(|error| format!("the result: {error}"))?;
        if piece.piece.0.is_empty() {
            return Ok(file.into());
        }
        file.extend_from_slice(&piece.piece.0);
    }
}

fn show(world: &World, args: &Args, state: &State, file: Bytes) -> Result<(), Failed> {
    let answer = Answer { columns: &state.columns, file };
    let terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let bytes = match args.format {
        Format::Parquet => answer.file.to_vec(),
        Format::Csv => answer.csv()?.into_bytes(),
        Format::Json => answer.json()?.into_bytes(),
        Format::Table => {
            let width = terminal.then(|| usize::from(console::Term::stdout().size().1));
            table::shown(&answer.names(), &answer.rows()?, width).into_bytes()
        }
    };
    write(world, args.output.as_deref(), &bytes)?;
    if args.format == Format::Table && terminal {
        let bytes = indicatif::HumanBytes(state.bytes_scanned);
        eprintln!("{} rows, {bytes} read, {} ms", state.rows, state.millis);
    }
    Ok(())
}

fn write(world: &World, output: Option<&Path>, bytes: &[u8]) -> Result<(), String> {
    if let Some(path) = output {
        return world.disk.write_atomic(path, bytes).map_err(|error| format!("{}: {error}", path.display()));
    }
    // Whoever closes the pipe has read enough.
    let _ = std::io::stdout().write_all(bytes);
    Ok(())
}

async fn explain(client: &Client, args: &Args, statement: &str) -> Result<(), Failed> {
    let input = json!({"statement": statement, "parameters": args.parameters, "analyze": args.analyze});
    let answer = house(client, "/lake/explain", &input).await?;
    println!("{}", answer.get("plan").and_then(Value::as_str).unwrap_or_default());
    Ok(())
}

async fn history(client: &Client, args: &Args) -> Result<(), Failed> {
    #[derive(Deserialize)]
    struct Past {
        queries: Vec<Value>,
    }
    const SHOWN: usize = 50;
    let answer = house(client, "/lake/queries", &json!({"max": SHOWN})).await?;
    let past: Past = serde_json::from_value(answer).map_err(|error| format!("past queries: {error}"))?;
    if args.format == Format::Json {
        for query in past.queries {
            println!("{query}");
        }
        return Ok(());
    }
    let names = ["started", "status", "ms", "rows", "statement", "id"].map(str::to_owned);
    let rows: Vec<Vec<Option<String>>> = past.queries.iter().map(past_row).collect();
    let width = std::io::stdout().is_terminal().then(|| usize::from(console::Term::stdout().size().1));
    print!("{}", table::shown(&names, &rows, width));
    Ok(())
}

fn past_row(query: &Value) -> Vec<Option<String>> {
    let text = |name: &str| query.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| query.get(name).and_then(Value::as_u64).map(|number| number.to_string());
    let created = query.get("created").and_then(Value::as_f64);
    let created = created.map(|seconds| cairn_event::Time::from_seconds(seconds as i64).iso());
    vec![created, text("status"), number("millis"), number("rows"), text("statement"), text("id")]
}
