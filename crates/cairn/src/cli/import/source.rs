//! Where files come from: directories, files, S3.

use super::events::Event;
use crate::cli::elsewhere;
use bytes::Bytes;
use cairn_world::{What, World};
use futures::StreamExt;
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta, ObjectStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Directories within directories; deeper ones are reported and not entered.
const DEPTH_MAX: usize = 64;

/// A file that looks like a log file.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its whole name: an absolute path or an S3 URL.
    pub name: String,
    /// Changes when its contents do.
    pub version: String,
    pub bytes: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Disk(PathBuf),
    Object { store: Arc<dyn ObjectStore>, key: Key },
}

/// One SOURCE of the command line.
pub enum Source {
    File(Item),
    Dir(PathBuf),
    Bucket { store: Arc<dyn ObjectStore>, bucket: String, prefix: Key },
}

/// What a stage tells the next: a file to be handled or an event to be counted.
pub type Found = Result<Item, Event>;

impl Source {
    /// Makes sure that there is something of this name.
    pub async fn find(world: &World, text: &str) -> Result<Self, String> {
        if let Some(place) = text.strip_prefix("s3://") {
            return Self::in_bucket(world, place).await;
        }
        let path = std::path::absolute(text).map_err(|error| format!("{text}: {error}"))?;
        match world.disk.look(&path).map_err(|error| format!("{}: {error}", shown(&path)))? {
            What::Dir => Ok(Self::Dir(path)),
            What::File { len, modified } => Ok(Self::File(on_disk(path, len, modified.millis()))),
            What::Other => Err(format!("{}: neither a file nor a directory", shown(&path))),
        }
    }

    async fn in_bucket(world: &World, place: &str) -> Result<Self, String> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let failed = |reason: String| format!("s3://{place}: {reason}");
        let store = elsewhere::bucket(world, bucket).map_err(failed)?;
        let prefix = Key::parse(prefix.trim_end_matches('/')).map_err(|error| failed(error.to_string()))?;
        if !prefix.as_ref().is_empty() && !place.ends_with('/') {
            let head = GetOptions { head: true, ..GetOptions::default() };
            match store.get_opts(&prefix, head).await {
                Ok(found) => return Ok(Self::File(in_store(&store, bucket, found.meta))),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(elsewhere::said(&error))),
            }
        }
        // A bucket that is not there, or not for us, is a mistake of the command line.
        if let Some(Err(error)) = store.list(Some(&prefix)).next().await {
            return Err(failed(elsewhere::said(&error)));
        }
        Ok(Self::Bucket { store, bucket: bucket.to_owned(), prefix })
    }

    /// Sends everything found, until all is found or nobody wants to know.
    pub async fn list(self, world: World, to: Sender<Found>) {
        match self {
            Self::File(item) => _ = to.send(Ok(item)).await,
            Self::Dir(path) => {
                let walking = move || walk(&world, &path, &to, 0);
                if let Err(error) = tokio::task::spawn_blocking(walking).await {
                    tracing::error!(%error, "the walk ended early");
                }
            }
            Self::Bucket { store, bucket, prefix } => {
                let mut listing = store.list(Some(&prefix));
                while let Some(meta) = listing.next().await {
                    let found = match meta {
                        Ok(meta) if is_log_name(meta.location.as_ref()) => Ok(in_store(&store, &bucket, meta)),
                        Ok(_) => Err(Event::Skipped),
                        Err(error) => Err(unreadable(format!("s3://{bucket}/{prefix}"), &elsewhere::said(&error))),
                    };
                    if to.send(found).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// False once nobody wants to know any more. Blocks.
fn walk(world: &World, dir: &Path, to: &Sender<Found>, depth: usize) -> bool {
    if depth > DEPTH_MAX {
        let reason = format!("more than {DEPTH_MAX} directories deep");
        return to.blocking_send(Err(Event::Unreadable { name: shown(dir), reason })).is_ok();
    }
    let entries = match world.disk.survey(dir) {
        Ok(entries) => entries,
        Err(error) => return to.blocking_send(Err(unreadable(shown(dir), &error))).is_ok(),
    };
    entries.into_iter().all(|(path, what)| match what {
        What::Dir => walk(world, &path, to, depth + 1),
        What::File { len, modified } if is_log_name(&path.to_string_lossy()) => {
            to.blocking_send(Ok(on_disk(path, len, modified.millis()))).is_ok()
        }
        _ => to.blocking_send(Err(Event::Skipped)).is_ok(),
    })
}

fn unreadable(name: String, error: &dyn std::fmt::Display) -> Event {
    Event::Unreadable { name, reason: error.to_string() }
}

fn on_disk(path: PathBuf, bytes: u64, modified_ms: i64) -> Item {
    Item { name: shown(&path), version: format!("{bytes} bytes, {modified_ms}"), bytes, place: Place::Disk(path) }
}

fn in_store(store: &Arc<dyn ObjectStore>, bucket: &str, meta: ObjectMeta) -> Item {
    let tag = meta.e_tag.unwrap_or_else(|| meta.last_modified.timestamp_millis().to_string());
    Item {
        name: format!("s3://{bucket}/{}", meta.location),
        version: format!("{} bytes, {tag}", meta.size),
        bytes: meta.size,
        place: Place::Object { store: store.clone(), key: meta.location },
    }
}

/// A path for people and reports: what is not UTF-8 is replaced.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_log_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    [".json", ".jsonl", ".ndjson"].iter().any(|end| stem.ends_with(end))
}

impl Item {
    pub async fn read(&self, world: &World) -> Result<Bytes, String> {
        match &self.place {
            Place::Disk(path) => {
                let (world, path) = (world.clone(), path.clone());
                let read = tokio::task::spawn_blocking(move || world.disk.read(&path)).await;
                let bytes = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
                Ok(bytes.into())
            }
            Place::Object { store, key } => {
                let got = store.get_opts(key, GetOptions::default()).await.map_err(|error| elsewhere::said(&error))?;
                got.bytes().await.map_err(|error| elsewhere::said(&error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn names(source: Source) -> (Vec<String>, usize) {
        let (to, mut found) = tokio::sync::mpsc::channel(100);
        source.list(World::system(), to).await;
        let (mut names, mut others) = (Vec::new(), 0);
        while let Some(found) = found.recv().await {
            match found {
                Ok(item) => names.push(item.name),
                Err(_) => others += 1,
            }
        }
        (names, others)
    }

    #[tokio::test]
    async fn a_tree_is_walked_in_order_and_what_is_no_log_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let disk = World::system().disk;
        for (folder, name) in
            [("b/CloudTrail-Digest", "d.json.gz"), ("a", "x.JSON"), ("a", "result_1.csv.gz"), ("a", "y\n.ndjson")]
        {
            disk.create_dir_all(&dir.path().join(folder)).unwrap();
            disk.write_atomic(&dir.path().join(folder).join(name), b"{}").unwrap();
        }
        let root = dir.path().to_str().unwrap();
        let source = Source::find(&World::system(), root).await.unwrap_or_else(|error| panic!("{error}"));
        let (found, others) = names(source).await;
        assert_eq!(
            found,
            ["a/x.JSON", "a/y\n.ndjson", "b/CloudTrail-Digest/d.json.gz"].map(|name| format!("{root}/{name}"))
        );
        assert_eq!(others, 1);
        let one = Source::find(&World::system(), &format!("{root}/a/result_1.csv.gz")).await;
        assert_eq!(names(one.unwrap_or_else(|error| panic!("{error}"))).await.0.len(), 1);
        assert!(Source::find(&World::system(), &format!("{root}/nowhere")).await.is_err());
    }

    #[test]
    fn a_version_changes_with_size_and_time() {
        let version = |bytes, modified| on_disk("/x".into(), bytes, modified).version;
        assert_ne!(version(1, 2), version(2, 1));
        assert_ne!(version(1, 2), version(1, 3));
    }
}
