//! ListObjects, ListObjectsV2 and ListObjectVersions.

use super::call::Call;
use super::refusal::{self, invalid_argument};
use super::shape;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cairn_bucket::{List, Object, Version};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

const PAGE_MAX: i32 = 1000;
/// What `encoding-type=url` leaves as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Whether names are encoded in a list, for clients that could not read them otherwise.
#[derive(Clone, Copy)]
pub(super) struct Encoding(bool);

impl Encoding {
    pub fn of(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None | Some("") => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(_) => Err(invalid_argument("Invalid Encoding Method specified in Request")),
        }
    }

    pub fn text(self, text: &str) -> String {
        if self.0 { utf8_percent_encode(text, &PLAIN).to_string() } else { text.to_owned() }
    }

    pub fn optional(self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    pub fn prefixes(self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let shown = prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.text(prefix)) });
        (!prefixes.is_empty()).then(|| shown.collect())
    }
}

/// How many are wanted, at most 1000. Errors: InvalidArgument for a negative number.
pub(super) fn page_size(asked: Option<i32>, name: &str) -> S3Result<i32> {
    match asked {
        None => Ok(PAGE_MAX),
        Some(size) if size >= 0 => Ok(size.min(PAGE_MAX)),
        Some(_) => Err(invalid_argument(format!("Argument {name} must be an integer between 0 and 2147483647"))),
    }
}

/// An empty parameter is as good as none.
pub(super) fn given(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

pub(super) async fn list_objects(
    call: &Call,
    req: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let (encoding, max) = (Encoding::of(input.encoding_type.as_ref())?, page_size(input.max_keys, "max-keys")?);
    let list = List {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: given(input.delimiter.as_ref()),
        after: given(input.marker.as_ref()),
        after_id: None,
        max: max as usize,
    };
    let listing = call.buckets().list(&bucket.name, &list).await.map_err(refusal::of)?;
    let next = listing.next.map(|(next, _)| next);
    let owner = Some(shape::owner(&bucket.account));
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(bucket.name.clone()),
        prefix: Some(encoding.text(&list.prefix)),
        marker: Some(encoding.text(input.marker.as_deref().unwrap_or_default())),
        max_keys: Some(max),
        is_truncated: Some(next.is_some()),
        contents: Some(listing.items.iter().map(|object| shown(object, encoding, owner.clone())).collect()),
        common_prefixes: encoding.prefixes(&listing.prefixes),
        delimiter: encoding.optional(list.delimiter.as_ref()),
        // Without a delimiter the last key says it.
        next_marker: encoding.optional(next.as_ref().filter(|_| list.delimiter.is_some())),
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

pub(super) async fn list_objects_v2(
    call: &Call,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let (encoding, max) = (Encoding::of(input.encoding_type.as_ref())?, page_size(input.max_keys, "max-keys")?);
    let after = match given(input.continuation_token.as_ref()) {
        Some(token) => Some(read_token(&token)?),
        None => given(input.start_after.as_ref()),
    };
    let list = List {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: given(input.delimiter.as_ref()),
        after,
        after_id: None,
        max: max as usize,
    };
    let listing = call.buckets().list(&bucket.name, &list).await.map_err(refusal::of)?;
    let owner = (input.fetch_owner == Some(true)).then(|| shape::owner(&bucket.account));
    let count = listing.items.len() + listing.prefixes.len();
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(bucket.name.clone()),
        prefix: Some(encoding.text(&list.prefix)),
        max_keys: Some(max),
        key_count: i32::try_from(count).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(listing.next.is_some()),
        next_continuation_token: listing.next.map(|(next, _)| BASE64_STANDARD.encode(next)),
        contents: Some(listing.items.iter().map(|object| shown(object, encoding, owner.clone())).collect()),
        common_prefixes: encoding.prefixes(&listing.prefixes),
        delimiter: encoding.optional(list.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        start_after: encoding.optional(input.start_after.as_ref()),
        request_charged: None,
    }))
}

fn read_token(token: &str) -> S3Result<String> {
    let bytes = BASE64_STANDARD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

fn shown(object: &Object, encoding: Encoding, owner: Option<s3s::dto::Owner>) -> s3s::dto::Object {
    let (algorithms, checksum_type) = checksum(object);
    let class = object.headers.storage_class.clone();
    s3s::dto::Object {
        checksum_algorithm: algorithms,
        checksum_type,
        e_tag: Some(shape::etag(&object.etag)),
        key: Some(encoding.text(&object.key)),
        last_modified: Some(shape::timestamp(object.modified)),
        owner,
        restore_status: None,
        size: i64::try_from(object.size).ok(),
        storage_class: Some(class.map_or_else(standard, ObjectStorageClass::from)),
    }
}

fn standard() -> ObjectStorageClass {
    ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)
}

fn checksum(object: &Object) -> (Option<Vec<ChecksumAlgorithm>>, Option<ChecksumType>) {
    let checksum = object.checksum.as_ref();
    let name = checksum.map(|checksum| shape::algorithm_name(checksum.algorithm));
    let kind = checksum.map(|checksum| ChecksumType::from_static(shape::kind_name(checksum.kind)));
    (name.map(|name| vec![ChecksumAlgorithm::from_static(name)]), kind)
}

pub(super) async fn list_object_versions(
    call: &Call,
    req: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let (encoding, max) = (Encoding::of(input.encoding_type.as_ref())?, page_size(input.max_keys, "max-keys")?);
    let list = List {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: given(input.delimiter.as_ref()),
        after: given(input.key_marker.as_ref()),
        after_id: given(input.version_id_marker.as_ref()),
        max: max as usize,
    };
    if list.after_id.is_some() && list.after.is_none() {
        return Err(invalid_argument("A version-id marker cannot be specified without a key marker."));
    }
    let listing = call.buckets().list_versions(&bucket.name, &list).await.map_err(refusal::of)?;
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    for item in listing.items {
        match item {
            Version::Object(object) => versions.push(version(&object, encoding, &bucket.account)),
            Version::Marker { key, version, latest, modified } => markers.push(DeleteMarkerEntry {
                is_latest: Some(latest),
                key: Some(encoding.text(&key)),
                last_modified: Some(shape::timestamp(modified)),
                owner: Some(shape::owner(&bucket.account)),
                version_id: Some(version),
            }),
        }
    }
    let truncated = listing.next.is_some();
    let (next_key, next_id) = listing.next.unzip();
    Ok(S3Response::new(ListObjectVersionsOutput {
        common_prefixes: encoding.prefixes(&listing.prefixes),
        delete_markers: Some(markers),
        delimiter: encoding.optional(list.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(encoding.text(input.key_marker.as_deref().unwrap_or_default())),
        max_keys: Some(max),
        name: Some(bucket.name.clone()),
        next_key_marker: encoding.optional(next_key.as_ref()),
        next_version_id_marker: next_id.flatten(),
        prefix: Some(encoding.text(&list.prefix)),
        request_charged: None,
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        versions: Some(versions),
    }))
}

fn version(object: &Object, encoding: Encoding, account: &str) -> ObjectVersion {
    let (algorithms, checksum_type) = checksum(object);
    let class = object.headers.storage_class.clone().unwrap_or_else(|| ObjectVersionStorageClass::STANDARD.to_owned());
    ObjectVersion {
        checksum_algorithm: algorithms,
        checksum_type,
        e_tag: Some(shape::etag(&object.etag)),
        is_latest: Some(object.latest),
        key: Some(encoding.text(&object.key)),
        last_modified: Some(shape::timestamp(object.modified)),
        owner: Some(shape::owner(account)),
        restore_status: None,
        size: i64::try_from(object.size).ok(),
        storage_class: Some(ObjectVersionStorageClass::from(class)),
        version_id: Some(object.version.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_only_when_asked() {
        let url = EncodingType::from_static(EncodingType::URL);
        assert_eq!(Encoding::of(Some(&url)).unwrap().text("a b/c+ü&"), "a%20b/c%2B%C3%BC%26");
        assert_eq!(Encoding::of(None).unwrap().text("a b/c+ü&"), "a b/c+ü&");
        assert!(Encoding::of(Some(&EncodingType::from_static("gzip"))).is_err());
    }
}
