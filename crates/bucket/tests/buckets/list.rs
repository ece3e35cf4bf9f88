//! Lists, against a naive model of them.

use crate::house::{BUCKET, House, put};
use cairn_bucket::{Delete, List, Listing, NewUpload, Version, Versioning};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One version in the model: its id and whether it is a marker. The newest first.
type Model = BTreeMap<String, Vec<(String, bool)>>;

/// A page and its place in the list: keys (or key and version), and common prefixes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Whole {
    items: Vec<(String, String)>,
    prefixes: Vec<String>,
}

/// What a list holds in the end, all pages together, from the entries in their order.
fn naive(entries: impl Iterator<Item = (String, String)>, list: &List) -> Whole {
    let mut whole = Whole::default();
    let mut seen = BTreeSet::new();
    for (key, id) in entries.filter(|(key, _)| key.starts_with(&list.prefix)) {
        let rest = &key[list.prefix.len()..];
        let delimiter = list.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        match delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len())) {
            Some(end) => {
                let prefix = key[..list.prefix.len() + end].to_owned();
                if seen.insert(prefix.clone()) {
                    whole.prefixes.push(prefix);
                }
            }
            None => whole.items.push((key, id)),
        }
    }
    whole
}

/// Reads page by page until the end.
async fn pages<T, F: AsyncFnMut(&List) -> Listing<T>>(
    mut list: List,
    mut page: F,
    name: fn(T) -> (String, String),
) -> Whole {
    let mut whole = Whole::default();
    loop {
        let listing = page(&list).await;
        let count = listing.items.len() + listing.prefixes.len();
        assert!(count <= list.max, "{count} entries on a page of {}", list.max);
        whole.items.extend(listing.items.into_iter().map(name));
        whole.prefixes.extend(listing.prefixes);
        let Some((after, id)) = listing.next else { return whole };
        assert_eq!(count, list.max, "only full pages have a next one");
        (list.after, list.after_id) = (Some(after), id);
    }
}

async fn compare(operations: Vec<(String, bool)>, list: List) {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    let mut model = Model::new();
    for (key, deleted) in operations {
        let version = if deleted {
            let delete = Delete { key: key.clone(), ..Delete::default() };
            house.buckets.delete(BUCKET, delete).await.unwrap().version
        } else {
            house.put(&key, b"").await.version
        };
        model.entry(key).or_default().insert(0, (version.unwrap(), deleted));
    }
    let newest = model.iter().filter(|(_, versions)| !versions[0].1);
    let newest = newest.map(|(key, _)| (key.clone(), String::new()));
    let page = async |list: &List| house.buckets.list(BUCKET, list).await.unwrap();
    let found = pages(list.clone(), page, |object| (object.key, String::new())).await;
    assert_eq!(found, naive(newest, &list));

    let all = model.iter().flat_map(|(key, versions)| versions.iter().map(|(id, _)| (key.clone(), id.clone())));
    let page = async |list: &List| house.buckets.list_versions(BUCKET, list).await.unwrap();
    let found = pages(list.clone(), page, |version| match version {
        Version::Object(object) => (object.key, object.version),
        Version::Marker { key, version, .. } => (key, version),
    });
    assert_eq!(found.await, naive(all, &list));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn pages_together_are_what_a_naive_list_holds(
        operations in vec(("[ab/é\u{10FFFF}]{1,5}", prop::bool::weighted(0.2)), 0..25),
        prefix in "[ab/]{0,2}",
        delimiter in prop::option::of("/|b|a/|é|"),
        max in 1..6_usize,
    ) {
        let list = List { prefix, delimiter, max, ..List::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(operations, list));
    }
}

#[tokio::test]
async fn a_list_starts_after_any_text() {
    let house = House::with(BUCKET, Versioning::Off).await;
    for key in ["a", "b/1", "b/2", "c", "d/1"] {
        house.put(key, b"").await;
    }
    let names = async |after: &str, delimiter: Option<&str>| {
        let (after, delimiter) = (Some(after.to_owned()), delimiter.map(str::to_owned));
        let listing = house.buckets.list(BUCKET, &List { after, delimiter, max: 10, ..List::default() }).await.unwrap();
        let keys: Vec<String> = listing.items.into_iter().map(|object| object.key).collect();
        (keys.join(" "), listing.prefixes.join(" "))
    };
    let is = |keys: &str, prefixes: &str| (keys.to_owned(), prefixes.to_owned());
    assert_eq!(names("", None).await, is("a b/1 b/2 c d/1", ""));
    assert_eq!(names("a", None).await, is("b/1 b/2 c d/1", ""));
    assert_eq!(names("b/1", Some("/")).await, is("c", "b/ d/"));
    assert_eq!(names("b/", Some("/")).await, is("c", "d/"));
    assert_eq!(names("zzz", None).await, is("", ""));
    let none = house.buckets.list(BUCKET, &List::default()).await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none());
}

#[tokio::test]
async fn a_list_goes_on_when_what_it_showed_is_deleted_meanwhile() {
    let house = House::with(BUCKET, Versioning::Enabled).await;
    for n in 0..7_u8 {
        house.put("k", &[n]).await;
    }
    let mut list = List { max: 2, ..List::default() };
    let mut deleted = 0;
    loop {
        let listing = house.buckets.list_versions(BUCKET, &list).await.unwrap();
        for version in listing.items {
            let Version::Object(object) = version else { panic!("there are no markers") };
            house.delete_version("k", &object.version, false).await.unwrap();
            deleted += 1;
        }
        let Some((after, id)) = listing.next else { break };
        (list.after, list.after_id) = (Some(after), id);
    }
    assert_eq!(deleted, 7);
    house.buckets.remove(BUCKET).await.unwrap();
}

#[tokio::test]
async fn uploads_are_listed_oldest_first_under_each_key() {
    let house = House::with(BUCKET, Versioning::Off).await;
    let mut begun = Vec::new();
    for key in ["b", "a", "b", "c/1", "c/2"] {
        let upload = house.buckets.create_upload(NewUpload { put: put(key), ..NewUpload::default() }).await.unwrap();
        begun.push((key.to_owned(), upload.id));
    }
    let list = List { delimiter: Some("/".to_owned()), max: 2, ..List::default() };
    let page = async |list: &List| house.buckets.list_uploads(BUCKET, list).await.unwrap();
    let found = pages(list, page, |upload| (upload.put.key, upload.id)).await;
    let items = vec![begun[1].clone(), begun[0].clone(), begun[2].clone()];
    assert_eq!(found, Whole { items, prefixes: vec!["c/".to_owned()] });
}
