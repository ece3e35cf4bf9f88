//! The part of JSONPath that Trino's `json_extract` knows: `$.name`, `['name']`, `[0]`.

use datafusion::common::{Result, exec_err};
use sonic_rs::PointerNode;

/// Reads a path.
pub fn parse(path: &str) -> Result<Vec<PointerNode>> {
    let mut steps = Vec::new();
    let Some(mut rest) = path.trim().strip_prefix('$') else { return wrong(path, "it does not begin with $") };
    while !rest.is_empty() {
        let (step, after) =
            if let Some(name) = rest.strip_prefix('.') { member(path, name)? } else { bracket(path, rest)? };
        steps.push(step);
        rest = after;
    }
    Ok(steps)
}

fn wrong<T>(path: &str, why: &str) -> Result<T> {
    exec_err!("invalid JSON path {path}: {why}")
}

fn member<'a>(path: &str, rest: &'a str) -> Result<(PointerNode, &'a str)> {
    if let Some(quoted) = rest.strip_prefix('"') {
        let Some((name, after)) = quoted.split_once('"') else { return wrong(path, "a quote is open") };
        return Ok((PointerNode::Key(name.to_owned().into()), after));
    }
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    match name {
        "" => wrong(path, "a name is missing"),
        "*" => wrong(path, "* is not supported"),
        _ => Ok((PointerNode::Key(name.to_owned().into()), after)),
    }
}

fn bracket<'a>(path: &str, rest: &'a str) -> Result<(PointerNode, &'a str)> {
    let Some(inner) = rest.strip_prefix('[') else { return wrong(path, "a dot or bracket is missing") };
    if let Some(quote) = inner.chars().next().filter(|char| matches!(char, '\'' | '"')) {
        let Some((name, after)) = inner[1..].split_once(quote) else { return wrong(path, "a quote is open") };
        let Some(after) = after.strip_prefix(']') else { return wrong(path, "a bracket is open") };
        return Ok((PointerNode::Key(name.to_owned().into()), after));
    }
    let Some((index, after)) = inner.split_once(']') else { return wrong(path, "a bracket is open") };
    match index.trim().parse() {
        Ok(index) => Ok((PointerNode::Index(index), after)),
        Err(_) => wrong(path, "between brackets stands a number or a quoted name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read() {
        let steps = parse("$.a.b_c[0]['d e']['x'].\"f.g\"").unwrap();
        let key = |name: &str| PointerNode::Key(name.to_owned().into());
        assert_eq!(steps, [key("a"), key("b_c"), PointerNode::Index(0), key("d e"), key("x"), key("f.g")]);
        assert_eq!(parse("$").unwrap(), []);
    }

    #[test]
    fn a_wrong_path_is_refused() {
        for path in ["", "a", "$.", "$a", "$[x]", "$['a", "$['a'", "$[0", "$.*", "$[-1]", "$..a"] {
            assert!(parse(path).is_err(), "{path}");
        }
    }
}
