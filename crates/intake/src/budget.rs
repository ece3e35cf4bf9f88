//! Memory for files in flight: whoever wants more than is free waits, in order of arrival.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Inflated bytes of all files that are being taken in at a time. A single larger file
/// goes alone.
pub const IN_FLIGHT_BYTES_MAX: u64 = 256 << 20;

const UNIT_BYTES: u64 = 1024;

pub struct Budget {
    free: Arc<Semaphore>,
    units: u64,
}

impl Budget {
    pub fn new(bytes_max: u64) -> Self {
        let units = (bytes_max / UNIT_BYTES).clamp(1, u64::from(u32::MAX));
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// Waits for so many bytes, or for all there are; they are free again when the hold is dropped.
    pub async fn hold(&self, bytes: u64) -> OwnedSemaphorePermit {
        let units = bytes.div_ceil(UNIT_BYTES).clamp(1, self.units);
        let held = Arc::clone(&self.free).acquire_many_owned(units as u32).await;
        held.expect("the semaphore is never closed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::task::{Context, Waker};

    fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn beyond_the_budget_one_waits_and_a_larger_file_goes_alone() {
        let budget = Budget::new(10 * UNIT_BYTES);
        let six = budget.hold(6 * UNIT_BYTES).await;
        let five = poll_once(budget.hold(5 * UNIT_BYTES));
        assert!(five.is_none());
        drop(six);
        let all = budget.hold(1000 * UNIT_BYTES).await;
        assert!(poll_once(budget.hold(1)).is_none());
        drop(all);
        assert!(poll_once(budget.hold(1)).is_some());
    }
}
