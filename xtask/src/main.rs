//! Chores of the project: `cargo xtask tidy`.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)]

mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root of the project");
    if std::env::args().nth(1).as_deref() == Some("tidy") {
        return report(&tidy::check(root));
    }
    eprintln!("usage: cargo xtask tidy    what the compiler does not check: floors, sizes, names, left-overs");
    ExitCode::from(2)
}

fn report(findings: &[String]) -> ExitCode {
    for finding in findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: nothing to say");
        return ExitCode::SUCCESS;
    }
    eprintln!("tidy: {} findings", findings.len());
    ExitCode::FAILURE
}
