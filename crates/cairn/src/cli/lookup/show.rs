//! One event on one line: when, who, what, from where, and how it ended.

use serde_json::Value;

const WHO: usize = 24;
const WHAT: usize = 40;
const FROM: usize = 24;

const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

pub fn line(username: Option<&str>, event: &str, colors: bool) -> String {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let text = |path: &str| event.pointer(path).and_then(Value::as_str);
    let time = text("/eventTime").unwrap_or("-").replace('T', " ").replace('Z', "");
    let service = text("/eventSource").map(|source| source.strip_suffix(".amazonaws.com").unwrap_or(source));
    let what = format!("{}:{}", service.unwrap_or("-"), text("/eventName").unwrap_or("-"));
    let outcome = text("/errorCode");
    let writes = event.get("readOnly").and_then(Value::as_bool) == Some(false);
    let region = text("/awsRegion").unwrap_or("-");
    let paint = |color: &str, text: String| if colors { format!("{color}{text}{PLAIN}") } else { text };
    let who = column(username.or_else(|| somebody(&event)).unwrap_or("-"), WHO);
    let what = column(&what, WHAT);
    [
        paint(DIM, column(&time, 19)),
        paint(BOLD, who),
        if writes { paint(BOLD, what) } else { what },
        column(text("/sourceIPAddress").unwrap_or("-"), FROM),
        paint(DIM, column(region, 14)),
        outcome.map_or_else(|| paint(GREEN, "ok".to_owned()), |code| paint(RED, clean(code))),
    ]
    .join("  ")
}

/// Who acted, when it has no name of its own.
fn somebody(event: &Value) -> Option<&str> {
    let of = |path: &str| event.pointer(path).and_then(Value::as_str);
    let service = of("/userIdentity/invokedBy");
    service.or_else(|| of("/userIdentity/arn")).or_else(|| of("/userIdentity/type"))
}

/// Text of a width: cut with an ellipsis, or filled up.
fn column(text: &str, width: usize) -> String {
    let text = clean(text);
    let count = text.chars().count();
    if count <= width {
        return text + &" ".repeat(width - count);
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// Whoever is recorded chose these texts: none of them speaks to the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"eventTime":"2026-01-10T12:00:01Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser",
        "userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},"sourceIPAddress":"192.0.2.7",
        "awsRegion":"us-east-1","readOnly":false,"errorCode":"AccessDenied"}"#;

    #[test]
    fn a_line_tells_when_who_what_where_and_the_outcome() {
        let line = line(Some("alice"), EVENT, false);
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = ["2026-01-10", "12:00:01", "alice", "iam:CreateUser", "192.0.2.7", "us-east-1", "AccessDenied"];
        assert_eq!(words, expected);
        let fine = super::line(None, &EVENT.replace("errorCode", "other"), false);
        assert!(fine.ends_with("  ok") && fine.contains("arn:aws:iam::1111222233…"), "{fine}");
    }

    #[test]
    fn what_was_recorded_does_not_speak_to_the_terminal() {
        let hostile = EVENT.replace("192.0.2.7", r"\u001b[2J").replace("AccessDenied", r"a\u0007\nb");
        let line = line(Some("al\x1b]0;x\x07ice"), &hostile, false);
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(super::line(Some("a"), EVENT, true).contains("\x1b[31mAccessDenied\x1b[0m"));
    }
}
