//! How far a query is, on a terminal.

use super::State;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use std::cell::OnceCell;
use std::io::IsTerminal;

/// A bar that appears when a query takes longer than a moment, and that goes with it.
#[derive(Default)]
pub struct Progress(OnceCell<ProgressBar>);

impl Progress {
    pub fn show(&self, state: &State) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let bar = self.0.get_or_init(|| {
            let style = ProgressStyle::with_template("{bar:30} {msg}, {elapsed}");
            ProgressBar::new(1).with_style(style.expect("the template is well formed"))
        });
        bar.set_length(state.bytes_planned.max(1));
        bar.set_position(state.bytes_scanned.min(state.bytes_planned));
        let (read, planned) = (HumanBytes(state.bytes_scanned), HumanBytes(state.bytes_planned));
        let status = state.status.to_lowercase();
        bar.set_message(format!("{status}, {read} of {planned}, {} rows match", HumanCount(state.rows_matched)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.0.get() {
            bar.finish_and_clear();
        }
    }
}
