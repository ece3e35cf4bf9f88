//! The journal of the house, and what its opening says.

use super::{Error, said};
use crate::config::Config;
use crate::data_dir::DataDir;
use cairn_journal::{Journal, Options};
use cairn_world::World;

pub async fn open(world: &World, dir: &DataDir, config: &Config) -> Result<Journal, Error> {
    let options = Options {
        segment_bytes_max: config.journal.segment_bytes_max,
        bytes_max: config.journal.bytes_max,
        age_max: config.journal.age_max,
    };
    let (world, path) = (world.clone(), dir.join("journal"));
    let opened = tokio::task::spawn_blocking(move || Journal::open(&world, &path, options)).await;
    let (journal, recovery) = opened.map_err(said)?.map_err(said)?;
    if recovery.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovery.torn_bytes,
            "the journal ended in a torn write, which was cut off; nothing acknowledged was in it"
        );
    }
    for damage in &recovery.damage {
        tracing::error!(damage, "the journal is damaged");
    }
    Ok(journal)
}
