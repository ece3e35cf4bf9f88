//! What the compiler does not check: that the house is built as ARCHITECTURE.md says.

mod floors;
mod sources;

use std::path::{Path, PathBuf};

/// Everything that is wrong, a line each.
pub fn check(root: &Path) -> Vec<String> {
    let mut findings = floors::check(root);
    findings.extend(sources::check(root));
    findings.extend(links(root));
    findings
}

/// Links in the root's documents and in docs/ must lead somewhere.
fn links(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files(root, "md") {
        let text = read(&file);
        let folder = file.parent().unwrap_or(root);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !folder.join(path).exists() {
                findings.push(format!("{}: links to {path}, which is not there", short(root, &file)));
            }
        }
    }
    findings
}

/// All files of an ending that belong to the project, sorted.
fn files(root: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                let ours =
                    !name.starts_with('.') && !matches!(name, "target" | "cairn-data" | "node_modules" | "__pycache__");
                if ours {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|is| is == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn short(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
