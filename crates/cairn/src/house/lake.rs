//! The lake of the house: its tables, its SQL, and whose keys sign what it hands out.

use super::{Error, said};
use cairn_event::Time;
use cairn_lake::{self as lake, Lake, Parts, Signed};
use cairn_trail::Trails;
use std::path::PathBuf;

/// The keys that sign digests sign results of queries too.
pub struct Signer(pub Trails);

#[async_trait::async_trait]
impl lake::Signer for Signer {
    async fn sign(&self, region: &str, at: Time, text: &str) -> Result<Signed, lake::Error> {
        let signed = self.0.sign(region, at, text).await;
        let (signature, fingerprint) = signed.map_err(|error| lake::Error::Unavailable(error.to_string()))?;
        Ok(Signed { signature, fingerprint })
    }
}

pub async fn open(parts: Parts, spill: PathBuf) -> Result<Lake, Error> {
    Lake::open(parts, |tables| cairn_sql::engine(tables, spill)).await.map_err(said)
}
