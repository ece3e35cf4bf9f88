//! Listing objects, versions and uploads in the byte order of their keys.

use crate::multipart::Upload;
use crate::object::Object;
use crate::{Buckets, Error};
use cairn_event::Time;

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub prefix: String,
    /// Keys that have it after the prefix are rolled up; any text.
    pub delimiter: Option<String>,
    /// Only what comes after: v1's marker, v2's start-after or what its continuation token holds,
    /// key-marker. A common prefix that was the last of a page is passed over as a whole.
    pub after: Option<String>,
    /// version-id-marker or upload-id-marker, with `after` only: also what comes later under that key.
    pub after_id: Option<String>,
    /// At most 1000 are given.
    pub max: usize,
}

/// Part of a list. Items and prefixes together are at most `max`.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// Common prefixes.
    pub prefixes: Vec<String>,
    /// Where the next page starts, when there is one: its `after` and `after_id`.
    pub next: Option<(String, Option<String>)>,
}

/// An object, or a delete marker.
#[derive(Clone, Debug)]
pub enum Version {
    Object(Box<Object>),
    Marker { key: String, version: String, latest: bool, modified: Time },
}

impl Buckets {
    /// The newest versions, without those that are delete markers.
    pub async fn list(&self, bucket: &str, list: &List) -> Result<Listing<Object>, Error> {
        unimplemented!()
    }

    /// All versions, those of one key newest first.
    pub async fn list_versions(&self, bucket: &str, list: &List) -> Result<Listing<Version>, Error> {
        unimplemented!()
    }

    /// The uploads in progress, those of one key oldest first.
    pub async fn list_uploads(&self, bucket: &str, list: &List) -> Result<Listing<Upload>, Error> {
        unimplemented!()
    }
}
