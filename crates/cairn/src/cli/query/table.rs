//! Rows for people: columns beside one another, or one record below the other where there is no room.

use console::measure_text_width as width_of;
use std::fmt::Write as _;

const GAP: usize = 2;
/// No column is made narrower than this to fit; when that is not enough, records stand below one another.
const NARROW: usize = 12;

/// `width` is the terminal's; without one nothing is cut off.
pub fn shown(names: &[String], rows: &[Vec<Option<String>>], width: Option<usize>) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell.as_deref())).collect()).collect();
    let natural: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(column, name)| cells.iter().map(|row| width_of(&row[column])).max().unwrap_or(0).max(width_of(name)))
        .collect();
    match width {
        None => columns(names, &cells, &natural),
        Some(width) => match fitted(&natural, width) {
            Some(widths) => columns(names, &cells, &widths),
            None => records(names, &cells, width),
        },
    }
}

/// What a terminal would obey is shown as a text.
fn plain(cell: Option<&str>) -> String {
    let mut text = String::new();
    for letter in cell.unwrap_or_default().chars() {
        match letter {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(text, "{}", letter.escape_unicode());
            }
            letter => text.push(letter),
        }
    }
    text
}

/// Widths that fit: the widest give way first. None when there is no room.
fn fitted(natural: &[usize], width: usize) -> Option<Vec<usize>> {
    let gaps = GAP * natural.len().saturating_sub(1);
    let mut widths = natural.to_vec();
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while over > 0 {
        let widest = *widths.iter().max()?;
        if widest <= NARROW {
            return None;
        }
        let next = widths.iter().copied().filter(|&one| one < widest).max().unwrap_or(NARROW).max(NARROW);
        for one in widths.iter_mut().filter(|one| **one == widest) {
            let cut = over.min(widest - next).max(usize::from(over > 0)).min(over);
            *one -= cut;
            over -= cut;
        }
    }
    Some(widths)
}

fn cut(text: &str, width: usize) -> String {
    if width_of(text) <= width { text.to_owned() } else { console::truncate_str(text, width, "…").into_owned() }
}

fn columns(names: &[String], rows: &[Vec<String>], widths: &[usize]) -> String {
    let mut text = String::new();
    let rule: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
    for row in [names, &rule].into_iter().chain(rows.iter().map(Vec::as_slice)) {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(widths) {
            let cell = cut(cell, width);
            let _ = write!(line, "{cell}{}", " ".repeat(width - width_of(&cell) + GAP));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn records(names: &[String], rows: &[Vec<String>], width: usize) -> String {
    let mut text = String::new();
    let label = names.iter().map(|name| width_of(name)).max().unwrap_or(0).min(width / 2);
    for (number, row) in rows.iter().enumerate() {
        let head = format!("── {} ", number + 1);
        let _ = writeln!(text, "{head}{}", "─".repeat(width.saturating_sub(width_of(&head))));
        for (name, cell) in names.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let name = cut(name, label);
            let space = " ".repeat(label - width_of(&name) + GAP);
            let _ = writeln!(text, "{name}{space}{}", cut(cell, width.saturating_sub(label + GAP).max(1)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    fn row(cells: &[&str]) -> Vec<Option<String>> {
        cells.iter().map(|&cell| Some(cell.to_owned())).collect()
    }

    #[test]
    fn what_fits_stands_in_columns_and_long_cells_are_cut() {
        let names = texts(&["eventname", "calls"]);
        let rows = [row(&["CreateUser", "12"]), row(&["日本", "3"])];
        let expected = "eventname   calls\n──────────  ─────\nCreateUser  12\n日本        3\n";
        assert_eq!(shown(&names, &rows, Some(80)), expected);
        let rows = [row(&[&"x".repeat(50), "1"])];
        let text = shown(&names, &rows, Some(30));
        assert!(text.lines().all(|line| width_of(line) <= 30), "{text}");
        assert!(text.contains("x…"));
        assert!(shown(&names, &rows, None).contains(&"x".repeat(50)));
    }

    #[test]
    fn what_does_not_fit_stands_as_records_without_empty_cells() {
        let names: Vec<String> = (0..10).map(|number| format!("column-{number}-name")).collect();
        let cells: Vec<Option<String>> = (0..10).map(|number| (number != 3).then(|| "value ".repeat(20))).collect();
        let text = shown(&names, &[cells], Some(40));
        assert!(text.starts_with("── 1 ─"), "{text}");
        assert!(text.lines().all(|line| width_of(line) <= 40), "{text}");
        assert_eq!((text.lines().count(), text.contains("column-3")), (10, false));
    }

    #[test]
    fn no_cell_commands_the_terminal() {
        let text = shown(&texts(&["a"]), &[row(&["\u{1b}[2Jx\ny\u{9b}"])], Some(80));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{9b}') && text.lines().count() == 3, "{text}");
    }
}
