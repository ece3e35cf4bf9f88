//! Public keys as an endpoint lists them.

use crate::cli::aws::Aws;
use cairn_event::Time;
use cairn_trail::PublicKey;
use cairn_trail::verify::{Error, Keys, keys_from_json};
use serde_json::json;
use std::sync::Arc;

/// Asks ListPublicKeys, in the region whose digests are verified.
pub struct Listed(Arc<Aws>);

impl Listed {
    pub const fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }
}

#[async_trait::async_trait]
impl Keys for Listed {
    async fn keys(&self, region: &str, from: Time, to: Time) -> Result<Vec<PublicKey>, Error> {
        let input = json!({"StartTime": from.seconds(), "EndTime": to.seconds()});
        let answer = self.0.cloudtrail(region, "ListPublicKeys", &input).await;
        let answer = answer.map_err(|error| Error::Unavailable(format!("{error} (or give --public-keys FILE)")))?;
        keys_from_json(&String::from_utf8_lossy(&answer))
    }
}
