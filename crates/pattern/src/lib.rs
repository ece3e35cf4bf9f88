//! What people choose events by: event selectors, checked once and then matched against many events.
//!
//! Pure: no I/O, no async, no clock. Start from [`selector::Selectors`].

pub mod selector;

/// What was given is no pattern; the sentence is for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Selector(String),
}
