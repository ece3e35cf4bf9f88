//! The limits of buckets and objects, and the form of their names. Past a limit a call is refused.

use crate::object::Headers;
use crate::{Error, List};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// In an account.
pub(crate) const BUCKETS_MAX: usize = 10_000;
/// Put at once, or as one part, or copied.
pub(crate) const PUT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
pub(crate) const PARTS_MAX: u32 = 10_000;
/// Of a part that is not the last.
pub(crate) const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// Of an object in parts: 10,000 of 5 GiB, 48.8 TiB.
pub(crate) const OBJECT_BYTES_MAX: u64 = PUT_BYTES_MAX * PARTS_MAX as u64;
/// In one page of a list, and in one call that deletes many.
pub(crate) const PAGE_MAX: usize = 1000;
const KEY_BYTES_MAX: usize = 1024;
/// Names and values together.
const METADATA_BYTES_MAX: usize = 2048;
/// Of all system headers together.
const HEADERS_BYTES_MAX: usize = 8 * 1024;
const POLICY_BYTES_MAX: usize = 20 * 1024;
const BUCKET_TAGS_MAX: usize = 50;
const OBJECT_TAGS_MAX: usize = 10;
const TAG_NAME_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

pub(crate) fn too_large() -> Error {
    Error::TooLarge(format!("the body has more than the {PUT_BYTES_MAX} bytes that can be put at once"))
}

/// The rules for names of general purpose buckets.
pub(crate) fn bucket_name(name: &str) -> Result<(), Error> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let valid = (3..=63).contains(&name.len())
        && name.chars().all(|c| edge(c) || matches!(c, '-' | '.'))
        && name.starts_with(edge)
        && name.ends_with(edge)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| name.ends_with(suffix));
    if valid { Ok(()) } else { Err(Error::InvalidName(format!("{name:?} is not a valid name for a bucket"))) }
}

pub(crate) fn key(key: &str) -> Result<(), Error> {
    match key.len() {
        0 => Err(Error::Invalid("an object's key has at least one character".to_owned())),
        1..=KEY_BYTES_MAX => Ok(()),
        long => Err(Error::KeyTooLong(format!("the key has {long} bytes, at most {KEY_BYTES_MAX} are allowed"))),
    }
}

pub(crate) fn policy(text: &str) -> Result<(), Error> {
    match text.len() {
        0..=POLICY_BYTES_MAX => Ok(()),
        long => {
            Err(Error::MalformedPolicy(format!("the policy has {long} bytes, at most {POLICY_BYTES_MAX} are allowed")))
        }
    }
}

pub(crate) fn metadata(metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        let message = format!("the metadata has {bytes} bytes, at most {METADATA_BYTES_MAX} are allowed");
        return Err(Error::MetadataTooLarge(message));
    }
    let token = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"\"(),/:;<=>?@[\\]{}".contains(c);
    for (name, value) in metadata {
        if name.is_empty() || !name.chars().all(token) {
            return Err(Error::Invalid(format!("{name:?} is not a name for metadata: lower case, as in a header")));
        }
        plain(value, name)?;
    }
    Ok(())
}

/// Whether a value can stand in a header again when it is given back.
fn plain(value: &str, name: &str) -> Result<(), Error> {
    match value.chars().find(|c| c.is_control() && *c != '\t') {
        Some(c) => Err(Error::Invalid(format!("the value of {name} holds the control character {c:?}"))),
        None => Ok(()),
    }
}

pub(crate) fn headers(headers: &Headers) -> Result<(), Error> {
    let named = [
        ("Content-Type", &headers.content_type),
        ("Content-Encoding", &headers.content_encoding),
        ("Content-Language", &headers.content_language),
        ("Content-Disposition", &headers.content_disposition),
        ("Cache-Control", &headers.cache_control),
        ("Expires", &headers.expires),
        ("x-amz-website-redirect-location", &headers.website_redirect),
        ("x-amz-storage-class", &headers.storage_class),
    ];
    let mut bytes = 0;
    for (name, value) in named {
        let value = value.as_deref().unwrap_or_default();
        plain(value, name)?;
        bytes += value.len();
    }
    if bytes > HEADERS_BYTES_MAX {
        let message = format!("the headers have {bytes} bytes, at most {HEADERS_BYTES_MAX} are allowed");
        return Err(Error::MetadataTooLarge(message));
    }
    Ok(())
}

pub(crate) fn bucket_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    check_tags(tags, BUCKET_TAGS_MAX, "a bucket")
}

pub(crate) fn object_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    check_tags(tags, OBJECT_TAGS_MAX, "an object")
}

fn check_tags(tags: &BTreeMap<String, String>, count_max: usize, what: &str) -> Result<(), Error> {
    if tags.len() > count_max {
        return Err(Error::InvalidTag(format!("{what} has at most {count_max} tags, not {}", tags.len())));
    }
    let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c);
    for (name, value) in tags {
        let invalid = |problem: &str| Err(Error::InvalidTag(format!("the tag {name:?} {problem}")));
        if name.is_empty() || name.chars().count() > TAG_NAME_CHARS_MAX {
            return invalid(&format!("has not 1 to {TAG_NAME_CHARS_MAX} characters"));
        }
        if value.chars().count() > TAG_VALUE_CHARS_MAX {
            return invalid(&format!("has a value of more than {TAG_VALUE_CHARS_MAX} characters"));
        }
        if name.to_ascii_lowercase().starts_with("aws:") {
            return invalid("has a name that begins with the reserved aws:");
        }
        if !name.chars().chain(value.chars()).all(allowed) {
            return invalid("holds other characters than letters, digits, spaces and + - = . _ : / @");
        }
    }
    Ok(())
}

impl List {
    pub(crate) fn check(&self) -> Result<(), Error> {
        for text in [Some(&self.prefix), self.delimiter.as_ref(), self.after.as_ref()].into_iter().flatten() {
            if text.len() > KEY_BYTES_MAX {
                return Err(Error::Invalid(format!(
                    "a list's prefix, delimiter and markers have at most {KEY_BYTES_MAX} bytes"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_s3_allows_are_names_of_buckets() {
        for name in ["abc", "my-bucket.logs-1", "0ab", &"a".repeat(63)] {
            bucket_name(name).unwrap();
        }
        let bad = [
            "",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "192.168.1.1",
            "xn--abc",
            "abc-s3alias",
            "ab/c",
        ];
        for name in bad {
            assert!(matches!(bucket_name(name), Err(Error::InvalidName(_))), "{name}");
        }
    }

    #[test]
    fn tags_have_their_form_and_number() {
        let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        object_tags(&one("Größe", "a b+c=d")).unwrap();
        let long = "x".repeat(257);
        for (name, value) in [("", "x"), ("aws:x", "x"), ("AWS:x", "x"), ("x", "\n"), ("a#b", ""), ("x", &long)] {
            assert!(matches!(object_tags(&one(name, value)), Err(Error::InvalidTag(_))), "{name:?}");
        }
        let many: BTreeMap<_, _> = (0..11).map(|n| (n.to_string(), String::new())).collect();
        assert!(object_tags(&many).is_err());
        bucket_tags(&many).unwrap();
    }

    #[test]
    fn metadata_is_small_and_fits_into_headers() {
        let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        metadata(&one("signature", &"a".repeat(2039))).unwrap();
        assert!(matches!(metadata(&one("signature", &"a".repeat(2040))), Err(Error::MetadataTooLarge(_))));
        for (name, value) in [("", ""), ("A", ""), ("a b", ""), ("a", "x\r\ny")] {
            assert!(matches!(metadata(&one(name, value)), Err(Error::Invalid(_))), "{name:?}");
        }
    }
}
