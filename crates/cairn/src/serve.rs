//! A running house: opened, bound to its port, and answering.

use crate::config::Config;
use crate::data_dir;
use crate::house::{Error, House};
use cairn_world::World;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A house that answers at `url`.
pub struct Running {
    pub url: String,
    pub account: String,
    pub region: String,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

/// Opens the house and lets it answer. `announced` houses tell AWS clients where they are;
/// one that a command opens for itself only makes sure that there is a root key to sign with.
pub async fn start(world: &World, config: &Config, announced: bool) -> Result<Running, Error> {
    let house = House::open(world, config).await?;
    let listener = TcpListener::bind(&config.listen).await;
    let listener = listener.map_err(|error| Error::Other(format!("listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr().map_err(|error| Error::Other(error.to_string()))?;
    let url = format!("http://{address}");
    if announced || !data_dir::has_aws_files(world, &config.data_dir) {
        let root = house.engines.identity.root_key();
        let root = root.ok_or_else(|| Error::Other("the root user has no access key".to_owned()))?;
        house.dir.write_aws_files(&url, &root)?;
    }
    // The socket takes connections since it was bound; they are answered as soon as `run` is polled.
    house.dir.publish_endpoint(&url)?;
    let (account, region) = (house.dir.about.account.clone(), house.dir.about.region.clone());
    let shutdown = CancellationToken::new();
    let ended = tokio::spawn(house.run(listener, shutdown.clone()));
    Ok(Running { url, account, region, shutdown, ended })
}

impl Running {
    /// Drains and ends the house.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if let Err(error) = self.ended.await {
            tracing::error!(%error, "the house did not end well");
        }
    }
}
