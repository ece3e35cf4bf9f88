//! Threads that queries run on, apart from those that answer calls.

use std::io;
use std::num::NonZeroUsize;
use tokio::runtime::{Builder, Handle, Runtime};

/// Plans are trees that are walked by recursion; builds for tests have frames of many times the size.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 64 << 20 } else { 16 << 20 };
/// How much later than others they get a core.
const NICE: i32 = 5;

pub struct Workers {
    runtime: Option<Runtime>,
    pub count: usize,
}

impl Workers {
    pub fn start() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let count = cores.min(crate::session::PARTITIONS_MAX);
        let runtime = Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("cairn-sql")
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(|| {
                // where it is not allowed, they are like others
                let _ = rustix::process::nice(NICE);
            })
            .enable_all()
            .build()?;
        Ok(Self { runtime: Some(runtime), count })
    }

    pub fn handle(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(Runtime::handle)
    }
}

impl Drop for Workers {
    /// Queries that still run end at their next step; nobody waits for them.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
