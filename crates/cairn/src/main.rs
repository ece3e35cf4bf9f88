//! Cairn: an open, self-hosted CloudTrail in one binary.

mod cli;
mod client;
mod config;
#[cfg(test)]
mod coverage;
mod data_dir;
mod door;
mod house;
mod record;
mod recorder;
mod serve;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = cli::Cairn::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::fail(&format!("the runtime does not start: {error}")),
    };
    let code = runtime.block_on(cli::run(command));
    // Blocking reads of a dead disk must not keep the process from ending.
    runtime.shutdown_background();
    code
}
