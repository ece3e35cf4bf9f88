//! Small files become large ones: which, and when.
//!
//! Files of a day that has enough rows are merged with one another, eight of about one size at a time, so
//! that a row is written again a few times at most; the rest of them when the day is over. Files of small
//! days are merged with those of their window of 32 days, and what comes of it is not merged again until
//! there is something new.

use super::blend::{Cuts, blend};
use super::cut::{DAY_MICROS, DAY_ROWS_MIN, WINDOW_DAYS, day};
use super::file::{File, Source};
use super::{Table, Tables};
use crate::Error;
use cairn_event::Time;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// So many files of about one size are worth merging at once.
const FAN_IN: usize = 8;
/// Files in one merge.
const INPUTS_MAX: usize = 64;
/// A day that is over for so long, without new files for so long, is merged for good.
const REST: Duration = Duration::from_hours(1);
/// A file whose oldest rows are too old for so long is written again without them.
const STRADDLE: Duration = Duration::from_hours(24);
/// Merges of one table before the others have their turn.
const MERGES_AT_ONCE: usize = 8;
/// Sizes up to this are about the same.
const TIER_BYTES: u64 = 64 << 10;

/// What is to be merged.
#[derive(Debug)]
pub(crate) struct Plan {
    pub inputs: Vec<Arc<File>>,
    /// Whether they are of small days, so that what comes of it is cut between them.
    pub window: bool,
}

/// Files that may be merged with one another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cluster {
    Day(i64),
    Window(i64),
}

fn micros(time: Time) -> i64 {
    time.0.saturating_mul(1000)
}

fn only_day(file: &File) -> Option<i64> {
    let first = day(micros(file.times.start));
    (first == day(micros(file.times.end))).then_some(first)
}

/// What is to be merged next of a table's files, which are in the order of their times.
pub(crate) fn plan(files: &[Arc<File>], now: Time, oldest: Time, file_bytes: u64) -> Option<Plan> {
    if let Some(file) = files.iter().find(|file| file.times.start < oldest - STRADDLE) {
        return Some(Plan { inputs: vec![file.clone()], window: only_day(file).is_none() });
    }
    let mut days: HashMap<i64, u64> = HashMap::new();
    for (day, rows) in files.iter().filter_map(|file| Some((only_day(file)?, file.rows))) {
        *days.entry(day).or_default() += rows;
    }
    let mut clusters: BTreeMap<Cluster, Vec<&Arc<File>>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.bytes < file_bytes / 2) {
        let cluster = match only_day(file) {
            Some(day) if days[&day] >= DAY_ROWS_MIN as u64 => Cluster::Day(day),
            _ => Cluster::Window(day(micros(file.times.start)).div_euclid(WINDOW_DAYS)),
        };
        clusters.entry(cluster).or_default().push(file);
    }
    clusters.into_iter().find_map(|(cluster, files)| cluster.plan(&files, now, file_bytes))
}

impl Cluster {
    fn plan(self, files: &[&Arc<File>], now: Time, file_bytes: u64) -> Option<Plan> {
        let chosen = match self {
            Self::Day(_) if self.rests(files, now) => (files.len() > 1).then(|| files.to_vec()),
            Self::Day(_) => of_one_size(files),
            Self::Window(_) => {
                let new = files.iter().filter(|file| !file.settled).count();
                let due = new >= FAN_IN || (new > 0 && files.len() > 1 && self.rests(files, now));
                due.then(|| files.to_vec())
            }
        }?;
        let inputs = bounded(&chosen, file_bytes);
        (inputs.len() > 1).then_some(Plan { inputs, window: matches!(self, Self::Window(_)) })
    }

    /// Whether nothing more is likely to come.
    fn rests(self, files: &[&Arc<File>], now: Time) -> bool {
        let end = match self {
            Self::Day(day) => day + 1,
            Self::Window(window) => (window + 1) * WINDOW_DAYS,
        };
        let newest = files.iter().map(|file| file.born).max().unwrap_or(now);
        let end = Time(end.saturating_mul(DAY_MICROS / 1000)) + REST;
        end < now && newest + REST < now
    }
}

/// Enough files of about one size, the smallest first.
fn of_one_size<'a>(files: &[&'a Arc<File>]) -> Option<Vec<&'a Arc<File>>> {
    let mut tiers: BTreeMap<u32, Vec<&Arc<File>>> = BTreeMap::new();
    for file in files {
        let tier = (file.bytes / TIER_BYTES).max(1).ilog2() / FAN_IN.ilog2();
        tiers.entry(tier).or_default().push(file);
    }
    tiers.into_values().find(|files| files.len() >= FAN_IN)
}

/// As many as one merge takes.
fn bounded(files: &[&Arc<File>], file_bytes: u64) -> Vec<Arc<File>> {
    let mut bytes = 0;
    let fits = |file: &&&Arc<File>| {
        bytes += file.bytes;
        bytes <= file_bytes * 2
    };
    files.iter().take(INPUTS_MAX).take_while(fits).map(|file| Arc::clone(file)).collect()
}

impl Tables {
    /// Merges what is to be merged now, one merge after the other.
    pub(crate) async fn merge(&self) {
        for table in self.tables() {
            for _ in 0..MERGES_AT_ONCE {
                let Some(plan) = self.next_merge(&table) else { break };
                if let Err(error) = self.merge_so(&table.id, plan).await {
                    tracing::error!(table = table.id, %error, "files cannot be merged");
                    break;
                }
            }
        }
    }

    fn next_merge(&self, table: &Table) -> Option<Plan> {
        let today = self.today();
        let state = self.state();
        let files = &state.shelves.get(&table.id)?.files;
        plan(files, today, today - table.retention, self.settings().file_bytes)
    }

    pub(crate) async fn merge_so(&self, table: &str, plan: Plan) -> Result<(), Error> {
        let files = self.blended(table, &plan).await?;
        let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
        match self.replace(table, &plan.inputs, files).await {
            Ok(true) => {
                tracing::debug!(table, from = plan.inputs.len(), to = keys.len(), "files are merged");
                Ok(())
            }
            // One of them was set aside meanwhile, or the table is gone.
            Ok(false) => {
                self.discard(keys).await;
                Ok(())
            }
            Err(error) => {
                self.discard(keys).await;
                Err(error)
            }
        }
    }

    /// Writes what merging makes of files; they are planned, not yet in the list.
    pub(crate) async fn blended(&self, table: &str, plan: &Plan) -> Result<Vec<File>, Error> {
        let known = self.table(table).ok_or_else(|| super::no_table(table))?;
        let (bytes, rows) = plan.inputs.iter().fold((0, 0), |(b, r), file| (b + file.bytes, r + file.rows));
        let rows_max = (self.settings().file_bytes.saturating_mul(rows.max(1)) / bytes.max(1)).max(1);
        let cuts = Cuts {
            table: table.to_owned(),
            oldest: known.oldest(self.today()),
            rows_max: rows_max as usize,
            window: plan.window,
            source: Source::union(plan.inputs.iter().map(|file| &file.source)),
        };
        blend(self, plan.inputs.clone(), cuts).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_700_000_000_000);
    const FILE_BYTES: u64 = 128 << 20;

    fn file(id: i64, age: Duration, rows: u64, bytes: u64) -> File {
        let times = NOW - age..NOW - age + Duration::from_mins(1);
        File { id, rows, bytes, times, born: NOW - age, ..File::default() }
    }

    fn planned(files: Vec<File>) -> Vec<i64> {
        let files: Vec<_> = files.into_iter().map(Arc::new).collect();
        let plan = plan(&files, NOW, NOW - Duration::from_hours(24 * 365), FILE_BYTES);
        plan.map_or(Vec::new(), |plan| plan.inputs.iter().map(|file| file.id).collect())
    }

    #[test]
    fn a_busy_day_is_merged_eight_of_a_size_at_a_time() {
        let hour = Duration::from_hours(1);
        let small = |count: i64| (0..count).map(|id| file(id, hour, 5000, 500_000)).collect::<Vec<_>>();
        assert!(planned(small(7)).is_empty());
        assert_eq!(planned(small(8)).len(), 8);
        let mut mixed = small(7);
        mixed.push(file(9, hour, 1_000_000, 20 << 20));
        assert!(planned(mixed).is_empty(), "a large file is not written again for few small ones");
    }

    #[test]
    fn a_day_that_is_over_becomes_one_file_and_large_files_stay() {
        let days = Duration::from_hours(100);
        assert_eq!(planned(vec![file(1, days, 5000, 500_000), file(2, days, 100, 20_000)]), [1, 2]);
        assert!(planned(vec![file(1, days, 900_000, 100 << 20), file(2, days, 100, 20_000)]).is_empty());
    }

    #[test]
    fn small_days_are_merged_when_there_is_something_new() {
        let of_day = |day: u32, settled: bool| File {
            settled,
            ..file(day.into(), Duration::from_hours(24) * (100 + day), 10, 20_000)
        };
        assert_eq!(planned(vec![of_day(1, true), of_day(2, false)]).len(), 2);
        assert!(planned(vec![of_day(1, true), of_day(2, true)]).is_empty());
        let lately = |id: i64| file(id, Duration::from_mins(10), 10, 20_000);
        assert!(planned((0..7).map(lately).collect()).is_empty());
        assert_eq!(planned((0..8).map(lately).collect()).len(), 8);
    }

    #[test]
    fn a_merge_has_a_limit_of_files_and_of_bytes() {
        let hour = Duration::from_hours(1);
        assert_eq!(planned((0..200).map(|id| file(id, hour, 5000, 500_000)).collect()).len(), INPUTS_MAX);
        assert_eq!(planned((0..20).map(|id| file(id, hour, 500_000, 40 << 20)).collect()).len(), 6);
    }

    #[test]
    fn a_file_whose_first_rows_are_long_too_old_is_written_again() {
        let mut old = file(1, Duration::from_hours(24 * 370), 10, 1000);
        old.times.end = NOW;
        assert_eq!(planned(vec![old]), [1]);
    }
}
