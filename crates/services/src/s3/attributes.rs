//! GetObjectAttributes: what is known of an object without its bytes.

use super::call::Call;
use super::encryption::refuse_customer_keys;
use super::refusal::invalid_argument;
use super::shape::{self, Sums};
use cairn_bucket::Object;
use s3s::dto::{
    Checksum, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectAttributes,
    ObjectPart, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

const PARTS_MAX: i32 = 1000;

pub(super) async fn get_object_attributes(
    call: &Call,
    req: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    refuse_customer_keys(&req.headers)?;
    let bucket = call.bucket()?;
    let input = req.input;
    let version = shape::version(input.version_id.as_ref());
    let action = if version.is_some() { "s3:GetObjectVersionAttributes" } else { "s3:GetObjectAttributes" };
    call.authorize_on(bucket, Some(&input.key), action)?;
    let object = call.find(&input.key, version).await?;
    // One header can name several.
    let named = |list: &ObjectAttributes, name: &str| list.as_str().split(',').any(|wanted| wanted.trim() == name);
    let wants = |name: &str| input.object_attributes.iter().any(|list| named(list, name));
    let sums = Sums::from(object.checksum.as_ref());
    let class = object.headers.storage_class.clone().unwrap_or_else(|| StorageClass::STANDARD.to_owned());
    let checksum = Checksum {
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        checksum_type: sums.kind,
    };
    let parts = wants(ObjectAttributes::OBJECT_PARTS) && !object.parts.is_empty();
    let parts = parts.then(|| parts_of(&object, input.part_number_marker, input.max_parts)).transpose()?;
    Ok(S3Response::new(GetObjectAttributesOutput {
        checksum: (wants(ObjectAttributes::CHECKSUM) && object.checksum.is_some()).then_some(checksum),
        e_tag: wants(ObjectAttributes::ETAG).then(|| shape::etag(&object.etag)),
        last_modified: Some(shape::timestamp(object.modified)),
        object_parts: parts,
        object_size: i64::try_from(object.size).ok().filter(|_| wants(ObjectAttributes::OBJECT_SIZE)),
        storage_class: wants(ObjectAttributes::STORAGE_CLASS).then(|| StorageClass::from(class)),
        version_id: object.shown_version().map(str::to_owned),
        ..GetObjectAttributesOutput::default()
    }))
}

fn parts_of(object: &Object, after: Option<i32>, max: Option<i32>) -> S3Result<GetObjectAttributesParts> {
    let (after, max) = (after.unwrap_or(0), max.unwrap_or(PARTS_MAX));
    if after < 0 || max < 0 {
        return Err(invalid_argument("Part number marker and max parts must not be negative"));
    }
    let algorithm = object.checksum.as_ref().map(|checksum| checksum.algorithm);
    let later: Vec<_> = object.parts.iter().filter(|part| i64::from(part.number) > i64::from(after)).collect();
    let page = usize::try_from(max.min(PARTS_MAX)).unwrap_or(0);
    let shown: Vec<ObjectPart> = later
        .iter()
        .take(page)
        .map(|part| {
            let sums = Sums::of(algorithm, part.checksum.clone());
            ObjectPart {
                checksum_crc32: sums.crc32,
                checksum_crc32c: sums.crc32c,
                checksum_crc64nvme: sums.crc64nvme,
                checksum_sha1: sums.sha1,
                checksum_sha256: sums.sha256,
                part_number: i32::try_from(part.number).ok(),
                size: i64::try_from(part.size).ok(),
            }
        })
        .collect();
    Ok(GetObjectAttributesParts {
        is_truncated: Some(later.len() > page),
        max_parts: Some(max),
        next_part_number_marker: shown.last().and_then(|part| part.part_number),
        part_number_marker: Some(after),
        // Parts that have no checksums of their own are counted and not listed.
        parts: algorithm.map(|_| shown),
        total_parts_count: i32::try_from(object.parts.len()).ok(),
    })
}
