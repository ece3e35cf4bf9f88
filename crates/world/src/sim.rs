//! A world for tests: a clock that is set, dice that repeat, a disk that fails on demand.

use crate::{Clock, Dice, Disk, Entry, File, Lock, Open, SystemDisk, What, World};
use cairn_event::Time;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
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
    /// Syncing fails.
    pub sync_fails: bool,
    /// Writes and syncs wait until this is cleared.
    pub stuck: bool,
}

#[derive(Default)]
struct Switch {
    faults: Mutex<Faults>,
    changed: Condvar,
}

impl Switch {
    fn writing(&self) -> io::Result<()> {
        if self.unstuck().full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn syncing(&self) -> io::Result<()> {
        if self.unstuck().sync_fails { Err(io::Error::other("sync failed (simulated)")) } else { Ok(()) }
    }

    fn unstuck(&self) -> Faults {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        while faults.stuck {
            faults = self.changed.wait(faults).unwrap_or_else(PoisonError::into_inner);
        }
        *faults
    }
}

/// The real disk behind a switchboard of faults.
#[derive(Default)]
pub struct SimDisk {
    switch: Arc<Switch>,
}

impl SimDisk {
    pub fn set(&self, faults: Faults) {
        *self.switch.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
        self.switch.changed.notify_all();
    }
}

struct SimFile {
    file: Box<dyn File>,
    switch: Arc<Switch>,
}

impl File for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.switch.writing()?;
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.switch.syncing()?;
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.switch.writing()?;
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.switch.writing()?;
        self.file.allocate(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        if matches!(how, Open::CreateNew | Open::Truncate) {
            self.switch.writing()?;
        }
        Ok(Box::new(SimFile { file: SystemDisk.open(path, how)?, switch: self.switch.clone() }))
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

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        if self.switch.unstuck().full { Ok(0) } else { SystemDisk.free_bytes(path) }
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
        let sleeper = tokio::spawn(async move { clock.sleep(Duration::from_secs(3600)).await });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        sim.clock.advance(Duration::from_secs(3600));
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
}
