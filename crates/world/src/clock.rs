//! The time of day, spans of time, and waiting.

use cairn_event::Time;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Reads the time and waits.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// The time of day. It may jump, also backwards.
    fn now(&self) -> Time;

    /// Time since some fixed point; it never runs backwards.
    fn monotonic(&self) -> Duration;

    /// Returns after `span` has passed.
    async fn sleep(&self, span: Duration);
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Time {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Time(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
        }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}
