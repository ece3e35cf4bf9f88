//! What tags of a trail may be. Past a limit the call is refused.

use crate::Error;
use std::collections::BTreeMap;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    for (key, value) in tags {
        tag(key, value)?;
    }
    if tags.len() > TAGS_MAX {
        return Err(Error::invalid("TagsLimitExceeded", format!("A trail has at most {TAGS_MAX} tags.")));
    }
    Ok(())
}

fn tag(key: &str, value: &str) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::invalid("InvalidTagParameter", message));
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c));
    if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || !plain(key) {
        let characters = "letters, digits, spaces and _ . : / = + - @";
        return invalid(format!("A tag key has 1 to {KEY_CHARS_MAX} characters: {characters}."));
    }
    if value.chars().count() > VALUE_CHARS_MAX || !plain(value) {
        return invalid(format!("The value of tag {key} has at most {VALUE_CHARS_MAX} characters of those of keys."));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return invalid("Tag keys that begin with aws: are reserved.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_checked() {
        let check = |key: &str, value: &str| tags(&BTreeMap::from([(key.to_owned(), value.to_owned())]));
        assert_eq!(check("team", ""), Ok(()));
        assert_eq!(check(&"k".repeat(128), &"v".repeat(256)), Ok(()));
        for (key, value) in
            [("", "x"), ("AWS:x", "x"), (&*"k".repeat(129), "x"), ("k", &*"v".repeat(257)), ("k\n", "x"), ("k", "<x>")]
        {
            assert!(matches!(check(key, value), Err(Error::Invalid { code: "InvalidTagParameter", .. })), "{key}");
        }
        let many = |count: usize| tags(&(0..count).map(|number| (number.to_string(), String::new())).collect());
        assert_eq!(many(50), Ok(()));
        assert!(matches!(many(51), Err(Error::Invalid { code: "TagsLimitExceeded", .. })));
    }
}
