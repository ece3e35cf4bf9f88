//! Stores and channels over real tables: what goes where, and when a store is gone.

mod channels;
mod house;
mod stores;
