//! What trails, prefixes and the buckets of trails may be called, and what names a trail.

use crate::Error;
use cairn_event::Arn;

const PREFIX_CHARS_MAX: usize = 200;

/// Trails are named by their name in the caller's region, or by their ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    Name(&'a str),
    Arn(Arn),
}

impl<'a> Reference<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        if text.starts_with("arn:") { Ok(Self::Arn(check_arn(text)?)) } else { check(text).map(|()| Self::Name(text)) }
    }
}

pub(crate) fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:cloudtrail:{region}:{account}:trail/{name}")
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ARN of a trail, wherever it is and whether or not it exists.
fn check_arn(text: &str) -> Result<Arn, Error> {
    let invalid = || {
        let form = "arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail";
        Error::invalid("CloudTrailARNInvalid", format!("{text} is not the ARN of a trail, which has the form {form}."))
    };
    let arn = Arn::parse(text).map_err(|_| invalid())?;
    let name = arn.resource().strip_prefix("trail/").ok_or_else(invalid)?;
    let well_formed = arn.partition().starts_with("aws")
        && arn.service() == "cloudtrail"
        && !arn.region().is_empty()
        && is_account(arn.account())
        && check(name).is_ok();
    if well_formed { Ok(arn) } else { Err(invalid()) }
}

/// Whether a trail may have this name.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let invalid = |message: &str| Err(Error::invalid("InvalidTrailName", message));
    let mark = |byte: u8| matches!(byte, b'.' | b'_' | b'-');
    let bytes = name.as_bytes();
    if !(3..=128).contains(&name.chars().count()) {
        return invalid("A trail name has 3 to 128 characters.");
    }
    if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || mark(*byte)) {
        return invalid("A trail name has only ASCII letters, digits, periods, underscores and dashes.");
    }
    if mark(bytes[0]) || mark(bytes[bytes.len() - 1]) {
        return invalid("A trail name starts and ends with a letter or a digit.");
    }
    if bytes.windows(2).any(|pair| mark(pair[0]) && mark(pair[1])) {
        return invalid("A trail name has no adjacent periods, underscores or dashes.");
    }
    if is_address(name) {
        return invalid("A trail name does not have the form of an IP address.");
    }
    Ok(())
}

fn is_address(name: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').count() == 4 && name.split('.').all(number)
}

/// Whether a bucket may have this name at all; that it exists is another question.
pub(crate) fn check_bucket(name: &str) -> Result<(), Error> {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    if (3..=63).contains(&name.len()) && name.split('.').all(label) && !is_address(name) {
        return Ok(());
    }
    Err(Error::invalid("InvalidS3BucketName", format!("{name:?} is not the name of an S3 bucket.")))
}

/// Whether keys may begin with this prefix. A slash that follows it is not part of it.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::invalid("InvalidS3Prefix", message));
    if prefix.chars().count() > PREFIX_CHARS_MAX {
        return invalid(format!("An S3 prefix has at most {PREFIX_CHARS_MAX} characters."));
    }
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains(char::is_control);
    if !prefix.split('/').all(segment) {
        let rule = "it neither starts nor ends with a slash and has no empty, '.' or '..' part";
        return invalid(format!("{prefix:?} cannot be an S3 prefix: {rule}."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Error>) -> Option<&'static str> {
        match result {
            Ok(_) => None,
            Err(Error::Invalid { code, .. }) => Some(code),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn names_of_trails_are_checked() {
        for name in ["a.b-c_1", "abc", "1a1", &*"x".repeat(128), "1.2.3", "1.2.3.4567", "a.2.3.4"] {
            assert_eq!(code(check(name)), None, "{name}");
        }
        let long = "x".repeat(129);
        for name in
            ["", "ab", &long, "my--ns", "my._ns", "-a1", "a1-", "_a1", "a1.", "192.168.5.4", "a b", "é12", "a/b", "a:b"]
        {
            assert_eq!(code(check(name)), Some("InvalidTrailName"), "{name}");
        }
    }

    #[test]
    fn a_trail_is_named_by_name_or_arn() {
        let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/t-1";
        assert_eq!(Reference::parse("t-1"), Ok(Reference::Name("t-1")));
        assert_eq!(Reference::parse(arn), Ok(Reference::Arn(Arn::parse(arn).unwrap())));
        for text in [
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/",
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/a--b",
            "arn:aws:cloudtrail:us-east-1:1111:trail/t-1",
            "arn:aws:cloudtrail::111122223333:trail/t-1",
            "arn:aws:s3:us-east-1:111122223333:trail/t-1",
            "arn:aws:cloudtrail:us-east-1:111122223333:channel/t-1",
            "arn:x",
        ] {
            assert_eq!(code(Reference::parse(text)), Some("CloudTrailARNInvalid"), "{text}");
        }
    }

    #[test]
    fn names_of_buckets_are_checked() {
        for name in ["b-1", "a.b.c", &*"x".repeat(63)] {
            assert_eq!(code(check_bucket(name)), None, "{name}");
        }
        for name in ["", "ab", "B-1", "a_b", "a..b", "-ab", "ab-", "a.-b", "1.2.3.4", &*"x".repeat(64)] {
            assert_eq!(code(check_bucket(name)), Some("InvalidS3BucketName"), "{name}");
        }
    }

    #[test]
    fn prefixes_are_checked() {
        for prefix in ["p", "a/b", &*"p".repeat(200)] {
            assert_eq!(code(check_prefix(prefix)), None, "{prefix}");
        }
        for prefix in ["", "/p", "p/", "a//b", "a/../b", "a\nb", &*"p".repeat(201)] {
            assert_eq!(code(check_prefix(prefix)), Some("InvalidS3Prefix"), "{prefix}");
        }
    }
}
