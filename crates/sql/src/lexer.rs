//! The text of a query becomes tokens that keep their places: identifiers of tables that are UUIDs become
//! names, `?` becomes the parameter it stands for, quoted names lose their case as in Trino.

use crate::dialect::Trino;
use cairn_lake::sql::Error;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};
use std::fmt::Write;

/// Of a query's text.
pub const BYTES_MAX: usize = 1 << 20;
/// Words, numbers and signs: enough for a few thousand columns, too few to make planning a burden.
const TOKENS_MAX: usize = 50_000;
/// Each may make the tree of the query one level deeper, however flat it looks.
const OPERATORS_MAX: usize = 3_000;
/// What a UUID after FROM is written as while the text is read: as long, so that places stay what they are.
const PLACE: &str = "_uuid_";

/// Reads the text of a query.
pub fn lex(text: &str, parameters: &[String]) -> Result<Vec<TokenWithSpan>, Error> {
    if text.len() > BYTES_MAX {
        return Err(Error::Invalid(format!("the query has more than {BYTES_MAX} bytes")));
    }
    let (text, tables) = uuids(text);
    let mut tokens = tokens(&text)?;
    name(&mut tokens, &tables);
    let tokens = fill(tokens, parameters)?;
    bounded(&tokens)?;
    Ok(tokens)
}

fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, Error> {
    Tokenizer::new(&Trino, text).tokenize_with_location().map_err(|error| Error::Syntax {
        line: error.location.line,
        column: error.location.column,
        message: lower_first(&error.message),
    })
}

pub fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn bounded(tokens: &[TokenWithSpan]) -> Result<(), Error> {
    let meaning = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    let count = tokens.iter().filter(meaning).count();
    if count > TOKENS_MAX {
        return Err(Error::Invalid(format!(
            "the query has {count} words, numbers and signs; {TOKENS_MAX} are allowed"
        )));
    }
    let count = tokens.iter().filter(|token| operator(&token.token)).count();
    if count > OPERATORS_MAX {
        return Err(Error::Invalid(format!("the query has {count} operators; {OPERATORS_MAX} are allowed")));
    }
    Ok(())
}

fn operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::LIKE
                | Keyword::IS
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::AT
                | Keyword::JOIN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
        ),
        Token::Comma | Token::LParen | Token::RParen | Token::LBracket | Token::RBracket | Token::Period => false,
        other => !matches!(
            other,
            Token::SemiColon | Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::EOF
        ),
    }
}

/// Puts the names of tables back, and takes the case from quoted names.
fn name(tokens: &mut [TokenWithSpan], tables: &[String]) {
    for token in tokens {
        let Token::Word(word) = &mut token.token else { continue };
        let table = word.value.strip_prefix(PLACE).and_then(|index| tables.get(index.parse::<usize>().ok()?));
        if let (Some(table), None) = (table, word.quote_style) {
            *word = Word { value: table.clone(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
        } else if word.quote_style.is_some() {
            word.value = word.value.to_lowercase();
        }
    }
}

/// Puts the parameters where the `?` are.
fn fill(tokens: Vec<TokenWithSpan>, parameters: &[String]) -> Result<Vec<TokenWithSpan>, Error> {
    let places = tokens.iter().filter(|token| matches!(&token.token, Token::Placeholder(sign) if sign == "?")).count();
    if places != parameters.len() {
        let given = parameters.len();
        return Err(Error::Invalid(format!("the query has {places} parameters (?), and {given} values were given")));
    }
    let mut values = parameters.iter();
    let mut filled = Vec::with_capacity(tokens.len());
    for token in tokens {
        match &token.token {
            Token::Placeholder(sign) if sign == "?" => {
                let value = values.next().map(String::as_str).unwrap_or_default();
                filled
                    .extend(literal(value)?.into_iter().map(|value| TokenWithSpan { token: value, span: token.span }));
            }
            _ => filled.push(token),
        }
    }
    Ok(filled)
}

/// One literal: nothing else may come in by a parameter.
fn literal(value: &str) -> Result<Vec<Token>, Error> {
    let refused = || Error::Invalid(format!("the parameter {value} is not a literal such as 'text', 5 or true"));
    let tokens: Vec<_> = tokens(value).map_err(|_| refused())?.into_iter().map(|token| token.token).collect();
    let tokens: Vec<_> =
        tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF)).collect();
    let plain = |token: &Token| match token {
        Token::Number(..) | Token::SingleQuotedString(_) => true,
        Token::Word(word) => matches!(word.keyword, Keyword::TRUE | Keyword::FALSE | Keyword::NULL),
        _ => false,
    };
    let typed = |token: &Token| match token {
        Token::Minus => true,
        Token::Word(word) => matches!(word.keyword, Keyword::DATE | Keyword::TIMESTAMP),
        _ => false,
    };
    match tokens.as_slice() {
        [one] if plain(one) => Ok(tokens),
        [sign, one] if typed(sign) && plain(one) => Ok(tokens),
        _ => Err(refused()),
    }
}

/// Writes a name of equal length for each UUID that stands outside of strings, quoted names and comments.
fn uuids(text: &str) -> (String, Vec<String>) {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut tables = Vec::new();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let end = skip(bytes, at);
        if end > at {
            at = end;
        } else if uuid_at(bytes, at) {
            out.push_str(&text[copied..at]);
            let index = tables.len();
            let _ = write!(out, "{PLACE}{index:030}");
            tables.push(text[at..at + 36].to_lowercase());
            at += 36;
            copied = at;
        } else {
            at += 1;
            if word(bytes[at - 1]) {
                at += bytes[at..].iter().take_while(|byte| word(**byte)).count();
            }
        }
    }
    out.push_str(&text[copied..]);
    (out, tables)
}

/// Where the string, quoted name or comment that begins at `at` ends; `at` when none begins there.
fn skip(bytes: &[u8], at: usize) -> usize {
    let find = |from: usize, end: &[u8]| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.windows(end.len()).position(|window| window == end).map_or(bytes.len(), |found| from + found + end.len())
    };
    match &bytes[at..] {
        [b'\'', ..] => find(at + 1, b"'"),
        [b'"', ..] => find(at + 1, b"\""),
        [b'-', b'-', ..] => find(at + 2, b"\n"),
        [b'/', b'*', ..] => find(at + 2, b"*/"),
        _ => at,
    }
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn uuid_at(bytes: &[u8], at: usize) -> bool {
    let Some(part) = bytes.get(at..at + 36) else { return false };
    let shaped = part.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    shaped && !bytes.get(at + 36).is_some_and(|next| word(*next) || *next == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_a_name_outside_of_strings_quotes_and_comments() {
        let id = "1b2c3d4e-0000-4a6b-8c9d-0123456789AB";
        let text = format!("a '{id}' \"{id}\" -- {id}\n/* {id} */ FROM {id} x");
        let (out, tables) = uuids(&text);
        assert_eq!(tables, [id.to_lowercase()]);
        assert_eq!(out.len(), text.len());
        assert_eq!(out.matches(id).count(), 4);
        assert!(out.ends_with(&format!("FROM {PLACE}{:030} x", 0)));
    }

    #[test]
    fn what_only_looks_like_a_uuid_stays() {
        for text in ["x1b2c3d4e-0000-4a6b-8c9d-0123456789ab", "1b2c3d4e-0000-4a6b-8c9d-0123456789abc", "1b2c3d4e-0000"]
        {
            assert_eq!(uuids(text).1, Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_one_literal() {
        for good in ["'x'", "'it''s'", "5", "-5", "true", "NULL", "timestamp '2026-11-01 00:00:00'", "1.5"] {
            assert!(literal(good).is_ok(), "{good}");
        }
        for bad in ["", "x", "1; drop table x", "'a' OR 1=1", "(select 1)", "1,2", "'unfinished"] {
            assert!(literal(bad).is_err(), "{bad}");
        }
    }
}
