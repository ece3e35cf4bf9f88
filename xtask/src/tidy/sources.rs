//! Names, sizes and left-overs in the sources.

use super::{files, read, short};
use std::path::Path;

/// Modules are split by subject, not by grammar.
const NAMES_REFUSED: [&str; 10] = [
    "mod.rs",
    "types.rs",
    "structs.rs",
    "utils.rs",
    "util.rs",
    "helpers.rs",
    "common.rs",
    "misc.rs",
    "manager.rs",
    "consts.rs",
];
/// Lines of a source file before its tests.
const LINES_MAX: usize = 500;
/// Files that rot first in every project have limits of their own.
const LINES_MAX_OF: [(&str, usize); 2] = [("crates/cairn/src/house.rs", 200), ("crates/cairn/src/main.rs", 60)];
const LINE_CHARS_MAX: usize = 140;

pub fn check(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files(root, "rs") {
        let (name, text) = (short(root, &file), read(&file));
        if NAMES_REFUSED.iter().any(|refused| file.ends_with(refused)) {
            findings.push(format!("{name}: a module is named for its subject"));
        }
        let lines_max = LINES_MAX_OF.iter().find(|(file, _)| *file == name).map_or(LINES_MAX, |(_, lines)| *lines);
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        if lines > lines_max && !name.contains("/tests") {
            findings.push(format!("{name}: has {lines} lines before its tests; at most {lines_max}"));
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(what) = left_over(line) {
                findings.push(format!("{name}:{}: {what}", number + 1));
            }
        }
    }
    findings
}

fn left_over(line: &str) -> Option<&'static str> {
    // Put together here, so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X ")];
    if marks.iter().any(|mark| line.contains(mark)) {
        return Some("is left to be done");
    }
    let code = line.trim_start().strip_prefix("// ").filter(|text| !text.starts_with(char::is_uppercase));
    if code.is_some_and(|text| text.ends_with(';') && (text.contains(" = ") || text.contains('('))) {
        return Some("looks like code that was commented out");
    }
    (line.chars().count() > LINE_CHARS_MAX && !line.contains('"')).then_some("is too long to read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_overs_are_found_and_prose_is_not() {
        assert!(left_over(concat!("    // TO", "DO: later")).is_some());
        assert!(left_over("    // let x = y();").is_some());
        assert!(left_over("// The bytes are synced first; what follows may be lost.").is_none());
        assert!(left_over("let x = y(); // because z").is_none());
    }
}
