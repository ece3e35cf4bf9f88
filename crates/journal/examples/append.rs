//! Measures durable appends: `append DIR [EVENTS [BATCH [APPENDERS]]]` fills a journal in
//! DIR with events of about 1.5 KB and prints one JSON object: how many events, wall and
//! CPU seconds, bytes, how long a commit took (median and 99th percentile), how long the
//! next start took, and what reading every event and its head costs.

use bytes::Bytes;
use cairn_event::Origin;
use cairn_journal::{Entry, Journal, Kind, Options, Position, Stats};
use cairn_world::World;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// Distinct events; far more than one frame holds, so that none repeats within it.
const EVENTS: usize = 4096;
/// `/proc` counts CPU time in these on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let dir = arguments.first().ok_or("usage: append DIR [EVENTS [BATCH [APPENDERS]]]")?;
    let number = |index: usize, default: usize| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let (events, batch, appenders) = (number(1, 2_000_000)?, number(2, 500)?.max(1), number(3, 8)?.max(1));
    let world = World::system();
    let options = Options { segment_bytes_max: 64 << 20, bytes_max: 64 << 30, age_max: Duration::from_hours(24) };
    let (journal, _) = Journal::open(&world, Path::new(dir), options.clone())?;
    let entries = entries(&world)?;
    let (cpu, wall) = (cpu_seconds(&world)?, world.clock.monotonic());
    let tasks = (0..appenders).map(|appender| {
        let rounds = events / batch / appenders;
        tokio::spawn(append(world.clone(), journal.clone(), entries.clone(), appender * 997, batch, rounds))
    });
    let mut latencies = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        latencies.extend(task.await??);
    }
    let (cpu, wall) = (cpu_seconds(&world)? - cpu, world.clock.monotonic().saturating_sub(wall).as_secs_f64());
    let raw: usize = entries.iter().map(|entry| entry.body.len()).sum();
    let appended = report(&journal.stats(), raw / EVENTS, cpu, wall, latencies);
    journal.close().await;
    drop(journal);
    println!("{{{appended},{}}}", read(&world, Path::new(dir), options)?);
    Ok(())
}

/// Opens the journal again and looks at the head of every event.
fn read(world: &World, dir: &Path, options: Options) -> Result<String, Box<dyn Error>> {
    let begun = world.clock.monotonic();
    let (journal, recovery) = Journal::open(world, dir, options)?;
    let open = world.clock.monotonic().saturating_sub(begun).as_secs_f64() * 1000.0;
    let (cpu, mut at, mut ids) = (cpu_seconds(world)?, journal.start(), 0_usize);
    while at < journal.end() {
        let batch = journal.read(at, 2 << 20)?;
        ids += batch.iter().filter_map(|item| item.head()?.event_id).map(|id| id.len()).sum::<usize>();
        at = batch.range().end;
    }
    let cpu = cpu_seconds(world)? - cpu;
    if at != Position(recovery.records) || ids != 36 * recovery.records as usize {
        return Err("not every event was read back".into());
    }
    let rate = recovery.records as f64 / cpu;
    Ok(format!("\"open_ms\":{open:.3},\"read_cpu_seconds\":{cpu:.3},\"heads_read_per_cpu_second\":{rate:.0}"))
}

async fn append(
    world: World,
    journal: Journal,
    entries: Vec<Entry>,
    mut at: usize,
    batch: usize,
    rounds: usize,
) -> Result<Vec<Duration>, cairn_journal::Error> {
    let mut latencies = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let chosen = (at..at + batch).map(|index| entries[index % EVENTS].clone()).collect();
        at += batch;
        let begun = world.clock.monotonic();
        journal.append(chosen).await?;
        latencies.push(world.clock.monotonic().saturating_sub(begun));
    }
    Ok(latencies)
}

fn report(stats: &Stats, event_bytes: usize, cpu: f64, wall: f64, mut latencies: Vec<Duration>) -> String {
    latencies.sort_unstable();
    let millis =
        |percent: usize| latencies.get(latencies.len() * percent / 100).map_or(0.0, |span| span.as_secs_f64() * 1000.0);
    let events = stats.end.0 - stats.start.0;
    let mut json = String::new();
    let _ = write!(json, "\"events\":{events},\"event_bytes\":{event_bytes},\"disk_bytes\":{},", stats.bytes);
    let _ = write!(json, "\"wall_seconds\":{wall:.3},\"cpu_seconds\":{cpu:.3},");
    let _ = write!(json, "\"events_per_wall_second\":{:.0},", events as f64 / wall);
    let _ = write!(json, "\"events_per_cpu_second\":{:.0},", events as f64 / cpu);
    let _ = write!(json, "\"commit_ms_p50\":{:.3},\"commit_ms_p99\":{:.3}", millis(50), millis(99));
    json
}

/// CPU time of this process so far, all threads, user and system.
fn cpu_seconds(world: &World) -> Result<f64, Box<dyn Error>> {
    let stat = String::from_utf8(world.disk.read(Path::new("/proc/self/stat"))?)?;
    // The name in parentheses may hold anything; fields 14 and 15 follow behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).ok_or("short /proc/self/stat")?.parse::<f64>().map_err(Box::<dyn Error>::from);
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn entries(world: &World) -> Result<Vec<Entry>, Box<dyn Error>> {
    let time = world.now();
    (0..EVENTS)
        .map(|_| Ok(Entry { origin: Origin::Import, kind: Kind::Event, time, body: Bytes::from(event(world)?) }))
        .collect()
}

/// One event as an assumed role would cause it, with everything drawn that differs between real ones.
fn event(world: &World) -> Result<String, std::fmt::Error> {
    const CALLS: [(&str, &str); 6] = [
        ("s3.amazonaws.com", "GetObject"),
        ("ec2.amazonaws.com", "DescribeInstances"),
        ("sts.amazonaws.com", "AssumeRole"),
        ("kms.amazonaws.com", "Decrypt"),
        ("dynamodb.amazonaws.com", "DescribeTable"),
        ("lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2"),
    ];
    let dice = &*world.dice;
    let hex = |length| dice.text(b"0123456789abcdef", length);
    let capitals = |length| dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length);
    let [call, hour, minute, second, a, b, c, d] = dice.bytes::<8>();
    let (source, name) = CALLS[usize::from(call) % CALLS.len()];
    let time = format!("2026-11-25T{:02}:{:02}:{:02}Z", hour % 24, minute % 60, second % 60);
    let (session, role) = (hex(12), format!("service-{}", hour % 16));
    let uuid = || format!("{}-{}-4{}-a{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12));
    let mut json = String::with_capacity(1600);
    write!(
        json,
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROA{}:{session}","#,
        capitals(17)
    )?;
    write!(json, r#""arn":"arn:aws:sts::123456789012:assumed-role/{role}/{session}","accountId":"123456789012","#)?;
    write!(json, r#""accessKeyId":"ASIA{}","sessionContext":{{"sessionIssuer":{{"type":"Role","#, capitals(16))?;
    write!(json, r#""principalId":"AROA{}","arn":"arn:aws:iam::123456789012:role/{role}","#, capitals(17))?;
    write!(json, r#""accountId":"123456789012","userName":"{role}"}},"attributes":{{"creationDate":"{time}","#)?;
    write!(
        json,
        r#""mfaAuthenticated":"false"}}}}}},"eventTime":"{time}","eventSource":"{source}","eventName":"{name}","#
    )?;
    write!(json, r#""awsRegion":"us-east-1","sourceIPAddress":"{a}.{b}.{c}.{d}","#)?;
    write!(
        json,
        r#""userAgent":"Boto3/1.34.{a} md/Botocore#1.34.{a} ua/2.0 os/linux#5.10.{b} lang/python#3.11.{d}","#
    )?;
    write!(json, r#""requestParameters":{{"bucketName":"data-{}","Host":"data.s3.us-east-1.amazonaws.com","#, hex(8))?;
    write!(
        json,
        r#""key":"year=2026/month=11/day=25/part-{}.parquet","x-id":"{name}"}},"responseElements":null,"#,
        uuid()
    )?;
    write!(json, r#""additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","#)?;
    write!(json, r#""bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{}","#, hex(76))?;
    write!(
        json,
        r#""bytesTransferredOut":{}}},"requestID":"{}","eventID":"{}","readOnly":true,"#,
        u32::from(a) * 997,
        capitals(16),
        uuid()
    )?;
    write!(
        json,
        r#""resources":[{{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::data-{}"}}],"#,
        hex(8)
    )?;
    write!(json, r#""eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"123456789012","#)?;
    write!(json, r#""eventCategory":"Data","tlsDetails":{{"tlsVersion":"TLSv1.3","#)?;
    write!(
        json,
        r#""cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"data.s3.us-east-1.amazonaws.com"}}}}"#
    )?;
    Ok(json)
}
