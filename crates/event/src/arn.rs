//! Amazon resource names: `arn:partition:service:region:account:resource`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A well-formed ARN; its parts are borrowed from the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn(String);

/// A text that is not an ARN.
#[derive(Debug, thiserror::Error)]
#[error("not an ARN: {0:?}")]
pub struct InvalidArn(String);

impl Arn {
    pub fn parse(text: &str) -> Result<Self, InvalidArn> {
        let well_formed = text.len() <= 2048
            && text.splitn(6, ':').count() == 6
            && text.starts_with("arn:")
            && !text.contains(char::is_control)
            && !text.ends_with(':');
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidArn(text.chars().take(128).collect())) }
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }

    pub fn partition(&self) -> &str {
        self.part(1)
    }

    pub fn service(&self) -> &str {
        self.part(2)
    }

    pub fn region(&self) -> &str {
        self.part(3)
    }

    pub fn account(&self) -> &str {
        self.part(4)
    }

    pub fn resource(&self) -> &str {
        self.part(5)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Arn {
    type Error = InvalidArn;
    fn try_from(text: String) -> Result<Self, InvalidArn> {
        Self::parse(&text)
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.0
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_arn_are_named() {
        let arn = Arn::parse("arn:aws:cloudtrail:us-east-1:111122223333:trail/t1").unwrap();
        assert_eq!(
            [arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()],
            ["aws", "cloudtrail", "us-east-1", "111122223333", "trail/t1"]
        );
        assert_eq!(Arn::parse("arn:aws:s3:::b/a:b").unwrap().resource(), "b/a:b");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "arn", "arn:aws:s3", "urn:aws:s3:::b", "arn:aws:s3:::", "arn:aws:s3:::a\nb"] {
            assert!(Arn::parse(text).is_err(), "{text:?}");
        }
    }
}
