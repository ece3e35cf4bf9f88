//! `cairn lookup`.

mod show;

use super::{DataDirOption, fail};
use crate::client::Client;
use cairn_event::Time;
use cairn_world::World;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: u8 = 2;
const PAGE_MAX: usize = 1000;

/// Look up recorded events, newest first.
///
/// Every KEY=VALUE must hold: `cairn lookup user=alice event=CreateUser`. All regions and accounts of the house
/// are looked at, and what was imported too. A server may be running or not.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// What events must have, such as user=alice
    #[arg(value_name = "KEY=VALUE", value_parser = condition)]
    conditions: Vec<Condition>,
    #[command(flatten)]
    data: DataDirOption,
    /// Only events of the last 2h, 30m or 7d
    #[arg(long, value_name = "SPAN", value_parser = span, conflicts_with_all = ["from", "to"])]
    since: Option<Duration>,
    /// Only events from this time on, such as 2026-01-10T00:00:00Z or 2026-01-10
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Time>,
    /// Only events up to this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Time>,
    /// At most so many events
    #[arg(long, value_name = "N", default_value_t = 50)]
    max: usize,
    /// Data and network activity events too
    #[arg(long, conflicts_with = "insights")]
    all: bool,
    /// Insight events instead
    #[arg(long)]
    insights: bool,
    /// Print each event's JSON as it was recorded, one a line
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Keys:
  user=      who acted: the name of a user or of a role's session; root
  event=     eventName
  source=    eventSource; iam means iam.amazonaws.com
  resource=  ARN or name of a resource
  type=      type of a resource, such as AWS::S3::Bucket
  key=       access key
  id=        eventID
  ip=        sourceIPAddress
  error=     errorCode
  readonly=  true or false
  account=   recipientAccountId
  region=    awsRegion
AWS's names (Username, EventName, …) are understood as well. Values must be equal.";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Attribute(&'static str, String),
    Account(String),
    Region(String),
}

fn condition(text: &str) -> Result<Condition, String> {
    let (key, value) = text.split_once('=').ok_or("it is not KEY=VALUE, such as user=alice")?;
    if value.is_empty() {
        return Err(format!("there is no value behind {key}="));
    }
    let of = |name: &'static str| Ok(Condition::Attribute(name, value.to_owned()));
    match key.to_ascii_lowercase().as_str() {
        "user" | "username" => of("Username"),
        "event" | "eventname" => of("EventName"),
        "source" | "eventsource" if !value.contains('.') => {
            Ok(Condition::Attribute("EventSource", format!("{value}.amazonaws.com")))
        }
        "source" | "eventsource" => of("EventSource"),
        "resource" | "resourcename" => of("ResourceName"),
        "type" | "resourcetype" => of("ResourceType"),
        "key" | "accesskeyid" => of("AccessKeyId"),
        "id" | "eventid" => of("EventId"),
        "ip" | "sourceip" | "sourceipaddress" => of("SourceIp"),
        "error" | "errorcode" => of("ErrorCode"),
        "readonly" if matches!(value, "true" | "false") => of("ReadOnly"),
        "readonly" => Err(format!("readonly is true or false, not {value}")),
        "account" | "recipientaccountid" => Ok(Condition::Account(value.to_owned())),
        "region" | "awsregion" => Ok(Condition::Region(value.to_owned())),
        _ => {
            let known = "user, event, source, resource, type, key, id, ip, error, readonly, account, region";
            Err(format!("there is no key {key}; there are {known}"))
        }
    }
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).map_err(|error| error.to_string())
}

fn span(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let span = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(seconds)).filter(|span| *span > 0);
    span.map(Duration::from_secs).ok_or_else(|| "it is not a span such as 90s, 30m, 2h or 7d".to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    events: Vec<Found>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    username: Option<String>,
    event: String,
}

pub async fn run(args: Args) -> ExitCode {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        let _ = fail(&format!("--from {from} is after --to {to}"));
        return ExitCode::from(USAGE);
    }
    let client = match Client::open(&args.data.data_dir).await {
        Ok(client) => client,
        Err(message) => return fail(&message),
    };
    let shown = look_up(&client, &args).await;
    client.close().await;
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

fn question(args: &Args) -> Value {
    let mut question = json!({});
    let mut attributes = Vec::new();
    for condition in &args.conditions {
        match condition {
            Condition::Attribute(key, value) => attributes.push(json!({"key": key, "value": value})),
            Condition::Account(account) => question["account"] = account.as_str().into(),
            Condition::Region(region) => question["region"] = region.as_str().into(),
        }
    }
    question["attributes"] = attributes.into();
    let from = args.from.or_else(|| args.since.map(|since| World::system().now() - since));
    for (name, time) in [("from", from), ("to", args.to)] {
        if let Some(time) = time {
            question[name] = (time.millis() as f64 / 1000.0).into();
        }
    }
    let scope = if args.insights { "Insight" } else { "Management" };
    question["scope"] = if args.all { "Activity" } else { scope }.into();
    question
}

/// Prints page after page, until there are enough.
async fn look_up(client: &Client, args: &Args) -> Result<(), String> {
    let mut question = question(args);
    let (mut out, colors) = (std::io::stdout(), std::io::stdout().is_terminal());
    let mut left = args.max;
    let mut more = true;
    while left > 0 && more {
        question["max"] = left.min(PAGE_MAX).into();
        let answer = asked(client, &question).await?;
        left -= answer.events.len().min(left);
        let mut text = String::new();
        for found in &answer.events {
            if args.json {
                text.push_str(&found.event.replace(['\n', '\r'], " "));
            } else {
                text.push_str(&show::line(found.username.as_deref(), &found.event, colors));
            }
            text.push('\n');
        }
        // Whoever closes the pipe has read enough.
        if out.write_all(text.as_bytes()).is_err() {
            return Ok(());
        }
        more = answer.next_token.is_some();
        question["nextToken"] = answer.next_token.into();
    }
    if !args.json {
        match args.max - left {
            0 => eprintln!("no such event in the history"),
            count if more => eprintln!("{count} events; there are more: --max says how many to show"),
            _ => {}
        }
    }
    Ok(())
}

async fn asked(client: &Client, question: &Value) -> Result<Answer, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (status, _, body) = client.call(Method::POST, "/history/events", headers, question.to_string().into()).await?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|error| format!("the answer cannot be read: {error}"));
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = answer.get("message").and_then(Value::as_str).map_or_else(|| status.to_string(), str::to_owned);
    Err(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_have_friendly_and_official_names() {
        let attribute = |name, value: &str| Ok(Condition::Attribute(name, value.to_owned()));
        assert_eq!(condition("user=alice"), attribute("Username", "alice"));
        assert_eq!(condition("Username=a=b"), attribute("Username", "a=b"));
        assert_eq!(condition("source=iam"), attribute("EventSource", "iam.amazonaws.com"));
        assert_eq!(condition("source=iam.example.com"), attribute("EventSource", "iam.example.com"));
        assert_eq!(condition("region=eu-west-1"), Ok(Condition::Region("eu-west-1".to_owned())));
        for wrong in ["user", "user=", "readonly=yes", "colour=red"] {
            assert!(condition(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!(span("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(span("7d"), Ok(Duration::from_hours(168)));
        for wrong in ["", "2", "h", "-1h", "0m", "2w", "99999999999999999999d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
