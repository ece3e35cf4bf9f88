//! How far an import is: a bar on a terminal, a line now and then elsewhere.

use super::tally::{Tally, grouped};
use cairn_world::World;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

const LINE_INTERVAL: Duration = Duration::from_secs(10);
const TEMPLATE: &str = "{bar:30} {bytes}/{total_bytes} of files, {binary_bytes_per_sec}, {msg}";

pub struct Progress {
    world: World,
    began: Duration,
    /// On a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn new(world: &World) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        Self { world: world.clone(), began: world.clock.monotonic(), bar }
    }

    pub fn show(&self, tally: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_length(tally.found_bytes);
            bar.set_position(tally.handled_bytes);
            bar.set_message(said(tally));
        }
    }

    /// Returns when a line is due.
    pub async fn beat(&self) {
        self.world.clock.sleep(LINE_INTERVAL).await;
    }

    pub fn line(&self, tally: &Tally) {
        if self.bar.is_none() {
            let seconds = self.world.clock.monotonic().saturating_sub(self.began).as_secs_f64();
            let rate = tally.json_bytes as f64 / 1e6 / seconds.max(0.001);
            eprintln!(
                "{seconds:.0} s: {} of {} files, {rate:.0} MB/s of JSON, {}",
                grouped(tally.handled()),
                grouped(tally.files.found),
                said(tally)
            );
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn said(tally: &Tally) -> String {
    let events = &tally.events;
    let mut said = format!("{} new events, {} already there", grouped(events.new), grouped(events.duplicates));
    let bad = events.rejected + tally.files.failed;
    if bad > 0 {
        let _ = write!(said, ", {} rejected or failed", grouped(bad));
    }
    said
}
