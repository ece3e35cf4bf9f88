//! Files, with the promises about durability that the rest of the house builds on.
//!
//! Files are created 0600 and directories 0700. Calls block: async code makes them
//! from `spawn_blocking`.

use cairn_event::Time;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    Read,
    /// Read and write; the file must exist.
    Write,
    /// Read and write; the file must not exist.
    CreateNew,
    /// Read and write; made when missing, emptied when not.
    Truncate,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_dir: bool,
    /// Length in bytes; 0 for a directory.
    pub len: u64,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Dir,
    File {
        len: u64,
        modified: Time,
    },
    /// A device, a socket, a link to a directory or to nowhere.
    Other,
}

/// An open file, addressed by offset, so that one handle serves many threads.
pub trait File: Send + Sync {
    /// Reads at most `bytes.len()` bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the contents durable. After an error nothing may be assumed of what was written.
    fn sync(&self) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves disk space up to `len` and extends the file to it with zeros.
    fn allocate(&self, len: u64) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `bytes` from `offset` or fails with `UnexpectedEof`.
    fn read_exact_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.read_at(bytes, offset)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes = &mut bytes[read..];
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }
}

/// Held while a directory belongs to one process; released when dropped or at exit.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as its file is open")] fs::File);

/// The disk.
pub trait Disk: Send + Sync {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// What stands at a path; links are followed.
    fn look(&self, path: &Path) -> io::Result<What>;
    /// All that stands in a directory that others filled: every name, whatever its bytes,
    /// sorted. Links to files are followed, links to directories are not, so that a walk ends.
    fn survey(&self, path: &Path) -> io::Result<Vec<(PathBuf, What)>>;
    /// Makes a directory's names durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes the exclusive lock on a file, or `None` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.open(path, Open::Read) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Replaces a file durably: written beside it, synced, renamed, directory synced.
    /// After a crash the file has its old contents or the new ones, never a mixture.
    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let dir = path.parent().ok_or(ErrorKind::InvalidInput)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".tmp");
        let beside = PathBuf::from(beside);
        let file = self.open(&beside, Open::Truncate)?;
        file.write_at(bytes, 0)?;
        file.sync()?;
        drop(file);
        self.rename(&beside, path)?;
        self.sync_dir(dir)
    }
}

/// The machine's own disk.
#[derive(Debug)]
pub struct SystemDisk;

struct SystemFile(fs::File);

impl File for SystemFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), 0, len) {
            Err(rustix::io::Errno::OPNOTSUPP) => self.0.set_len(len),
            other => other.map_err(io::Error::from),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the disk")]
impl Disk for SystemDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).mode(0o600);
        match how {
            Open::Read => {}
            Open::Write => _ = options.write(true),
            Open::CreateNew => _ = options.write(true).create_new(true),
            Open::Truncate => _ = options.write(true).create(true).truncate(true),
        }
        Ok(Box::new(SystemFile(options.open(path)?)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let metadata = match fs::metadata(entry.path()) {
                // Removed or renamed since its name was read.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            let is_dir = metadata.is_dir();
            entries.push(Entry { name, is_dir, len: if is_dir { 0 } else { metadata.len() } });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn look(&self, path: &Path) -> io::Result<What> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Ok(What::Dir);
        }
        if !metadata.is_file() {
            return Ok(What::Other);
        }
        let since = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(What::File { len: metadata.len(), modified: Time(since.as_millis() as i64) })
    }

    fn survey(&self, path: &Path) -> io::Result<Vec<(PathBuf, What)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let path = entry.path();
            let is_link = entry.file_type()?.is_symlink();
            let what = match self.look(&path) {
                Ok(What::Dir) | Err(_) if is_link => What::Other,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other?,
            };
            found.push((path, what));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_replaced_file_is_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        SystemDisk.write_atomic(&path, b"one").unwrap();
        SystemDisk.write_atomic(&path, b"two").unwrap();
        assert_eq!(SystemDisk.read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SystemDisk.list(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_lock_is_held_by_one_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = SystemDisk.lock(&path).unwrap();
        assert!(held.is_some());
        assert!(SystemDisk.lock(&path).unwrap().is_none());
        drop(held);
        assert!(SystemDisk.lock(&path).unwrap().is_some());
    }

    #[test]
    fn a_survey_shows_every_name_and_follows_no_link_to_a_directory() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &[u8]| dir.path().join(std::ffi::OsStr::from_bytes(name));
        SystemDisk.write_atomic(&path(b"a\xff\n"), b"four").unwrap();
        SystemDisk.create_dir_all(&path(b"b")).unwrap();
        for (name, to) in [("c", "b"), ("d", "nowhere"), ("e", "e")] {
            std::os::unix::fs::symlink(to, path(name.as_bytes())).unwrap();
        }
        std::os::unix::fs::symlink(path(b"a\xff\n"), path(b"f")).unwrap();
        let found = SystemDisk.survey(dir.path()).unwrap_or_else(|error| panic!("{error}"));
        let shown: Vec<_> = found.iter().map(|(path, what)| (path.file_name().unwrap().as_bytes(), what)).collect();
        assert!(matches!(shown[0], (b"a\xff\n", What::File { len: 4, .. })));
        assert_eq!(
            shown[1..5],
            [(&b"b"[..], &What::Dir), (b"c", &What::Other), (b"d", &What::Other), (b"e", &What::Other)]
        );
        assert!(matches!(shown[5], (b"f", What::File { len: 4, .. })));
        assert_eq!(SystemDisk.look(&path(b"c")).unwrap(), What::Dir);
    }

    #[test]
    fn allocated_space_reads_as_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let file = SystemDisk.open(&dir.path().join("f"), Open::CreateNew).unwrap();
        file.allocate(4096).unwrap();
        let mut bytes = [1; 8];
        file.read_exact_at(&mut bytes, 4088).unwrap();
        assert_eq!(bytes, [0; 8]);
        assert!(file.read_exact_at(&mut bytes, 4089).is_err());
    }
}
