//! SQL over the lake, by DataFusion, in the dialect that Trino's users write.
//!
//! Start from [`engine`]. A query's way: [`lexer`] and [`parse`] (text), [`rewrite`] (what Trino means),
//! [`planned`] (a plan over [`view`]s, put over files), [`provider`], [`prune`] and [`reader`] (files),
//! [`run`] (rows, limits). [`functions`] are Trino's.
//!
//! What it is not: it knows no caller, no HTTP and no file: what a query may see it is told, and bytes it
//! reads through [`cairn_lake::Tables`]. Nothing of DataFusion leaves this crate.

mod catalog;
mod costs;
mod dialect;
mod error;
mod functions;
mod kind;
mod lexer;
mod near;
mod parse;
mod planned;
mod provider;
mod prune;
mod reader;
mod rewrite;
mod run;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod view;
mod workers;

use cairn_lake::Tables;
use cairn_lake::sql::{Checked, Error, Query, Rows, Sql};
use cairn_world::World;
use datafusion::execution::SessionState;
use futures::{FutureExt, StreamExt, stream};
use reader::Footers;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::{Semaphore, mpsc, oneshot};
use view::Views;
use workers::Workers;

/// Batches that wait for whoever takes them.
const BATCHES_WAITING: usize = 2;
/// Plans that are made side by side; more wait.
const PLANS_MAX: usize = 4;
/// A plan takes no longer.
const PLANNING_TIME_MAX: Duration = Duration::from_secs(30);

struct Engine {
    inner: Arc<Inner>,
    workers: Workers,
}

/// What all queries share.
struct Inner {
    world: World,
    store: Arc<dyn Store>,
    state: SessionState,
    views: Views,
    footers: Arc<Footers>,
    /// Names of functions, for hints.
    functions: Vec<String>,
    /// Places for plans that are being made.
    plans: Arc<Semaphore>,
    /// Where operators write what has no room in memory.
    spill: PathBuf,
}

/// The engine over these tables; what does not fit into a query's memory is written below `spill`.
pub fn engine(tables: &Tables, spill: PathBuf) -> Arc<dyn Sql> {
    let world = tables.parts().world.clone();
    Arc::new(Engine::new(world, Arc::new(tables.clone()), spill))
}

impl Engine {
    fn new(world: World, store: Arc<dyn Store>, spill: PathBuf) -> Self {
        let workers = Workers::start().unwrap_or_else(|error| panic!("threads for queries cannot be started: {error}"));
        let state = session::session(workers.count).expect("functions have names of their own");
        let views = Views::new(view::Functions::of(&state)).expect("views are made of columns that there are");
        let functions = named(&state);
        let plans = Arc::new(Semaphore::new(PLANS_MAX));
        let inner = Inner { world, store, state, views, footers: Arc::default(), functions, plans, spill };
        Self { inner: Arc::new(inner), workers }
    }

    /// Runs on the threads of queries; a panic fails it alone.
    async fn on_workers<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let handle = self.workers.handle().ok_or_else(|| Error::Failed("the engine has stopped".to_owned()))?;
        let task = AbortOnDrop(handle.spawn(AssertUnwindSafe(work).catch_unwind()));
        match task.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(panicked(panic.as_ref())),
            Err(_) => Err(Error::Failed("the engine has stopped".to_owned())),
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context) -> std::task::Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("?"), "a query has panicked");
    Error::Failed("the query failed by a fault of the engine; the log says more".to_owned())
}

fn named(state: &SessionState) -> Vec<String> {
    let names = state.scalar_functions().keys().chain(state.aggregate_functions().keys());
    let mut names: Vec<_> = names.chain(state.window_functions().keys()).cloned().collect();
    names.extend(rewrite::FUNCTIONS.iter().map(|name| (*name).to_owned()));
    names.sort();
    names.dedup();
    names
}

#[async_trait::async_trait]
impl Sql for Engine {
    async fn check(&self, query: &Query) -> Result<Checked, Error> {
        let (inner, query) = (self.inner.clone(), query.clone());
        let limits = query.limits;
        self.on_workers(async move { inner.planning(&limits, move |inner| inner.check(&query)).await }).await
    }

    async fn run(&self, query: Query) -> Result<Rows, Error> {
        let handle = self.workers.handle().ok_or_else(|| Error::Failed("the engine has stopped".to_owned()))?;
        let (begin, begun) = oneshot::channel();
        let (send, receive) = mpsc::channel(BATCHES_WAITING);
        let (inner, rows) = (self.inner.clone(), send.clone());
        handle.spawn(async move {
            let run = AssertUnwindSafe(inner.run(query, begin, rows)).catch_unwind().await;
            if let Err(panic) = run {
                // whoever asked has gone when this fails
                let _ = send.send(Err(panicked(panic.as_ref()))).await;
            }
        });
        let mut receive = receive;
        match begun.await {
            Ok(Ok(begun)) => {
                let batches = stream::poll_fn(move |context| receive.poll_recv(context)).boxed();
                Ok(Rows { columns: begun.columns, batches, statistics: begun.costs })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => match receive.recv().await {
                Some(Err(error)) => Err(error),
                _ => Err(Error::Failed("the engine has stopped".to_owned())),
            },
        }
    }

    async fn explain(&self, query: Query, analyze: bool) -> Result<String, Error> {
        let inner = self.inner.clone();
        self.on_workers(async move { inner.explain(query, analyze).await }).await
    }
}
