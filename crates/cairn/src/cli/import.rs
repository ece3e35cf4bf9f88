//! `cairn import`.

mod events;
mod pipeline;
mod progress;
mod source;
mod tally;

use super::{DataDirOption, fail};
use crate::client::Client;
use cairn_world::World;
use pipeline::Pipeline;
use progress::Progress;
use source::Source;
use std::path::PathBuf;
use std::process::ExitCode;
use tally::{Rejects, Tally};
use tokio_util::sync::CancellationToken;

const USAGE: u8 = 2;

/// Take in CloudTrail log files as AWS wrote them.
///
/// SOURCE is a file, a directory or s3://BUCKET[/PREFIX]. Of a tree, the files are taken whose names end in
/// .json, .jsonl or .ndjson, with or without .gz, in any layout: one account's or an organization's. Digest
/// files are checked for their shape and not imported (`cairn verify` proves them); insight and aggregated
/// events are taken as events of their kind.
///
/// Every event comes in once: one with an eventID and bytes that are known counts as a duplicate. Files that
/// were taken without a rejection are not sent again, so that an import that was interrupted goes on where it
/// stopped when it is started again. What is reported as taken is durable.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// Files, directories, or s3://BUCKET[/PREFIX]
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    data: DataDirOption,
    /// Write every record that was rejected, and every file that failed, to FILE, one JSON object a line
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Send also files that are known to be complete
    #[arg(long)]
    again: bool,
    /// Find the files and say what would be sent; send nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
S3 is reached as AWS's own tools reach it: keys, region and endpoint stand in AWS_ACCESS_KEY_ID,
AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and so on, or in the files of AWS_PROFILE.
AWS_SKIP_SIGNATURE=true reads a public bucket.

Exit codes:
  0  everything that was found is in
  1  a record was rejected, a file failed, nothing was found, or the import stopped early
  2  the command line is wrong, or a SOURCE is not there";

pub async fn run(args: Args) -> ExitCode {
    let world = World::system();
    let mut sources = Vec::new();
    for text in &args.sources {
        match Source::find(&world, text).await {
            Ok(source) => sources.push(source),
            Err(message) => {
                let _ = fail(&message);
                return ExitCode::from(USAGE);
            }
        }
    }
    match import(&world, &args, sources).await {
        Ok(tally) => {
            if args.json {
                println!("{}", serde_json::to_string_pretty(&tally).expect("a tally is plain data"));
            } else {
                print!("{tally}");
            }
            if tally.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => fail(&message),
    }
}

async fn import(world: &World, args: &Args, sources: Vec<Source>) -> Result<Tally, String> {
    let rejects = args.rejects.as_deref().map(|path| Rejects::open(world, path)).transpose()?;
    let client = Client::open(&args.data.data_dir).await?;
    let progress = Progress::new(world);
    let stop = CancellationToken::new();
    let pipeline = Pipeline {
        world: world.clone(),
        client: &client,
        stop: stop.clone(),
        again: args.again,
        dry_run: args.dry_run,
    };
    let mut tally = Tally::new(args.dry_run, rejects);
    let interrupted = tokio::spawn({
        let stop = stop.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        }
    });
    let began = world.clock.monotonic();
    let ran = pipeline.run(sources, &mut tally, &progress).await;
    interrupted.abort();
    progress.finish();
    tally.finish(world.clock.monotonic().saturating_sub(began), stop.is_cancelled());
    client.close().await;
    ran.and_then(|()| tally.close_rejects()).map(|()| tally)
}
