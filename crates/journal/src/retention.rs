//! Drops old segments: by age what everybody has read, by size whatever is oldest.

use crate::segment::Segment;
use crate::{Error, Position, Shared};
use cairn_event::Time;
use cairn_world::{Clock, Disk};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

/// Drops whole segments from the oldest on and says where the journal begins now. Age
/// never takes what lies at or behind `keep`; size does, since a full disk would stop
/// everything.
pub(crate) fn trim(shared: &Shared, keep: Position, now: Time) -> Result<Option<Position>, Error> {
    let disk = &*shared.world.disk;
    let mut start = None;
    while let Some((oldest, next)) = due(shared, keep, now) {
        match disk.remove_file(&oldest.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(oldest.failed("remove", &error)),
            _ => {}
        }
        shared.segments().pop_front();
        // One by one: a crash must not bring back a segment whose successor stays gone.
        disk.sync_dir(&shared.dir).map_err(|error| oldest.failed("sync the removal of", &error))?;
        start = Some(Position(next));
    }
    Ok(start)
}

/// The oldest segment, when it has to go, and where its successor begins.
fn due(shared: &Shared, keep: Position, now: Time) -> Option<(Arc<Segment>, u64)> {
    let segments = shared.segments().clone();
    let (oldest, next) = (segments.front()?, segments.get(1)?);
    let bytes: u64 = segments.iter().map(|segment| segment.allocated()).sum();
    let too_large = bytes > shared.options.bytes_max;
    let read = next.first <= keep.0;
    let due = too_large || read && is_old(&segments, &*shared.world.disk, now, shared.options.age_max);
    due.then(|| (oldest.clone(), next.first))
}

/// Whether everything in the oldest segment was written longer than `age_max` ago: a
/// later segment was begun before that.
fn is_old(segments: &VecDeque<Arc<Segment>>, disk: &dyn Disk, now: Time, age_max: Duration) -> bool {
    let begun = segments.iter().skip(1).find_map(|segment| segment.created(disk));
    begun.is_some_and(|begun| now.since(begun) > age_max)
}

/// The time of day as retention believes it. A clock that jumps ahead would make
/// everything old at once, so this one gains at most as fast again as time passes.
pub(crate) struct Calendar {
    today: Time,
    looked: Duration,
}

impl Calendar {
    pub fn new(clock: &dyn Clock) -> Self {
        Self { today: clock.now(), looked: clock.monotonic() }
    }

    pub fn now(&mut self, clock: &dyn Clock) -> Time {
        let passed = clock.monotonic().saturating_sub(self.looked);
        self.looked += passed;
        self.today = clock.now().min(self.today + passed * 2);
        self.today
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_world::sim::Sim;

    #[test]
    fn a_clock_that_jumps_ahead_is_not_believed_at_once() {
        let sim = Sim::at(Time::from_seconds(1000));
        let mut calendar = Calendar::new(&*sim.clock);
        sim.clock.set(Time::from_seconds(1_000_000));
        assert_eq!(calendar.now(&*sim.clock), Time::from_seconds(1000));
        sim.clock.advance(Duration::from_secs(10));
        assert_eq!(calendar.now(&*sim.clock), Time::from_seconds(1020));
        sim.clock.set(Time::from_seconds(500));
        assert_eq!(calendar.now(&*sim.clock), Time::from_seconds(500));
        sim.clock.advance(Duration::from_secs(10));
        assert_eq!(calendar.now(&*sim.clock), Time::from_seconds(510));
    }
}
