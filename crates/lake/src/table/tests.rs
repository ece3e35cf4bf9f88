//! Tables as those above use them, and what crashes, failing disks and clocks do to them.

mod absorb;
mod aside;
mod flush;
pub(crate) mod house;
mod merge;
mod storage;
