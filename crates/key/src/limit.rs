//! What a key, its uses and its names may be at most. Past a limit the call is refused.

use crate::{Context, Error};
use std::collections::BTreeMap;

/// What can be encrypted directly; anything longer goes under a data key.
pub const PLAINTEXT_BYTES_MAX: usize = 4096;
pub(crate) const DATA_KEY_BYTES_MAX: usize = 1024;
pub(crate) const CIPHERTEXT_BYTES_MAX: usize = 6144;
const CONTEXT_BYTES_MAX: usize = 8192;
/// In one account's region.
pub(crate) const KEYS_MAX: usize = 100_000;
/// Of one key.
pub(crate) const ALIASES_MAX: usize = 50;
pub(crate) const ROTATIONS_ON_DEMAND_MAX: u32 = 25;
const DESCRIPTION_CHARS_MAX: usize = 8192;
const POLICY_BYTES_MAX: usize = 32_768;
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;
const ALIAS_CHARS_MAX: usize = 256;

pub(crate) fn plaintext(bytes: &[u8]) -> Result<(), Error> {
    between("plaintext", bytes.len(), 1, PLAINTEXT_BYTES_MAX)
}

pub(crate) fn ciphertext(bytes: &[u8]) -> Result<(), Error> {
    between("ciphertext", bytes.len(), 1, CIPHERTEXT_BYTES_MAX)
}

pub(crate) fn random(bytes: usize) -> Result<(), Error> {
    between("number of random bytes", bytes, 1, DATA_KEY_BYTES_MAX)
}

pub(crate) fn context(context: &Context) -> Result<(), Error> {
    let bytes: usize = context.iter().map(|(name, value)| name.len() + value.len()).sum();
    between("encryption context in bytes", bytes, 0, CONTEXT_BYTES_MAX)
}

pub(crate) fn description(text: &str) -> Result<(), Error> {
    between("description", text.chars().count(), 0, DESCRIPTION_CHARS_MAX)
}

pub(crate) fn policy(text: &str) -> Result<(), Error> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(Error::LimitExceeded(format!("a key policy has at most {POLICY_BYTES_MAX} bytes")));
    }
    between("policy", text.len(), 1, POLICY_BYTES_MAX)
}

fn between(what: &str, found: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what}: {found} is not between {min} and {max}")))
}

pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS_MAX {
        return Err(Error::LimitExceeded(format!("a key has at most {TAGS_MAX} tags")));
    }
    for (name, value) in tags {
        if name.is_empty() || name.chars().count() > TAG_KEY_CHARS_MAX {
            return Err(Error::InvalidTag(format!("a tag key has 1 to {TAG_KEY_CHARS_MAX} characters")));
        }
        if value.chars().count() > TAG_VALUE_CHARS_MAX {
            return Err(Error::InvalidTag(format!("a tag value has at most {TAG_VALUE_CHARS_MAX} characters")));
        }
        if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(Error::InvalidTag("tag keys that begin with aws: are reserved".to_owned()));
        }
    }
    Ok(())
}

/// Whether a customer may give an alias this name.
pub(crate) fn alias(name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
    let rest = name.strip_prefix("alias/").unwrap_or_default();
    if rest.is_empty() || name.len() > ALIAS_CHARS_MAX || !rest.bytes().all(plain) {
        let form = "alias/ and then letters, digits, slashes, underscores and hyphens";
        return Err(Error::Invalid(format!("an alias is {form}, at most {ALIAS_CHARS_MAX} characters: {name:?}")));
    }
    if rest.starts_with("aws/") {
        return Err(Error::ReservedAlias(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_names_are_checked() {
        for name in ["alias/a", "alias/a/b-c_D9", "alias/awsome", &format!("alias/{}", "x".repeat(250))] {
            assert_eq!(alias(name), Ok(()), "{name}");
        }
        for name in
            ["", "a", "alias", "alias/", "alias/a b", "alias/a:b", "alias/é", &format!("alias/{}", "x".repeat(251))]
        {
            assert!(matches!(alias(name), Err(Error::Invalid(_))), "{name}");
        }
        assert!(matches!(alias("alias/aws/s3"), Err(Error::ReservedAlias(_))));
    }

    #[test]
    fn tags_are_checked() {
        let check = |name: &str, value: &str| tags(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(check("team", ""), Ok(()));
        for (name, value) in [("", "x"), ("AWS:x", "x"), (&*"k".repeat(129), "x"), ("k", &*"v".repeat(257))] {
            assert!(matches!(check(name, value), Err(Error::InvalidTag(_))), "{name}");
        }
        let many = (0..51).map(|number| (number.to_string(), String::new())).collect();
        assert!(matches!(tags(&many), Err(Error::LimitExceeded(_))));
    }
}
