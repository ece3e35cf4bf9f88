//! The command line.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what speaks to the terminal")]

mod aws;
mod elsewhere;
mod env;
mod import;
mod lookup;
mod query;
mod serve;
mod tables;
mod tour;
mod verify;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Where the data is, when nothing is said.
const DATA_DIR: &str = "./cairn-data";

/// An open, self-hosted CloudTrail: records every API call, keeps the record tamper-evident, proves it.
///
/// Start with `cairn tour`: it runs the whole path once, on a fresh data directory, and says what it does.
/// Then run `cairn serve`, and in another terminal `eval "$(cairn env)"`: from there on `aws` and
/// boto3 talk to your Cairn.
#[derive(Parser)]
#[command(name = "cairn", version, max_term_width = 110, after_help = AFTER_HELP)]
pub struct Cairn {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  cairn tour                                        see it all work, in a minute
  cairn serve --data-dir /var/lib/cairn             serve on 127.0.0.1:4510
  eval \"$(cairn env --data-dir /var/lib/cairn)\"     point AWS clients there
  cairn import ./AWSLogs                            take in CloudTrail logs that AWS wrote
  cairn lookup user=alice --since 2h                who did what, as it was recorded
  cairn query \"SELECT eventname, count(*) FROM events GROUP BY eventname\"
                                                    ask what happened
  cairn verify s3://my-trail-bucket                 prove an archive, AWS's or Cairn's";

#[derive(Subcommand)]
enum Command {
    /// Serve the APIs: CloudTrail, S3, IAM, STS, KMS
    Serve(serve::Args),
    /// Print the environment that points AWS clients at a data directory's Cairn
    Env(env::Args),
    /// Take in CloudTrail log files that were written elsewhere
    Import(import::Args),
    /// Look up recorded events, newest first
    Lookup(lookup::Args),
    /// Ask the lake a question in SQL
    Query(query::Args),
    /// List the tables that can be asked
    Tables(tables::Args),
    /// Prove an archive of CloudTrail logs, AWS's or Cairn's
    Verify(verify::Args),
    /// See the main job done on a fresh data directory, step by step
    Tour(tour::Args),
}

/// The option that names the data directory.
#[derive(clap::Args)]
pub struct DataDirOption {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", env = "CAIRN_DATA_DIR", default_value = DATA_DIR)]
    data_dir: PathBuf,
}

pub async fn run(cairn: Cairn) -> ExitCode {
    match cairn.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Env(args) => env::run(&args),
        Command::Import(args) => import::run(args).await,
        Command::Lookup(args) => lookup::run(args).await,
        Command::Query(args) => query::run(args).await,
        Command::Tables(args) => tables::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Tour(args) => tour::run(args).await,
    }
}

/// Says why a command failed.
pub fn fail(message: &str) -> ExitCode {
    eprintln!("cairn: {message}");
    ExitCode::FAILURE
}
