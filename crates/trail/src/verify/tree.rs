//! An archive in a directory, as `aws s3 sync` copies it.
//!
//! Beside a file may stand its object metadata, in `<file>.meta.json` or
//! `<file>.metadata`: what `aws s3api head-object` prints, or its `Metadata` alone.

use super::Error;
use super::source::{Object, Source, Unread};
use bytes::Bytes;
use cairn_world::{Disk, Open, World};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

pub const SIDECARS: [&str; 2] = [".meta.json", ".metadata"];
const SIDECAR_BYTES_MAX: u64 = 1 << 20;
/// Keys on their way from the disk; the disk waits for whoever takes them.
const KEYS_WAITING: usize = 1024;

/// A directory.
pub struct Tree {
    world: World,
    dir: PathBuf,
}

impl Tree {
    pub fn new(world: &World, dir: &Path) -> Self {
        Self { world: world.clone(), dir: dir.to_owned() }
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&dyn Disk, &Path) -> T + Send + 'static) -> T {
        let (world, dir) = (self.world.clone(), self.dir.clone());
        tokio::task::spawn_blocking(move || work(&*world.disk, &dir)).await.expect("reading a file does not panic")
    }
}

#[async_trait::async_trait]
impl Source for Tree {
    fn name(&self) -> String {
        self.dir.display().to_string()
    }

    fn bucket(&self) -> Option<&str> {
        None
    }

    fn top(&self) -> String {
        String::new()
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, Error> {
        let folder = folder.to_owned();
        self.blocking(move |disk, dir| {
            let entries = list(disk, dir, &folder)?;
            Ok(entries.into_iter().filter(|(_, is_dir)| *is_dir).map(|(name, _)| format!("{folder}{name}/")).collect())
        })
        .await
    }

    fn keys(&self, folder: &str) -> BoxStream<'static, Result<String, Error>> {
        let (send, receive) = mpsc::channel(KEYS_WAITING);
        let (world, dir, folder) = (self.world.clone(), self.dir.clone(), folder.to_owned());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = send_keys(&*world.disk, &dir, folder, &send) {
                // Whoever has gone away needs no error either.
                let _ = send.blocking_send(Err(error));
            }
        });
        stream::unfold(receive, |mut receive| async move { receive.recv().await.map(|key| (key, receive)) }).boxed()
    }

    async fn get(&self, key: &str, bytes_max: u64) -> Result<Object, Unread> {
        let key = key.to_owned();
        self.blocking(move |disk, dir| get(disk, dir, &key, bytes_max)).await
    }

    fn get_blocking(&self, key: &str, bytes_max: u64) -> Option<Result<Object, Unread>> {
        Some(get(&*self.world.disk, &self.dir, key, bytes_max))
    }

    fn blocks(&self) -> bool {
        true
    }
}

fn get(disk: &dyn Disk, dir: &Path, key: &str, bytes_max: u64) -> Result<Object, Unread> {
    let path = dir.join(key);
    let bytes = read(disk, &path, bytes_max)?;
    // Only that of digests says anything, and looking for it takes its time.
    let metadata = if is_digest(key) { metadata(disk, &path)? } else { None };
    Ok(Object { bytes: bytes.into(), metadata })
}

fn is_digest(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|name| name.contains("_CloudTrail-Digest_"))
}

/// Names in a folder and whether each is a folder itself; nothing for one that is not there.
fn list(disk: &dyn Disk, dir: &Path, folder: &str) -> Result<Vec<(String, bool)>, Error> {
    let path = dir.join(folder);
    match disk.list(&path) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| (entry.name, entry.is_dir)).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound && !folder.is_empty() => Ok(Vec::new()),
        Err(error) => Err(Error::Unavailable(format!("{}: {error}", path.display()))),
    }
}

fn send_keys(
    disk: &dyn Disk,
    dir: &Path,
    folder: String,
    send: &mpsc::Sender<Result<String, Error>>,
) -> Result<(), Error> {
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for (name, is_dir) in list(disk, dir, &folder)? {
            if is_dir {
                folders.push(format!("{folder}{name}/"));
            } else if !SIDECARS.iter().any(|end| name.ends_with(end))
                && send.blocking_send(Ok(format!("{folder}{name}"))).is_err()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn read(disk: &dyn Disk, path: &Path, bytes_max: u64) -> Result<Vec<u8>, Unread> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Missing,
        _ => Unread::Failed(error.to_string()),
    };
    let file = disk.open(path, Open::Read).map_err(failed)?;
    let len = file.len().map_err(failed)?;
    if len > bytes_max {
        return Err(Unread::Failed(format!("it has {len} bytes, more than the {bytes_max} that are read")));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    Ok(bytes)
}

fn metadata(disk: &dyn Disk, path: &Path) -> Result<Option<BTreeMap<String, String>>, Unread> {
    for end in SIDECARS {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        match read(disk, Path::new(&beside), SIDECAR_BYTES_MAX) {
            Ok(bytes) => {
                let named = |reason| Unread::Failed(format!("its metadata file ({end}) {reason}"));
                return parse_metadata(&bytes.into()).map(Some).map_err(named);
            }
            Err(Unread::Missing) => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(None)
}

fn parse_metadata(bytes: &Bytes) -> Result<BTreeMap<String, String>, String> {
    let whole: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| format!("is not a JSON object: {error}"))?;
    let own = match whole.get("Metadata") {
        Some(Value::Object(own)) => own,
        Some(_) => return Err("has a Metadata that is no object".to_owned()),
        None => &whole,
    };
    let text = |(name, value): (&String, &Value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()));
    Ok(own.iter().filter_map(text).collect())
}
