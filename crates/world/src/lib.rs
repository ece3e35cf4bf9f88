//! The outside: clock, dice and disk. The only crate that touches them.
//!
//! Everything that needs the time, randomness or a file is handed a [`World`], so
//! the whole house can run under a simulated one ([`sim`]). Outbound network calls
//! go through the `object_store` client that `bucket` owns; sockets that the house
//! listens on belong to its door.

mod clock;
mod dice;
mod disk;
pub mod sim;

pub use clock::{Clock, SystemClock};
pub use dice::{Dice, SystemDice};
pub use disk::{Disk, Entry, File, Lock, Open, SystemDisk, What};

use cairn_event::Time;
use std::sync::Arc;

/// The three effects, handed to everything that needs one.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub disk: Arc<dyn Disk>,
}

impl World {
    /// The real machine.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::default()), dice: Arc::new(SystemDice), disk: Arc::new(SystemDisk) }
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }
}
