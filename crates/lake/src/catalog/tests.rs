use super::*;
use crate::table::File;
use crate::{Parts, Settings, Signed, Signer};
use cairn_bucket::outside::Outside;
use cairn_bucket::{Buckets, List};
use cairn_identity::{FirstAccount, Identity};
use cairn_journal::{Journal, Options};
use cairn_key::Keys;
use cairn_store::{Blobs, Seal};
use cairn_world::sim::Sim;
use iceberg::spec::{FormatVersion, Manifest, ManifestList, TableMetadata};
use std::collections::BTreeSet;

const ACCOUNT: &str = "111122223333";
const BUCKET: &str = "cairn-lake-111122223333";
const TABLE: &str = "events";
const START: Time = Time(1_780_000_000_000);
const MINUTE: Duration = Duration::from_mins(1);

struct NoSigner;

#[async_trait::async_trait]
impl Signer for NoSigner {
    async fn sign(&self, _: &str, _: Time, _: &str) -> Result<Signed, Error> {
        Err(Error::Unavailable("nothing is signed here".to_owned()))
    }
}

struct House {
    sim: Sim,
    buckets: Buckets,
    catalog: Catalog,
    _dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let (sim, dir) = (Sim::at(START), tempfile::tempdir().unwrap());
        let (world, path) = (sim.world(), dir.path());
        let db = Db::open(&path.join("cairn.db")).await.unwrap();
        let seal = Arc::new(Seal::open(&world, &path.join("root.key")).unwrap());
        let options = Options { segment_bytes_max: 1 << 20, bytes_max: 1 << 30, age_max: MINUTE * 10_000 };
        let (journal, _) = Journal::open(&world, &path.join("journal"), options).unwrap();
        let keys = Keys::open(&world, &db, seal.clone()).await.unwrap();
        let identity = Identity::open(&world, &db, seal).await.unwrap();
        identity.found(FirstAccount { account: ACCOUNT.to_owned(), access_key: None }).await.unwrap();
        let buckets = Buckets::open(cairn_bucket::Parts {
            world: world.clone(),
            db: db.clone(),
            keys: keys.clone(),
            identity: identity.clone(),
            blobs: Blobs::open(&world, &path.join("blobs")).unwrap(),
            outside: Outside::default(),
        });
        let buckets = buckets.await.unwrap();
        let parts = Parts {
            results: Blobs::open(&world, &path.join("results")).unwrap(),
            world,
            db,
            journal,
            buckets: buckets.clone(),
            keys,
            identity,
            signer: Arc::new(NoSigner),
            account: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            settings: Settings::default(),
        };
        let tables = Tables::open(&parts).await.unwrap();
        let catalog = Catalog::open(&parts, &tables).await.unwrap();
        Self { sim, buckets, catalog, _dir: dir }
    }

    async fn publish(&self, ids: impl IntoIterator<Item = i64>) -> State {
        self.catalog.publish_files(TABLE, &files(ids)).await.unwrap()
    }

    async fn object(&self, location: &str) -> Vec<u8> {
        let key = location.strip_prefix("s3://cairn-lake-111122223333/").unwrap();
        self.buckets.read(ACCOUNT, BUCKET, key, 1 << 30).await.unwrap().1.to_vec()
    }

    /// The metadata file as Iceberg's own code reads it.
    async fn metadata(&self, state: &State) -> TableMetadata {
        let bytes = self.object(&format!("s3://{BUCKET}/{}", state.metadata)).await;
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The files that each snapshot shows, by Iceberg's own code.
    async fn shown(&self, state: &State) -> Vec<BTreeSet<String>> {
        let metadata = self.metadata(state).await;
        let mut snapshots: Vec<_> = metadata.snapshots().cloned().collect();
        snapshots.sort_by_key(|snapshot| snapshot.sequence_number());
        let mut shown = Vec::new();
        for snapshot in snapshots {
            let list = self.object(snapshot.manifest_list()).await;
            let list = ManifestList::parse_with_version(&list, FormatVersion::V2).unwrap();
            let mut files = BTreeSet::new();
            for manifest in list.entries() {
                let bytes = self.object(&manifest.manifest_path).await;
                assert_eq!(bytes.len() as i64, manifest.manifest_length);
                let manifest = Manifest::parse_avro(&bytes).unwrap();
                for entry in manifest.entries().iter().filter(|entry| entry.is_alive()) {
                    assert!(files.insert(entry.file_path().to_owned()), "a file is shown twice");
                }
            }
            shown.push(files);
        }
        shown
    }

    async fn keys(&self) -> BTreeSet<String> {
        let list = List { max: 1000, ..List::default() };
        let listing = self.buckets.list(BUCKET, &list).await.unwrap();
        listing.items.into_iter().map(|object| object.key).collect()
    }
}

fn files(ids: impl IntoIterator<Item = i64>) -> Vec<Arc<File>> {
    let file = |id: i64| File {
        id,
        key: format!("{TABLE}/data/{id}.parquet"),
        rows: 10,
        bytes: 1000,
        times: Time(id * 1000)..Time(id * 1000 + 999),
        ..File::default()
    };
    ids.into_iter().map(|id| Arc::new(file(id))).collect()
}

fn paths(ids: impl IntoIterator<Item = i64>) -> BTreeSet<String> {
    ids.into_iter().map(|id| format!("s3://{BUCKET}/{TABLE}/data/{id}.parquet")).collect()
}

#[tokio::test]
async fn a_table_without_files_is_shown_empty() {
    let house = House::new().await;
    let state = house.publish([]).await;
    let metadata = house.metadata(&state).await;
    assert!(metadata.current_snapshot().is_none());
    assert_eq!(metadata.location(), format!("s3://{BUCKET}/{TABLE}"));
}

#[tokio::test]
async fn every_snapshot_shows_the_files_of_its_time() {
    let house = House::new().await;
    house.publish([1, 2]).await;
    house.publish([1, 2, 3]).await;
    let state = house.publish([3, 4]).await;
    assert_eq!(house.shown(&state).await, [paths([1, 2]), paths([1, 2, 3]), paths([3, 4])]);
    let metadata = house.metadata(&state).await;
    let current = metadata.current_snapshot().unwrap();
    assert_eq!(current.sequence_number(), 3);
    assert_eq!(current.summary().additional_properties["total-records"], "20");
}

#[tokio::test]
async fn metadata_has_every_column_under_its_field() {
    let house = House::new().await;
    let state = house.publish([1]).await;
    let metadata = house.metadata(&state).await;
    for column in crate::schema::COLUMNS {
        assert_eq!(metadata.current_schema().field_by_id(column.field).unwrap().name, column.name);
    }
    let last = metadata.last_column_id();
    assert!(crate::schema::COLUMNS.iter().all(|column| column.field <= last && column.field < 1000));
}

#[tokio::test]
async fn what_is_published_is_not_published_again() {
    let house = House::new().await;
    let first = house.publish([1, 2]).await;
    house.sim.clock.advance(MINUTE);
    assert_eq!(house.publish([2, 1]).await, first);
}

#[tokio::test]
async fn a_snapshot_is_shown_for_its_grace_after_a_file_of_it_left() {
    let house = House::new().await;
    house.publish([1, 2]).await;
    house.publish([3]).await;
    house.sim.clock.advance(GRACE.saturating_sub(MINUTE));
    let state = house.publish([3, 4]).await;
    assert_eq!(house.shown(&state).await, [paths([1, 2]), paths([3]), paths([3, 4])]);
    house.sim.clock.advance(MINUTE);
    let state = house.publish([3, 4]).await;
    assert_eq!(house.shown(&state).await, [paths([3]), paths([3, 4])]);
}

#[tokio::test]
async fn the_snapshot_that_a_merge_replaced_is_counted_from_the_merge() {
    let house = House::new().await;
    house.publish([1, 2]).await;
    house.sim.clock.advance(GRACE * 3);
    let state = house.publish([3]).await;
    assert_eq!(house.shown(&state).await, [paths([1, 2]), paths([3])]);
}

#[tokio::test]
async fn old_snapshots_go_and_the_newest_stay() {
    let house = House::new().await;
    for last in 1..=30 {
        house.publish(1..=last).await;
        house.sim.clock.advance(MINUTE);
    }
    house.sim.clock.advance(Duration::from_hours(24));
    let state = house.publish(1..=31).await;
    assert_eq!(state.snapshots.len(), 10);
    assert_eq!(house.shown(&state).await.last(), Some(&paths(1..=31)));
}

#[tokio::test]
async fn objects_that_nothing_shows_are_removed_and_no_others() {
    let house = House::new().await;
    for last in 1..=5 {
        house.publish([last]).await;
        house.sim.clock.advance(MINUTE);
    }
    house.sim.clock.advance(Duration::from_hours(2));
    let state = house.publish([5]).await;
    house.sim.clock.advance(Duration::from_hours(2));
    house.catalog.remove_due().await.unwrap();
    // Of the one snapshot that is left: its list and the metadata; its manifests, of files that came and that went.
    let keys = house.keys().await;
    assert_eq!(house.shown(&state).await, [paths([5])]);
    assert_eq!(keys.len(), 4, "{keys:?}");
}

#[tokio::test]
async fn a_publication_cut_off_before_its_commit_leaves_the_one_before() {
    let house = House::new().await;
    let before = house.publish([1]).await;
    let next = house.catalog.next(TABLE, Some(&before), &files([1, 2])).await.unwrap().unwrap();
    house.catalog.write(&next).await.unwrap();
    let found = rows::state(&house.catalog.inner.db, TABLE).await.unwrap().unwrap();
    assert_eq!(found, before);
    assert_eq!(house.shown(&found).await, [paths([1])]);
    let after = house.publish([1, 2]).await;
    assert_eq!(house.shown(&after).await, [paths([1]), paths([1, 2])]);
    house.sim.clock.advance(Duration::from_hours(2));
    house.catalog.remove_due().await.unwrap();
    let keys = house.keys().await;
    assert!(next.objects.iter().all(|(key, _)| !keys.contains(key)), "{keys:?}");
    assert_eq!(house.shown(&after).await, [paths([1]), paths([1, 2])]);
}

#[tokio::test]
async fn two_publications_of_one_table_do_not_both_count() {
    let house = House::new().await;
    let before = house.publish([1]).await;
    let next = house.catalog.next(TABLE, Some(&before), &files([1, 2])).await.unwrap().unwrap();
    house.catalog.write(&next).await.unwrap();
    house.publish([1, 3]).await;
    let error = house.catalog.commit(TABLE, Some(&before), &next).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
}

#[tokio::test]
async fn the_catalog_forgets_a_table_that_is_no_more() {
    let house = House::new().await;
    house.publish([1]).await;
    house.publish([2]).await;
    house.catalog.forget(TABLE).await.unwrap();
    house.sim.clock.advance(Duration::from_hours(2));
    house.catalog.remove_due().await.unwrap();
    assert_eq!(house.keys().await, BTreeSet::new());
    assert_eq!(rows::state(&house.catalog.inner.db, TABLE).await.unwrap(), None);
}

#[tokio::test]
async fn the_file_of_a_snapshot_that_is_still_shown_stays() {
    let house = House::new().await;
    let tables = house.catalog.inner.tables.clone();
    let row = crate::table::tests::house::rows(&[("one".to_owned(), START)]);
    let nothing = crate::table::tests::house::nothing;
    tables.load(TABLE, vec![row], nothing()).await.unwrap();
    house.catalog.publish(TABLE).await.unwrap();
    let files = tables.snapshot(TABLE).await.unwrap().files;
    let key = files[0].key.clone();
    house.sim.clock.advance(MINUTE);
    assert!(tables.replace(TABLE, &files, Vec::new()).await.unwrap());
    drop(files);
    // Nothing was published for hours.
    house.sim.clock.advance(Duration::from_hours(3));
    tables.remove_retired().await.unwrap();
    assert!(house.keys().await.contains(&key));
    for _ in 0..2 {
        house.catalog.publish(TABLE).await.unwrap();
        tables.remove_retired().await.unwrap();
        assert!(house.keys().await.contains(&key), "it is shown, or was a moment ago");
        house.sim.clock.advance(GRACE);
    }
    house.catalog.publish(TABLE).await.unwrap();
    tables.remove_retired().await.unwrap();
    assert!(!house.keys().await.contains(&key));
}
