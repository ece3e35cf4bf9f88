//! Parameters: the `?` of a query, alone or in quotes, become values.

use crate::Error;

/// The text with its placeholders filled in, in order. A value that is a number stands alone as it is; any other
/// is a text, whether or not the placeholder has quotes. Errors: Invalid, when there are more or fewer placeholders.
pub fn filled(text: &str, parameters: &[String]) -> Result<String, Error> {
    let mut filled = String::with_capacity(text.len());
    let mut values = parameters.iter();
    let mut count = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let length = token(rest);
        let (here, after) = rest.split_at(length);
        if here == "?" || (here == "'?'" && !parameters.is_empty()) {
            count += 1;
            filled.push_str(&values.next().map(|value| literal(value, here == "?")).unwrap_or_default());
        } else {
            filled.push_str(here);
        }
        rest = after;
    }
    if count != parameters.len() {
        let message = format!("the query has {count} placeholders and was given {} parameters", parameters.len());
        return Err(Error::Invalid(message));
    }
    Ok(filled)
}

fn literal(value: &str, bare: bool) -> String {
    let number = bare && !value.is_empty() && value.parse::<f64>().is_ok_and(f64::is_finite);
    if number { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

/// Bytes of what begins here: a quoted text or name, a comment, or one character.
fn token(text: &str) -> usize {
    let after = |end: Option<usize>, length: usize| end.map_or(text.len(), |end| end + length);
    match text.as_bytes() {
        [quote @ (b'\'' | b'"'), ..] => quoted(text, char::from(*quote)),
        [b'-', b'-', ..] => after(text.find('\n'), 1),
        [b'/', b'*', ..] => after(text[2..].find("*/"), 4),
        _ => text.chars().next().map_or(text.len(), char::len_utf8),
    }
}

/// A quote inside stands twice.
fn quoted(text: &str, quote: char) -> usize {
    let mut end = 1;
    while let Some(found) = text[end..].find(quote) {
        end += found + 1;
        if !text[end..].starts_with(quote) {
            return end;
        }
        end += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(text: &str, parameters: &[&str]) -> Result<String, String> {
        let parameters: Vec<String> = parameters.iter().map(|&value| value.to_owned()).collect();
        filled(text, &parameters).map_err(|error| error.to_string())
    }

    #[test]
    fn placeholders_become_values_alone_and_in_quotes() {
        for (text, parameters, expected) in [
            ("a > '?' AND b = ?", &["2026-01-01 00:00:00", "x"][..], "a > '2026-01-01 00:00:00' AND b = 'x'"),
            ("LIMIT ?", &["5"], "LIMIT 5"),
            ("a = '?'", &["5"], "a = '5'"),
            ("a = ?", &["it's"], "a = 'it''s'"),
            ("a = ?", &["NaN"], "a = 'NaN'"),
            ("a LIKE '%?%' AND \"?\" = ? -- ?\n /* ? */", &["x"], "a LIKE '%?%' AND \"?\" = 'x' -- ?\n /* ? */"),
            ("a = 'it''s ?' AND b = ?", &["x"], "a = 'it''s ?' AND b = 'x'"),
            ("a = '?'", &[], "a = '?'"),
        ] {
            assert_eq!(fill(text, parameters).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_wrong_number_of_parameters_is_refused() {
        for (text, parameters) in [("a = ?", &[][..]), ("a = ?", &["1", "2"]), ("a = 1", &["1"])] {
            assert!(fill(text, parameters).unwrap_err().contains("placeholders"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_value_never_ends_its_own_quotes(value in ".{0,40}") {
            let filled = fill("SELECT ?, 1", &[&value]).unwrap();
            let literal = &filled["SELECT ".len()..filled.len() - ", 1".len()];
            prop_assert!(value.parse::<f64>().is_ok() || token(literal) == literal.len());
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = fill(&text, &["x"]);
        }
    }
}
