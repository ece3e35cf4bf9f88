//! Sees whether a connection still moves.

use cairn_world::World;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// When a connection last moved a byte, and how many calls are being answered on it.
#[derive(Default)]
pub struct Activity {
    moved_millis: AtomicU64,
    pub in_flight: AtomicUsize,
}

impl Activity {
    fn moved(&self, world: &World) {
        self.moved_millis.store(world.clock.monotonic().as_millis() as u64, Ordering::Release);
    }

    /// Returns once nothing has moved for `timeout`, or for `busy_factor` times that while
    /// calls are being answered.
    pub async fn idle(&self, world: &World, timeout: Duration, busy_factor: u32) {
        self.moved(world);
        loop {
            let busy = self.in_flight.load(Ordering::Acquire) > 0;
            let allowed = if busy { timeout * busy_factor } else { timeout };
            let moved = Duration::from_millis(self.moved_millis.load(Ordering::Acquire));
            let still = world.clock.monotonic().saturating_sub(moved);
            if still >= allowed {
                return;
            }
            // A call may end meanwhile, and with it the longer allowance.
            world.clock.sleep(allowed.saturating_sub(still).min(timeout)).await;
        }
    }
}

/// A stream that notes when bytes move.
pub struct Watched<S> {
    stream: S,
    world: World,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub fn new(stream: S, world: World, activity: Arc<Activity>) -> Self {
        Self { stream, world, activity }
    }

    fn noted<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.activity.moved(&self.world);
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        self.noted(polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.noted(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_event::Time;
    use cairn_world::sim::Sim;

    const TIMEOUT: Duration = Duration::from_mins(1);

    /// Whether a connection counts as idle after `still` without a byte.
    async fn check(in_flight: usize, still: Duration, expected: bool) {
        let sim = Sim::at(Time(0));
        let world = sim.world();
        let activity = Activity::default();
        activity.in_flight.store(in_flight, Ordering::Release);
        let mut idle = std::pin::pin!(activity.idle(&world, TIMEOUT, 10));
        assert!(futures::poll!(idle.as_mut()).is_pending());
        // Step by step, as time passes: each wait is at most one timeout long.
        for _ in 0..still.as_secs() / 30 {
            sim.clock.advance(Duration::from_secs(30));
            if futures::poll!(idle.as_mut()).is_ready() {
                assert!(expected, "{in_flight} in flight, idle too early");
                return;
            }
        }
        assert!(!expected, "{in_flight} in flight, not idle after {still:?}");
    }

    #[tokio::test]
    async fn a_connection_without_a_call_is_idle_after_the_timeout() {
        check(0, TIMEOUT / 2, false).await;
        check(0, TIMEOUT, true).await;
    }

    #[tokio::test]
    async fn a_connection_with_a_call_has_longer() {
        check(1, TIMEOUT * 9, false).await;
        check(1, TIMEOUT * 10, true).await;
    }
}
