//! Immutable files. A blob's name is drawn, its bytes never change.
//!
//! ```text
//! DIR/tmp/<id>       being written; left over after a crash, removed at the next start
//! DIR/<ab>/<id>      finished; <ab> are the first two characters of the id
//! ```
//! Order of durability: 1. bytes into tmp, 2. sync the file, 3. rename into its folder,
//! 4. sync that folder. Only then may a row in the database name the blob.

use cairn_world::{Disk, File, Open, World};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of a blob: 32 lower-case hexadecimal characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(String);

impl BlobId {
    /// Reads back an id that was stored; refuses anything that could be a path.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A directory of blobs. Its calls block.
#[derive(Clone)]
pub struct Blobs {
    world: World,
    dir: Arc<Path>,
}

/// A blob being written. Dropped unfinished, it leaves nothing that anyone will read.
pub struct Writer {
    blobs: Blobs,
    id: BlobId,
    file: Box<dyn File>,
    len: u64,
    finished: bool,
}

impl Blobs {
    /// Opens the directory and clears what a crash left half written.
    pub fn open(world: &World, dir: &Path) -> io::Result<Self> {
        let blobs = Self { world: world.clone(), dir: dir.into() };
        let tmp = blobs.tmp();
        blobs.disk().create_dir_all(&tmp)?;
        for entry in blobs.disk().list(&tmp)? {
            blobs.disk().remove_file(&tmp.join(entry.name))?;
        }
        Ok(blobs)
    }

    fn disk(&self) -> &dyn Disk {
        &*self.world.disk
    }

    fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    fn folder(&self, id: &BlobId) -> PathBuf {
        self.dir.join(&id.0[..2])
    }

    /// Begins a new blob.
    pub fn create(&self) -> io::Result<Writer> {
        let id = BlobId(self.world.dice.text(b"0123456789abcdef", 32));
        let file = self.disk().open(&self.tmp().join(&id.0), Open::CreateNew)?;
        Ok(Writer { blobs: self.clone(), id, file, len: 0, finished: false })
    }

    /// Opens a finished blob for reading.
    pub fn get(&self, id: &BlobId) -> io::Result<Box<dyn File>> {
        self.disk().open(&self.folder(id).join(&id.0), Open::Read)
    }

    /// Removes a blob; one that is gone already is no error.
    pub fn remove(&self, id: &BlobId) -> io::Result<()> {
        match self.disk().remove_file(&self.folder(id).join(&id.0)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Every finished blob, to find those that no row names.
    pub fn list(&self) -> io::Result<Vec<BlobId>> {
        let mut ids = Vec::new();
        for folder in self.disk().list(&self.dir)? {
            if folder.is_dir && folder.name != "tmp" {
                let entries = self.disk().list(&self.dir.join(folder.name))?;
                ids.extend(entries.iter().filter_map(|entry| BlobId::parse(&entry.name)));
            }
        }
        Ok(ids)
    }
}

impl Writer {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The id that the blob will have.
    pub const fn id(&self) -> &BlobId {
        &self.id
    }

    /// Bytes written so far.
    pub const fn len(&self) -> u64 {
        self.len
    }

    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes the blob durable under its id.
    pub fn finish(mut self) -> io::Result<BlobId> {
        self.file.sync()?;
        let folder = self.blobs.folder(&self.id);
        let disk = self.blobs.disk();
        if !disk.exists(&folder)? {
            disk.create_dir_all(&folder)?;
            disk.sync_dir(&self.blobs.dir)?;
        }
        disk.rename(&self.blobs.tmp().join(&self.id.0), &folder.join(&self.id.0))?;
        disk.sync_dir(&folder)?;
        self.finished = true;
        Ok(self.id.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is removed at the next start.
            let _ = self.blobs.disk().remove_file(&self.blobs.tmp().join(&self.id.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_reads_back_and_an_abandoned_one_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&World::system(), dir.path()).unwrap();
        let mut writer = blobs.create().unwrap();
        writer.write(b"hello ").unwrap();
        writer.write(b"world").unwrap();
        let id = writer.finish().unwrap();
        let file = blobs.get(&id).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(bytes, b"hello world");

        drop(blobs.create().unwrap());
        assert_eq!(blobs.list().unwrap(), std::slice::from_ref(&id));
        assert!(World::system().disk.list(&dir.path().join("tmp")).unwrap().is_empty());

        blobs.remove(&id).unwrap();
        blobs.remove(&id).unwrap();
        assert!(blobs.get(&id).is_err());
    }

    #[test]
    fn half_written_blobs_are_cleared_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&World::system(), dir.path()).unwrap();
        std::mem::forget(blobs.create().unwrap());
        Blobs::open(&World::system(), dir.path()).unwrap();
        assert!(World::system().disk.list(&dir.path().join("tmp")).unwrap().is_empty());
    }

    #[test]
    fn only_hexadecimal_names_are_ids() {
        assert!(BlobId::parse(&"a".repeat(32)).is_some());
        for text in ["", "../../etc/passwd", &"A".repeat(32), &"a".repeat(31)] {
            assert!(BlobId::parse(text).is_none(), "{text}");
        }
    }
}
