//! Counts a request's body as it passes, and keeps the beginning of one that is recorded.

use bytes::Bytes;
use futures::Stream;
use s3s::stream::{ByteStream, DynByteStream, RemainingLength};
use s3s::{Body, StdError};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Larger bodies would not fit into a record either.
const KEPT_BYTES_MAX: usize = 100 << 10;

#[derive(Clone)]
pub(super) struct Meter {
    bytes: Arc<AtomicU64>,
    /// None where the body is not recorded.
    kept: Option<Arc<Mutex<Vec<u8>>>>,
}

struct Measured {
    body: Body,
    meter: Meter,
}

impl Meter {
    pub fn new(keeps: bool) -> Self {
        Self { bytes: Arc::default(), kept: keeps.then(Arc::default) }
    }

    pub fn measure(&self, body: Body) -> Body {
        if body.bytes().is_some_and(|bytes| bytes.is_empty()) {
            return body;
        }
        let measured: DynByteStream = Box::pin(Measured { body, meter: self.clone() });
        Body::from(measured)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The whole body, when it is one to be recorded and not too large for that.
    pub fn body(&self) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut *self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner));
        (kept.len() as u64 == self.bytes() && !kept.is_empty()).then_some(kept)
    }

    fn count(&self, chunk: &Bytes) {
        self.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if let Some(kept) = &self.kept {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT_BYTES_MAX.saturating_sub(kept.len()).min(chunk.len());
            kept.extend_from_slice(&chunk[..room]);
        }
    }
}

impl Stream for Measured {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.body).poll_next(context));
        if let Some(Ok(chunk)) = &next {
            self.meter.count(chunk);
        }
        Poll::Ready(next)
    }
}

impl ByteStream for Measured {
    fn remaining_length(&self) -> RemainingLength {
        self.body.remaining_length()
    }
}
