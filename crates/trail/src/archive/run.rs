//! When things are done: two loops, so that a slow bucket holds no digest up.

use super::Archive;
use super::publish::Group;
use cairn_event::Time;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// After something failed that concerns all trails, such as the disk.
const RETRY: Duration = Duration::from_secs(5);
/// However far off the next thing is: the time of day may be set meanwhile.
const LOOK_MAX: Duration = Duration::from_mins(1);

impl Archive {
    /// Delivers log files and digests when their time has come. At `shutdown` it ends where it
    /// stands: what is staged is published at the next start, what is not is in the journal.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = async { _ = tokio::join!(self.keep_cutting(), self.keep_publishing()) } => {}
        }
    }

    /// The multiple of the delivery interval that follows `now`.
    fn next_cut(&self, now: Time) -> Time {
        let interval = i64::try_from(self.settings().delivery_interval.as_millis()).unwrap_or(i64::MAX).max(1);
        Time(now.millis().saturating_sub(now.millis().rem_euclid(interval)).saturating_add(interval))
    }

    async fn keep_cutting(&self) {
        let mut due = self.next_cut(self.now());
        loop {
            // First, so that a new trail's chain is open when its first file is published.
            let digests = self.digests().await.unwrap_or_else(|error| {
                tracing::error!(%error, "digests cannot be made");
                Some(self.now() + RETRY)
            });
            let now = self.now();
            // A clock turned back must not put off the next delivery.
            if now >= due || due > self.next_cut(now) {
                due = match self.cut().await {
                    Ok(()) => self.next_cut(now),
                    Err(error) => {
                        tracing::error!(%error, "log files cannot be staged");
                        now + RETRY.min(self.settings().delivery_interval)
                    }
                };
            }
            let until = digests.map_or(due, |at| at.min(due));
            tokio::select! {
                () = self.rest(until, &self.inner.published) => {}
                () = self.register().changed().notified() => {}
            }
        }
    }

    async fn keep_publishing(&self) {
        let mut busy: BTreeSet<Group> = BTreeSet::new();
        let mut running = FuturesUnordered::new();
        loop {
            let until = match self.groups(&busy).await {
                Ok(groups) => {
                    for (group, files) in groups {
                        busy.insert(group.clone());
                        running.push(self.publish_group(group, files));
                    }
                    self.next_publish(&busy).unwrap_or(self.now() + LOOK_MAX)
                }
                Err(error) => {
                    tracing::error!(%error, "staged files cannot be read");
                    self.now() + RETRY
                }
            };
            tokio::select! {
                Some(group) = running.next(), if !running.is_empty() => { busy.remove(&group); }
                () = self.rest(until, &self.inner.staged) => {}
            }
        }
    }

    /// Until a time, or until something happens.
    async fn rest(&self, until: Time, happens: &tokio::sync::Notify) {
        let span = until.since(self.now()).min(LOOK_MAX);
        tokio::select! {
            () = happens.notified() => {}
            () = self.world().clock.sleep(span) => {}
        }
    }
}
