//! `cairn serve`.

use super::fail;
use crate::config::{Config, Log, OPTIONS};
use crate::serve::{self, Running};
use cairn_world::World;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serve until Ctrl-C or SIGTERM.
///
/// The first start makes an account, a region and a root access key, and writes them for AWS clients to
/// DATA/aws/credentials and DATA/aws/config. While it answers, DATA/endpoint holds its URL.
#[derive(clap::Args)]
#[command(after_long_help = after_help())]
pub struct Args {
    /// Where everything is kept [default: ./cairn-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:4510]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A configuration file in TOML
    #[arg(long, value_name = "FILE", env = "CAIRN_CONFIG")]
    config: Option<PathBuf>,
    /// First start only: the account, 12 digits [default: drawn]
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// First start only: the home region [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

/// Every option of the configuration, from the one list that defines them.
fn after_help() -> String {
    let mut help = "Every option can stand in the file or in the environment; flags win over the environment, \
                    the environment wins over the file:\n"
        .to_owned();
    for option in OPTIONS {
        let name = if option.section.is_empty() {
            option.name.to_owned()
        } else {
            format!("[{}] {}", option.section, option.name)
        };
        let default = if option.default.is_empty() { String::new() } else { format!(" [{}]", option.default) };
        let _ = write!(help, "\n  {name}{default}\n      {}\n      {}", option.help, option.variable());
    }
    help.push_str(
        "\n\nA bucket of this name is one of another S3 (file only):\n\
         \n  [outside.my-archive]\n  endpoint_url = \"https://s3.example.com\"\n  region = \"eu-west-1\"\n  \
         access_key_id = \"…\"\n  secret_access_key = \"…\"",
    );
    help
}

pub async fn run(args: Args) -> ExitCode {
    let world = World::system();
    let config = match load(&world, &args) {
        Ok(config) => config,
        Err(message) => return fail(&message),
    };
    if let Err(message) = start_log(&config.log) {
        return fail(&message);
    }
    // Before anybody learns that the house is there, and might end it.
    let told = match until_told() {
        Ok(told) => told,
        Err(error) => return fail(&format!("signals cannot be received: {error}")),
    };
    let running = match serve::start(&world, &config, true).await {
        Ok(running) => running,
        Err(error) => return fail(&error.to_string()),
    };
    say_ready(&running, &config.data_dir);
    told.await;
    tracing::info!("stopping: calls that are under way are finished");
    running.stop().await;
    ExitCode::SUCCESS
}

fn load(world: &World, args: &Args) -> Result<Config, String> {
    let flags = [
        ("data_dir", args.data_dir.as_ref().map(|path| path.display().to_string())),
        ("listen", args.listen.clone()),
        ("account", args.account.clone()),
        ("region", args.region.clone()),
    ];
    Config::read(world, args.config.as_deref(), &flags)
}

fn start_log(log: &Log) -> Result<(), String> {
    // s3s calls every refusal an error; what was refused and why stands in the records.
    let level = if log.level.contains("s3s") { log.level.clone() } else { format!("{},s3s=off", log.level) };
    let filter = EnvFilter::try_new(level).map_err(|error| format!("[log] level: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match log.format.as_str() {
        "text" => builder.init(),
        "json" => builder.json().init(),
        other => return Err(format!("[log] format: {other:?} is neither text nor json")),
    }
    Ok(())
}

fn say_ready(running: &Running, data_dir: &Path) {
    println!("cairn is ready at {} (account {}, region {})", running.url, running.account, running.region);
    eprintln!("for AWS clients: eval \"$(cairn env --data-dir {})\"", data_dir.display());
}

/// Ready at Ctrl-C or SIGTERM; they are caught from now on.
fn until_told() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
