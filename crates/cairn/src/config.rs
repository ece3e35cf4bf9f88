//! The configuration: a TOML file, then the environment, then the command line.
//!
//! [`OPTIONS`] is the one list of what can be set. The documentation, the environment
//! variables (`[trail] delivery_interval` is `CAIRN_TRAIL_DELIVERY_INTERVAL`) and the
//! check for misspelled names all read it.

use crate::door;
use cairn_bucket::outside::{Credentials, Endpoint};
use cairn_lake as lake;
use cairn_trail as trail;
use cairn_wire::Secret;
use cairn_world::World;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};

/// One option: its section ("" for the top level), its name, and what it means.
pub struct Setting {
    pub section: &'static str,
    pub name: &'static str,
    pub default: &'static str,
    pub help: &'static str,
}

const fn setting(section: &'static str, name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { section, name, default, help }
}

/// Everything that can be set in the file or by environment. `[outside.BUCKET]` tables,
/// which map a bucket name to an S3 endpoint elsewhere, stand in the file alone.
pub const OPTIONS: &[Setting] = &[
    setting("", "data_dir", "./cairn-data", "where everything is kept"),
    setting("", "listen", "127.0.0.1:4510", "address and port to listen on; port 0 takes a free one"),
    setting("", "account", "", "the account of 12 digits that the first start makes; drawn when not given"),
    setting("", "region", "", "the home region that the first start settles; us-east-1 when not given"),
    setting(
        "",
        "recording",
        "fail-open",
        "fail-open: calls go on when they cannot be recorded; fail-closed: they fail",
    ),
    setting(
        "",
        "recording_queue_bytes_max",
        "64MiB",
        "fail-open: records that may wait for the journal; more are lost, and the loss is recorded",
    ),
    setting("", "root_access_key_id", "", "first start only: the root user's access key, instead of a drawn one"),
    setting("", "root_secret_access_key", "", "first start only: the secret of that key"),
    setting("journal", "bytes_max", "64GiB", "the journal drops its oldest segments beyond this size"),
    setting("journal", "age_max", "90d", "the journal drops segments older than this"),
    setting("journal", "segment_bytes_max", "64MiB", "the size of one segment file"),
    setting("trail", "delivery_interval", "5m", "how often log files are delivered"),
    setting("trail", "digest_interval", "1h", "how often digest files are delivered"),
    setting("trail", "key_rotation", "30d", "how long one key signs digests"),
    setting(
        "trail",
        "memory_bytes_max",
        "256MiB",
        "events that wait for delivery in memory; beyond it files are cut early",
    ),
    setting("intake", "body_bytes_max", "512MiB", "the largest body that POST /intake/cloudtrail takes"),
    setting("intake", "file_bytes_max", "1GiB", "the largest log file after decompression"),
    setting(
        "lake",
        "bucket",
        "",
        "where the lake's files lie; cairn-lake-ACCOUNT when not given; an [outside] name is another S3",
    ),
    setting("lake", "retention", "3653d", "how long the table events keeps an event after it happened"),
    setting(
        "lake",
        "flush_interval",
        "5m",
        "new events are in memory, and in the journal, at most so long before they are in a file",
    ),
    setting("lake", "memory_bytes_max", "256MiB", "new events in memory; beyond it they become files early"),
    setting("lake", "file_bytes", "128MiB", "the size that merged files have"),
    setting("lake", "maintenance_interval", "1m", "how often files are merged, and those past their retention dropped"),
    setting("lake", "publish_interval", "1m", "how often Iceberg snapshots are published"),
    setting("lake", "query_memory_bytes_max", "1GiB", "what one query may take; beyond it it spills to disk"),
    setting("lake", "query_time_max", "1h", "how long one query may run"),
    setting("lake", "query_results", "7d", "how long results of queries are kept"),
    setting("history", "span", "90d", "how far back LookupEvents looks"),
    setting("history", "open", "false", "LookupEvents takes several attributes at once, and as many calls as come"),
    setting("door", "connections_max", "20000", "open connections; more wait to be accepted"),
    setting("door", "idle_timeout", "60s", "a connection that sends nothing for so long is closed"),
    setting("log", "level", "info", "error, warn, info, debug or trace, or a filter such as cairn_trail=debug,info"),
    setting("log", "format", "text", "text or json"),
];

/// The whole configuration, complete with defaults.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: String,
    #[serde(deserialize_with = "optional")]
    pub account: Option<String>,
    #[serde(deserialize_with = "optional")]
    pub region: Option<String>,
    pub recording: Recording,
    #[serde(deserialize_with = "bytes")]
    pub recording_queue_bytes_max: u64,
    #[serde(deserialize_with = "optional")]
    pub root_access_key_id: Option<String>,
    #[serde(deserialize_with = "optional_secret")]
    pub root_secret_access_key: Option<Secret>,
    pub journal: Journal,
    pub trail: Trail,
    pub intake: Intake,
    pub lake: Lake,
    pub history: History,
    pub door: Door,
    pub log: Log,
    #[serde(default)]
    pub outside: BTreeMap<String, Outside>,
}

/// A bucket name that means a bucket of another S3.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// `https://host[:port]`
    pub endpoint_url: String,
    #[serde(default = "default_region")]
    pub region: String,
    /// The bucket's name there, when it is another one.
    pub bucket: Option<String>,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Secret>,
    pub session_token: Option<Secret>,
    /// Whether the URL may be plain `http://`.
    #[serde(default)]
    pub allow_http: bool,
}

/// What happens to a call that cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recording {
    FailOpen,
    FailClosed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the fields are named as the options are")]
pub struct Journal {
    #[serde(deserialize_with = "bytes")]
    pub bytes_max: u64,
    #[serde(deserialize_with = "span")]
    pub age_max: Duration,
    #[serde(deserialize_with = "bytes")]
    pub segment_bytes_max: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    #[serde(deserialize_with = "interval")]
    pub delivery_interval: Duration,
    #[serde(deserialize_with = "interval")]
    pub digest_interval: Duration,
    #[serde(deserialize_with = "interval")]
    pub key_rotation: Duration,
    #[serde(deserialize_with = "bytes")]
    pub memory_bytes_max: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    #[serde(deserialize_with = "bytes")]
    pub body_bytes_max: u64,
    #[serde(deserialize_with = "bytes")]
    pub file_bytes_max: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    #[serde(deserialize_with = "optional")]
    pub bucket: Option<String>,
    #[serde(deserialize_with = "interval")]
    pub retention: Duration,
    #[serde(deserialize_with = "interval")]
    pub flush_interval: Duration,
    #[serde(deserialize_with = "bytes")]
    pub memory_bytes_max: u64,
    #[serde(deserialize_with = "bytes")]
    pub file_bytes: u64,
    #[serde(deserialize_with = "interval")]
    pub maintenance_interval: Duration,
    #[serde(deserialize_with = "interval")]
    pub publish_interval: Duration,
    #[serde(deserialize_with = "bytes")]
    pub query_memory_bytes_max: u64,
    #[serde(deserialize_with = "interval")]
    pub query_time_max: Duration,
    #[serde(deserialize_with = "interval")]
    pub query_results: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    #[serde(deserialize_with = "interval")]
    pub span: Duration,
    #[serde(deserialize_with = "flag")]
    pub open: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    #[serde(deserialize_with = "count")]
    pub connections_max: usize,
    #[serde(deserialize_with = "interval")]
    pub idle_timeout: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: String,
}

impl Config {
    /// Puts the configuration together from a file, this process's environment and flags.
    pub fn read(world: &World, file: Option<&Path>, flags: &[(&str, Option<String>)]) -> Result<Self, String> {
        let text = match file {
            None => None,
            Some(path) => {
                let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
                let bytes = world.disk.read(path).map_err(|error| failed(&error))?;
                Some((path, String::from_utf8(bytes).map_err(|error| failed(&error))?))
            }
        };
        let file = text.as_ref().map(|(path, text)| (*path, text.as_str()));
        Self::load(file, |name| std::env::var(name).ok(), flags)
    }

    /// Puts the configuration together. `flags` are options given on the command line,
    /// `environment` looks a variable up.
    pub fn load(
        file: Option<(&Path, &str)>,
        environment: impl Fn(&str) -> Option<String>,
        flags: &[(&str, Option<String>)],
    ) -> Result<Self, String> {
        let mut table = defaults();
        if let Some((path, text)) = file {
            let written: Table =
                text.parse().map_err(|error: toml::de::Error| format!("{}: {error}", path.display()))?;
            check_names(&written).map_err(|error| format!("{}: {error}", path.display()))?;
            overlay(&mut table, written);
        }
        for option in OPTIONS {
            if let Some(text) = environment(&option.variable()).filter(|text| !text.is_empty()) {
                put(&mut table, option.section, option.name, Value::String(text));
            }
        }
        for (name, value) in flags {
            if let Some(text) = value {
                put(&mut table, "", name, Value::String(text.clone()));
            }
        }
        let config: Self = table.try_into().map_err(|error: toml::de::Error| format!("configuration: {error}"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let account_fits = |account: &String| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if self.account.as_ref().is_some_and(|account| !account_fits(account)) {
            return Err("account: an account has exactly 12 digits".into());
        }
        let region_fits = |region: &String| {
            region.split('-').count() >= 3
                && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if let Some(region) = self.region.as_ref().filter(|region| !region_fits(region)) {
            return Err(format!("region: {region:?} is not a region name such as us-east-1"));
        }
        if self.root_access_key_id.is_some() != self.root_secret_access_key.is_some() {
            return Err("root_access_key_id and root_secret_access_key go together".into());
        }
        Ok(())
    }
}

impl Config {
    /// The mapped buckets, by the names that they have here.
    pub fn outside_endpoints(&self) -> BTreeMap<String, Endpoint> {
        self.outside.iter().map(|(name, outside)| (name.clone(), outside.endpoint(name))).collect()
    }

    pub fn lake_settings(&self) -> lake::Settings {
        let Lake { bucket, retention, flush_interval, memory_bytes_max, file_bytes, .. } = self.lake.clone();
        lake::Settings {
            bucket,
            retention,
            flush_interval,
            memory_bytes_max,
            file_bytes,
            maintenance_interval: self.lake.maintenance_interval,
            publish_interval: self.lake.publish_interval,
            history: self.history.span,
            history_open: self.history.open,
            query_memory_bytes_max: self.lake.query_memory_bytes_max,
            query_time_max: self.lake.query_time_max,
            query_results: self.lake.query_results,
        }
    }

    pub const fn limits(&self) -> door::Limits {
        door::Limits {
            connections_max: self.door.connections_max,
            idle_timeout: self.door.idle_timeout,
            intake_body_bytes_max: self.intake.body_bytes_max as usize,
        }
    }
}

impl Outside {
    fn endpoint(&self, name: &str) -> Endpoint {
        let key = self.access_key_id.as_ref().zip(self.secret_access_key.as_ref());
        let token = self.session_token.as_ref().map(|token| token.expose().to_owned());
        Endpoint {
            url: self.endpoint_url.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone().unwrap_or_else(|| name.to_owned()),
            credentials: key.map(|(access_key, secret)| Credentials {
                access_key: access_key.clone(),
                secret: secret.expose().to_owned(),
                token,
            }),
            allow_http: self.allow_http,
        }
    }
}

impl Trail {
    pub const fn settings(&self) -> trail::Settings {
        trail::Settings {
            delivery_interval: self.delivery_interval,
            digest_interval: self.digest_interval,
            key_rotation: self.key_rotation,
            memory_bytes_max: self.memory_bytes_max,
        }
    }
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

impl Setting {
    /// The environment variable of this option.
    pub fn variable(&self) -> String {
        let section = if self.section.is_empty() { String::new() } else { format!("{}_", self.section) };
        format!("CAIRN_{section}{}", self.name).to_uppercase()
    }
}

fn defaults() -> Table {
    let mut table = Table::new();
    for option in OPTIONS {
        put(&mut table, option.section, option.name, Value::String(option.default.to_owned()));
    }
    table
}

fn put(table: &mut Table, section: &str, name: &str, value: Value) {
    let place = if section.is_empty() {
        table
    } else {
        table
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .expect("sections were checked to be tables")
    };
    place.insert(name.to_owned(), value);
}

fn overlay(onto: &mut Table, from: Table) {
    for (name, value) in from {
        match (onto.get_mut(&name), value) {
            (Some(Value::Table(onto)), Value::Table(from)) => overlay(onto, from),
            (_, value) => _ = onto.insert(name, value),
        }
    }
}

/// Every name in the file must be one that exists, and sections must be sections.
fn check_names(table: &Table) -> Result<(), String> {
    let known =
        |section: &str, name: &str| OPTIONS.iter().any(|option| option.section == section && option.name == name);
    let is_section = |name: &str| OPTIONS.iter().any(|option| option.section == name);
    for (name, value) in table {
        match value {
            Value::Table(_) if name == "outside" => {}
            Value::Table(inner) if !name.is_empty() && is_section(name) => {
                if let Some(unknown) = inner.keys().find(|inner| !known(name, inner)) {
                    return Err(format!("[{name}] has no option {unknown:?}"));
                }
            }
            Value::Table(_) => return Err(format!("there is no section [{name}]")),
            _ if known("", name) => {}
            _ => return Err(format!("there is no option {name:?}")),
        }
    }
    Ok(())
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(text(deserializer)?).filter(|text| !text.is_empty()))
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(optional(deserializer)?.map(Secret))
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let text = text(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is not a count")))
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = text(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is neither true nor false")))
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = text(deserializer)?;
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("", 1_u64)];
    with_unit(&text, &units).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a size such as 64MiB")))
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = text(deserializer)?;
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("", 1000_u64)];
    with_unit(&text, &units)
        .map(Duration::from_millis)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a span of time such as 5m")))
}

fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = span(deserializer)?;
    if span < Duration::from_secs(1) {
        return Err(serde::de::Error::custom("the shortest interval is 1s"));
    }
    Ok(span)
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = text[digits.len()..].trim();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lake_has_the_same_defaults_as_its_engine() {
        assert_eq!(Config::load(None, |_| None, &[]).unwrap().lake_settings(), lake::Settings::default());
    }

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let lookup =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::load(Some((Path::new("cairn.toml"), file)), lookup, &[("listen", Some("127.0.0.1:0".into()))])
    }

    #[test]
    fn later_sources_win() {
        let config = load(
            "recording = \"fail-closed\"\n[trail]\ndelivery_interval = 7\ndigest_interval = \"2m\"",
            &[("CAIRN_TRAIL_DELIVERY_INTERVAL", "1s"), ("CAIRN_JOURNAL_BYTES_MAX", "1GiB")],
        )
        .unwrap();
        assert_eq!(config.recording, Recording::FailClosed);
        assert_eq!(config.trail.delivery_interval, Duration::from_secs(1));
        assert_eq!(config.trail.digest_interval, Duration::from_mins(2));
        assert_eq!(config.journal.bytes_max, 1 << 30);
        assert_eq!(config.listen, "127.0.0.1:0");
        assert_eq!(config.account, None);
    }

    #[test]
    fn a_mistake_is_named() {
        for (file, named) in [
            ("recordin = \"x\"", "recordin"),
            ("[trial]\nx = 1", "trial"),
            ("[trail]\ndelivery = 1", "delivery"),
            ("[trail]\ndelivery_interval = \"soon\"", "soon"),
            ("[trail]\ndelivery_interval = \"10ms\"", "1s"),
            ("recording = \"maybe\"", "maybe"),
            ("account = \"12\"", "12 digits"),
            ("region = \"Mars\"", "Mars"),
            ("root_access_key_id = \"AKIA\"", "together"),
            ("listen = ", "cairn.toml"),
        ] {
            let error = load(file, &[]).unwrap_err();
            assert!(error.contains(named), "{file}: {error}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let config = load("root_access_key_id = \"AKIA\"\nroot_secret_access_key = \"sesame\"", &[]).unwrap();
        assert!(!format!("{config:?}").contains("sesame"));
    }
}
