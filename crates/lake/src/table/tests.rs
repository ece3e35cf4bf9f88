//! Tables as those above use them, and what crashes, failing disks and clocks do to them.

mod absorb;
mod aside;
mod flush;
mod house;
mod merge;
