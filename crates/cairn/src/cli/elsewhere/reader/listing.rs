//! One page of ListObjectsV2.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// Keys, or folders right below one, and where the next page begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub keys: Vec<String>,
    pub folders: Vec<String>,
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename = "ListBucketResult", rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_continuation_token: Option<String>,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Content>,
    #[serde(default)]
    common_prefixes: Vec<CommonPrefix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CommonPrefix {
    prefix: String,
}

impl Page {
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|error| format!("the listing is not UTF-8: {error}"))?;
        let answer: Answer = quick_xml::de::from_str(text).map_err(|error| format!("the listing: {error}"))?;
        let is_encoded = answer.encoding_type.as_deref() == Some("url");
        let plain = |name: String| -> Result<String, String> {
            if !is_encoded {
                return Ok(name);
            }
            // A space may stand as a plus, as in a form.
            let spaced = name.replace('+', " ");
            let decoded = percent_decode_str(&spaced).decode_utf8();
            decoded.map(std::borrow::Cow::into_owned).map_err(|error| format!("the key {name} in the listing: {error}"))
        };
        let next = answer.next_continuation_token.filter(|token| answer.is_truncated && !token.is_empty());
        if answer.is_truncated && next.is_none() {
            return Err("the listing goes on, but does not say where".to_owned());
        }
        Ok(Self {
            keys: answer.contents.into_iter().map(|content| plain(content.key)).collect::<Result<_, _>>()?,
            folders: answer.common_prefixes.into_iter().map(|found| plain(found.prefix)).collect::<Result<_, _>>()?,
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(inside: &str) -> Result<Page, String> {
        let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
        let open = r#"<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#;
        Page::parse(format!("{head}{open}<Name>b</Name>{inside}</ListBucketResult>").as_bytes())
    }

    #[test]
    fn keys_are_read_as_they_are_and_as_they_are_encoded() {
        let keys = |page: Page| page.keys;
        assert_eq!(parse("").unwrap(), Page::default());
        let plain = "<Contents><Key>a%20+&amp;b</Key><Size>1</Size></Contents><Contents><Key>\u{e9}</Key></Contents>";
        assert_eq!(keys(parse(plain).unwrap()), ["a%20+&b", "\u{e9}"]);
        let encoded = "<EncodingType>url</EncodingType><Contents><Key>a%20+%2B%C3%A9/%01</Key></Contents>";
        assert_eq!(keys(parse(encoded).unwrap()), ["a  +\u{e9}/\u{1}"]);
    }

    #[test]
    fn a_page_says_whether_another_follows() {
        let folders =
            "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>q/</Prefix></CommonPrefixes>";
        let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
        let page = parse(&format!("{folders}{more}")).unwrap();
        assert_eq!((page.folders.len(), page.next.as_deref()), (2, Some("t")));
        assert_eq!(parse("<IsTruncated>false</IsTruncated>").unwrap().next, None);
        for broken in ["<IsTruncated>true</IsTruncated>", "<Contents></Contents>", "<Contents>"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
        assert!(Page::parse(b"\xff").is_err());
    }
}
