//! `cairn tour`: the main job, once, on a fresh data directory.

use super::{fail, import, verify};
use crate::client::Client;
use crate::config::Config;
use crate::serve::{self, Running};
use bytes::Bytes;
use cairn_wire::Secret;
use cairn_wire::sigv4::Credentials;
use cairn_world::World;
use clap::Parser;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const BUCKET: &str = "audit-archive";
const TRAIL: &str = "tour";
const WAIT: Duration = Duration::from_millis(200);
const WAITS_MAX: u32 = 300;

/// See the main job done on a fresh data directory, step by step.
///
/// Serves, makes a trail, acts, delivers, verifies, damages a copy and catches it, imports a tree of
/// CloudTrail logs if one is named, and says in plain words what it did and where to look next.
#[derive(clap::Args)]
pub struct Args {
    /// A directory that does not exist yet [default: ./cairn-tour, or the next free name]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A tree of CloudTrail log files to import at the end
    #[arg(long, value_name = "PATH")]
    logs: Option<PathBuf>,
}

pub async fn run(args: Args) -> ExitCode {
    let world = World::system();
    match tour(&world, &args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

async fn tour(world: &World, args: &Args) -> Result<(), String> {
    let dir = fresh(world, args.data_dir.as_deref())?;
    let running = open(world, &dir).await?;
    let result = walk(world, &dir, args.logs.as_deref()).await;
    running.stop().await;
    result?;
    println!("\nThe house has stopped cleanly. Everything it kept is in {}.", dir.display());
    println!("Where to look next:");
    println!("  cairn serve --data-dir {0}                 run it again", dir.display());
    println!("  eval \"$(cairn env --data-dir {0})\"         then use aws and boto3 as always", dir.display());
    println!("  aws cloudtrail validate-logs …             let the AWS CLI prove the same archive");
    println!("  cairn --help                               everything else");
    Ok(())
}

fn step(number: u32, what: &str) {
    println!("\n{number}. {what}");
}

fn say(what: impl Display) {
    println!("   {what}");
}

/// A directory for the tour: the one that was named, or the next free name.
fn fresh(world: &World, named: Option<&Path>) -> Result<PathBuf, String> {
    let is_free = |path: &Path| !world.disk.exists(path).unwrap_or(true);
    if let Some(path) = named {
        let free = is_free(path).then(|| path.to_owned());
        return free.ok_or_else(|| format!("{} exists; the tour needs a fresh directory", path.display()));
    }
    let names =
        (1..1000).map(|number| if number == 1 { "cairn-tour".to_owned() } else { format!("cairn-tour-{number}") });
    names
        .map(PathBuf::from)
        .find(|path| is_free(path))
        .ok_or_else(|| "name a fresh directory with --data-dir".to_owned())
}

async fn open(world: &World, dir: &Path) -> Result<Running, String> {
    let hurried = |name: &str| match name {
        "CAIRN_TRAIL_DELIVERY_INTERVAL" => Some("1s".to_owned()),
        "CAIRN_TRAIL_DIGEST_INTERVAL" => Some("3s".to_owned()),
        _ => None,
    };
    let flags = [("data_dir", Some(dir.display().to_string())), ("listen", Some("127.0.0.1:0".to_owned()))];
    let config = Config::load(None, hurried, &flags)?;
    step(1, &format!("A house opens in {}", dir.display()));
    let running = serve::start(world, &config, true).await.map_err(|error| error.to_string())?;
    say(format_args!("account {}, region {}, answering at {}", running.account, running.region, running.url));
    say("it made a root access key and wrote it, readable by you alone, to aws/credentials in there");
    Ok(running)
}

async fn walk(world: &World, dir: &Path, logs: Option<&Path>) -> Result<(), String> {
    let client = Client::open(dir).await?;
    let arn = make_trail(&client).await?;
    act(&client).await?;
    show_records(world, &client).await?;
    ask(world, &client).await?;
    prove(world, dir, &client, &arn).await?;
    damage(world, dir, &client).await?;
    if let Some(logs) = logs {
        take_in(dir, logs).await?;
    }
    client.close().await;
    Ok(())
}

async fn make_trail(client: &Client) -> Result<String, String> {
    step(2, "A trail is made, as on AWS: a bucket, its policy, CreateTrail, StartLogging");
    client.s3(Method::PUT, &format!("/{BUCKET}"), Bytes::new()).await?;
    let service = json!({"Service": "cloudtrail.amazonaws.com"});
    let archive = format!("arn:aws:s3:::{BUCKET}/AWSLogs/{}/*", client.account);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": format!("arn:aws:s3:::{BUCKET}")},
        {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": archive,
         "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}},
    ]});
    client.s3(Method::PUT, &format!("/{BUCKET}?policy="), Bytes::from(policy.to_string())).await?;
    let input = json!({"Name": TRAIL, "S3BucketName": BUCKET, "EnableLogFileValidation": true});
    let made = cloudtrail(client, "CreateTrail", &input).await?;
    cloudtrail(client, "StartLogging", &json!({"Name": TRAIL})).await?;
    let arn = made.get("TrailARN").and_then(Value::as_str).unwrap_or_default().to_owned();
    say(format_args!("{arn} now archives into s3://{BUCKET}"));
    Ok(arn)
}

async fn cloudtrail(client: &Client, operation: &str, input: &Value) -> Result<Value, String> {
    client.json("cloudtrail", &format!("CloudTrail_20131101.{operation}"), input).await
}

async fn act(client: &Client) -> Result<(), String> {
    step(3, "Things happen");
    client.query("iam", "Action=CreateUser&Version=2010-05-08&UserName=mallory").await?;
    say("root makes a user, mallory, who may do nothing");
    let key = client.query("iam", "Action=CreateAccessKey&Version=2010-05-08&UserName=mallory").await?;
    say("mallory gets an access key");
    let text =
        |tag: &str| within(&key, tag).next().map(str::to_owned).ok_or_else(|| format!("the answer has no {tag}"));
    let mallory =
        Credentials { access_key: text("AccessKeyId")?, secret: Secret(text("SecretAccessKey")?), token: None };
    let refused =
        client.json_as(&mallory, "cloudtrail", "CloudTrail_20131101.StopLogging", &json!({"Name": TRAIL})).await;
    match refused {
        Err(message) => {
            say(format_args!("mallory tries to stop the trail: {}", message.chars().take(120).collect::<String>()));
        }
        Ok(_) => return Err("mallory could stop the trail".to_owned()),
    }
    Ok(())
}

/// The texts between a tag of this name and its end.
fn within<'a>(xml: &'a str, tag: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect::<Vec<_>>().into_iter()
}

async fn keys(client: &Client, folder: &str) -> Result<Vec<String>, String> {
    let prefix = format!("AWSLogs/{}/{folder}/", client.account);
    let (_, body) = client.s3(Method::GET, &format!("/{BUCKET}?list-type=2&prefix={prefix}"), Bytes::new()).await?;
    Ok(within(&String::from_utf8_lossy(&body), "Key").map(str::to_owned).collect())
}

async fn object(client: &Client, key: &str) -> Result<(HeaderMap, Bytes), String> {
    client.s3(Method::GET, &format!("/{BUCKET}/{key}"), Bytes::new()).await
}

/// The records of all log files that were delivered.
async fn records(client: &Client) -> Result<Vec<Value>, String> {
    let mut records = Vec::new();
    for key in keys(client, "CloudTrail").await? {
        let (_, body) = object(client, &key).await?;
        let text = cairn_store::gzip::inflate(&body, 1 << 30).map_err(|error| format!("{key}: {error}"))?;
        let mut file: Value = serde_json::from_slice(&text).map_err(|error| format!("{key}: {error}"))?;
        if let Some(Value::Array(found)) = file.get_mut("Records").map(Value::take) {
            records.extend(found);
        }
    }
    Ok(records)
}

async fn show_records(world: &World, client: &Client) -> Result<(), String> {
    step(4, "A second later they stand in log files in the bucket, as AWS writes them");
    for _ in 0..WAITS_MAX {
        let mut found = records(client).await?;
        if found.iter().any(|record| field(record, "/eventName") == "StopLogging") {
            found.sort_by(|a, b| field(a, "/eventTime").cmp(field(b, "/eventTime")));
            let shown = ["CreateTrail", "StartLogging", "CreateUser", "CreateAccessKey", "StopLogging"];
            found.retain(|record| shown.contains(&field(record, "/eventName")));
            found.iter().for_each(show);
            return Ok(());
        }
        world.clock.sleep(WAIT).await;
    }
    Err("no log file was delivered within a minute".to_owned())
}

fn field<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn show(record: &Value) {
    let outcome = record.get("errorCode").and_then(Value::as_str).unwrap_or("ok");
    say(format_args!(
        "{}  {:<42} {:<16} {outcome}",
        field(record, "/eventTime"),
        field(record, "/userIdentity/arn"),
        field(record, "/eventName"),
    ));
}

async fn ask(world: &World, client: &Client) -> Result<(), String> {
    step(5, "The same events are rows of a table too, and SQL asks across them");
    let question = "SELECT coalesce(userIdentity.arn, userIdentity.invokedBy) AS who, count(*) AS calls, \
                    count_if(errorCode IS NOT NULL) AS denied FROM events GROUP BY 1 ORDER BY 2 DESC";
    say(question);
    let started = cloudtrail(client, "StartQuery", &json!({"QueryStatement": question})).await?;
    for _ in 0..WAITS_MAX {
        let result = cloudtrail(client, "GetQueryResults", &json!({"QueryId": started["QueryId"]})).await?;
        match field(&result, "/QueryStatus") {
            "QUEUED" | "RUNNING" => world.clock.sleep(WAIT).await,
            "FINISHED" => {
                for row in result["QueryResultRows"].as_array().into_iter().flatten() {
                    let value = |at: usize, name: &str| field(row, &format!("/{at}/{name}")).to_owned();
                    let (who, calls, denied) = (value(0, "who"), value(1, "calls"), value(2, "denied"));
                    say(format_args!("{who:<52} {calls:>5} calls, {denied} denied"));
                }
                return Ok(());
            }
            _ => return Err(format!("the query did not end well: {}", field(&result, "/ErrorMessage"))),
        }
    }
    Err("the query did not end within a minute".to_owned())
}

async fn prove(world: &World, dir: &Path, client: &Client, arn: &str) -> Result<(), String> {
    step(6, "The trail is stopped; its digest files, each signed and naming the one before, prove the archive");
    let digests = keys(client, "CloudTrail-Digest").await?.len();
    for _ in 0..WAITS_MAX {
        if keys(client, "CloudTrail-Digest").await?.len() > digests {
            break;
        }
        world.clock.sleep(WAIT).await;
    }
    cloudtrail(client, "StopLogging", &json!({"Name": TRAIL})).await?;
    settle(world, client).await?;
    let code = check(&[arn, "--data-dir", &dir.display().to_string()]).await?;
    if code == ExitCode::SUCCESS { Ok(()) } else { Err("the archive could not be proven".to_owned()) }
}

/// Waits until nothing more is delivered.
async fn settle(world: &World, client: &Client) -> Result<(), String> {
    let (mut before, mut still) = (0, 0);
    while still < 20 {
        let now = keys(client, "CloudTrail").await?.len() + keys(client, "CloudTrail-Digest").await?.len();
        still = if now == before { still + 1 } else { 0 };
        before = now;
        world.clock.sleep(WAIT).await;
    }
    Ok(())
}

/// Runs `cairn verify` with these arguments.
async fn check(arguments: &[&str]) -> Result<ExitCode, String> {
    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: verify::Args,
    }
    say(format_args!("$ cairn verify {}", arguments.join(" ")));
    let line = std::iter::once("verify").chain(arguments.iter().copied());
    let alone = Alone::try_parse_from(line).map_err(|error| error.to_string())?;
    Ok(verify::run(alone.args).await)
}

async fn damage(world: &World, dir: &Path, client: &Client) -> Result<(), String> {
    let copy = dir.join("tour-copy");
    step(7, &format!("A copy of the archive goes to {}, and one word in it is changed", copy.display()));
    let mut damaged = None;
    let mut all = keys(client, "CloudTrail").await?;
    all.extend(keys(client, "CloudTrail-Digest").await?);
    for key in all {
        let (headers, body) = object(client, &key).await?;
        let path = copy.join(&key);
        let folder = path.parent().ok_or("a key has a folder")?;
        world.disk.create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut body = body.to_vec();
        if damaged.is_none()
            && key.contains("/CloudTrail/")
            && let Some(changed) = forge(&body)?
        {
            body = changed;
            damaged = Some(key.clone());
        }
        write(world, &path, &body)?;
        let beside = PathBuf::from(format!("{}.meta.json", path.display()));
        write(world, &beside, metadata(&headers).to_string().as_bytes())?;
    }
    say(format_args!("mallory became malcolm in {}", damaged.ok_or("no log file names mallory")?));
    let public_keys = dir.join("tour-public-keys.json");
    let listed = cloudtrail(client, "ListPublicKeys", &json!({})).await?;
    write(world, &public_keys, listed.to_string().as_bytes())?;
    let code = check(&[&copy.display().to_string(), "--public-keys", &public_keys.display().to_string()]).await?;
    if code == ExitCode::SUCCESS {
        return Err("the changed copy passed".to_owned());
    }
    say("caught: the copy is worthless as evidence, and the report says which file lies");
    Ok(())
}

fn write(world: &World, path: &Path, bytes: &[u8]) -> Result<(), String> {
    world.disk.write_atomic(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The user metadata of an object, as a file beside it.
fn metadata(headers: &HeaderMap) -> Value {
    let pairs = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-amz-meta-")?;
        Some((name.to_owned(), Value::from(value.to_str().ok()?)))
    });
    json!({"Metadata": pairs.collect::<serde_json::Map<_, _>>()})
}

/// The same log file with another name in it, if it names mallory.
fn forge(body: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let text = cairn_store::gzip::inflate(body, 1 << 30).map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    if !text.contains("mallory") {
        return Ok(None);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(text.replace("mallory", "malcolm").as_bytes()).and_then(|()| encoder.finish());
    packed.map(Some).map_err(|error| error.to_string())
}

async fn take_in(dir: &Path, logs: &Path) -> Result<(), String> {
    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: import::Args,
    }
    step(8, "Logs that were written elsewhere join the same journal");
    let (dir, logs) = (dir.display().to_string(), logs.display().to_string());
    say(format_args!("$ cairn import {logs}"));
    let alone = Alone::try_parse_from(["import", &logs, "--data-dir", &dir]).map_err(|error| error.to_string())?;
    if import::run(alone.args).await == ExitCode::SUCCESS {
        Ok(())
    } else {
        Err("not everything was imported".to_owned())
    }
}
