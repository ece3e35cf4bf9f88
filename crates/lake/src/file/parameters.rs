//! Which scalars stand at which path of `requestparameters`.
//!
//! A path is its keys alone, without the arrays on the way. A scalar is known by its text, as
//! `json_extract_scalar` gives it. What has no one such text (an object, a number with a fraction, a long
//! string) makes its path one where anything may stand, so that a filter never hides a row.

use super::filter::hash;
use cairn_event::json::{Bad, DEPTH_LIMIT, Scanner, Why};
use std::borrow::Cow;

/// Deeper paths are not looked into.
const DEPTH_MAX: u32 = 4;
const VALUE_BYTES_MAX: usize = 256;
/// Brackets open at a time; what is deeper is not read, and then nothing is known of the file.
const NEST_MAX: u32 = 64;
/// Beyond so many digits a number may be read as one with less precision.
const DIGITS_MAX: usize = 15;
const ROOT: u64 = 44;
/// Stands for any value at a path: no text has this seed.
const ANYTHING: u64 = 0x0A11;

fn below(path: u64, key: &str) -> u64 {
    hash(path, key.as_bytes())
}

fn anything(path: u64) -> u64 {
    hash(path ^ ANYTHING, b"")
}

fn exactly(path: u64, value: &str) -> u64 {
    hash(path.rotate_left(17), value.as_bytes())
}

/// The hashes of which one was put in if this value may stand at this path; None when nothing is known of it.
pub(super) fn asked(path: &[&str], value: &str) -> Option<[u64; 2]> {
    if path.is_empty() || path.len() > DEPTH_MAX as usize || value.len() > VALUE_BYTES_MAX {
        return None;
    }
    let path = path.iter().fold(ROOT, |path, key| below(path, key));
    Some([exactly(path, value), anything(path)])
}

/// Gives the hash of every scalar in the parameters of one event.
pub(super) fn each(text: &str, give: impl FnMut(u64)) -> Result<(), Bad> {
    let mut walk = Walk { text, scan: Scanner::new(text.as_bytes()), give };
    match walk.scan.peek() {
        Some(b'{') => walk.value(ROOT, 0, 0),
        // No path leads into what is not an object.
        _ => Ok(()),
    }
}

struct Walk<'a, G> {
    text: &'a str,
    scan: Scanner<'a>,
    give: G,
}

impl<G: FnMut(u64)> Walk<'_, G> {
    fn value(&mut self, path: u64, depth: u32, nest: u32) -> Result<(), Bad> {
        let start = self.scan.at;
        if nest > NEST_MAX {
            return Err(Bad { at: start, why: Why::Deep });
        }
        match self.scan.peek() {
            Some(b'{') => {
                (self.give)(anything(path));
                if depth < DEPTH_MAX { self.object(path, depth, nest + 1) } else { self.scan.value(DEPTH_LIMIT) }
            }
            Some(b'[') => {
                (self.give)(anything(path));
                self.array(path, depth, nest + 1)
            }
            Some(b'"') => {
                let (range, plain) = self.scan.text()?;
                let text = self.meant(range.start - 1..range.end + 1, plain);
                let text = text.filter(|text| text.len() <= VALUE_BYTES_MAX);
                let hash = text.map_or_else(|| anything(path), |text| exactly(path, &text));
                (self.give)(hash);
                Ok(())
            }
            Some(b'n') => self.scan.value(0),
            _ => {
                self.scan.value(0)?;
                let text = &self.text[start..self.scan.at];
                (self.give)(if is_plain(text) { exactly(path, text) } else { anything(path) });
                Ok(())
            }
        }
    }

    fn meant(&self, quoted: std::ops::Range<usize>, plain: bool) -> Option<Cow<'_, str>> {
        if plain {
            return Some(Cow::Borrowed(&self.text[quoted.start + 1..quoted.end - 1]));
        }
        serde_json::from_str(&self.text[quoted]).ok().map(Cow::Owned)
    }

    fn object(&mut self, path: u64, depth: u32, nest: u32) -> Result<(), Bad> {
        self.scan.at += 1;
        self.scan.space();
        if self.scan.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.scan.key()?;
            let plain = !self.text[key.clone()].contains('\\');
            // A key that cannot be read cannot be asked for.
            let inner = self.meant(key.start - 1..key.end + 1, plain).map(|key| below(path, &key));
            match inner {
                Some(inner) => self.value(inner, depth + 1, nest)?,
                None => self.scan.value(DEPTH_LIMIT)?,
            }
            self.scan.space();
            if !self.scan.take(b',') {
                return self.scan.expect(b'}', "a comma or a closing brace");
            }
            self.scan.space();
        }
    }

    fn array(&mut self, path: u64, depth: u32, nest: u32) -> Result<(), Bad> {
        self.scan.at += 1;
        self.scan.space();
        if self.scan.take(b']') {
            return Ok(());
        }
        loop {
            self.value(path, depth, nest)?;
            self.scan.space();
            if !self.scan.take(b',') {
                return self.scan.expect(b']', "a comma or a closing bracket");
            }
            self.scan.space();
        }
    }
}

/// Whether a number or a boolean has no other text.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= DIGITS_MAX && text != "-0";
    whole || matches!(text, "true" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_hold(text: &str, path: &[&str], value: &str) -> bool {
        let mut hashes = Vec::new();
        let read = each(text, |hash| hashes.push(hash)).is_ok();
        !read || asked(path, value).is_none_or(|asked| asked.iter().any(|hash| hashes.contains(hash)))
    }

    #[test]
    fn scalars_are_known_by_their_path_and_text() {
        for (text, path, value, expected) in [
            (r#"{"bucketName":"b","key":"k"}"#, &["bucketName"][..], "b", true),
            (r#"{"bucketName":"b","key":"k"}"#, &["bucketName"], "k", false),
            (r#"{"bucketName":"b","key":"k"}"#, &["other"], "b", false),
            (r#"{ "a" : { "b\u0063" : "x\n" } }"#, &["a", "bc"], "x\n", true),
            (r#"{"a":{"b":"x"}}"#, &["b"], "x", false),
            (r#"{"a":[{"b":"x"},[[{"b":"y"}]]]}"#, &["a", "b"], "y", true),
            (r#"{"a":["x","y"]}"#, &["a"], "y", true),
            (r#"{"n":50,"t":true}"#, &["n"], "50", true),
            (r#"{"n":50,"t":true}"#, &["n"], "51", false),
            (r#"{"n":50,"t":true}"#, &["t"], "true", true),
            (r#"{"n":null}"#, &["n"], "null", false),
        ] {
            assert_eq!(may_hold(text, path, value), expected, "{text} {path:?} {value}");
        }
    }

    #[test]
    fn what_has_no_one_text_may_be_anything() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(257));
        let nested = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        for text in [
            r#"{"a":1.50}"#,
            r#"{"a":-0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":12345678901234567}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":"\ud800"}"#,
            &long,
            &nested,
        ] {
            assert!(may_hold(text, &["a"], "anything"), "{text}");
        }
        assert!(may_hold("{}", &["a", "b", "c", "d", "e"], "too deep"));
        assert!(may_hold("{}", &[], "nowhere"));
        assert!(!may_hold("{}", &["a"], "x") && !may_hold("\"text\"", &["a"], "x"));
    }
}
