//! Channels: events that applications send.

use crate::{Error, Parts, Tables};

#[derive(Clone)]
pub struct Channels;

impl Channels {
    pub async fn open(parts: &Parts, tables: &Tables) -> Result<Self, Error> {
        let _ = (parts, tables);
        Ok(Self)
    }
}
