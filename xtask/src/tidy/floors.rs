//! The floors: every crate stands in ARCHITECTURE.md's table, and arrows only point down.

use super::{read, short};
use std::collections::BTreeMap;
use std::path::Path;

/// Rows of the table look like `| 3 | `key` | what it is |`.
fn table(text: &str) -> BTreeMap<String, u32> {
    text.lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let floor = cells.next()?.parse().ok()?;
            let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((name.to_owned(), floor))
        })
        .collect()
}

pub fn check(root: &Path) -> Vec<String> {
    let floors = table(&read(&root.join("ARCHITECTURE.md")));
    let mut findings = Vec::new();
    let mut crates: Vec<_> = std::fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    crates.sort();
    for path in &crates {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(floor) = floors.get(name) else {
            findings.push(format!("crates/{name}: stands on no floor of ARCHITECTURE.md"));
            continue;
        };
        let manifest = path.join("Cargo.toml");
        for import in imports(&read(&manifest)) {
            match floors.get(&import) {
                Some(below) if below < floor => {}
                _ => findings.push(format!(
                    "{}: floor {floor} must not import {import} (floor {})",
                    short(root, &manifest),
                    floors.get(&import).map_or_else(|| "unknown".to_owned(), u32::to_string)
                )),
            }
        }
        if !read(&path.join("src/lib.rs")).starts_with("//!") && !read(&path.join("src/main.rs")).starts_with("//!") {
            findings.push(format!("crates/{name}: does not open with what it is"));
        }
    }
    for name in floors.keys().filter(|name| !root.join("crates").join(name).exists()) {
        findings.push(format!("ARCHITECTURE.md: there is no crate {name}"));
    }
    findings
}

/// The crates of the house that a manifest depends on, for the product itself.
fn imports(manifest: &str) -> Vec<String> {
    let Ok(manifest) = manifest.parse::<toml::Table>() else { return vec!["(unreadable manifest)".to_owned()] };
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies
        .into_iter()
        .flat_map(toml::Table::keys)
        .filter_map(|name| Some(name.strip_prefix("cairn-")?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_by_floor_and_name() {
        let text = "| floor | crate | what |\n|---|---|---|\n| 1 | `world` | clock |\n| 10 | `cairn` | binary |\n| x | `no` | |";
        let floors = table(text);
        assert_eq!(floors.get("world"), Some(&1));
        assert_eq!(floors.get("cairn"), Some(&10));
        assert_eq!(floors.len(), 2);
    }

    #[test]
    fn only_crates_of_the_house_are_imports() {
        let manifest =
            "[dependencies]\ncairn-event.workspace = true\nserde = \"1\"\n[dev-dependencies]\ncairn-world = \"1\"";
        assert_eq!(imports(manifest), ["event"]);
    }
}
