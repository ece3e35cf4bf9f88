//! What goes on beside the calls: each loop by itself, so that one that breaks down stops no other.

use cairn_services::Engines;
use cairn_world::World;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// After a loop broke down; longer each time.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug)]
enum Loop {
    Trails,
    Intake,
    Tables,
    Catalog,
    Stores,
    Channels,
    Queries,
    Dashboards,
    Imports,
}

impl Loop {
    const ALL: [Self; 9] = [
        Self::Trails,
        Self::Intake,
        Self::Tables,
        Self::Catalog,
        Self::Stores,
        Self::Channels,
        Self::Queries,
        Self::Dashboards,
        Self::Imports,
    ];

    async fn run(self, engines: Arc<Engines>, shutdown: CancellationToken) {
        let lake = &engines.lake;
        match self {
            Self::Trails => engines.trails.run(shutdown).await,
            Self::Intake => engines.intake.run(shutdown).await,
            Self::Tables => lake.tables.run(shutdown).await,
            Self::Catalog => lake.catalog.run(shutdown).await,
            Self::Stores => lake.stores.run(shutdown).await,
            Self::Channels => lake.channels.run(shutdown).await,
            Self::Queries => lake.queries.run(shutdown).await,
            Self::Dashboards => lake.dashboards.run(shutdown).await,
            Self::Imports => lake.imports.run(shutdown).await,
        }
    }
}

/// Everything in the background, until `shutdown`.
pub async fn run(engines: Arc<Engines>, shutdown: CancellationToken) {
    let mut tasks = JoinSet::new();
    for which in Loop::ALL {
        let (engines, world, shutdown) = (engines.clone(), engines.world.clone(), shutdown.clone());
        tasks.spawn(async move {
            let work = |shutdown| which.run(engines.clone(), shutdown);
            supervise(&world, &format!("{which:?}"), &shutdown, work).await;
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Starts work again that panicked.
async fn supervise<R>(world: &World, name: &str, shutdown: &CancellationToken, work: impl Fn(CancellationToken) -> R)
where
    R: Future<Output = ()> + Send + 'static,
{
    let mut wait = RETRY_MIN;
    loop {
        let Err(error) = tokio::spawn(work(shutdown.clone())).await else { return };
        tracing::error!(name, %error, "work in the background broke down and is started again");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = world.clock.sleep(wait) => {}
        }
        wait = (wait * 2).min(RETRY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_world::sim::Sim;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn work_that_broke_down_is_started_again() {
        let sim = Arc::new(Sim::at(cairn_event::Time(1_780_000_000_000)));
        let begun = Arc::new(AtomicU32::new(0));
        let (world, count) = (sim.world(), begun.clone());
        let supervised = tokio::spawn(async move {
            let work = |_| {
                let count = count.clone();
                async move { assert!(count.fetch_add(1, Ordering::Relaxed) > 1, "broken for this test") }
            };
            supervise(&world, "work", &CancellationToken::new(), work).await;
        });
        while !supervised.is_finished() {
            sim.clock.advance(RETRY_MIN);
            tokio::task::yield_now().await;
        }
        supervised.await.unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}
