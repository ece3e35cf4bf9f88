//! S3 buckets that a command line names, reached as AWS's own tools reach them.
//!
//! What the environment says wins over the profile: keys in `AWS_ACCESS_KEY_ID` and its
//! kin, web identity and container credentials; then `AWS_PROFILE`, or `default`, in
//! the files `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE`; then the instance's
//! own. Profiles that log in elsewhere (SSO, `credential_process`, `role_arn`) are not
//! followed: their keys can be put into the environment by the tool that knows them.

mod direct;
mod reader;
#[cfg(test)]
mod stand_in;

pub use direct::Direct;
use reader::Reader;

use cairn_trail::verify::{Remote, Source};
use cairn_world::World;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};
use object_store::{ObjectStore, RetryConfig};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const RETRIES_MAX: usize = 5;
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);

type Section = HashMap<String, String>;

/// A bucket by its name. Nothing is connected yet.
pub fn bucket(world: &World, name: &str) -> Result<Arc<dyn ObjectStore>, String> {
    if name.is_empty() {
        return Err("it names no bucket".to_owned());
    }
    Ok(Arc::new(builder(world, name).build().map_err(|error| error.to_string())?))
}

/// An archive in a bucket, or below a folder of it.
pub fn archive(
    world: &World,
    direct: &Direct,
    builder: AmazonS3Builder,
    name: &str,
    prefix: &str,
) -> Result<Arc<dyn Source>, String> {
    if name.is_empty() {
        return Err("it names no bucket".to_owned());
    }
    if let Some(reader) = Reader::of(world, direct.lines(), builder.clone(), name, prefix)? {
        return Ok(Arc::new(reader));
    }
    let store = Arc::new(builder.build().map_err(|error| error.to_string())?);
    Ok(Arc::new(Remote::new(store, name, prefix)))
}

/// Everything that is known of how to reach a bucket.
pub fn builder(world: &World, name: &str) -> AmazonS3Builder {
    let builder = AmazonS3Builder::from_env().with_bucket_name(name).with_http_connector(Direct::new(world));
    let profile = Profile::read(world, |name| std::env::var(name).ok());
    let retry = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    profile.complete(builder).with_retry(retry)
}

/// An error in S3's own words, where it has some: without the request and the XML around them.
pub fn said(error: &object_store::Error) -> String {
    let whole = error.to_string();
    words(&whole).unwrap_or(whole)
}

/// Code and message of an error answer that is somewhere in a text.
fn words(text: &str) -> Option<String> {
    let part = |name: &str| {
        let from = text.find(&format!("<{name}>"))? + name.len() + 2;
        let len = text[from..].find("</")?;
        Some(&text[from..from + len])
    };
    match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, _) => code.map(str::to_owned),
    }
}

/// What the files say of the chosen profile.
#[derive(Default)]
struct Profile {
    credentials: Section,
    config: Section,
}

impl Profile {
    fn read(world: &World, environment: impl Fn(&str) -> Option<String>) -> Self {
        let chosen = environment("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let home = environment("HOME").map(PathBuf::from);
        let file = |variable: &str, usual: &str| {
            let path = environment(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(usual)))?;
            Some(String::from_utf8_lossy(&world.disk.read(&path).ok()?).into_owned())
        };
        let credentials = file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials").unwrap_or_default();
        let config = file("AWS_CONFIG_FILE", ".aws/config").unwrap_or_default();
        let heading = if chosen == "default" { chosen.clone() } else { format!("profile {chosen}") };
        Self { credentials: section(&credentials, &chosen), config: section(&config, &heading) }
    }

    /// Fills in what the environment left open.
    fn complete(&self, mut builder: AmazonS3Builder) -> AmazonS3Builder {
        let has = |builder: &AmazonS3Builder, key: Key| builder.get_config_value(&key).is_some();
        let other_ways =
            [Key::WebIdentityTokenFile, Key::ContainerCredentialsRelativeUri, Key::ContainerCredentialsFullUri];
        let stands_alone = other_ways.into_iter().any(|key| has(&builder, key));
        if !has(&builder, Key::AccessKeyId) && !stands_alone {
            let found =
                [&self.credentials, &self.config].into_iter().find(|section| section.contains_key("aws_access_key_id"));
            for (name, key) in [
                ("aws_access_key_id", Key::AccessKeyId),
                ("aws_secret_access_key", Key::SecretAccessKey),
                ("aws_session_token", Key::Token),
            ] {
                if let Some(value) = found.and_then(|section| section.get(name)) {
                    builder = builder.with_config(key, value);
                }
            }
        }
        if !has(&builder, Key::Region)
            && !has(&builder, Key::DefaultRegion)
            && let Some(region) = self.config.get("region")
        {
            builder = builder.with_region(region);
        }
        if !has(&builder, Key::Endpoint)
            && !has(&builder, Key::S3Endpoint)
            && let Some(url) = self.config.get("endpoint_url")
        {
            builder = builder.with_endpoint(url);
        }
        let endpoint = [Key::S3Endpoint, Key::Endpoint].iter().find_map(|key| builder.get_config_value(key));
        // Whoever names a plain http endpoint wants it.
        let plain = endpoint.is_some_and(|url| url.starts_with("http://"));
        if plain { builder.with_allow_http(true) } else { builder }
    }
}

/// The members of one section of such a file; of nested ones, only their heading is seen.
fn section(text: &str, name: &str) -> Section {
    let mut members = Section::new();
    let mut inside = false;
    for line in text.lines() {
        let plain = line.trim();
        if let Some(heading) = plain.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = heading.split_whitespace().collect::<Vec<_>>().join(" ") == name;
        } else if inside
            && !line.starts_with([' ', '\t', '#', ';'])
            && let Some((key, value)) = plain.split_once('=')
        {
            members.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(chosen: Option<&str>) -> Profile {
        let dir = tempfile::tempdir().unwrap();
        let world = World::system();
        world.disk.create_dir_all(&dir.path().join(".aws")).unwrap();
        let credentials =
            b"[default]\naws_access_key_id = A\naws_secret_access_key=b=\n[ other ]\naws_access_key_id=O\n";
        world.disk.write_atomic(&dir.path().join(".aws/credentials"), credentials).unwrap();
        let config = b"[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\ns3 =\n    region = nested\n[profile other]\nregion=x\n";
        world.disk.write_atomic(&dir.path().join(".aws/config"), config).unwrap();
        let home = dir.path().to_str().unwrap().to_owned();
        Profile::read(&world, |name| match name {
            "HOME" => Some(home.clone()),
            "AWS_PROFILE" => chosen.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn an_error_is_said_in_the_words_of_s3() {
        let failed = |text: &str| said(&object_store::Error::Generic { store: "S3", source: text.into() });
        let xml =
            "GET http://x - 404: <?xml?><Error><Code>NoSuchBucket</Code><Message>It is not there</Message></Error>";
        assert_eq!(failed(xml), "NoSuchBucket: It is not there");
        assert_eq!(failed("<Code>SlowDown</Code>"), "SlowDown");
        assert!(failed("<Code>cut").contains("<Code>cut"));
    }

    fn value(builder: &AmazonS3Builder, key: Key) -> Option<String> {
        builder.get_config_value(&key)
    }

    #[test]
    fn the_profile_fills_in_what_is_missing() {
        let built = profile(None).complete(AmazonS3Builder::new());
        assert_eq!(value(&built, Key::AccessKeyId).as_deref(), Some("A"));
        assert_eq!(value(&built, Key::SecretAccessKey).as_deref(), Some("b="));
        assert_eq!(value(&built, Key::Region).as_deref(), Some("eu-west-1"));
        assert_eq!(value(&built, Key::Endpoint).as_deref(), Some("http://127.0.0.1:1"));
        let other = profile(Some("other")).complete(AmazonS3Builder::new());
        assert_eq!(value(&other, Key::AccessKeyId).as_deref(), Some("O"));
        assert_eq!(value(&other, Key::Region).as_deref(), Some("x"));
        assert_eq!(value(&other, Key::Endpoint), None);
    }

    #[test]
    fn what_the_environment_says_stays() {
        let given = AmazonS3Builder::new().with_access_key_id("E").with_secret_access_key("s").with_region("r");
        let built = profile(None).complete(given);
        assert_eq!(value(&built, Key::AccessKeyId).as_deref(), Some("E"));
        assert_eq!(value(&built, Key::SecretAccessKey).as_deref(), Some("s"));
        assert_eq!(value(&built, Key::Region).as_deref(), Some("r"));
    }
}
