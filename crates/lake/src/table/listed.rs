//! Which files an Iceberg snapshot may still list: their objects stay, whatever the hour says.

use super::state::Retired;
use cairn_event::Time;
use std::time::Duration;

/// How long a snapshot that is shown no more counts still: for who has just been told of it.
const LINGER: Duration = Duration::from_mins(15);
/// Between when a file is said to be retired and when the last list with it was read, at most.
const MARGIN: Duration = Duration::from_mins(1);

/// What the catalog said of a published table.
pub(crate) struct Listing {
    /// When its list was compared last with what is published; None before the first time since the start.
    looked: Option<Time>,
    /// Snapshots with files that left the table: when each was made, and since when it is shown no more.
    outlived: Vec<(Time, Option<Time>)>,
}

impl Listing {
    /// Of a table that was published before this start.
    pub const fn unknown() -> Self {
        Self { looked: None, outlived: Vec::new() }
    }

    /// These snapshots with files that left are shown.
    pub fn look(&mut self, at: Time, outlived: impl IntoIterator<Item = Time>) {
        self.looked = Some(at);
        for (_, gone) in &mut self.outlived {
            gone.get_or_insert(at);
        }
        for made in outlived {
            self.outlived.retain(|(known, _)| *known != made);
            self.outlived.push((made, None));
        }
        self.outlived.retain(|(_, gone)| gone.is_none_or(|gone| at.since(gone) < LINGER));
    }

    /// Whether a snapshot may list a file that is retired.
    pub fn may_list(&self, retired: &Retired) -> bool {
        // Until it is looked again nobody knows which snapshots have the file.
        let Some(looked) = self.looked else { return true };
        let left = retired.at + MARGIN;
        looked < left || self.outlived.iter().any(|(made, _)| retired.file.born <= *made && *made <= left)
    }
}
