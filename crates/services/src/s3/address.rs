//! Which bucket and object a request is about.

use super::operations::Level;
use http::Uri;
use percent_encoding::percent_decode_str;
use s3s::host::{S3Host, VirtualHost};
use s3s::{S3Result, path};

/// Bucket names before this suffix of a host name are taken from there: browsers and
/// resolvers lead every such name to this machine.
const LOCAL: &str = ".localhost";

/// A place in the path space of S3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub bucket: Option<String>,
    pub key: Option<String>,
}

impl Address {
    /// Of `/bucket/key`, or of `/key` where the host names the bucket. An address that
    /// cannot be read is that of the account; the protocol refuses it in its own words.
    pub fn of(uri: &Uri, host: Option<&str>) -> Self {
        let Ok(decoded) = percent_decode_str(uri.path()).decode_utf8() else { return Self::default() };
        let parsed = match host.and_then(bucket_in) {
            Some(bucket) => path::parse_virtual_hosted_style(Some(bucket), &decoded),
            None => path::parse_path_style(&decoded),
        };
        let Ok(parsed) = parsed else { return Self::default() };
        let bucket = parsed.get_bucket_name().map(str::to_owned);
        Self { bucket, key: parsed.get_object_key().map(str::to_owned) }
    }

    pub fn level(&self) -> Level {
        match (&self.bucket, &self.key) {
            (None, _) => Level::Account,
            (Some(_), None) => Level::Bucket,
            (Some(_), Some(_)) => Level::Object,
        }
    }
}

/// `logs` in `logs.localhost:4510` and in `logs.s3.localhost`; nothing in `s3.localhost`.
fn bucket_in(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let bucket = name.strip_suffix(LOCAL)?;
    if bucket == "s3" || bucket.starts_with("s3.") {
        return None;
    }
    let bucket = bucket.split_once(".s3").map_or(bucket, |(bucket, _)| bucket);
    path::check_bucket_name(bucket).then_some(bucket)
}

/// Tells the protocol the same.
pub(super) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let named = VirtualHost::new(host);
        Ok(match bucket_in(host) {
            Some(bucket) => named.with_bucket(bucket),
            None => named,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, host: &str, bucket: Option<&str>, key: Option<&str>) {
        let address = Address::of(&uri.parse().unwrap(), Some(host));
        assert_eq!((address.bucket.as_deref(), address.key.as_deref()), (bucket, key), "{uri} at {host}");
    }

    #[test]
    fn a_bucket_stands_in_the_path_or_before_localhost() {
        check("/", "127.0.0.1:4510", None, None);
        check("/logs?acl", "127.0.0.1:4510", Some("logs"), None);
        check("/logs/a%20b/c", "localhost:4510", Some("logs"), Some("a b/c"));
        check("/a/b", "logs.localhost:4510", Some("logs"), Some("a/b"));
        check("/", "logs.s3.us-east-1.localhost", Some("logs"), None);
        check("/logs/x", "s3.localhost", Some("logs"), Some("x"));
        check("/logs/x", "s3.us-east-1.localhost:80", Some("logs"), Some("x"));
        check("/%ff/x", "localhost", None, None);
    }
}
