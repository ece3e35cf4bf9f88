//! What the catalog knows of a table: its snapshots, the manifests in them, the files in those.

use crate::table::File;
use cairn_event::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A table as it was published last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Never changes: readers take a table with another one for another table.
    pub uuid: String,
    /// Counts the metadata files.
    pub version: u64,
    /// Key of the metadata file.
    pub metadata: String,
    /// Counts the snapshots.
    pub sequence: i64,
    pub updated: Time,
    /// As Iceberg writes them, each with its `schema-id`; the last is the current one.
    pub schemas: Vec<Value>,
    /// Oldest first; the last is the current one. None while nothing was ever in the table.
    pub snapshots: Vec<Snapshot>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub id: i64,
    pub parent: Option<i64>,
    pub sequence: i64,
    pub at: Time,
    pub schema: i64,
    /// Key of the manifest list.
    pub list: String,
    pub summary: BTreeMap<String, String>,
    /// When a file that it shows was found to be in the table no more.
    pub outlived: Option<Time>,
}

/// A manifest as lists name it, with its files that are in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub key: String,
    pub bytes: i64,
    /// Of the snapshot that it was written for.
    pub snapshot: i64,
    pub sequence: i64,
    pub sequence_min: i64,
    pub added: Count,
    pub existing: Count,
    pub deleted: Count,
    pub files: Vec<Listed>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    pub files: u32,
    pub rows: u64,
}

impl Count {
    pub fn of<'a>(files: impl Iterator<Item = &'a Listed>) -> Self {
        files.fold(Self::default(), |sum, file| Self { files: sum.files + 1, rows: sum.rows + file.rows })
    }
}

/// A file, with the snapshot that it came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub id: i64,
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    /// `eventTime` of its oldest and its newest row.
    pub times: (Time, Time),
    pub snapshot: i64,
    pub sequence: i64,
}

impl Listed {
    pub fn new(file: &File, snapshot: i64, sequence: i64) -> Self {
        let times = (file.times.start, file.times.end);
        let (id, key) = (file.id, file.key.clone());
        Self { id, key, rows: file.rows, bytes: file.bytes, times, snapshot, sequence }
    }
}

impl State {
    pub fn current(&self) -> Option<&Snapshot> {
        self.snapshots.last()
    }

    /// Whether a kept snapshot shows a manifest that came with one snapshot and was gone with another.
    pub fn shows(&self, came: i64, gone: i64) -> bool {
        self.snapshots.iter().any(|snapshot| (came..gone).contains(&snapshot.sequence))
    }
}
