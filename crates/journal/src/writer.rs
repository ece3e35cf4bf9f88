//! The one thread that writes: groups appends, makes them durable, answers.

use crate::frame::Encoder;
use crate::recover::{Found, recover};
use crate::segment::{self, HEAD_BYTES, Segment};
use crate::{Entry, Error, Options, Position, Recovery, Shared};
use cairn_event::Time;
use cairn_world::{File, Lock, Open, World};
use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot, watch};

/// Appends are written together until they hold this much before compression.
const GROUP_BYTES: usize = 16 << 20;
/// Memory for packed groups that is kept between them.
const OUT_BYTES_KEPT: usize = 8 << 20;

pub(crate) enum Job {
    Append(Append),
    Close(oneshot::Sender<()>),
}

pub(crate) struct Append {
    pub entries: Vec<Entry>,
    pub bytes: usize,
    pub reply: oneshot::Sender<Result<Range<Position>, Error>>,
    /// Room in the queue, given back when this is answered.
    pub _room: OwnedSemaphorePermit,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    encoder: Encoder,
    out: Vec<u8>,
    open: Option<Tail>,
    next: u64,
    /// When the newest segment was begun, by a clock that never runs backwards.
    created: Time,
    _lock: Lock,
}

/// The segment being written.
struct Tail {
    segment: Arc<Segment>,
    file: Box<dyn File>,
    /// Behind the last durable frame.
    at: u64,
    allocated: u64,
    /// Bytes that nobody was promised may stand behind the tail; they must go before
    /// anything is written, or a crash could show them behind a shorter frame.
    dirty: bool,
}

/// Recovers the journal in `dir` and prepares its writer.
pub(crate) fn open(world: &World, dir: &Path, options: Options) -> Result<(Arc<Shared>, Writer, Recovery), Error> {
    let unavailable = |error| Error::Unavailable(format!("{}: {error}", dir.display()));
    world.disk.create_dir_all(dir).map_err(unavailable)?;
    let lock = world.disk.lock(&dir.join("lock")).map_err(unavailable)?;
    let lock = lock.ok_or_else(|| Error::Unavailable(format!("{}: another process has it open", dir.display())))?;
    let mut segments = VecDeque::new();
    for entry in world.disk.list(dir).map_err(unavailable)? {
        if let Some(first) = Segment::first_of(&entry.name) {
            segments.push_back(Arc::new(Segment::new(dir, first, entry.len, entry.len)));
        }
    }
    let mut recovery = Recovery::default();
    let (tail, next) = reopen(world, &mut segments, &mut recovery)?;
    recovery.records = next - segments.front().map_or(next, |segment| segment.first);
    let created = segments.back().and_then(|segment| segment.created(&*world.disk));
    let shared = Arc::new(Shared {
        world: world.clone(),
        dir: dir.to_owned(),
        options,
        segments: Mutex::new(segments),
        end: watch::Sender::new(Position(next)),
        stopped: OnceLock::new(),
        rolled: Notify::new(),
    });
    let writer = Writer {
        shared: shared.clone(),
        encoder: Encoder::new()?,
        out: Vec::new(),
        open: tail,
        next,
        created: created.unwrap_or(Time(i64::MIN)),
        _lock: lock,
    };
    Ok((shared, writer, recovery))
}

/// Recovers the last segment, so that writing goes on behind its last whole frame.
fn reopen(
    world: &World,
    segments: &mut VecDeque<Arc<Segment>>,
    recovery: &mut Recovery,
) -> Result<(Option<Tail>, u64), Error> {
    let Some(segment) = segments.back().cloned() else { return Ok((None, 0)) };
    let file = world.disk.open(&segment.path, Open::Write).map_err(|error| segment.failed("open", &error))?;
    let Found { end, tail, headless } = recover(&segment, &*file, recovery)?;
    if headless {
        // Its name alone carries the position; the first append begins it anew.
        segments.pop_back();
        return Ok((None, end));
    }
    let allocated = file.len().map_err(|error| segment.failed("look at", &error))?;
    let mut tail = Tail { segment, file, at: tail, allocated, dirty: recovery.torn_bytes > 0 };
    tail.segment.set_readable(tail.at);
    if tail.dirty {
        tail.scrub().map_err(|error| tail.segment.failed("cut off the torn tail of", &error))?;
        tail.file.sync().map_err(|error| Error::Stopped(format!("sync after cutting off a torn tail: {error}")))?;
    }
    Ok((Some(tail), end))
}

impl Tail {
    /// Removes what stands behind the last durable frame.
    fn scrub(&mut self) -> std::io::Result<()> {
        self.dirty = true;
        self.file.set_len(self.at)?;
        self.dirty = false;
        self.allocated = self.at;
        self.segment.set_allocated(self.at);
        Ok(())
    }

    /// Makes sure that `bytes` more can be written.
    fn reserve(&mut self, bytes: u64, segment_bytes_max: u64) -> std::io::Result<()> {
        if self.dirty {
            self.scrub()?;
        }
        if self.at + bytes > self.allocated {
            let wanted = segment_bytes_max.max(self.at + bytes);
            self.dirty = true;
            self.file.allocate(wanted)?;
            self.dirty = false;
            self.allocated = wanted;
            self.segment.set_allocated(wanted);
        }
        Ok(())
    }
}

impl Writer {
    /// Runs until the journal is closed or nobody has it any more.
    pub fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        let mut closing = None;
        while closing.is_none()
            && let Ok(job) = jobs.recv()
        {
            let group;
            (group, closing) = gather(job, jobs);
            if !group.is_empty() {
                self.commit(group);
            }
        }
        if let Some(tail) = &mut self.open
            && let Err(error) = tail.scrub().and_then(|()| tail.file.sync())
        {
            tracing::warn!(%error, "the journal's last segment keeps its reserved space");
        }
        // The lock is given back before the answer, so that the journal can be opened again.
        drop(self);
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    fn commit(&mut self, group: Vec<Append>) {
        let mut at = self.next;
        let result = self.write(&group);
        if let Err(error) = &result {
            tracing::error!(%error, appends = group.len(), "appends are refused");
        }
        for append in group {
            let range = Position(at)..Position(at + append.entries.len() as u64);
            at = range.end.0;
            // Whoever stopped waiting does not need the answer.
            let _ = append.reply.send(result.clone().map(|()| range));
        }
    }

    /// Makes a group durable, or nothing of it.
    fn write(&mut self, group: &[Append]) -> Result<(), Error> {
        if self.shared.stopped.get().is_some() {
            return Err(self.shared.ended());
        }
        self.out.clear();
        self.out.shrink_to(OUT_BYTES_KEPT);
        self.encoder
            .encode(self.next, group.iter().map(|append| (&*append.entries, append.bytes)), &mut self.out)
            .map_err(|error| Error::Unavailable(format!("cannot compress: {error}")))?;
        let bytes = self.out.len() as u64;
        if self.open.as_ref().is_none_or(|tail| self.is_full(tail, bytes)) {
            self.roll()?;
        }
        let tail = self.open.as_mut().expect("a segment was just begun when none was open");
        tail.reserve(bytes, self.shared.options.segment_bytes_max)
            .map_err(|error| tail.segment.failed("reserve space in", &error))?;
        if let Err(error) = tail.file.write_at(&self.out, tail.at) {
            let _ = tail.scrub();
            return Err(tail.segment.failed("write", &error));
        }
        if let Err(error) = tail.file.sync() {
            // Nothing may be assumed of what was written. It was promised to nobody: it had better be gone.
            let _ = tail.scrub();
            return Err(self.stop(format!("sync failed: {error}")));
        }
        tail.at += bytes;
        tail.segment.set_readable(tail.at);
        self.next += group.iter().map(|append| append.entries.len() as u64).sum::<u64>();
        self.shared.end.send_replace(Position(self.next));
        Ok(())
    }

    fn is_full(&self, tail: &Tail, bytes: u64) -> bool {
        tail.at > HEAD_BYTES && tail.at + bytes > self.shared.options.segment_bytes_max
    }

    /// Begins the next segment and seals the one before.
    fn roll(&mut self) -> Result<(), Error> {
        // After a clock that was wrong for a while, segments may seem younger than they are and are
        // kept longer; never older, and dropped too early.
        self.created = self.created.max(self.shared.world.now());
        let segment = Arc::new(Segment::new(&self.shared.dir, self.next, HEAD_BYTES, HEAD_BYTES));
        let tail = self.begin(&segment).inspect_err(|_| _ = self.shared.world.disk.remove_file(&segment.path))?;
        self.shared.segments().push_back(segment);
        if let Some(mut sealed) = self.open.replace(tail)
            && let Err(error) = sealed.scrub()
        {
            tracing::warn!(%error, "a sealed segment keeps its reserved space");
        }
        self.shared.rolled.notify_one();
        Ok(())
    }

    fn begin(&self, segment: &Arc<Segment>) -> Result<Tail, Error> {
        let disk = &self.shared.world.disk;
        let allocated = self.shared.options.segment_bytes_max.max(HEAD_BYTES);
        let prepared = disk.open(&segment.path, Open::Truncate).and_then(|file| {
            file.allocate(allocated)?;
            file.write_at(&segment::head(segment.first, self.created), 0)?;
            Ok(file)
        });
        let file = prepared.map_err(|error| segment.failed("begin", &error))?;
        if let Err(error) = file.sync().and_then(|()| disk.sync_dir(&self.shared.dir)) {
            return Err(self.stop(format!("sync of a new segment failed: {error}")));
        }
        segment.set_allocated(allocated);
        Ok(Tail { segment: segment.clone(), file, at: HEAD_BYTES, allocated, dirty: false })
    }

    fn stop(&self, cause: String) -> Error {
        tracing::error!(%cause, "the journal stops; it takes no appends until it is opened again");
        Error::Stopped(self.shared.stopped.get_or_init(|| cause).clone())
    }
}

/// What waits and fits into one group; and the wish to close, when it is among it.
fn gather(job: Job, jobs: &mpsc::Receiver<Job>) -> (Vec<Append>, Option<oneshot::Sender<()>>) {
    let mut group = Vec::new();
    let mut bytes = 0;
    let mut next = Some(job);
    while let Some(job) = next {
        match job {
            Job::Close(closed) => return (group, Some(closed)),
            Job::Append(append) => {
                bytes += append.bytes;
                group.push(append);
            }
        }
        next = if bytes < GROUP_BYTES { jobs.try_recv().ok() } else { None };
    }
    (group, None)
}
