//! Reads bodies whole, within limits that nobody can hold against others.
//!
//! * A body of at most [`STRANGER_BYTES_MAX`] is read as it comes. A larger one, which only a
//!   known access key may send, waits until it fits among all that are being read: small ones
//!   (up to [`SMALL_BYTES_MAX`]) and large ones have an allowance each, so that log files do
//!   not hold up calls.
//! * A body of which nothing comes for [`STALL`], or that is not whole after [`WHOLE`], is
//!   given up, and with it what it held.
//! * A body over its limit is thrown away as it comes, up to [`DISCARD_BYTES_MAX`]: a sender
//!   that writes on and does not read would not hear why.

use bytes::{Bytes, BytesMut};
use cairn_wire::Fault;
use cairn_world::World;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub const STRANGER_BYTES_MAX: usize = 64 << 10;
const SMALL_BYTES_MAX: usize = 4 << 20;
const ALL_SMALL_BYTES_MAX: usize = 512 << 20;
const ALL_LARGE_BYTES_MAX: usize = 1 << 30;
const DISCARD_BYTES_MAX: u64 = 64 << 20;
const STALL: Duration = Duration::from_secs(20);
const WHOLE: Duration = Duration::from_mins(10);
/// Bodies are counted in units, so that a semaphore can count a gibibyte.
const UNIT: usize = 4 << 10;

/// What all bodies together may hold.
pub struct Bodies {
    world: World,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Bodies {
    pub fn new(world: &World) -> Self {
        Self {
            world: world.clone(),
            small: Arc::new(Semaphore::new(ALL_SMALL_BYTES_MAX / UNIT)),
            large: Arc::new(Semaphore::new(ALL_LARGE_BYTES_MAX / UNIT)),
        }
    }

    /// Reads a body of at most `bytes_max`, and what it counts among all while it is held.
    pub async fn read(
        &self,
        mut body: Incoming,
        bytes_max: usize,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Fault> {
        let too_large = || Fault::too_large(format!("the body is longer than {bytes_max} bytes"));
        let announced = body.size_hint().exact();
        if announced.is_some_and(|bytes| bytes > bytes_max as u64) {
            self.discard(body).await;
            return Err(too_large());
        }
        let expected = announced.map_or(bytes_max, |bytes| bytes as usize);
        let held = self.hold(expected).await?;
        let mut bytes = BytesMut::with_capacity(announced.map_or(0, |_| expected));
        let begun = self.world.clock.monotonic();
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = self.world.clock.sleep(STALL) => return Err(incomplete("nothing more of it came")),
            };
            let Some(frame) = frame else { return Ok((bytes.freeze(), held)) };
            let frame = frame.map_err(|error| incomplete("the connection ended").because(error))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > bytes_max {
                self.discard(body).await;
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
            if self.world.clock.monotonic().saturating_sub(begun) > WHOLE {
                return Err(incomplete("it took too long"));
            }
        }
    }

    async fn hold(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Fault> {
        if bytes <= STRANGER_BYTES_MAX {
            return Ok(None);
        }
        let (all, bytes_max) = if bytes <= SMALL_BYTES_MAX {
            (&self.small, ALL_SMALL_BYTES_MAX)
        } else {
            (&self.large, ALL_LARGE_BYTES_MAX)
        };
        let units = bytes.min(bytes_max).div_ceil(UNIT) as u32;
        all.clone().acquire_many_owned(units).await.map(Some).map_err(Fault::internal)
    }

    async fn discard(&self, mut body: Incoming) {
        let mut left = DISCARD_BYTES_MAX;
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = self.world.clock.sleep(STALL) => return,
            };
            let Some(Ok(frame)) = frame else { return };
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}

fn incomplete(why: &str) -> Fault {
    Fault::new("IncompleteBody", 400, format!("the body could not be read to its end: {why}"))
}
