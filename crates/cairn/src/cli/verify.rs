//! `cairn verify`.

mod keys;
mod progress;

use super::aws::Aws;
use crate::client::Client;
use cairn_event::Time;
use cairn_trail::verify::{self, KeyFile, Keys, Progress, Report, Settings, Source, Tree, Verdict};
use cairn_world::World;
use keys::Listed;
use serde_json::{Value, json};
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const INVALID: u8 = 1;
const UNABLE: u8 = 2;
const INCOMPLETE: u8 = 3;
const NOTHING_FOUND: u8 = 4;

/// Files in the making at the same time, per core.
const IN_FLIGHT_PER_CORE: usize = 2;
/// Over a network most of them wait for their bytes.
const IN_FLIGHT_REMOTE_MIN: usize = 16;

/// Prove an archive of CloudTrail logs, AWS's or Cairn's.
///
/// Checks every chain of digest files that it finds: signatures, hashes, links, continuity of time, every log
/// file that a digest names, and every log file that none names. Ends with a certificate of completeness: the
/// time covered, the files and records proven, every gap.
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// A directory as `aws s3 sync` copies it, s3://BUCKET[/PREFIX], or the ARN of a trail
    #[arg(value_name = "PATH|s3://…|TRAIL-ARN")]
    target: String,
    /// Ask the Cairn of this directory for keys, trails and buckets, whether or not it is running
    #[arg(long, value_name = "DIR", env = "CAIRN_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Only what was delivered after this time, such as 2026-01-10T00:00:00Z [default: the beginning]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Time>,
    /// Only what was delivered before this time [default: now, or when the trail was stopped]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Time>,
    /// Public keys: the output of `aws cloudtrail list-public-keys`, or PEM [default: asked for]
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Exit status:
  0  everything is proven
  1  INVALID: something was altered, removed or added
  2  it could not be verified: wrong usage, or keys or archive out of reach
  3  incomplete: nothing is wrong, but there are gaps or unproven files
  4  nothing found to verify

Without --data-dir, endpoints and credentials are those of the AWS environment: AWS_ENDPOINT_URL,
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE and so on, or the files in ~/.aws.

A directory has no object metadata, where the signature of a digest file stands. It is read from
FILE.meta.json or FILE.metadata (what `aws s3api head-object` prints), or else from the digest file
after it, which repeats it. Without either, the newest digest of a chain stays unproven.";

fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).map_err(|error| error.to_string())
}

pub async fn run(args: Args) -> ExitCode {
    let (code, text) = match examine(&args).await {
        Ok(report) => (code(report.verdict), if args.json { report.to_json() + "\n" } else { report.to_string() }),
        Err(Failed { code, message }) => {
            super::fail(&message);
            (code, String::new())
        }
    };
    // Whoever closes the pipe has read enough; the verdict stands.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

const fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Proven => 0,
        Verdict::Invalid => INVALID,
        Verdict::Incomplete => INCOMPLETE,
        Verdict::NothingFound => NOTHING_FOUND,
    }
}

/// Why there is no report.
struct Failed {
    code: u8,
    message: String,
}

impl From<String> for Failed {
    fn from(message: String) -> Self {
        Self { code: UNABLE, message }
    }
}

async fn examine(args: &Args) -> Result<Report, Failed> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(format!("--from {from} is not before --to {to}").into());
    }
    let world = World::system();
    let target = Target::parse(&args.target)?;
    let needs_nobody = matches!(target, Target::Tree(_)) && args.public_keys.is_some();
    let house = match &args.data_dir {
        Some(dir) if !needs_nobody => Some(Client::open(dir).await?),
        _ => None,
    };
    let report = verified(&world, args, &target, house.as_ref()).await;
    if let Some(house) = house {
        house.close().await;
    }
    report
}

async fn verified(world: &World, args: &Args, target: &Target, house: Option<&Client>) -> Result<Report, Failed> {
    let aws = Arc::new(Aws::new(world, house)?);
    let source = target.open(world, &aws).await?;
    let to = match (args.to, target) {
        (None, Target::Trail { arn, region, .. }) => stopped_at(&aws, arn, region).await,
        (to, _) => to,
    };
    let keys: Arc<dyn Keys> = match &args.public_keys {
        Some(path) => Arc::new(key_file(world, path)?),
        None => Arc::new(Listed::new(aws)),
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let in_flight = match target {
        Target::Tree(_) => cores * IN_FLIGHT_PER_CORE,
        _ => (cores * IN_FLIGHT_PER_CORE).max(IN_FLIGHT_REMOTE_MIN),
    };
    let settings = Settings { from: args.from, to, in_flight };
    let progress = Arc::new(Progress::default());
    let work = verify::verify(world, source, keys, settings, progress.clone());
    let report = progress::shown(world, &progress, work).await.map_err(|error| error.to_string())?;
    target.expect(report)
}

fn key_file(world: &World, path: &Path) -> Result<KeyFile, String> {
    let failed = |reason: String| format!("{}: {reason}", path.display());
    let bytes = world.disk.read(path).map_err(|error| failed(error.to_string()))?;
    KeyFile::parse(&bytes).map_err(|error| failed(error.to_string()))
}

/// What is to be verified.
enum Target {
    Tree(PathBuf),
    Bucket { name: String, prefix: String },
    Trail { arn: String, region: String, name: String },
}

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if name.is_empty() {
                return Err(format!("{text}: it names no bucket"));
            }
            return Ok(Self::Bucket { name: name.to_owned(), prefix: prefix.to_owned() });
        }
        if text.starts_with("arn:") {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            return match parts[..] {
                [_, _, "cloudtrail", region, _, resource] if resource.starts_with("trail/") => Ok(Self::Trail {
                    arn: text.to_owned(),
                    region: region.to_owned(),
                    name: resource["trail/".len()..].to_owned(),
                }),
                _ => Err(format!("{text}: it is not the ARN of a trail, arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME")),
            };
        }
        Ok(Self::Tree(PathBuf::from(text)))
    }

    async fn open(&self, world: &World, aws: &Aws) -> Result<Arc<dyn Source>, String> {
        Ok(match self {
            Self::Tree(path) => {
                world.disk.list(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Arc::new(Tree::new(world, path))
            }
            Self::Bucket { name, prefix } => aws.archive(name, prefix)?,
            Self::Trail { arn, region, .. } => {
                let (name, prefix) = place_of(aws, arn, region).await?;
                aws.archive(&name, &prefix)?
            }
        })
    }

    /// The archive of a trail has digests of that trail, or nothing was found.
    fn expect(&self, report: Report) -> Result<Report, Failed> {
        if let Self::Trail { arn, region, name } = self
            && !report.chains.iter().any(|chain| chain.trail == *name && chain.home_region == *region)
        {
            let message = format!("{arn}: there is no digest file of this trail in {}", report.source);
            return Err(Failed { code: NOTHING_FOUND, message });
        }
        Ok(report)
    }
}

/// The bucket of a trail and the folder in it that holds its logs, of whichever accounts.
async fn place_of(aws: &Aws, arn: &str, region: &str) -> Result<(String, String), String> {
    let answer = aws.cloudtrail(region, "DescribeTrails", &json!({})).await?;
    let answer: Value = serde_json::from_slice(&answer).map_err(|error| format!("DescribeTrails: {error}"))?;
    let trails = answer.get("trailList").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |trail: &Value, name: &str| trail.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let trail = trails.iter().find(|trail| text(trail, "TrailARN") == arn);
    let trail = trail.ok_or_else(|| format!("a trail could not be found for {arn}"))?;
    let prefix = text(trail, "S3KeyPrefix");
    let folder = if prefix.is_empty() { "AWSLogs".to_owned() } else { format!("{prefix}/AWSLogs") };
    Ok((text(trail, "S3BucketName"), folder))
}

/// When a trail that logs no longer was stopped: after that no digest is missing. None for one
/// that logs, and where nobody can say.
async fn stopped_at(aws: &Aws, arn: &str, region: &str) -> Option<Time> {
    let answer = aws.cloudtrail(region, "GetTrailStatus", &json!({"Name": arn})).await.ok()?;
    let status: Value = serde_json::from_slice(&answer).ok()?;
    let is_logging = status.get("IsLogging").and_then(Value::as_bool)?;
    let stopped = status.get("StopLoggingTime").and_then(Value::as_f64).filter(|_| !is_logging)?;
    // The last digest ends in that second.
    Some(Time::from_seconds(stopped as i64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_bucket_a_trail_or_a_path() {
        assert!(
            matches!(Target::parse("s3://b/p/q").unwrap(), Target::Bucket { name, prefix } if name == "b" && prefix == "p/q")
        );
        assert!(
            matches!(Target::parse("s3://b").unwrap(), Target::Bucket { name, prefix } if name == "b" && prefix.is_empty())
        );
        assert!(matches!(
            Target::parse("arn:aws:cloudtrail:eu-west-1:111122223333:trail/prod").unwrap(),
            Target::Trail { region, name, .. } if region == "eu-west-1" && name == "prod"
        ));
        assert!(matches!(Target::parse("./logs").unwrap(), Target::Tree(_)));
        for wrong in ["s3://", "s3:///p", "arn:aws:s3:::b", "arn:aws:cloudtrail:eu-west-1:1:dashboard/x"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
