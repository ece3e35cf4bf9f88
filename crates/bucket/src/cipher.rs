//! Bytes at rest: a blob encrypted in segments, so that any range can be read alone.
//!
//! ```text
//! blob    = magic "CBLB" │ format 1 (1 byte) │ salt (32) │ segment …
//! segment = ciphertext (65,536 bytes, the last one fewer, perhaps none) │ tag (16)
//! ```
//! AES-256-GCM. A blob's key is drawn with HKDF-SHA256 from the object's data key and the blob's
//! first 37 bytes, so all blobs of an object can have one data key and a counter for a nonce:
//! ```text
//! nonce   = 0 0 0 │ 1 for the last segment, else 0 (1 byte) │ number of the segment (8, big endian)
//! ```
//! So no segment can be changed, moved, left out or added, and no blob cut short, unnoticed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use cairn_world::{Dice, File};
use std::io;

const MAGIC: &[u8; 4] = b"CBLB";
const FORMAT: u8 = 1;
const SALT_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + 1 + SALT_BYTES;
pub(crate) const SEGMENT_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;
const INFO: &[u8] = b"cairn blob key";

/// Encrypts what is fed to it.
pub(crate) struct Sealer {
    key: LessSafeKey,
    number: u64,
    /// At most one segment: whether it is the last one is only known when more comes, or the end.
    pending: Vec<u8>,
}

/// Decrypts any segment of a blob.
pub(crate) struct Opener {
    key: LessSafeKey,
    file: Box<dyn File>,
    size: u64,
}

fn blob_key(data_key: &[u8], head: &[u8]) -> LessSafeKey {
    let secret = Salt::new(HKDF_SHA256, head).extract(data_key);
    let key = secret.expand(&[INFO], &AES_256_GCM).expect("a key is shorter than HKDF's 8160 bytes");
    LessSafeKey::new(UnboundKey::from(key))
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3] = u8::from(last);
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// How many segments `size` bytes take; at least one.
fn segments(size: u64) -> u64 {
    size.div_ceil(SEGMENT_BYTES as u64).max(1)
}

fn tampered(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the stored bytes were tampered with: {what}"))
}

impl Sealer {
    /// Begins a blob; `out` gets its first bytes.
    pub fn new(dice: &dyn Dice, data_key: &[u8], out: &mut Vec<u8>) -> Self {
        let mut head = [FORMAT; HEAD_BYTES];
        head[..MAGIC.len()].copy_from_slice(MAGIC);
        dice.fill(&mut head[MAGIC.len() + 1..]);
        out.extend_from_slice(&head);
        Self { key: blob_key(data_key, &head), number: 0, pending: Vec::with_capacity(SEGMENT_BYTES + TAG_BYTES) }
    }

    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.pending.len() == SEGMENT_BYTES {
                self.seal(false, out);
            }
            let (now, later) = bytes.split_at(bytes.len().min(SEGMENT_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
        }
    }

    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.seal(true, out);
    }

    fn seal(&mut self, last: bool, out: &mut Vec<u8>) {
        self.key
            .seal_in_place_append_tag(nonce(self.number, last), Aad::empty(), &mut self.pending)
            .expect("sealing fails only for bodies of many gigabytes");
        out.extend_from_slice(&self.pending);
        self.pending.clear();
        self.number += 1;
    }
}

impl Opener {
    /// Opens a blob that holds `size` bytes in the clear.
    pub fn new(file: Box<dyn File>, data_key: &[u8], size: u64) -> io::Result<Self> {
        if file.len()? != HEAD_BYTES as u64 + size + segments(size) * TAG_BYTES as u64 {
            return Err(tampered("the file has another length"));
        }
        let mut head = [0; HEAD_BYTES];
        file.read_exact_at(&mut head, 0)?;
        if head[..MAGIC.len()] != *MAGIC || head[MAGIC.len()] != FORMAT {
            return Err(tampered("the file is no blob of format 1"));
        }
        Ok(Self { key: blob_key(data_key, &head), file, size })
    }

    /// The bytes from `offset` up to at most `len` more. Reads and verifies whole segments.
    pub fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let (segment, tag) = (SEGMENT_BYTES as u64, TAG_BYTES as u64);
        let end = self.size.min(offset + len as u64);
        let first = (offset / segment).min(segments(self.size) - 1);
        let past = segments(end).max(first + 1);
        let last = segments(self.size) - 1;
        let from = HEAD_BYTES as u64 + first * (segment + tag);
        let clear_end = self.size.min(past * segment);
        let mut bytes = vec![0; (clear_end - first * segment + (past - first) * tag) as usize];
        self.file.read_exact_at(&mut bytes, from)?;
        let mut clear = Vec::with_capacity(bytes.len());
        for (number, sealed) in (first..).zip(bytes.chunks_mut(SEGMENT_BYTES + TAG_BYTES)) {
            let opened = self.key.open_in_place(nonce(number, number == last), Aad::empty(), sealed);
            clear.extend_from_slice(opened.map_err(|_| tampered("a segment does not authenticate"))?);
        }
        let skip = (offset.min(end) - first * segment) as usize;
        clear.truncate((end - first * segment) as usize);
        clear.drain(..skip);
        Ok(clear)
    }
}
