//! When things are done: one loop writes what is fresh, one keeps the files in order.

use super::Tables;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// After something failed; longer each time.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// When nothing waits; whatever comes stirs.
const IDLE: Duration = Duration::from_hours(1);

impl Tables {
    /// Writes, merges and retires files when their time has come, until `shutdown`; then writes what is fresh.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::join!(self.keep_writing(&shutdown), self.keep_order(&shutdown));
        if let Err(error) = self.flush().await {
            tracing::error!(%error, "fresh rows are not in files; they are read from the journal at the next start");
        }
    }

    /// How long what waits may still wait.
    fn leisure(&self) -> Duration {
        let since = self.state().waits_since;
        let due = since.map(|since| since + self.settings().flush_interval);
        due.map_or(IDLE, |due| due.saturating_sub(self.clock().monotonic()))
    }

    async fn keep_writing(&self, shutdown: &CancellationToken) {
        let mut retry = Duration::ZERO;
        loop {
            let wait = if self.is_full() { retry } else { self.leisure().max(retry) };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.clock().sleep(wait) => {}
                () = self.inner.stir.notified(), if retry.is_zero() => {}
            }
            if !self.is_full() && !self.leisure().is_zero() {
                continue;
            }
            retry = match self.flush().await {
                Ok(()) => Duration::ZERO,
                Err(error) => {
                    tracing::error!(%error, "fresh rows cannot be written; they stay in memory and in the journal");
                    (retry * 2).clamp(RETRY_MIN, RETRY_MAX)
                }
            };
        }
    }

    async fn keep_order(&self, shutdown: &CancellationToken) {
        loop {
            self.clear().await;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.clock().sleep(self.settings().maintenance_interval) => {}
                () = self.inner.aside.notified() => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.maintain() => {}
            }
        }
    }

    /// Everything that is due, one after the other; what fails is tried again the next time.
    pub(crate) async fn maintain(&self) {
        let failed = |what: &str, error: crate::Error| tracing::error!(%error, "{what}");
        self.rebuild().await;
        if let Err(error) = self.expire().await {
            failed("files that are too old cannot be dropped", error);
        }
        self.merge().await;
        if let Err(error) = self.remove_retired().await {
            failed("files that are no longer needed cannot be removed", error);
        }
    }
}
