//! What names, policies and numbers may be at most. Past a limit the call is refused.
//! Source: IAM User Guide, "IAM and AWS STS quotas", and the IAM API reference.

use crate::Error;
use crate::model::{Entity, Sort, Tags};
use cairn_wire::Secret;

pub(crate) fn account(id: &str) -> Result<(), Error> {
    if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Invalid(format!("an account has 12 digits: {id:?}")))
}

/// A key that the house is to take from outside.
pub(crate) fn given_key(id: &str, secret: &Secret) -> Result<(), Error> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !(4..=128).contains(&id.len()) || !id.bytes().all(word) || id.starts_with("ASIA") {
        let form = "4 to 128 letters, digits and underscores, and does not begin with ASIA";
        return Err(Error::Invalid(format!("the root access key has {form}: {id:?}")));
    }
    let secret = secret.expose();
    if !(8..=128).contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Invalid("the root secret key has 8 to 128 printable ASCII characters".to_owned()));
    }
    Ok(())
}

pub(crate) const KEYS_MAX: usize = 2;
/// Managed policies attached to one entity.
pub(crate) const ATTACHED_MAX: usize = 10;
/// Groups of one user.
pub(crate) const GROUPS_MAX: usize = 10;
/// Versions of one managed policy.
pub(crate) const VERSIONS_MAX: usize = 5;
/// Customer managed policies of one account.
pub(crate) const POLICIES_MAX: usize = 1500;
/// Accounts of one organization.
pub(crate) const ACCOUNTS_MAX: usize = 1000;
pub(crate) const MANAGED_CHARS_MAX: usize = 6144;
pub(crate) const TRUST_CHARS_MAX: usize = 2048;
pub(crate) const SESSION_CHARS_MAX: usize = 2048;
pub(crate) const SESSION_POLICIES_MAX: usize = 10;
const DESCRIPTION_CHARS_MAX: usize = 1000;
const PATH_CHARS_MAX: usize = 512;
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

/// Entities of one sort in one account.
pub(crate) const fn entities_max(sort: Sort) -> usize {
    match sort {
        Sort::User => 5000,
        Sort::Role => 1000,
        Sort::Group => 300,
    }
}

/// All policies of its own that one entity has, together.
const fn inline_chars_max(sort: Sort) -> usize {
    match sort {
        Sort::User => 2048,
        Sort::Role => 10_240,
        Sort::Group => 5120,
    }
}

/// White space does not count.
fn size(text: &str) -> usize {
    text.chars().filter(|letter| !letter.is_whitespace()).count()
}

fn word(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

/// A name of 1 to `max` characters.
pub(crate) fn name(what: &str, name: &str, max: usize) -> Result<(), Error> {
    if (1..=max).contains(&name.len()) && word(name) {
        return Ok(());
    }
    let form = format!("1 to {max} letters, digits and _+=,.@-");
    Err(Error::Invalid(format!("the name of a {what} has {form}: {name:.200?}")))
}

pub(crate) fn entity_name(sort: Sort, text: &str) -> Result<(), Error> {
    name(sort.word(), text, if sort == Sort::Group { 128 } else { 64 })
}

/// What a session is called, or where it came from.
pub(crate) fn session_name(what: &str, name: &str) -> Result<(), Error> {
    if (2..=64).contains(&name.len()) && word(name) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what} has 2 to 64 letters, digits and _+=,.@-: {name:.200?}")))
}

pub(crate) fn path(path: &str) -> Result<(), Error> {
    let framed = path == "/" || path.len() > 2 && path.starts_with('/') && path.ends_with('/');
    if framed && path.len() <= PATH_CHARS_MAX && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let form = format!("begins and ends with a slash and has at most {PATH_CHARS_MAX} printable ASCII characters");
    Err(Error::Invalid(format!("a path {form}: {path:.600?}")))
}

pub(crate) fn description(text: Option<&str>) -> Result<(), Error> {
    if text.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX) {
        return Err(Error::Invalid(format!("a description has at most {DESCRIPTION_CHARS_MAX} characters")));
    }
    Ok(())
}

pub(crate) fn session_seconds_max(seconds: u32) -> Result<(), Error> {
    between("MaxSessionDuration", seconds, 3600, 43_200)
}

pub(crate) fn between(what: &str, found: u32, min: u32, max: u32) -> Result<(), Error> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what}: {found} is not between {min} and {max}")))
}

pub(crate) fn document(what: &str, text: &str, chars_max: usize) -> Result<(), Error> {
    if size(text) > chars_max {
        return Err(Error::LimitExceeded(format!("{what} has at most {chars_max} characters, white space apart")));
    }
    Ok(())
}

pub(crate) fn inline(entity: &Entity) -> Result<(), Error> {
    let max = inline_chars_max(entity.sort);
    let found: usize = entity.inline.values().map(|document| size(&document.text)).sum();
    if found > max {
        let (word, name) = (entity.sort.word(), &entity.name);
        return Err(Error::LimitExceeded(format!("maximum policy size of {max} bytes exceeded for {word} {name}")));
    }
    Ok(())
}

pub(crate) fn count(what: &str, found: usize, max: usize) -> Result<(), Error> {
    if found < max {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!("cannot exceed quota for {what}: {max}")))
}

pub(crate) fn tags(tags: &Tags) -> Result<(), Error> {
    if tags.len() > TAGS_MAX {
        return Err(Error::LimitExceeded(format!("there are at most {TAGS_MAX} tags")));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX {
            return Err(Error::Invalid(format!("a tag key has 1 to {TAG_KEY_CHARS_MAX} characters")));
        }
        if value.chars().count() > TAG_VALUE_CHARS_MAX {
            return Err(Error::Invalid(format!("a tag value has at most {TAG_VALUE_CHARS_MAX} characters")));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(Error::Invalid("tag keys that begin with aws: are reserved".to_owned()));
        }
        let plain = |letter: char| letter.is_alphanumeric() || " _.:/=+-@".contains(letter);
        if !key.chars().chain(value.chars()).all(plain) {
            return Err(Error::Invalid(format!("tags take letters, digits, spaces and _.:/=+-@: {key:.150?}")));
        }
    }
    Ok(())
}

pub(crate) fn alias(alias: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let framed = !alias.starts_with('-') && !alias.ends_with('-') && !alias.contains("--");
    let digits = alias.len() == 12 && alias.bytes().all(|byte| byte.is_ascii_digit());
    if (3..=63).contains(&alias.len()) && alias.bytes().all(plain) && framed && !digits {
        return Ok(());
    }
    let form = "3 to 63 small letters, digits and single inner hyphens, and is not an account's number";
    Err(Error::Invalid(format!("an account alias has {form}: {alias:.100?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &Result<(), Error>, fits: bool, what: &str) {
        assert_eq!(found.is_ok(), fits, "{what}: {found:?}");
    }

    #[test]
    fn names_and_paths_are_checked() {
        for (text, fits) in
            [("a", true), ("a.b@c-d_e+f=g,h", true), ("", false), ("a b", false), ("a/b", false), ("é", false)]
        {
            check(&entity_name(Sort::User, text), fits, text);
        }
        check(&entity_name(Sort::User, &"x".repeat(65)), false, "65 letters");
        check(&entity_name(Sort::Group, &"x".repeat(128)), true, "128 letters");
        for (text, fits) in [
            ("/", true),
            ("/a/", true),
            ("/a/b/", true),
            ("", false),
            ("a/", false),
            ("/a", false),
            ("//", false),
            ("/a b/", false),
        ] {
            check(&path(text), fits, text);
        }
    }

    #[test]
    fn aliases_are_checked() {
        for (text, fits) in [
            ("abc", true),
            ("my-house-2", true),
            ("ab", false),
            ("-ab", false),
            ("ab-", false),
            ("a--b", false),
            ("Abc", false),
            ("123456789012", false),
        ] {
            check(&alias(text), fits, text);
        }
    }

    #[test]
    fn white_space_in_policies_does_not_count() {
        check(&document("a policy", &format!("{}{}", " \n".repeat(5000), "x".repeat(2048)), 2048), true, "spaces");
        check(&document("a policy", &"x".repeat(2049), 2048), false, "letters");
    }
}
