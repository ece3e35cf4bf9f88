//! ListMultipartUploads and ListParts.

use super::call::Call;
use super::list_objects::{Encoding, given, page_size};
use super::refusal::{self, invalid_argument};
use super::shape::{self, Sums};
use cairn_bucket::{List, Part, Upload};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, MultipartUpload, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

pub(super) async fn list_multipart_uploads(
    call: &Call,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let (encoding, max) = (Encoding::of(input.encoding_type.as_ref())?, page_size(input.max_uploads, "max-uploads")?);
    let list = List {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: given(input.delimiter.as_ref()),
        after: given(input.key_marker.as_ref()),
        after_id: given(input.upload_id_marker.as_ref()),
        max: max as usize,
    };
    let listing = call.buckets().list_uploads(&bucket.name, &list).await.map_err(refusal::of)?;
    let shown = listing.items.iter().map(|upload| MultipartUpload {
        checksum_algorithm: algorithm(upload),
        checksum_type: kind(upload),
        initiated: Some(shape::timestamp(upload.begun)),
        initiator: Some(initiator(upload)),
        key: Some(encoding.text(&upload.put.key)),
        owner: Some(shape::owner(&bucket.account)),
        storage_class: Some(class(upload)),
        upload_id: Some(upload.id.clone()),
    });
    let uploads = shown.collect();
    let truncated = listing.next.is_some();
    let (next_key, next_id) = listing.next.unzip();
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(bucket.name.clone()),
        common_prefixes: encoding.prefixes(&listing.prefixes),
        delimiter: encoding.optional(list.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(encoding.text(input.key_marker.as_deref().unwrap_or_default())),
        max_uploads: Some(max),
        next_key_marker: encoding.optional(next_key.as_ref()),
        next_upload_id_marker: next_id.flatten(),
        prefix: Some(encoding.text(&list.prefix)),
        request_charged: None,
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        uploads: Some(uploads),
    }))
}

pub(super) async fn list_parts(call: &Call, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let max = page_size(input.max_parts, "max-parts")?;
    let after = u32::try_from(input.part_number_marker.unwrap_or(0))
        .map_err(|_| invalid_argument("Argument part-number-marker must not be negative"))?;
    let upload = call.buckets().upload(&bucket.name, &input.key, &input.upload_id).await.map_err(refusal::of)?;
    let (parts, more) = call.buckets().parts(&upload, after, max as usize).await.map_err(refusal::of)?;
    let last = parts.last().and_then(|part| i32::try_from(part.number).ok());
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(bucket.name.clone()),
        checksum_algorithm: algorithm(&upload),
        checksum_type: kind(&upload),
        initiator: Some(initiator(&upload)),
        is_truncated: Some(more),
        key: Some(input.key),
        max_parts: Some(max),
        next_part_number_marker: last,
        owner: Some(shape::owner(&bucket.account)),
        part_number_marker: i32::try_from(after).ok(),
        parts: Some(parts.into_iter().map(|part| shown(&upload, part)).collect()),
        storage_class: Some(class(&upload)),
        upload_id: Some(input.upload_id),
        ..ListPartsOutput::default()
    }))
}

fn shown(upload: &Upload, part: Part) -> s3s::dto::Part {
    let sums = Sums::of(upload.algorithm, part.checksum);
    s3s::dto::Part {
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        e_tag: Some(shape::etag(&part.etag)),
        last_modified: Some(shape::timestamp(part.modified)),
        part_number: i32::try_from(part.number).ok(),
        size: i64::try_from(part.size).ok(),
    }
}

fn initiator(upload: &Upload) -> Initiator {
    let (principal_id, arn) = upload.initiator.clone();
    Initiator { display_name: Some(principal_id), id: Some(arn) }
}

fn class(upload: &Upload) -> StorageClass {
    let class = upload.put.headers.storage_class.clone();
    class.map_or_else(|| StorageClass::from_static(StorageClass::STANDARD), StorageClass::from)
}

fn algorithm(upload: &Upload) -> Option<ChecksumAlgorithm> {
    upload.algorithm.map(|known| ChecksumAlgorithm::from_static(shape::algorithm_name(known)))
}

fn kind(upload: &Upload) -> Option<ChecksumType> {
    upload.kind.map(|kind| ChecksumType::from_static(shape::kind_name(kind)))
}
