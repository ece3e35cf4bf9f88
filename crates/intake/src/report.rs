//! What became of one file.

use crate::sources::cloudtrail::{Decoded, Kind, Rejection};
use serde::{Deserialize, Serialize};

/// What became of one file. All that it counts as taken is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub kind: Kind,
    /// What the file is, when nothing was to be taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Size of the file after decompression.
    pub bytes: u64,
    /// Events in the file, but for those rejected: the new ones and the duplicates.
    pub records: u64,
    /// Appended to the journal.
    pub new: u64,
    /// Known already, or twice in this file: with the same eventID and equal bytes.
    pub duplicates: u64,
    /// Of the new ones, those whose eventID is known with other bytes.
    pub conflicts: u64,
    /// Events whose eventTime is no time between 2000 and 2099. They are taken.
    pub undated: u64,
    /// Events without an eventID, known by a digest of their text. They are taken.
    pub unnamed: u64,
    pub rejected: u64,
    /// The first of the rejected ones, described.
    #[serde(default)]
    pub rejections: Vec<Rejection>,
}

impl Report {
    pub(crate) fn of(decoded: &mut Decoded, bytes: u64) -> Self {
        Self {
            kind: decoded.kind,
            note: decoded.note.take(),
            bytes,
            records: decoded.records.len() as u64,
            new: 0,
            duplicates: 0,
            conflicts: 0,
            undated: decoded.undated,
            unnamed: decoded.unnamed,
            rejected: decoded.rejected.total,
            rejections: std::mem::take(&mut decoded.rejected.first),
        }
    }
}
