//! A strict JSON scanner that skips values without building them.
//!
//! It accepts exactly the grammar of RFC 8259, except that it leaves two things to its
//! caller: bytes from 0x80 up inside strings are taken as they are (the caller checks
//! UTF-8 over larger pieces at once), and nesting is bounded. Nothing is decoded, so a
//! `\u` escape may name a lone surrogate, as the grammar allows.

use std::ops::Range;

/// The deepest nesting that [`Scanner::value`] can be asked to allow.
pub const DEPTH_LIMIT: u32 = 128;

/// Where the text stops being JSON, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad {
    pub at: usize,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The text ends inside a value.
    End,
    /// Nested deeper than allowed.
    Deep,
    /// What was expected instead.
    Syntax(&'static str),
}

/// A place in a text.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    pub at: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// A bit for the first byte, of the eight in `word`, that ends a plain run in a string:
/// a quote, a backslash or a control character. Bits above the lowest one mean nothing.
const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zero_quote = quote.wrapping_sub(ONES) & !quote;
    let zero_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero_quote | zero_backslash | control) & TOPS
}

impl<'a> Scanner<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space.
    #[inline]
    pub fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over `byte`, if it is the next one.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[cold]
    fn bad(&self, expected: &'static str) -> Bad {
        let why = if self.at >= self.bytes.len() { Why::End } else { Why::Syntax(expected) };
        Bad { at: self.at.min(self.bytes.len()), why }
    }

    #[inline]
    pub fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Bad> {
        if self.take(byte) { Ok(()) } else { Err(self.bad(expected)) }
    }

    /// Skips a string; gives the place of its text between the quotes.
    #[inline]
    pub fn string(&mut self) -> Result<Range<usize>, Bad> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at - 1);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.bad("no bare control character inside a string")),
            }
        }
    }

    /// Skips a string; gives the place of its text between the quotes, and whether it
    /// stands there as it is meant: without escapes.
    #[inline]
    pub fn text(&mut self) -> Result<(Range<usize>, bool), Bad> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        self.plain();
        if self.take(b'"') {
            return Ok((start..self.at - 1, true));
        }
        self.at = start - 1;
        let range = self.string()?;
        Ok((range, false))
    }

    /// Skips string bytes up to the next quote, backslash or control character.
    #[inline]
    fn plain(&mut self) {
        while let Some(eight) = self.bytes.get(self.at..self.at + 8) {
            let word = u64::from_le_bytes(eight.try_into().expect("eight bytes were asked for"));
            let found = special(word);
            if found != 0 {
                self.at += (found.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }

    fn escape(&mut self) -> Result<(), Bad> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.bad("four hexadecimal digits after \\u"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.bad("an escape that JSON knows")),
        }
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Bad> {
        for byte in word {
            self.expect(*byte, "true, false or null")?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Bad> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.bad("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Bad> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), Bad> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.bad("a value")),
        }
    }

    /// Skips a key, its colon and the space around them; gives the place of the key's text.
    #[inline]
    pub fn key(&mut self) -> Result<Range<usize>, Bad> {
        let key = self.string()?;
        self.space();
        self.expect(b':', "a colon after a key")?;
        self.space();
        Ok(key)
    }

    /// Skips one value that begins here and opens at most `depth_max` brackets at a time.
    pub fn value(&mut self, depth_max: u32) -> Result<(), Bad> {
        // One bit for every open bracket, the innermost lowest: 1 is an object, 0 an array.
        let mut open = 0_u128;
        let mut depth = 0_u32;
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if depth >= depth_max.min(DEPTH_LIMIT) {
                        return Err(Bad { at: self.at, why: Why::Deep });
                    }
                    let object = bracket == b'{';
                    open = open << 1 | u128::from(object);
                    depth += 1;
                    self.at += 1;
                    self.space();
                    if self.peek() != Some(if object { b'}' } else { b']' }) {
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                self.space();
                let object = open & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ => return Err(self.bad("a comma or a closing bracket")),
                }
                self.at += 1;
                open >>= 1;
                depth -= 1;
            }
        }
    }

    /// Skips what stands in the place of an array's element, JSON or not, up to the
    /// comma or bracket that ends it: brackets are counted and strings skipped over.
    /// False when the text ends first.
    pub fn over_damage(&mut self) -> bool {
        let mut depth = 0_u64;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    self.over_damaged_string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b',' | b']' if depth == 0 => return true,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        false
    }

    fn over_damaged_string(&mut self) {
        loop {
            self.plain();
            match self.peek() {
                None => return,
                Some(b'"') => {
                    self.at += 1;
                    return;
                }
                Some(b'\\') => self.at = (self.at + 2).min(self.bytes.len()),
                Some(_) => self.at += 1,
            }
        }
    }

    /// Goes to the next line that begins with an opening brace, or to the end.
    pub fn skip_to_object_line(&mut self) {
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == b'\n' && self.peek() == Some(b'{') {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether the whole text is one value, by this scanner.
    fn accepts(text: &[u8]) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.space();
        let value = scanner.value(100);
        scanner.space();
        value.is_ok() && scanner.at == text.len()
    }

    /// The same by serde_json, which also does not look into skipped values.
    fn serde_accepts(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    #[test]
    fn it_agrees_with_serde_on_the_corners_of_the_grammar() {
        for text in [
            "",
            " ",
            "0",
            "-0",
            "-",
            "01",
            "1.",
            "1.0",
            ".5",
            "1e",
            "1e+",
            "1E-7",
            "1e5",
            "+1",
            "--1",
            "1 2",
            "true",
            "tru",
            "truer",
            "null",
            "nul",
            "False",
            "\"\"",
            "\"",
            "\"a",
            "\"\\\"",
            "\"\\\\\"",
            "\"\\x\"",
            "\"\\u00e9\"",
            "\"\\u00g9\"",
            "\"\\ud800\"",
            "\"\t\"",
            "\"\u{1f}\"",
            "\"\u{7f}\"",
            "\"é\"",
            "[]",
            "[ ]",
            "[,]",
            "[1,]",
            "[1,2]",
            "[1 2]",
            "[1}",
            "{}",
            "{ }",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1}",
            "{\"a\" : [ { } , 1 ] }",
            "{1:2}",
            "{a:1}",
            "]",
            "}",
            "[[[]]]",
            "[[[]]",
            "[[]]]",
            "{\"a\":{\"b\":[{}]}}",
            "'a'",
            "nan",
            "\u{feff}1",
            "\"0123456\"",
            "\"01234567\"",
            "\"012345678\\n\"",
            "\"0123456\n\"",
            "\u{c}1",
        ] {
            assert_eq!(accepts(text.as_bytes()), serde_accepts(text), "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_the_bound_is_exact() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(accepts(nested(100).as_bytes()));
        let deep = nested(101);
        assert_eq!(Scanner::new(deep.as_bytes()).value(100), Err(Bad { at: 100, why: Why::Deep }));
        let deepest = nested(DEPTH_LIMIT as usize);
        assert_eq!(Scanner::new(deepest.as_bytes()).value(u32::MAX), Ok(()));
    }

    #[test]
    fn a_text_says_whether_it_has_escapes() {
        for (json, text) in
            [("\"\"", Ok((1..1, true))), ("\"plain é\",", Ok((1..9, true))), ("\"a\\n\"", Ok((1..4, false)))]
        {
            assert_eq!(Scanner::new(json.as_bytes()).text(), text, "{json}");
        }
        assert_eq!(Scanner::new(b"\"ab").text().unwrap_err().why, Why::End);
        assert!(Scanner::new(b"7").text().is_err());
    }

    #[test]
    fn an_early_end_is_told_from_a_mistake() {
        for text in ["{\"a\":[1,2", "{\"a\":\"b", "[tr", "[1,", "{\"a\"", "\"\\u12", "-", "\"\\"] {
            let why = Scanner::new(text.as_bytes()).value(100).unwrap_err().why;
            assert_eq!(why, Why::End, "{text:?}");
        }
        let bad = Scanner::new(b"{\"a\":[1 2]}").value(100).unwrap_err();
        assert_eq!(bad, Bad { at: 8, why: Why::Syntax("a comma or a closing bracket") });
    }

    #[test]
    fn damage_ends_where_its_brackets_balance() {
        for (text, rest) in [
            ("{\"a\":tru,\"b\":[1,2]},{}", Some(",{}")),
            ("{\"a\":\"]}\\\"\",}]", Some("]")),
            ("oops, 1", Some(", 1")),
            ("{\"a\":\"", None),
            ("{{{", None),
        ] {
            let mut scanner = Scanner::new(text.as_bytes());
            assert_eq!(scanner.over_damage().then(|| &text[scanner.at..]), rest, "{text:?}");
        }
    }

    /// Texts that are nearly JSON.
    fn nearly_json() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[\\[\\]{},:\" 0-9eE.+-]",
            Just("\"a\":".to_owned()),
            Just("true".to_owned()),
            Just("null".to_owned()),
            Just("\\u00e9".to_owned()),
            Just("\\".to_owned()),
            "\"[a-zé\\\\ ]{0,20}\"",
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn it_agrees_with_serde_on_what_is_nearly_json(text in nearly_json()) {
            prop_assert_eq!(accepts(text.as_bytes()), serde_accepts(&text));
        }

        #[test]
        fn it_agrees_with_serde_on_damaged_json(
            at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f,
            text in "\\{\"[a-z]{1,9}\":\\[(-?[1-9][0-9]{0,3}(\\.5)?,){0,4}null\\],\"k\":\\{\"v\":\"[a-zA-Z/ ]{0,30}\"\\}\\}"
        ) {
            prop_assert!(accepts(text.as_bytes()));
            let mut damaged = text.into_bytes();
            let at = at.index(damaged.len());
            damaged[at] = byte;
            let text = String::from_utf8(damaged).unwrap();
            prop_assert_eq!(accepts(text.as_bytes()), serde_accepts(&text));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Scanner::new(&bytes).value(100);
            let mut scanner = Scanner::new(&bytes);
            while scanner.over_damage() && scanner.at < bytes.len() {
                scanner.at += 1;
            }
            prop_assert!(scanner.at <= bytes.len());
        }
    }
}
