//! The bytes of an object, out of its blobs.

use crate::change::blocking;
use crate::cipher::{Opener, SEGMENT_BYTES};
use crate::object::{Body, Object, Span};
use crate::reader::Reader;
use crate::{Buckets, Error, rows};
use bytes::Bytes;
use cairn_store::{BlobId, Blobs};
use futures::{StreamExt, stream};
use std::collections::VecDeque;
use std::io;
use zeroize::Zeroizing;

/// Bytes read, decrypted and handed on at once: the memory that one reader takes.
const CHUNK_BYTES: usize = 16 * SEGMENT_BYTES;

/// Where the bytes of an object are, and the key to them.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// Encrypted, as `cairn_key` gave it.
    pub data_key: Vec<u8>,
    /// None when they are in pieces.
    pub blob: Option<BlobId>,
}

/// What is left to read.
struct Reading {
    blobs: Blobs,
    data_key: Zeroizing<Vec<u8>>,
    /// The piece being read.
    open: Option<(Opener, u64, u64)>,
    /// Blob, its size in the clear, and the part of it that is wanted.
    rest: VecDeque<(BlobId, u64, Span)>,
    /// Keeps the blobs there.
    _reader: Reader,
}

impl Reading {
    fn is_done(&self) -> bool {
        self.open.is_none() && self.rest.is_empty()
    }

    /// The next chunk; None at the end. Blocks.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some((opener, offset, left)) = &mut self.open {
                let bytes = opener.read(*offset, CHUNK_BYTES.min(*left as usize))?;
                *offset += bytes.len() as u64;
                *left -= bytes.len() as u64;
                if *left == 0 {
                    self.open = None;
                }
                return Ok(Some(bytes.into()));
            }
            let Some((blob, size, span)) = self.rest.pop_front() else { return Ok(None) };
            let opener = Opener::new(self.blobs.get(&blob)?, &self.data_key, size)?;
            self.open = Some((opener, span.offset, span.len));
        }
    }
}

/// Which parts of which pieces make up a span.
fn cut(pieces: impl Iterator<Item = (BlobId, u64)>, span: Span) -> VecDeque<(BlobId, u64, Span)> {
    let end = span.offset + span.len;
    let mut at = 0;
    let mut wanted = VecDeque::new();
    for (blob, size) in pieces {
        let (from, to) = (span.offset.max(at), end.min(at + size));
        // An empty object has one empty piece, and that it is empty is verified too.
        if from < to || (size == 0 && span.len == 0) {
            wanted.push_back((blob, size, Span { offset: from - at, len: to.saturating_sub(from) }));
        }
        at += size;
    }
    wanted
}

impl Buckets {
    /// Bytes of an object, decrypted and verified as they flow, in chunks of at most 1 MiB; the first
    /// is read before this returns. An object that is deleted meanwhile is still read to its end.
    /// Errors: NoSuchKey when it was deleted since it was found, Key, Corrupt; in the stream: an `io::Error`
    /// of kind `InvalidData` where the stored bytes were tampered with.
    pub async fn content(&self, object: &Object, span: Span) -> Result<Body, Error> {
        let data_key = self.open_data_key(&object.bucket, &object.key, &object.sse, &object.content.data_key).await?;
        let reader = self.inner.readers.enter(&self.inner.blobs, object.seq);
        let rest = if let Some(blob) = &object.content.blob {
            cut([(blob.clone(), object.size)].into_iter(), span)
        } else {
            let pieces = rows::pieces(self.inner.db.read(), object.seq).await?;
            cut(pieces.into_iter().map(|piece| (piece.blob, piece.size)), span)
        };
        let blobs = self.inner.blobs.clone();
        let reading = Reading { blobs, data_key, open: None, rest, _reader: reader };
        let (first, reading) = match advance(reading).await {
            Ok(advanced) => advanced,
            Err(error) => return Err(self.unreadable(object, &error).await),
        };
        if span.len > 0 && first.is_none() {
            return Err(self.unreadable(object, &io::ErrorKind::NotFound.into()).await);
        }
        let first = stream::iter(first.map(Ok));
        if reading.is_done() {
            return Ok(first.boxed());
        }
        let later = stream::try_unfold(reading, |reading| async {
            let (bytes, reading) = advance(reading).await?;
            Ok(bytes.map(|bytes| (bytes, reading)))
        });
        Ok(first.chain(later).boxed())
    }

    /// Why an object cannot be read: it was deleted meanwhile, or its blob is not what it was.
    pub(crate) async fn unreadable(&self, object: &Object, error: &io::Error) -> Error {
        let (bucket, key) = (object.bucket.clone(), object.key.clone());
        match rows::find(self.inner.db.read(), &bucket, &key, Some(&object.version)).await {
            Ok(Some(version)) if version.seq == object.seq => {}
            Ok(_) => return Error::NoSuchKey { bucket, key },
            Err(error) => return error,
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Error::Corrupt(format!("object {bucket}/{key}: {error}"))
            }
            _ => Error::Unavailable(format!("object {bucket}/{key}: {error}")),
        }
    }
}

async fn advance(mut reading: Reading) -> io::Result<(Option<Bytes>, Reading)> {
    blocking(move || reading.next().map(|bytes| (bytes, reading))).await
}
