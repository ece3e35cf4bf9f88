//! The canonical form of a request, and the text of which the signature is made.

use super::{ALGORITHM, S3, TERMINATOR};
use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, Method, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::borrow::Cow;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Everything that goes into a signature besides the key.
pub(super) struct Signed<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    /// `host;x-amz-date`
    /// Names, sorted, with semicolons between.
    pub names: &'a str,
    /// Hex, or one of the words that stand for a body that is not hashed.
    pub payload: &'a str,
    /// `20150830T123600Z`
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// A header is to be signed that the request does not have.
#[derive(Debug)]
pub(super) struct MissingHeader;

impl Signed<'_> {
    pub(super) fn string_to_sign(&self) -> Result<Vec<u8>, MissingHeader> {
        let hash = sha256(&self.canonical_request()?);
        let mut out = Vec::with_capacity(192);
        for line in [ALGORITHM, "\n", self.date, "\n"] {
            out.extend_from_slice(line.as_bytes());
        }
        let day = self.date.get(..super::DAY_CHARS).unwrap_or_default();
        for part in [day, "/", self.region, "/", self.service, "/", TERMINATOR, "\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(hash.as_bytes());
        Ok(out)
    }

    pub(super) fn canonical_request(&self) -> Result<Vec<u8>, MissingHeader> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b'\n');
        path(&mut out, self.uri.path(), self.service == S3);
        out.push(b'\n');
        query(&mut out, self.uri.query().unwrap_or_default());
        out.push(b'\n');
        for name in self.names.split(';') {
            self.header(&mut out, name)?;
        }
        out.push(b'\n');
        out.extend_from_slice(self.names.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload.as_bytes());
        Ok(out)
    }

    fn header(&self, out: &mut Vec<u8>, name: &str) -> Result<(), MissingHeader> {
        out.extend_from_slice(name.as_bytes());
        let mut before = b':';
        for value in self.headers.get_all(name) {
            out.push(before);
            trimmed(out, value.as_bytes());
            before = b',';
        }
        if before == b':' {
            // HTTP/2 has the host in the URI alone.
            let authority = self.uri.authority().filter(|_| name == header::HOST.as_str()).ok_or(MissingHeader)?;
            out.push(before);
            out.extend_from_slice(authority.as_str().as_bytes());
        }
        out.push(b'\n');
        Ok(())
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// Without blanks at the ends, and with one in place of several.
fn trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// S3 signs the path as it means it, encoded once; all others the path as it is sent,
/// without detours, encoded once more.
fn path(out: &mut Vec<u8>, sent: &str, single: bool) {
    if sent.is_empty() || sent == "/" {
        return out.push(b'/');
    }
    let plain: Cow<'_, [u8]> =
        if single { percent_decode_str(sent).into() } else { Cow::Owned(straight(sent).into_bytes()) };
    encode(out, &plain, PATH);
}

/// Resolves `.`, `..` and empty segments.
fn straight(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            name => segments.push(name),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

/// Parameters in order of their encoded names, then values, without the signature itself.
fn query(out: &mut Vec<u8>, sent: &str) {
    let mut parameters: Vec<(Vec<u8>, Vec<u8>)> = sent
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (recoded(name), recoded(value)))
        .filter(|(name, _)| name != b"X-Amz-Signature")
        .collect();
    parameters.sort_unstable();
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// The one way to encode a part of a query, however the client did it. A plus is a blank.
fn recoded(text: &str) -> Vec<u8> {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    let mut out = Vec::with_capacity(text.len() + 16);
    encode(&mut out, &Cow::from(percent_decode_str(&spaced)), QUERY);
    out
}

fn encode(out: &mut Vec<u8>, bytes: &[u8], set: &'static AsciiSet) {
    for piece in percent_encode(bytes, set) {
        out.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_go_straight_and_are_encoded_once_more_than_sent() {
        // The first eleven are the normalize-path cases of AWS's published suite.
        for (sent, canonical) in [
            ("/example/..", "/"),
            ("/example1/example2/../..", "/"),
            ("/./", "/"),
            ("/./example", "/example"),
            ("//", "/"),
            ("//example//", "/example/"),
            ("/example space/", "/example%20space/"),
            ("/ሴ", "/%E1%88%B4"),
            ("/", "/"),
            ("", "/"),
            ("/-._~0123456789ABCxyz", "/-._~0123456789ABCxyz"),
            ("/a%20b", "/a%2520b"),
            ("/a/./b/../c", "/a/c"),
            ("/../../a", "/a"),
            ("/a/b/", "/a/b/"),
            ("/a:b@c$d", "/a%3Ab%40c%24d"),
        ] {
            assert_eq!(text(|out| path(out, sent, false)), canonical, "{sent}");
        }
    }

    #[test]
    fn paths_of_objects_stay_as_they_are() {
        for (sent, canonical) in [
            ("/bucket/a%20b", "/bucket/a%20b"),
            ("/bucket//a/../b/.", "/bucket//a/../b/."),
            ("/bucket/%e1%88%b4", "/bucket/%E1%88%B4"),
            ("/bucket/a+b$c", "/bucket/a%2Bb%24c"),
            ("/bucket/a%7Eb%2Dc", "/bucket/a~b-c"),
            ("/bucket/100%", "/bucket/100%25"),
        ] {
            assert_eq!(text(|out| path(out, sent, true)), canonical, "{sent}");
        }
    }

    #[test]
    fn queries_are_sorted_and_encoded_one_way() {
        for (sent, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&a", "a=&a=1&a=2"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("x=a+b&y=a%20b&z=a%2Bb", "x=a%20b&y=a%20b&z=a%2Bb"),
            ("prefix=a/b&delimiter=/", "delimiter=%2F&prefix=a%2Fb"),
            ("lifecycle", "lifecycle="),
            ("a==b&&c=%zz", "a=%3Db&c=%25zz"),
            ("%E1%88%B4=bar&k=%7e", "%E1%88%B4=bar&k=~"),
            ("X-Amz-Signature=0&X-Amz-Date=1", "X-Amz-Date=1"),
        ] {
            assert_eq!(text(|out| query(out, sent)), canonical, "{sent}");
        }
    }

    #[test]
    fn blanks_in_headers_collapse() {
        for (sent, canonical) in
            [("  a   b  c ", "a b c"), ("\ta\t b", "a b"), ("", ""), ("  ", ""), ("\"a   b\"", "\"a b\"")]
        {
            assert_eq!(text(|out| trimmed(out, sent.as_bytes())), canonical, "{sent:?}");
        }
    }
}
