//! What is to be written so that a table is shown as it is.

use super::model::{Count, Listed, Manifest};
use crate::table::File;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A manifest names at most so many files, so that few bytes are written when one goes.
const FILES_MAX: usize = 2000;
/// With more manifests than these, those that are not full are put together.
const MANIFESTS_MAX: usize = 50;

/// A manifest to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub added: Vec<Listed>,
    pub existing: Vec<Listed>,
    pub deleted: Vec<Listed>,
}

/// The manifests of the next snapshot.
#[derive(Debug)]
pub(super) struct Plan {
    pub kept: Vec<Manifest>,
    pub drafts: Vec<Draft>,
    /// Those that the next snapshot does not have.
    pub gone: Vec<Manifest>,
    pub summary: BTreeMap<String, String>,
    /// Whether something that snapshots show is not in the table any more.
    pub shrinks: bool,
}

impl Draft {
    pub fn live(&self) -> impl Iterator<Item = &Listed> {
        self.existing.iter().chain(&self.added)
    }
}

impl Plan {
    /// None when the manifests show what the table holds.
    pub fn of(manifests: Vec<Manifest>, files: &[Arc<File>], snapshot: i64, sequence: i64) -> Option<Self> {
        let now: HashSet<i64> = files.iter().map(|file| file.id).collect();
        let shown: HashSet<i64> = manifests.iter().flat_map(|manifest| &manifest.files).map(|file| file.id).collect();
        let new = files.iter().filter(|file| !shown.contains(&file.id));
        let added: Vec<Listed> = new.map(|file| Listed::new(file, snapshot, sequence)).collect();
        let shrinks = !shown.is_subset(&now);
        if added.is_empty() && !shrinks {
            return None;
        }
        let (mut kept, mut gone, mut existing, mut deleted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let crowded = manifests.len() > MANIFESTS_MAX;
        for manifest in manifests {
            let whole = manifest.files.iter().all(|file| now.contains(&file.id));
            let small = crowded && manifest.files.len() < FILES_MAX / 2;
            if whole && !small && !manifest.files.is_empty() {
                kept.push(manifest);
                continue;
            }
            let (stay, leave): (Vec<_>, Vec<_>) =
                manifest.files.iter().cloned().partition(|file| now.contains(&file.id));
            existing.extend(stay);
            deleted.extend(leave);
            gone.push(manifest);
        }
        let total = Count::of(kept.iter().flat_map(|manifest| &manifest.files).chain(&existing).chain(&added));
        let summary = summary(&added, &deleted, total);
        Some(Self { kept, drafts: drafts(&added, existing, &deleted), gone, summary, shrinks })
    }
}

/// Few manifests, none with more than its files; what leaves stands with the first.
fn drafts(added: &[Listed], mut existing: Vec<Listed>, deleted: &[Listed]) -> Vec<Draft> {
    // Neighbours in time stand together, so that a query about an hour opens few manifests.
    existing.sort_by_key(|file| (file.times, file.id));
    let mut drafts: Vec<Draft> = Vec::new();
    for files in existing.chunks(FILES_MAX) {
        drafts.push(Draft { existing: files.to_vec(), ..Draft::default() });
    }
    for files in added.chunks(FILES_MAX) {
        drafts.push(Draft { added: files.to_vec(), ..Draft::default() });
    }
    for files in deleted.chunks(FILES_MAX) {
        drafts.push(Draft { deleted: files.to_vec(), ..Draft::default() });
    }
    drafts
}

/// What the snapshot says of itself. Merged files are an overwrite too: nothing here can prove that the
/// same rows are in them, and a reader of changes that skipped a replacement would miss the others.
fn summary(added: &[Listed], deleted: &[Listed], total: Count) -> BTreeMap<String, String> {
    let operation = match (added.is_empty(), deleted.is_empty()) {
        (_, true) => "append",
        (true, false) => "delete",
        (false, false) => "overwrite",
    };
    let mut summary: BTreeMap<String, String> = [("operation".to_owned(), operation.to_owned())].into();
    let mut say = |name: &str, number: u64| summary.insert(name.to_owned(), number.to_string());
    let bytes = |files: &[Listed]| files.iter().map(|file| file.bytes).sum();
    for (verb, size, files) in [("added", "added-files-size", added), ("deleted", "removed-files-size", deleted)] {
        let count = Count::of(files.iter());
        if count.files > 0 {
            say(&format!("{verb}-data-files"), count.files.into());
            say(&format!("{verb}-records"), count.rows);
            say(size, bytes(files));
        }
    }
    say("total-data-files", total.files.into());
    say("total-records", total.rows);
    say("total-delete-files", 0);
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_event::Time;
    use std::collections::BTreeSet;

    fn file(id: i64) -> Arc<File> {
        let times = Time(id * 1000)..Time(id * 1000 + 999);
        Arc::new(File { id, key: format!("events/data/{id}.parquet"), rows: 10, bytes: 100, times, ..File::default() })
    }

    fn files(ids: impl IntoIterator<Item = i64>) -> Vec<Arc<File>> {
        ids.into_iter().map(file).collect()
    }

    /// The manifests after a plan, as if it had been written.
    fn written(plan: Plan, sequence: i64) -> Vec<Manifest> {
        let drafts = plan.drafts.into_iter().enumerate().map(|(number, draft)| Manifest {
            key: format!("{sequence}-{number}"),
            bytes: 1,
            snapshot: sequence,
            sequence,
            sequence_min: sequence,
            added: Count::of(draft.added.iter()),
            existing: Count::of(draft.existing.iter()),
            deleted: Count::of(draft.deleted.iter()),
            files: draft.live().cloned().collect(),
        });
        plan.kept.into_iter().chain(drafts).collect()
    }

    fn ids(manifests: &[Manifest]) -> BTreeSet<i64> {
        let all: Vec<i64> = manifests.iter().flat_map(|manifest| &manifest.files).map(|file| file.id).collect();
        let unique: BTreeSet<i64> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len(), "a file is shown twice");
        unique
    }

    #[test]
    fn an_append_adds_one_manifest_and_leaves_the_others() {
        let first = written(Plan::of(Vec::new(), &files(1..=3), 1, 1).unwrap(), 1);
        let plan = Plan::of(first.clone(), &files(1..=4), 2, 2).unwrap();
        assert_eq!((plan.kept.as_slice(), plan.gone.len(), plan.drafts.len()), (first.as_slice(), 0, 1));
        assert_eq!((plan.summary["operation"].as_str(), plan.summary["total-records"].as_str()), ("append", "40"));
        assert!(!plan.shrinks);
    }

    #[test]
    fn nothing_new_is_no_snapshot() {
        let first = written(Plan::of(Vec::new(), &files(1..=3), 1, 1).unwrap(), 1);
        assert!(Plan::of(first, &files(1..=3), 2, 2).is_none());
        assert!(Plan::of(Vec::new(), &[], 1, 1).is_none());
    }

    #[test]
    fn a_merge_keeps_the_snapshot_of_what_stays() {
        let first = written(Plan::of(Vec::new(), &files(1..=3), 11, 1).unwrap(), 1);
        let plan = Plan::of(first, &files([3, 4]), 12, 2).unwrap();
        assert_eq!(plan.summary["operation"], "overwrite");
        assert!(plan.shrinks);
        let existing: Vec<_> = plan.drafts.iter().flat_map(|draft| &draft.existing).collect();
        assert_eq!(
            existing.iter().map(|file| (file.id, file.snapshot, file.sequence)).collect::<Vec<_>>(),
            [(3, 11, 1)]
        );
        let deleted: Vec<i64> = plan.drafts.iter().flat_map(|draft| &draft.deleted).map(|file| file.id).collect();
        assert_eq!(deleted, [1, 2]);
        assert_eq!(ids(&written(plan, 2)), BTreeSet::from([3, 4]));
    }

    #[test]
    fn an_emptied_table_shows_nothing_and_can_be_filled_again() {
        let first = written(Plan::of(Vec::new(), &files(1..=3), 1, 1).unwrap(), 1);
        let plan = Plan::of(first, &[], 2, 2).unwrap();
        assert_eq!(plan.summary["operation"], "delete");
        let second = written(plan, 2);
        assert!(ids(&second).is_empty());
        let plan = Plan::of(second, &files([9]), 3, 3).unwrap();
        assert_eq!((plan.kept.len(), plan.drafts.len()), (0, 1), "a manifest of what was deleted goes with the next");
    }

    #[test]
    fn many_small_manifests_are_put_together() {
        let mut manifests = Vec::new();
        for sequence in 1..=200 {
            let plan = Plan::of(manifests, &files(1..=sequence), sequence, sequence).unwrap();
            manifests = written(plan, sequence);
            assert!(manifests.len() <= MANIFESTS_MAX + 2, "{} manifests", manifests.len());
            assert_eq!(ids(&manifests).len() as i64, sequence);
        }
    }

    #[test]
    fn a_manifest_holds_no_more_than_its_files() {
        let plan = Plan::of(Vec::new(), &files(1..=(FILES_MAX as i64 * 2 + 1)), 1, 1).unwrap();
        assert_eq!(plan.drafts.iter().map(|draft| draft.added.len()).collect::<Vec<_>>(), [FILES_MAX, FILES_MAX, 1]);
    }
}
