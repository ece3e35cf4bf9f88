//! The data directory: its layout, its version, and the files that tell others of a running house.
//!
//! ```text
//! DATA/house.json        format version, account and home region; written once, at the first start
//! DATA/lock              held by the one process that has the directory open
//! DATA/endpoint          the URL of a house that answers; gone after a clean stop
//! DATA/root.key          wraps every secret in here
//! DATA/aws/credentials   the root access key, for AWS clients
//! DATA/aws/config        endpoint, region and path-style S3, for AWS clients
//! DATA/cairn.db          small tables
//! DATA/journal/          segments of the journal
//! DATA/blobs/            bytes of objects
//! DATA/staged/           log and digest files on their way into buckets
//! DATA/seen/             which events were imported
//! DATA/results/          results of queries, until they are dropped
//! DATA/spill/            what queries that run have no room for in memory
//! DATA/lost.json         an account of records that were lost and are not on record yet
//! ```

use cairn_identity::RootKey;
use cairn_world::{Lock, Open, World};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;

/// What a data directory says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub format: u32,
    pub account: String,
    pub region: String,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("{0} is in use by another cairn; stop that one, or choose another --data-dir")]
    Locked(String),
    #[error(
        "{path} has format {found}, this cairn knows formats up to {FORMAT}: it was written by a newer cairn; start that one"
    )]
    Newer { path: String, found: u32 },
    #[error("{path}: not the description of a data directory: {reason}")]
    Corrupt { path: String, reason: String },
    #[error("{0}")]
    Mismatch(String),
}

/// A data directory that belongs to this process.
pub struct DataDir {
    world: World,
    path: PathBuf,
    pub about: About,
    _lock: Lock,
}

impl DataDir {
    /// Takes the directory, or makes it for `account` (drawn when none is given) and
    /// `region`. One that exists keeps its own account and region.
    pub fn claim(world: &World, path: &Path, account: Option<&str>, region: Option<&str>) -> Result<Self, Error> {
        let failed = |error| Error::Io { path: path.display().to_string(), error };
        world.disk.create_dir_all(path).map_err(failed)?;
        let lock = world.disk.lock(&path.join("lock")).map_err(failed)?;
        let lock = lock.ok_or_else(|| Error::Locked(path.display().to_string()))?;
        let about = match read_about(world, path)? {
            Some(about) => about.meant(account, region)?,
            None => make(world, path, account, region).map_err(failed)?,
        };
        Ok(Self { world: world.clone(), path: path.to_owned(), about, _lock: lock })
    }

    /// A file or folder in here.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The database file. It is made here, since what SQLite makes itself others may read.
    pub fn database(&self) -> Result<PathBuf, Error> {
        let path = self.join("cairn.db");
        match self.world.disk.open(&path, Open::CreateNew) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::Io { path: path.display().to_string(), error })
            }
            _ => Ok(path),
        }
    }

    /// Tells where the house answers. Replaces what a crash left.
    pub fn publish_endpoint(&self, url: &str) -> Result<(), Error> {
        self.write("endpoint", &format!("{url}\n"))
    }

    /// Takes the endpoint back.
    pub fn withdraw_endpoint(&self) {
        if let Err(error) = self.world.disk.remove_file(&self.join("endpoint")) {
            tracing::warn!(%error, "the endpoint file cannot be removed");
        }
    }

    /// Writes what AWS clients need to find and trust this house.
    pub fn write_aws_files(&self, url: &str, root: &RootKey) -> Result<(), Error> {
        let folder = self.join("aws");
        let failed = |error| Error::Io { path: folder.display().to_string(), error };
        self.world.disk.create_dir_all(&folder).map_err(failed)?;
        let credentials = format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            root.access_key,
            root.secret.expose()
        );
        self.write("aws/credentials", &credentials)?;
        let region = &self.about.region;
        self.write(
            "aws/config",
            &format!("[default]\nregion = {region}\nendpoint_url = {url}\ns3 =\n    addressing_style = path\n    signature_version = s3v4\n"),
        )
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.join(name);
        let failed = |error| Error::Io { path: path.display().to_string(), error };
        self.world.disk.write_atomic(&path, text.as_bytes()).map_err(failed)
    }
}

impl About {
    /// An account or region that was asked for must be the one that is there.
    fn meant(self, account: Option<&str>, region: Option<&str>) -> Result<Self, Error> {
        for (what, asked, is) in [("account", account, &self.account), ("region", region, &self.region)] {
            if asked.is_some_and(|asked| asked != is) {
                return Err(Error::Mismatch(format!(
                    "{what} {}: this data directory was made with {what} {is}; leave the option out or choose another --data-dir",
                    asked.unwrap_or_default()
                )));
            }
        }
        Ok(self)
    }
}

/// Whether AWS clients were told of this directory before.
pub fn has_aws_files(world: &World, path: &Path) -> bool {
    world.disk.exists(&path.join("aws/credentials")).unwrap_or(false)
}

/// What a directory says of itself; None where none was made yet.
pub fn read_about(world: &World, path: &Path) -> Result<Option<About>, Error> {
    let path = path.join("house.json");
    let name = path.display().to_string();
    let bytes = match world.disk.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::Io { path: name, error }),
    };
    let about: About = serde_json::from_slice(&bytes)
        .map_err(|error| Error::Corrupt { path: name.clone(), reason: error.to_string() })?;
    if about.format > FORMAT {
        return Err(Error::Newer { path: name, found: about.format });
    }
    Ok(Some(about))
}

fn make(world: &World, path: &Path, account: Option<&str>, region: Option<&str>) -> io::Result<About> {
    // The first digit is never 0: spreadsheets and careless parsers drop it.
    let drawn = || format!("{}{}", world.dice.text(b"123456789", 1), world.dice.text(b"0123456789", 11));
    let about = About {
        format: FORMAT,
        account: account.map_or_else(drawn, str::to_owned),
        region: region.unwrap_or("us-east-1").to_owned(),
    };
    let json = serde_json::to_vec_pretty(&about).map_err(io::Error::other)?;
    world.disk.write_atomic(&path.join("house.json"), &json)?;
    Ok(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(path: &Path, account: Option<&str>, region: Option<&str>) -> Result<About, String> {
        DataDir::claim(&World::system(), path, account, region)
            .map(|dir| dir.about.clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_directory_keeps_the_account_and_region_of_its_first_start() {
        let dir = tempfile::tempdir().unwrap();
        let first = claim(dir.path(), None, Some("eu-west-1")).unwrap();
        assert_eq!((first.account.len(), first.region.as_str()), (12, "eu-west-1"));
        assert_eq!(claim(dir.path(), None, None).unwrap(), first);
        assert_eq!(claim(dir.path(), Some(&first.account), Some("eu-west-1")).unwrap(), first);
        assert!(claim(dir.path(), None, Some("us-east-1")).unwrap_err().contains("made with region eu-west-1"));
        assert!(claim(dir.path(), Some("111122223333"), None).unwrap_err().contains("made with account"));
    }

    #[test]
    fn a_directory_belongs_to_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::claim(&World::system(), dir.path(), None, None).unwrap();
        assert!(claim(dir.path(), None, None).unwrap_err().contains("in use by another cairn"));
        drop(held);
        assert!(claim(dir.path(), None, None).is_ok());
    }

    #[test]
    fn a_newer_format_and_nonsense_are_refused_by_name() {
        for (text, named) in [
            (r#"{"format":2,"account":"111122223333","region":"us-east-1"}"#, "newer cairn"),
            ("{}", "not the description"),
            ("", "not the description"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            World::system().disk.write_atomic(&dir.path().join("house.json"), text.as_bytes()).unwrap();
            let error = claim(dir.path(), None, None).unwrap_err();
            assert!(error.contains(named) && error.contains("house.json"), "{error}");
        }
    }
}
