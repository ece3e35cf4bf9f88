//! A world for tests: a clock that is set, dice that repeat, a disk that fails on demand.

use crate::{Clock, Dice, Disk, Entry, File, Lock, Open, SystemDisk, What, World};
use cairn_event::Time;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A world whose parts the test holds.
pub struct Sim {
    pub clock: Arc<SimClock>,
    pub disk: Arc<SimDisk>,
    dice: Arc<SimDice>,
}

impl Sim {
    /// A world that starts at `now`, on the real file system, without faults.
    pub fn at(now: Time) -> Self {
        Self {
            clock: Arc::new(SimClock::at(now)),
            disk: Arc::new(SimDisk::default()),
            dice: Arc::new(SimDice(AtomicU64::new(0x9E37_79B9_7F4A_7C15))),
        }
    }

    pub fn world(&self) -> World {
        World { clock: self.clock.clone(), dice: self.dice.clone(), disk: self.disk.clone() }
    }
}

/// A clock that moves only when told to.
pub struct SimClock {
    now: tokio::sync::watch::Sender<(Time, Duration)>,
}

impl SimClock {
    fn at(now: Time) -> Self {
        Self { now: tokio::sync::watch::Sender::new((now, Duration::ZERO)) }
    }

    /// Lets time pass; whoever sleeps until then wakes.
    pub fn advance(&self, span: Duration) {
        self.now.send_modify(|(now, passed)| {
            *now = *now + span;
            *passed += span;
        });
    }

    /// Sets the time of day, also backwards, without any time passing.
    pub fn set(&self, to: Time) {
        self.now.send_modify(|(now, _)| *now = to);
    }
}

#[async_trait::async_trait]
impl Clock for SimClock {
    fn now(&self) -> Time {
        self.now.borrow().0
    }

    fn monotonic(&self) -> Duration {
        self.now.borrow().1
    }

    async fn sleep(&self, span: Duration) {
        let until = self.monotonic() + span;
        let mut seen = self.now.subscribe();
        // The sender lives as long as this clock, which the caller borrows.
        let _ = seen.wait_for(|(_, passed)| *passed >= until).await;
    }
}

/// A generator that gives the same bytes in every run.
struct SimDice(AtomicU64);

impl Dice for SimDice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// What is wrong with the disk just now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Writes and new files fail as on a full disk.
    pub full: bool,
    /// Writes put down half of their bytes, then fail as on a full disk.
    pub full_midway: bool,
    /// Syncing fails.
    pub sync_fails: bool,
    /// Writes and syncs wait until this is cleared.
    pub stuck: bool,
    /// Syncs wait until this is cleared or the power is cut.
    pub sync_stuck: bool,
}

/// A disk that loses power keeps or loses each of these as a whole.
const SECTOR_BYTES: u64 = 512;

#[derive(Default)]
struct Switch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    faults: Faults,
    /// Syncs that wait because the disk is stuck.
    syncs_waiting: usize,
    /// How often the power was cut; files opened before are dead.
    cuts: u64,
    /// What stood where something was written that is not synced; remembered on demand.
    unsynced: Option<Vec<Sector>>,
}

struct Sector {
    path: PathBuf,
    offset: u64,
    before: Vec<u8>,
}

impl Switch {
    fn writing(&self) -> io::Result<()> {
        if self.unstuck().full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn syncing(&self) -> io::Result<()> {
        let mut state = self.lock();
        let cuts = state.cuts;
        state.syncs_waiting += 1;
        self.changed.notify_all();
        while (state.faults.stuck || state.faults.sync_stuck) && state.cuts == cuts {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.syncs_waiting -= 1;
        if state.faults.sync_fails { Err(io::Error::other("sync failed (simulated)")) } else { Ok(()) }
    }

    fn unstuck(&self) -> Faults {
        let mut state = self.lock();
        while state.faults.stuck {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.faults
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The real disk behind a switchboard of faults.
#[derive(Default)]
pub struct SimDisk {
    switch: Arc<Switch>,
}

impl SimDisk {
    pub fn set(&self, faults: Faults) {
        self.switch.lock().faults = faults;
        self.switch.changed.notify_all();
    }

    /// From now on remembers what [`Self::cut_power`] has to take back.
    pub fn remember_unsynced(&self) {
        self.switch.lock().unsynced = Some(Vec::new());
    }

    /// Blocks until a sync waits because the disk is stuck.
    pub fn until_sync_waits(&self) {
        let mut state = self.switch.lock();
        while state.syncs_waiting == 0 {
            state = self.switch.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Cuts the power: of what was written and not synced each sector survives only when
    /// `survives` says so, and every file that is open fails from now on. Lengths and
    /// names of files are as durable as on a journaling file system.
    pub fn cut_power(&self, mut survives: impl FnMut() -> bool) -> io::Result<()> {
        let sectors = {
            let mut state = self.switch.lock();
            state.cuts += 1;
            self.switch.changed.notify_all();
            state.unsynced.as_mut().map(std::mem::take).unwrap_or_default()
        };
        for sector in sectors.iter().rev().filter(|_| !survives()) {
            let file = match SystemDisk.open(&sector.path, Open::Write) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let len = file.len()?.saturating_sub(sector.offset).min(sector.before.len() as u64);
            file.write_at(&sector.before[..len as usize], sector.offset)?;
        }
        Ok(())
    }
}

struct SimFile {
    file: Box<dyn File>,
    path: PathBuf,
    switch: Arc<Switch>,
    /// How often the power had been cut when this was opened.
    cuts: u64,
}

impl SimFile {
    fn alive(&self) -> io::Result<()> {
        if self.switch.lock().cuts == self.cuts {
            Ok(())
        } else {
            Err(io::Error::other("the power was cut (simulated)"))
        }
    }

    fn remember(&self, mut offset: u64, len: u64) -> io::Result<()> {
        let mut state = self.switch.lock();
        let Some(unsynced) = &mut state.unsynced else { return Ok(()) };
        let end = offset + len;
        while offset < end {
            let next = end.min((offset / SECTOR_BYTES + 1) * SECTOR_BYTES);
            let mut before = vec![0; (next - offset) as usize];
            let mut read = 0;
            while let more @ 1.. = self.file.read_at(&mut before[read..], offset + read as u64)? {
                read += more;
            }
            unsynced.push(Sector { path: self.path.clone(), offset, before });
            offset = next;
        }
        Ok(())
    }
}

impl File for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.alive()?;
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.switch.writing()?;
        self.alive()?;
        self.remember(offset, bytes.len() as u64)?;
        if self.switch.unstuck().full_midway {
            self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.switch.syncing()?;
        self.alive()?;
        self.file.sync()?;
        if let Some(unsynced) = &mut self.switch.lock().unsynced {
            unsynced.retain(|sector| sector.path != self.path);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.switch.writing()?;
        self.alive()?;
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.switch.writing()?;
        self.alive()?;
        self.file.allocate(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.alive()?;
        self.file.len()
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        if matches!(how, Open::CreateNew | Open::Truncate) {
            self.switch.writing()?;
        }
        let (file, cuts) = (SystemDisk.open(path, how)?, self.switch.lock().cuts);
        Ok(Box::new(SimFile { file, path: path.to_owned(), switch: self.switch.clone(), cuts }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        SystemDisk.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove_dir_all(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.switch.writing()?;
        SystemDisk.create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        SystemDisk.list(path)
    }

    fn look(&self, path: &Path) -> io::Result<What> {
        SystemDisk.look(path)
    }

    fn survey(&self, path: &Path) -> io::Result<Vec<(PathBuf, What)>> {
        SystemDisk.survey(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.switch.syncing()?;
        SystemDisk.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        SystemDisk.lock(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come() {
        let sim = Sim::at(Time(0));
        let clock = sim.clock.clone();
        let sleeper = tokio::spawn(async move { clock.sleep(Duration::from_hours(1)).await });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        sim.clock.advance(Duration::from_hours(1));
        sleeper.await.unwrap();
    }

    #[test]
    fn a_full_disk_refuses_writes_and_keeps_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time(0));
        let path = dir.path().join("f");
        sim.disk.write_atomic(&path, b"kept").unwrap();
        sim.disk.set(Faults { full: true, ..Faults::default() });
        let error = sim.disk.write_atomic(&path, b"lost").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(sim.disk.read(&path).unwrap(), b"kept");
    }

    #[test]
    fn a_power_cut_takes_back_what_was_not_synced() {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time(0));
        sim.disk.remember_unsynced();
        let path = dir.path().join("f");
        let file = sim.disk.open(&path, Open::CreateNew).unwrap();
        file.write_at(&[1; 2048], 0).unwrap();
        file.sync().unwrap();
        file.write_at(&[2; 1500], 100).unwrap();
        let mut turn = 0;
        let cut = sim.disk.cut_power(|| {
            turn += 1;
            turn == 1
        });
        cut.unwrap();
        let mut expected = [1; 2048];
        expected[1536..1600].fill(2);
        assert_eq!(sim.disk.read(&path).unwrap(), expected);
        assert!(file.write_at(&[3], 0).is_err());
        assert!(sim.disk.open(&path, Open::Write).unwrap().write_at(&[3], 0).is_ok());
    }

    #[test]
    fn a_disk_that_fills_midway_keeps_half_a_write() {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::at(Time(0));
        let file = sim.disk.open(&dir.path().join("f"), Open::CreateNew).unwrap();
        sim.disk.set(Faults { full_midway: true, ..Faults::default() });
        assert_eq!(file.write_at(&[1; 10], 0).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.len().unwrap(), 5);
    }
}
