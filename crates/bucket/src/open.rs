//! An object held open, for those who read many small ranges of it.

use crate::change::blocking;
use crate::cipher::Opener;
use crate::reader::Reader;
use crate::{Buckets, Error, rows};
use bytes::Bytes;
use cairn_store::BlobId;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// An object whose data key and blobs are open: ranges are read, verified and decrypted without
/// asking the database or the keys again. As long as it lives the bytes stay, whatever is deleted.
#[derive(Clone)]
pub struct Opened {
    inner: Arc<Inner>,
}

struct Inner {
    /// For messages.
    name: String,
    size: u64,
    /// Each with where it begins in the object; in order, never none.
    pieces: Vec<(u64, u64, Opener)>,
    /// Keeps the blobs there.
    _reader: Reader,
}

impl Buckets {
    /// Opens the newest version of an object. Errors: NoSuchBucket, NoSuchKey, Marker, Key, Corrupt.
    pub async fn open_object(&self, bucket: &str, key: &str) -> Result<Opened, Error> {
        let object = self.find(bucket, key, None).await?;
        let data_key = self.open_data_key(&object.bucket, &object.key, &object.sse, &object.content.data_key).await?;
        let reader = self.inner.readers.enter(&self.inner.blobs, object.seq);
        let wanted: Vec<(BlobId, u64)> = if let Some(blob) = &object.content.blob {
            vec![(blob.clone(), object.size)]
        } else {
            let pieces = rows::pieces(self.inner.db.read(), object.seq).await?;
            pieces.into_iter().map(|piece| (piece.blob, piece.size)).collect()
        };
        let blobs = self.inner.blobs.clone();
        let opened = blocking(move || {
            let mut at = 0;
            let mut pieces = Vec::with_capacity(wanted.len());
            for (blob, size) in wanted {
                pieces.push((at, size, Opener::new(blobs.get(&blob)?, &data_key, size)?));
                at += size;
            }
            if pieces.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(pieces) }
        });
        match opened.await {
            Ok(pieces) => {
                let name = format!("{bucket}/{key}");
                let inner = Inner { name, size: object.size, pieces, _reader: reader };
                Ok(Opened { inner: Arc::new(inner) })
            }
            Err(error) => Err(self.unreadable(&object, &error).await),
        }
    }
}

impl Opened {
    pub fn size(&self) -> u64 {
        self.inner.size
    }

    /// These bytes. Errors: InvalidRange when they are not all there, Corrupt.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if range.start > range.end || range.end > self.inner.size {
            return Err(Error::InvalidRange { size: self.inner.size });
        }
        let inner = self.inner.clone();
        let read = blocking(move || inner.read(&range)).await;
        read.map_err(|error| {
            let message = format!("object {}: {error}", self.inner.name);
            match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Error::Corrupt(message),
                _ => Error::Unavailable(message),
            }
        })
    }
}

impl Inner {
    fn read(&self, range: &Range<u64>) -> io::Result<Bytes> {
        let mut bytes = Vec::new();
        for (begin, size, opener) in &self.pieces {
            let (from, to) = (range.start.max(*begin), range.end.min(begin + size));
            if from >= to {
                continue;
            }
            let part = opener.read(from - begin, (to - from) as usize)?;
            if bytes.is_empty() && to == range.end {
                return Ok(part.into());
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.into())
    }
}
