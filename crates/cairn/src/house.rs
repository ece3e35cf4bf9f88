//! The house: opens everything, in the order in which it stands on one another.

mod background;
mod journal;
mod lake;

use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::door::Door;
use crate::recorder::{self, Recorder};
use cairn_bucket::outside::Outside;
use cairn_bucket::{self as bucket, Buckets};
use cairn_identity::{FirstAccount, Identity};
use cairn_intake::{self as intake, Intake};
use cairn_journal::{Driver, Journal};
use cairn_key::Keys;
use cairn_services::{Engines, Services};
use cairn_store::{Blobs, Db, Seal};
use cairn_trail::{self as trail, Trails};
use cairn_world::World;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long calls that are being answered may take to end when the house stops.
const DRAIN: Duration = Duration::from_secs(20);
/// How long a stuck journal may hold up the end.
const RECORD: Duration = Duration::from_secs(5);

/// Everything that is open.
pub struct House {
    pub dir: DataDir,
    pub engines: Arc<Engines>,
    journal: Journal,
    db: Db,
    recorder: Arc<Recorder>,
    door: Arc<Door>,
}

/// Why the house does not open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the data directory open.
    #[error("{0}")]
    Locked(String),
    #[error("{0}")]
    Other(String),
}

impl From<data_dir::Error> for Error {
    fn from(error: data_dir::Error) -> Self {
        match error {
            data_dir::Error::Locked(_) => Self::Locked(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

fn said(error: impl std::fmt::Display) -> Error {
    Error::Other(error.to_string())
}

impl House {
    pub async fn open(world: &World, config: &Config) -> Result<Self, Error> {
        let dir = DataDir::claim(world, &config.data_dir, config.account.as_deref(), config.region.as_deref())?;
        let db = Db::open(&dir.database()?).await.map_err(said)?;
        let seal = Arc::new(Seal::open(world, &dir.join("root.key")).map_err(said)?);
        let journal = journal::open(world, &dir, config).await?;

        let keys = Keys::open(world, &db, seal.clone()).await.map_err(said)?;
        let identity = Identity::open(world, &db, seal.clone()).await.map_err(said)?;
        found(&identity, &dir, config).await?;

        let buckets = Buckets::open(bucket::Parts {
            world: world.clone(),
            db: db.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            blobs: Blobs::open(world, &dir.join("blobs")).map_err(said)?,
            outside: Outside::new(config.outside_endpoints()).map_err(said)?,
        })
        .await
        .map_err(said)?;
        let trails = Trails::open(trail::Parts {
            world: world.clone(),
            db: db.clone(),
            seal,
            journal: journal.clone(),
            buckets: buckets.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            staged: Blobs::open(world, &dir.join("staged")).map_err(said)?,
            settings: config.trail.settings(),
        })
        .await
        .map_err(said)?;
        let settings = intake::Settings {
            body_bytes_max: config.intake.body_bytes_max,
            file_bytes_max: config.intake.file_bytes_max,
        };
        let intake = Intake::open(world, &db, &journal, &dir.join("seen"), settings).await.map_err(said)?;

        let about = dir.about.clone();
        let lake = lake::open(
            cairn_lake::Parts {
                world: world.clone(),
                db: db.clone(),
                journal: journal.clone(),
                buckets: buckets.clone(),
                keys: keys.clone(),
                identity: identity.clone(),
                results: Blobs::open(world, &dir.join("results")).map_err(said)?,
                signer: Arc::new(lake::Signer(trails.clone())),
                account: about.account.clone(),
                region: about.region.clone(),
                settings: config.lake_settings(),
            },
            dir.join("spill"),
        )
        .await?;

        let recorder = Recorder::open(
            world,
            &db,
            &journal,
            recorder::Settings {
                mode: config.recording,
                queue_bytes_max: config.recording_queue_bytes_max,
                account: about.account.clone(),
                region: about.region.clone(),
                lost_file: dir.join("lost.json"),
            },
        );
        let recorder = Arc::new(recorder.await.map_err(Error::Other)?);
        let engines = Arc::new(Engines {
            world: world.clone(),
            account: about.account,
            region: about.region,
            identity,
            keys,
            buckets,
            trails,
            intake,
            lake,
        });
        let services = Services::new(engines.clone(), recorder.clone());
        let door = Arc::new(Door::new(services, recorder.clone(), config.limits()));
        Ok(Self { dir, engines, journal, db, recorder, door })
    }

    /// Answers calls and lets the readers read, until `shutdown`; then ends in order.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) {
        let Self { dir, engines, journal, db, recorder, door } = self;
        let background = CancellationToken::new();
        let driver = Driver::new(&engines.world, &journal, vec![engines.trails.reader(), engines.lake.reader()]);
        let tasks = [
            tokio::spawn(driver.run(background.clone())),
            tokio::spawn(background::run(engines.clone(), background.clone())),
        ];
        door.run(listener, shutdown, DRAIN).await;
        recorder.close(RECORD).await;
        background.cancel();
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task did not end well");
            }
        }
        engines.intake.close().await;
        // Nobody waits for a disk that does not answer: what it did not confirm was not acknowledged.
        tokio::select! {
            () = journal.close() => {}
            () = engines.world.clock.sleep(RECORD) => tracing::error!("the journal is stuck and is left as it is"),
        }
        recorder.keep_account();
        db.close().await;
        dir.withdraw_endpoint();
    }
}

/// Makes the first account at the first start, with the key that was given or a drawn one.
async fn found(identity: &Identity, dir: &DataDir, config: &Config) -> Result<(), Error> {
    if identity.home_account().is_some() {
        return Ok(());
    }
    let access_key = config.root_access_key_id.clone().zip(config.root_secret_access_key.clone());
    identity.found(FirstAccount { account: dir.about.account.clone(), access_key }).await.map_err(said)?;
    Ok(())
}
