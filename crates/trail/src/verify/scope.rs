//! Finding what there is to verify: accounts, regions and the chains of each.

use super::chain::{self, Name, Named};
use super::keys::Ring;
use super::loose::{self, Claims};
use super::report::{Chain, Loose};
use super::source::Source;
use super::{Error, Job, Progress, load, name};
use cairn_event::Time;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const DIGESTS: &str = "CloudTrail-Digest";
const LOGS: &str = "CloudTrail";
/// Query results: signed in another way, and no logs.
const LAKE: &str = "CloudTrail-Lake";
/// Prefix, `AWSLogs`, organization and account take three and as many as the prefix has.
const DEPTH_MAX: usize = 12;
/// Folders looked into on the way to accounts; an organization has at most some ten thousands.
const FOLDERS_MAX: usize = 200_000;
/// Spans up to so many days are listed day by day, longer ones whole.
const DAYS_MAX: usize = 62;
const DAY: Duration = Duration::from_hours(24);
/// Digests that are asked where this tree once stood.
const SAMPLES_MAX: usize = 15;
const SAMPLES_OF_SCOPE: usize = 3;

/// One account's one region.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The account's folder, ending in `/`, or empty when the tree begins inside of it.
    pub folder: String,
    pub organization: Option<String>,
    pub account: String,
    pub region: String,
    pub has_digests: bool,
    /// Kinds of logs that have a folder here: `CloudTrail`, `CloudTrail-Insight` …
    pub kinds: Vec<String>,
}

/// Where the tree stands, or once stood: what its keys lack for being whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    pub bucket: String,
    /// Stands before each key of the tree.
    pub lead: String,
}

impl Anchor {
    pub fn full(&self, key: &str) -> String {
        format!("{}{key}", self.lead)
    }

    /// The key in the tree of a whole one; None where the tree has no such place.
    pub fn local<'a>(&self, full: &'a str) -> Option<&'a str> {
        full.strip_prefix(&self.lead)
    }
}

/// Every account and region that has digests or logs, in the order of their folders.
pub async fn discover(source: &dyn Source) -> Result<Vec<Scope>, Error> {
    let mut scopes = BTreeMap::new();
    let mut folders = vec![(source.top(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        seen += 1;
        if seen > FOLDERS_MAX {
            return Err(Error::TooLarge(format!(
                "{} has more than {FOLDERS_MAX} folders above its logs",
                source.name()
            )));
        }
        let below = source.folders(&folder).await?;
        if below.iter().any(|folder| is_kind(last(folder))) {
            for kind in below.iter().filter(|folder| is_kind(last(folder))) {
                for region in source.folders(kind).await? {
                    note(&mut scopes, &folder, last(kind), last(&region));
                }
            }
        } else if depth < DEPTH_MAX {
            let inside_logs = folder.ends_with("AWSLogs/") || folder.contains("AWSLogs/o-");
            let wanted = |name: &str| !inside_logs || name.starts_with("o-") || name::is_account(name);
            folders.extend(below.into_iter().filter(|folder| wanted(last(folder))).map(|folder| (folder, depth + 1)));
        }
    }
    Ok(scopes.into_values().collect())
}

fn note(scopes: &mut BTreeMap<(String, String), Scope>, folder: &str, kind: &str, region: &str) {
    let scope = scopes.entry((folder.to_owned(), region.to_owned())).or_insert_with(|| {
        let mut parts = folder.trim_end_matches('/').rsplit('/');
        let account = parts.next().unwrap_or_default().to_owned();
        let organization = parts.next().filter(|part| part.starts_with("o-")).map(str::to_owned);
        Scope { folder: folder.to_owned(), organization, account, region: region.to_owned(), ..Scope::default() }
    });
    if kind == DIGESTS {
        scope.has_digests = true;
    } else {
        scope.kinds.push(kind.to_owned());
    }
}

fn is_kind(name: &str) -> bool {
    (name == LOGS || name.starts_with("CloudTrail-")) && name != LAKE
}

fn last(folder: &str) -> &str {
    let folder = folder.trim_end_matches('/');
    folder.rsplit_once('/').map_or(folder, |(_, last)| last)
}

impl Scope {
    /// Folders of a kind that hold what was delivered in the span, with a day of margin.
    pub fn listed(&self, job: &Job, kind: &str) -> Vec<String> {
        let folder = format!("{}{kind}/{}/", self.folder, self.region);
        let to = job.settings.to.unwrap_or(job.now) + DAY;
        match job.settings.from.and_then(|from| name::days(from - DAY, to, DAYS_MAX)) {
            Some(days) => days.iter().map(|day| format!("{folder}{day}")).collect(),
            None => vec![folder],
        }
    }
}

/// The bucket, and what stands before the tree's keys, as most of some digests say it.
pub async fn anchor(job: &Job, scopes: &[Scope]) -> Result<Anchor, Error> {
    if let Some(bucket) = job.source.bucket() {
        return Ok(Anchor { bucket: bucket.to_owned(), lead: String::new() });
    }
    let mut votes: BTreeMap<Anchor, usize> = BTreeMap::new();
    let mut samples = 0;
    for scope in scopes.iter().filter(|scope| scope.has_digests) {
        let mut keys = job.source.keys(&format!("{}{DIGESTS}/{}/", scope.folder, scope.region)).take(SAMPLES_OF_SCOPE);
        while let Some(key) = keys.next().await {
            let key = key?;
            samples += 1;
            let Some(digest) = load::fetch(&*job.source, &key).await else { continue };
            if let Some(lead) = digest.object.strip_suffix(&key).filter(|lead| lead.is_empty() || lead.ends_with('/')) {
                *votes.entry(Anchor { bucket: digest.bucket, lead: lead.to_owned() }).or_default() += 1;
            }
        }
        if samples >= SAMPLES_MAX {
            break;
        }
    }
    Ok(votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(anchor, _)| anchor).unwrap_or_default())
}

/// Verifies the chains of a scope, and then that they name every log file that stands there.
pub async fn verify(job: &Job, anchor: &Arc<Anchor>, scope: &Scope) -> Result<(Vec<Chain>, Option<Loose>), Error> {
    let (mut chains, mut coverages, mut named) = (Vec::new(), Vec::new(), Named::default());
    let (found, strays) = if scope.has_digests { digests(job, scope).await? } else { Default::default() };
    if let Some(oldest) = found.values().filter_map(|digests| Some(digests.first()?.0)).min() {
        let ring = job.keys.keys(&scope.region, oldest - DAY, job.now + DAY).await?;
        let ring = Arc::new(Ring::new(ring));
        for (name, digests) in found {
            let (chain, coverage) = chain::verify(job, anchor, &ring, &name, digests, &mut named).await;
            chains.push(chain);
            coverages.extend(coverage);
        }
    }
    // What an unreadable backfill digest names is not known, so nothing is certainly an intruder.
    let is_certain = !chains.iter().any(|chain| chain.backfill && chain.digests.invalid + chain.digests.missing > 0);
    let claims = Claims { named: &named, coverages: &coverages, is_certain };
    let loose = loose::verify(job, anchor, scope, &claims, strays).await?;
    Ok((chains, loose))
}

type Digests = BTreeMap<Name, Vec<(Time, String)>>;

/// The digest files of a scope by chain, oldest first, and files that are none.
async fn digests(job: &Job, scope: &Scope) -> Result<(Digests, Vec<String>), Error> {
    let (mut found, mut strays) = (Digests::new(), Vec::new());
    for folder in scope.listed(job, DIGESTS) {
        let mut keys = job.source.keys(&folder);
        while let Some(key) = keys.next().await {
            let key = key?;
            let Some(digest) = name::Digest::parse(&key, &scope.region) else {
                strays.push(key);
                continue;
            };
            let name = Name {
                organization: scope.organization.clone(),
                account: digest.account,
                region: scope.region.clone(),
                trail: digest.trail,
                home_region: digest.home_region,
                backfill: digest.backfill,
                folder: scope.folder.clone(),
            };
            found.entry(name).or_default().push((digest.end, key));
        }
    }
    for digests in found.values_mut() {
        digests.sort_unstable();
        Progress::add(&job.progress.digests, digests.len() as u64);
    }
    Ok((found, strays))
}
