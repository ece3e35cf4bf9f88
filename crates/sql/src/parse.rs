//! Tokens become one query, or an error that says where it is not one.

use crate::dialect::Trino;
use crate::lexer::{self, lower_first};
use cairn_lake::sql::Error;
use datafusion::sql::sqlparser::ast::Query;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Parentheses, sub-queries and operators within one another.
const NESTING_MAX: usize = 100;
/// What begins a statement that is SQL and no query.
const OTHERS: [&str; 36] = [
    "alter",
    "analyze",
    "attach",
    "begin",
    "call",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "delete",
    "deny",
    "desc",
    "describe",
    "detach",
    "drop",
    "execute",
    "explain",
    "export",
    "grant",
    "insert",
    "install",
    "load",
    "merge",
    "pragma",
    "prepare",
    "refresh",
    "replace",
    "reset",
    "revoke",
    "rollback",
    "set",
    "show",
    "truncate",
    "update",
    "use",
];

/// Reads one SELECT.
pub fn parse(text: &str, parameters: &[String]) -> Result<Query, Error> {
    let tokens = types(lexer::lex(text, parameters)?);
    refuse_others(&tokens)?;
    let mut parser = Parser::new(&Trino).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens);
    let query = parser.parse_query().map_err(|error| syntax(&error, text))?;
    end(&mut parser)?;
    Ok(*query)
}

fn refuse_others(tokens: &[TokenWithSpan]) -> Result<(), Error> {
    let mut first = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    match first.next() {
        None | Some(TokenWithSpan { token: Token::EOF | Token::SemiColon, .. }) => {
            Err(Error::Syntax { line: 1, column: 1, message: "the query is empty".to_owned() })
        }
        Some(TokenWithSpan { token: Token::Word(word), .. }) => {
            let name = word.value.to_lowercase();
            let refused = OTHERS.contains(&name.as_str());
            if refused {
                Err(Error::Refused(format!("only SELECT is allowed, not {}", name.to_uppercase())))
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

fn end(parser: &mut Parser) -> Result<(), Error> {
    let mut ended = false;
    while parser.consume_token(&Token::SemiColon) {
        ended = true;
    }
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(()),
        _ if ended => Err(Error::Refused("only one statement is allowed".to_owned())),
        token => Err(Error::Syntax {
            line: next.span.start.line,
            column: next.span.start.column,
            message: format!("expected the end of the query, found {token}"),
        }),
    }
}

/// `array(varchar)`, as Trino writes the type, in the parser's own brackets.
fn types(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut opened: Vec<bool> = Vec::new();
    let mut array = false;
    for token in &mut tokens {
        match &token.token {
            Token::Whitespace(_) => continue,
            Token::LParen => {
                opened.push(array);
                if array {
                    token.token = Token::Lt;
                }
            }
            Token::RParen if opened.pop() == Some(true) => token.token = Token::Gt,
            _ => {}
        }
        array = matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("array"));
    }
    tokens
}

/// The parser writes the place behind its message.
fn syntax(error: &ParserError, query: &str) -> Error {
    let text = match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
        ParserError::RecursionLimitExceeded => {
            return Error::Invalid(format!("the query is nested deeper than {NESTING_MAX} levels"));
        }
    };
    let (message, line, column) = place(text).unwrap_or_else(|| {
        // only the end has no place
        let (line, column) = last(query);
        (text, line, column)
    });
    Error::Syntax { line, column, message: lower_first(message) }
}

/// Where a text ends.
fn last(text: &str) -> (u64, u64) {
    let text = text.trim_end();
    let line = text.rsplit('\n').next().unwrap_or_default();
    (text.matches('\n').count() as u64 + 1, line.chars().count() as u64 + 1)
}

fn place(text: &str) -> Option<(&str, u64, u64)> {
    let (message, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some((message, line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> String {
        parse(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn a_syntax_error_says_where_it_is() {
        assert_eq!(fails("SELECT *\nFROM events WHERE"), "line 2:18: expected: an expression, found: EOF");
        let id = "1b2c3d4e-0000-4a6b-8c9d-0123456789ab";
        assert_eq!(fails(&format!("SELECT 1 FROM {id} x y")), "line 1:54: expected the end of the query, found y");
        assert!(
            fails("SELECT 'open").starts_with("line 1:8: unterminated string literal"),
            "{}",
            fails("SELECT 'open")
        );
        assert_eq!(fails("  "), "line 1:1: the query is empty");
        assert!(fails("SELEC 1").starts_with("line 1:1: "), "{}", fails("SELEC 1"));
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for text in
            ["INSERT INTO x VALUES (1)", "create table x (y int)", "DELETE FROM x", "EXPLAIN SELECT 1", "SET a = 1"]
        {
            assert!(matches!(parse(text, &[]), Err(Error::Refused(_))), "{text}");
        }
        assert_eq!(fails("SELECT 1; SELECT 2"), "only one statement is allowed");
        assert!(parse("SELECT 1;", &[]).is_ok());
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let nested = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(fails(&nested), "the query is nested deeper than 100 levels");
        let long = format!("SELECT 1{}", " + 1".repeat(5_000));
        assert_eq!(fails(&long), "the query has 5000 operators; 3000 are allowed");
    }
}
