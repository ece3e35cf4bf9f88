//! Listing objects, versions and uploads in the byte order of their keys.

use crate::multipart::{self, Upload};
use crate::object::Object;
use crate::settings::Bucket;
use crate::{Buckets, Error, limit, rows};
use cairn_event::Time;
use cairn_store::sqlx;
use cairn_store::sqlx::sqlite::SqliteRow;
use std::sync::Arc;

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

/// A row of a list.
trait Row: Sized {
    fn key(&self) -> &str;
    /// What tells rows of one key apart, for the next page.
    fn id(&self) -> &str;
    fn seq(&self) -> i64;
}

impl Row for rows::Version {
    fn key(&self) -> &str {
        &self.key
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn seq(&self) -> i64 {
        self.seq
    }
}

impl Row for Upload {
    fn key(&self) -> &str {
        &self.put.key
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn seq(&self) -> i64 {
        self.seq
    }
}

/// Where to read on: what comes after row `seq` of `key`, when there is one, then all keys from `from` on.
/// Keys are compared as bytes, so `from` need not be UTF-8.
#[derive(Clone)]
struct Place {
    within: Option<(String, i64)>,
    from: Vec<u8>,
}

impl Place {
    fn from(key: &str) -> Self {
        Self { within: None, from: key.as_bytes().to_vec() }
    }

    /// The first that is greater than the key.
    fn after(key: &str) -> Self {
        let mut from = key.as_bytes().to_vec();
        from.push(0);
        Self { within: None, from }
    }

    /// The first that is greater than everything that begins with the prefix. A byte of UTF-8 is never 255,
    /// so the last one can always be raised.
    fn past(prefix: &str) -> Self {
        let mut from = prefix.as_bytes().to_vec();
        if let Some(last) = from.last_mut() {
            *last += 1;
        }
        Self { within: None, from }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Objects,
    Versions,
    Uploads,
}

impl List {
    /// The common prefix that a key is rolled up into.
    fn roll<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }

    fn start(&self, within: Option<i64>) -> Place {
        let Some(after) = self.after.as_deref() else { return Place::from(&self.prefix) };
        let mut place = if self.roll(after) == Some(after) { Place::past(after) } else { Place::after(after) };
        if place.from.as_slice() < self.prefix.as_bytes() {
            return Place::from(&self.prefix);
        }
        place.within = within.map(|seq| (after.to_owned(), seq));
        place
    }

    /// Where a page begins that names a row to come after. When that row is gone (whoever deletes what
    /// a page showed does this), its key is begun anew: a row too many is better than one too few.
    fn resume(&self, within: Option<i64>) -> Place {
        match (&self.after, &self.after_id, within) {
            (Some(after), Some(_), None) if after.as_str() >= self.prefix.as_str() => Place::from(after),
            _ => self.start(within),
        }
    }

    /// One page of rows from wherever `fetch` gets them.
    async fn page<R: Row, F: Future<Output = Result<Vec<R>, Error>>>(
        &self,
        mut place: Place,
        mut fetch: impl FnMut(Place, usize) -> F,
    ) -> Result<Listing<R>, Error> {
        let max = self.max.min(limit::PAGE_MAX);
        let mut listing = Listing { items: Vec::new(), prefixes: Vec::<String>::new(), next: None };
        if max == 0 {
            return Ok(listing);
        }
        let mut last = None;
        loop {
            let wanted = max + 1 - listing.items.len() - listing.prefixes.len();
            let rows = fetch(place.clone(), wanted).await?;
            let all = rows.len() < wanted;
            for row in rows {
                if !row.key().starts_with(&self.prefix) {
                    return Ok(listing);
                }
                let rolled = self.roll(row.key());
                if rolled.is_some() && rolled == listing.prefixes.last().map(String::as_str) {
                    continue;
                }
                if listing.items.len() + listing.prefixes.len() == max {
                    listing.next = last;
                    return Ok(listing);
                }
                if let Some(prefix) = rolled {
                    last = Some((prefix.to_owned(), None));
                    place = Place::past(prefix);
                    listing.prefixes.push(prefix.to_owned());
                } else {
                    last = Some((row.key().to_owned(), Some(row.id().to_owned())));
                    place = Place::after(row.key());
                    place.within = Some((row.key().to_owned(), row.seq()));
                    listing.items.push(row);
                }
            }
            if all {
                return Ok(listing);
            }
        }
    }
}

impl<T> Listing<T> {
    fn map<U>(self, item: impl FnMut(T) -> Result<U, Error>) -> Result<Listing<U>, Error> {
        let items = self.items.into_iter().map(item).collect::<Result<_, _>>()?;
        Ok(Listing { items, prefixes: self.prefixes, next: self.next })
    }
}

impl Buckets {
    /// The newest versions, without those that are delete markers.
    pub async fn list(&self, bucket: &str, list: &List) -> Result<Listing<Object>, Error> {
        let bucket = self.list_check(bucket, list)?;
        let fetch = |place, count| self.versions_at(Kind::Objects, &bucket.name, place, count);
        let mut listing = list.page(list.start(None), fetch).await?;
        if let Some((_, id)) = &mut listing.next {
            *id = None;
        }
        listing.map(|version| version.object(&bucket, false))
    }

    /// All versions, those of one key newest first.
    pub async fn list_versions(&self, bucket: &str, list: &List) -> Result<Listing<Version>, Error> {
        let bucket = self.list_check(bucket, list)?;
        let within = match (&list.after, &list.after_id) {
            (Some(key), Some(id)) => {
                rows::find(self.inner.db.read(), &bucket.name, key, Some(id)).await?.map(|row| row.seq)
            }
            _ => None,
        };
        let start = list.resume(within);
        let fetch = |place, count| self.versions_at(Kind::Versions, &bucket.name, place, count);
        list.page(start, fetch).await?.map(|row| {
            Ok(match row.object {
                None => Version::Marker { key: row.key, version: row.id, latest: row.latest, modified: row.modified },
                Some(_) => Version::Object(Box::new(row.object(&bucket, true)?)),
            })
        })
    }

    /// The uploads in progress, those of one key oldest first.
    pub async fn list_uploads(&self, bucket: &str, list: &List) -> Result<Listing<Upload>, Error> {
        let bucket = self.list_check(bucket, list)?;
        let within = match (&list.after, &list.after_id) {
            (Some(key), Some(id)) => match self.upload(&bucket.name, key, id).await {
                Ok(upload) => Some(upload.seq),
                Err(Error::NoSuchUpload(_)) => None,
                Err(error) => return Err(error),
            },
            _ => None,
        };
        let start = list.resume(within);
        list.page(start, |place, count| self.uploads_at(&bucket.name, place, count)).await
    }

    fn list_check(&self, bucket: &str, list: &List) -> Result<Arc<Bucket>, Error> {
        list.check()?;
        self.bucket(bucket)
    }

    async fn versions_at(
        &self,
        kind: Kind,
        bucket: &str,
        place: Place,
        count: usize,
    ) -> Result<Vec<rows::Version>, Error> {
        self.rows_at(kind, bucket, &place, count).await?.iter().map(rows::version).collect()
    }

    async fn uploads_at(&self, bucket: &str, place: Place, count: usize) -> Result<Vec<Upload>, Error> {
        self.rows_at(Kind::Uploads, bucket, &place, count).await?.iter().map(multipart::upload).collect()
    }

    async fn rows_at(&self, kind: Kind, bucket: &str, place: &Place, count: usize) -> Result<Vec<SqliteRow>, Error> {
        let (within, from) = match kind {
            Kind::Objects => (
                None,
                "SELECT * FROM bucket_version WHERE bucket = $1 AND key >= CAST($2 AS TEXT)
                 AND latest = 1 AND facts IS NOT NULL ORDER BY key LIMIT $3",
            ),
            Kind::Versions => (
                Some(
                    "SELECT * FROM bucket_version WHERE bucket = $1 AND key = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
                ),
                "SELECT * FROM bucket_version WHERE bucket = $1 AND key >= CAST($2 AS TEXT)
                 ORDER BY key, seq DESC LIMIT $3",
            ),
            Kind::Uploads => (
                Some("SELECT * FROM bucket_upload WHERE bucket = $1 AND key = $2 AND seq > $3 ORDER BY seq LIMIT $4"),
                "SELECT * FROM bucket_upload WHERE bucket = $1 AND key >= CAST($2 AS TEXT) ORDER BY key, seq LIMIT $3",
            ),
        };
        let mut rows = Vec::new();
        if let (Some(query), Some((key, seq))) = (within, &place.within) {
            let query = sqlx::query(query).bind(bucket).bind(key).bind(seq).bind(count as i64);
            rows = query.fetch_all(self.inner.db.read()).await?;
        }
        if rows.len() < count {
            let query = sqlx::query(from).bind(bucket).bind(place.from.as_slice()).bind((count - rows.len()) as i64);
            rows.extend(query.fetch_all(self.inner.db.read()).await?);
        }
        Ok(rows)
    }
}
