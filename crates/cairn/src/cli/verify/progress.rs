//! How far it is, on a terminal.

use cairn_trail::verify::Progress;
use cairn_world::World;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

const REFRESH: Duration = Duration::from_millis(100);

/// Waits for the work and shows how far it is, when somebody can see it.
pub async fn shown<T>(world: &World, progress: &Progress, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} files, {msg}, {elapsed}");
    bar.set_style(style.expect("the template is well formed"));
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => {
                bar.finish_and_clear();
                return result;
            }
            () = world.clock.sleep(REFRESH) => {
                let reached = progress.reached();
                bar.set_length(reached.digests + reached.logs);
                bar.set_position(reached.digests_done + reached.logs_done);
                bar.set_message(format!("{} of JSON", HumanBytes(reached.bytes)));
            }
        }
    }
}
