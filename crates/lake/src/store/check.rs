//! What event data stores, channels and their tags may be, and what names them.

use super::model::{Billing, Scope};
use crate::Error;
use cairn_event::Arn;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

const NAME_CHARS: RangeInclusive<usize> = 3..=128;
const RETENTION_DAYS_MIN: u32 = 7;
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

pub(crate) fn name(name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if NAME_CHARS.contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let rule = "letters, digits, periods, underscores and dashes";
    Err(Error::refused("InvalidParameter", format!("Name has 3 to 128 characters: {rule}.")))
}

pub(crate) fn retention(days: u32, billing: Billing) -> Result<(), Error> {
    let max = billing.days_max();
    if (RETENTION_DAYS_MIN..=max).contains(&days) {
        return Ok(());
    }
    let message = format!("RetentionPeriod is {RETENTION_DAYS_MIN} to {max} days with this billing mode, not {days}.");
    Err(Error::refused("InvalidParameter", message))
}

pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    tags.iter().try_for_each(|(key, value)| tag(key, value))?;
    if tags.len() > TAGS_MAX {
        return Err(Error::refused("TagsLimitExceeded", format!("A resource has at most {TAGS_MAX} tags.")));
    }
    Ok(())
}

fn tag(key: &str, value: &str) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::refused("InvalidTagParameter", message));
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c));
    if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX || !plain(key) {
        let characters = "letters, digits, spaces and _ . : / = + - @";
        return invalid(format!("A tag key has 1 to {TAG_KEY_CHARS_MAX} characters: {characters}."));
    }
    if value.chars().count() > TAG_VALUE_CHARS_MAX || !plain(value) {
        return invalid(format!(
            "The value of tag {key} has at most {TAG_VALUE_CHARS_MAX} characters of those of keys."
        ));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return invalid("Tag keys that begin with aws: are reserved.".to_owned());
    }
    Ok(())
}

/// The two kinds of things that have a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Store,
    Channel,
}

impl Thing {
    const fn folder(self) -> &'static str {
        match self {
            Self::Store => "eventdatastore",
            Self::Channel => "channel",
        }
    }

    const fn arn_invalid(self) -> &'static str {
        match self {
            Self::Store => "EventDataStoreARNInvalid",
            Self::Channel => "ChannelARNInvalid",
        }
    }

    pub fn arn(self, scope: Scope<'_>, id: &str) -> String {
        format!("arn:aws:cloudtrail:{}:{}:{}/{id}", scope.region, scope.account, self.folder())
    }

    /// The ARN that an ARN or an id means, whether or not the thing exists.
    pub fn resolve(self, scope: Scope<'_>, reference: &str) -> Result<String, Error> {
        let invalid = || {
            let shown: String = reference.chars().take(256).collect();
            let message = format!("{shown:?} is not the ARN or the id of a {}.", self.folder());
            Error::refused(self.arn_invalid(), message)
        };
        if !reference.starts_with("arn:") {
            return if is_id(reference) { Ok(self.arn(scope, reference)) } else { Err(invalid()) };
        }
        let arn = Arn::parse(reference).map_err(|_| invalid())?;
        let id = arn.resource().split_once('/').filter(|(folder, _)| *folder == self.folder()).map(|(_, id)| id);
        let well_formed = arn.service() == "cloudtrail" && !arn.region().is_empty() && is_account(arn.account());
        if well_formed && id.is_some_and(is_id) { Ok(reference.to_owned()) } else { Err(invalid()) }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A UUID in the form that ids are given out in; nothing else was ever given out.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && uuid::Uuid::try_parse(text).is_ok()
        && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<&'static str> {
        match result {
            Ok(_) => None,
            Err(Error::Refused { code, .. }) => Some(code),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn names_are_checked() {
        for good in ["abc", "a.b-c_1", "---", &*"x".repeat(128)] {
            assert_eq!(code(name(good)), None, "{good}");
        }
        for bad in ["", "ab", "a b", "a/b", "äöü", &*"x".repeat(129)] {
            assert_eq!(code(name(bad)), Some("InvalidParameter"), "{bad}");
        }
    }

    #[test]
    fn retention_is_bounded_by_the_billing_mode() {
        for (days, billing, good) in [
            (6, Billing::Extendable, false),
            (7, Billing::Extendable, true),
            (3653, Billing::Extendable, true),
            (3654, Billing::Extendable, false),
            (2557, Billing::Fixed, true),
            (2558, Billing::Fixed, false),
            (0, Billing::Fixed, false),
        ] {
            assert_eq!(code(retention(days, billing)).is_none(), good, "{days} {billing:?}");
        }
    }

    #[test]
    fn tags_are_checked() {
        let check = |key: &str, value: &str| code(tags(&BTreeMap::from([(key.to_owned(), value.to_owned())])));
        assert_eq!(check("team", ""), None);
        assert_eq!(check(&"k".repeat(128), &"v".repeat(256)), None);
        for (key, value) in
            [("", "x"), ("AWS:x", "x"), (&*"k".repeat(129), "x"), ("k", &*"v".repeat(257)), ("k", "<x>")]
        {
            assert_eq!(check(key, value), Some("InvalidTagParameter"), "{key}");
        }
        let many = |count: usize| code(tags(&(0..count).map(|number| (number.to_string(), String::new())).collect()));
        assert_eq!((many(50), many(51)), (None, Some("TagsLimitExceeded")));
    }

    #[test]
    fn a_thing_is_named_by_its_arn_or_its_id() {
        let scope = Scope { account: "111122223333", region: "eu-west-1" };
        let id = "0f2f6c0e-9a7f-4d0a-8f5f-1f6a4f7d2b11";
        let arn = Thing::Store.arn(scope, id);
        assert_eq!(arn, format!("arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/{id}"));
        assert_eq!(Thing::Store.resolve(scope, id).unwrap(), arn);
        assert_eq!(Thing::Store.resolve(scope, &arn).unwrap(), arn);
        for wrong in [
            "",
            "x",
            &id.to_uppercase(),
            &id[1..],
            &arn[..arn.len() - 1],
            &arn.replace("cloudtrail", "s3"),
            &arn.replace("eventdatastore", "channel"),
        ] {
            assert_eq!(code(Thing::Store.resolve(scope, wrong)), Some("EventDataStoreARNInvalid"), "{wrong}");
        }
        assert_eq!(code(Thing::Channel.resolve(scope, &arn)), Some("ChannelARNInvalid"));
    }
}
