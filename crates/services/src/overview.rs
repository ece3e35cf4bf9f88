//! docs/operations.md: what is answered, from the lists that answer.
//!
//! `CAIRN_UPDATE_DOCS=1 cargo nextest run -p cairn-services overview` writes it anew.

use crate::{SERVICES, s3};
use cairn_world::{Disk, SystemDisk};
use std::fmt::Write as _;
use std::path::Path;

const INTRODUCTION: &str = "# Operations

Every operation that this version answers. A test keeps this page equal to the lists that the code reads. What AWS has beyond that
answers with the service's own error for what is not supported.
";

fn overview() -> String {
    let mut text = INTRODUCTION.to_owned();
    for service in SERVICES {
        let mut names: Vec<&str> = service.operations.iter().map(|operation| operation.name()).collect();
        names.sort_unstable();
        section(&mut text, service.name, &names, service.unsupported.len());
    }
    let (mut names, others) = s3::answered();
    names.sort_unstable();
    section(&mut text, "s3", &names, others);
    text
}

fn section(text: &mut String, name: &str, names: &[&str], unsupported: usize) {
    let _ = write!(text, "\n## {name}\n\n{}.\n", names.join(", "));
    if unsupported > 0 {
        let _ = write!(text, "\nKnown and not supported: {unsupported} more.\n");
    }
}

#[test]
fn the_page_of_operations_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let expected = overview();
    if std::env::var_os("CAIRN_UPDATE_DOCS").is_some() {
        SystemDisk.write_atomic(&path, expected.as_bytes()).unwrap();
    }
    let found = String::from_utf8(SystemDisk.read(&path).unwrap_or_default()).unwrap();
    assert!(found == expected, "docs/operations.md is not what the code answers; see the head of overview.rs");
}
