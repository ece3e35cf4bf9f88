//! The account of records that were lost, in memory and in a file.

use super::lock;
use cairn_event::Time;
use cairn_world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;
use uuid::Uuid;

/// What could not be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    pub records: u64,
    pub first: Time,
    pub last: Time,
    /// The `eventID` of the event that says so. It is drawn with the account, so that a crash
    /// between the event and the end of the account gives the same event again.
    pub event_id: Uuid,
}

impl Loss {
    /// `serviceEventDetails` of the event.
    pub fn details(&self) -> Value {
        json!({
            "lostRecords": self.records,
            "firstLost": self.first.iso_millis(),
            "lastLost": self.last.iso_millis(),
        })
    }
}

/// What is lost and not on record yet.
pub struct Losses {
    world: World,
    file: PathBuf,
    state: Mutex<State>,
}

struct State {
    now: Option<Loss>,
    /// What stands in the file.
    kept: Option<Loss>,
}

impl Losses {
    /// Goes on with the account that an earlier run left.
    pub fn open(world: &World, file: PathBuf) -> Result<Self, String> {
        let failed = |reason: String| format!("{}: {reason}", file.display());
        let left = match world.disk.read(&file) {
            Ok(json) => Some(serde_json::from_slice(&json).map_err(|error| failed(error.to_string()))?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self { world: world.clone(), state: Mutex::new(State { now: left, kept: left }), file })
    }

    pub fn add(&self, times: impl IntoIterator<Item = Time>) {
        let mut state = lock(&self.state);
        for time in times {
            let loss = state.now.get_or_insert_with(|| {
                tracing::error!("records are being lost; calls go on (recording is fail-open)");
                Loss { records: 0, first: time, last: time, event_id: self.draw() }
            });
            loss.records += 1;
            loss.first = loss.first.min(time);
            loss.last = loss.last.max(time);
        }
    }

    fn draw(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.world.dice.bytes()).into_uuid()
    }

    /// What has to be said.
    pub fn open_account(&self) -> Option<Loss> {
        lock(&self.state).now
    }

    /// This much stands in the journal now. What was lost meanwhile stays to be said.
    pub fn said(&self, loss: &Loss) {
        {
            let mut state = lock(&self.state);
            state.now = state.now.filter(|now| now.records > loss.records).map(|now| Loss {
                records: now.records - loss.records,
                first: loss.last,
                event_id: self.draw(),
                ..now
            });
        }
        self.keep();
    }

    /// Brings the file up to date. Blocks.
    pub fn keep(&self) {
        let mut state = lock(&self.state);
        if state.now == state.kept {
            return;
        }
        let result = match &state.now {
            Some(loss) => {
                let json = serde_json::to_vec(loss).expect("numbers and an id always serialize");
                self.world.disk.write_atomic(&self.file, &json)
            }
            None => self.world.disk.remove_file(&self.file),
        };
        match result {
            Ok(()) => state.kept = state.now,
            Err(error) => tracing::error!(%error, "the account of lost records cannot be kept"),
        }
    }
}
