//! Objects put in parts: begin, put and copy parts, complete, give up.

use super::call::Call;
use super::copy_object::find_source;
use super::encryption::{Use, refuse_customer_keys};
use super::put_object::{body, condition, expected, new_object, trailer};
use super::refusal::{self, error, invalid_argument};
use super::shape::{self, Encrypted, Sums};
use cairn_bucket::{ChecksumKind, Complete, CompletedPart, NewUpload, Range, Upload};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

const PART_NUMBER_MAX: u32 = 10_000;

pub(super) async fn create_multipart_upload(
    call: &Call,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let mut put = new_object(call, bucket, &input.key, &req.headers)?;
    put.sse = Some(call.encrypt(bucket, &input.key, &req.headers).await?);
    let kind = match input.checksum_type.as_ref().map(ChecksumType::as_str) {
        None => None,
        Some(ChecksumType::FULL_OBJECT) => Some(ChecksumKind::FullObject),
        Some(ChecksumType::COMPOSITE) => Some(ChecksumKind::Composite),
        Some(_) => return Err(error(S3ErrorCode::InvalidRequest, "Value for x-amz-checksum-type header is invalid.")),
    };
    let algorithm = input.checksum_algorithm.map(|name| shape::algorithm_named(name.as_str())).transpose()?;
    let initiator = (call.caller().principal_id().to_owned(), call.caller().arn().to_owned());
    let new = NewUpload { put, algorithm, kind, initiator };
    let upload = call.buckets().create_upload(new).await.map_err(refusal::of)?;
    let sse = Encrypted::from(&upload.sse);
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(bucket.name.clone()),
        key: Some(input.key),
        upload_id: Some(upload.id),
        checksum_algorithm: upload.algorithm.map(|known| ChecksumAlgorithm::from_static(shape::algorithm_name(known))),
        checksum_type: upload.kind.map(|kind| ChecksumType::from_static(shape::kind_name(kind))),
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        ..CreateMultipartUploadOutput::default()
    }))
}

/// An upload that goes on: its key may be used again.
async fn upload(call: &Call, key: &str, id: &str) -> S3Result<Upload> {
    let bucket = call.bucket()?;
    let upload = call.buckets().upload(&bucket.name, key, id).await.map_err(refusal::of)?;
    call.use_key(bucket, key, &upload.sse, Use::Decrypt).await?;
    Ok(upload)
}

fn part_number(number: i32) -> S3Result<u32> {
    let number = u32::try_from(number).ok().filter(|number| (1..=PART_NUMBER_MAX).contains(number));
    number.ok_or_else(|| invalid_argument("Part number must be an integer between 1 and 10000, inclusive"))
}

pub(super) async fn upload_part(
    call: &Call,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    refuse_customer_keys(&req.headers)?;
    let input = req.input;
    let number = part_number(input.part_number)?;
    let upload = upload(call, &input.key, &input.upload_id).await?;
    let sums = Sums {
        crc32: input.checksum_crc32,
        crc32c: input.checksum_crc32c,
        crc64nvme: input.checksum_crc64nvme,
        sha1: input.checksum_sha1,
        sha256: input.checksum_sha256,
        kind: None,
    };
    let expected = expected(&req.headers, sums, input.content_md5, input.content_length)?;
    let algorithm = expected.algorithm.or(upload.algorithm);
    let body = body(input.body, &req.headers, req.trailing_headers.as_ref());
    let trailer = trailer(req.trailing_headers, expected.algorithm);
    let part = call.buckets().upload_part(&upload, number, body, expected, trailer).await;
    let part = part.map_err(refusal::of)?;
    let (sums, sse) = (Sums::of(algorithm, part.checksum), Encrypted::from(&upload.sse));
    Ok(S3Response::new(UploadPartOutput {
        e_tag: Some(shape::etag(&part.etag)),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        ..UploadPartOutput::default()
    }))
}

pub(super) async fn upload_part_copy(
    call: &Call,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    refuse_customer_keys(&req.headers)?;
    let input = req.input;
    let number = part_number(input.part_number)?;
    let conditions = shape::conditions(
        input.copy_source_if_match.as_ref(),
        input.copy_source_if_none_match.as_ref(),
        input.copy_source_if_modified_since.as_ref(),
        input.copy_source_if_unmodified_since.as_ref(),
    )?;
    let source =
        find_source(call, &input.copy_source, input.expected_source_bucket_owner.as_deref(), &conditions).await?;
    let wanted = input.copy_source_range.as_deref().map_or(Ok(Range::Whole), copy_range)?;
    let span = source.span(wanted).map_err(refusal::of)?;
    let upload = upload(call, &input.key, &input.upload_id).await?;
    let part = call.buckets().upload_part_copy(&upload, number, &source, span).await.map_err(refusal::of)?;
    let (sums, sse) = (Sums::of(upload.algorithm, part.checksum), Encrypted::from(&upload.sse));
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(CopyPartResult {
            e_tag: Some(shape::etag(&part.etag)),
            last_modified: Some(shape::timestamp(part.modified)),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
        }),
        copy_source_version_id: source.shown_version().map(str::to_owned),
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        request_charged: None,
        sse_customer_algorithm: None,
        sse_customer_key_md5: None,
    }))
}

/// `bytes=first-last`, both ends given.
fn copy_range(text: &str) -> S3Result<Range> {
    let ends = text.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let numbers = ends.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let (first, last) = numbers.filter(|(first, last): &(u64, u64)| first <= last).ok_or_else(|| {
        invalid_argument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
    })?;
    Ok(Range::From { first, last: Some(last) })
}

pub(super) async fn complete_multipart_upload(
    call: &Call,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    refuse_customer_keys(&req.headers)?;
    let bucket = call.bucket()?;
    let input = req.input;
    upload(call, &input.key, &input.upload_id).await?;
    let sums = Sums {
        crc32: input.checksum_crc32,
        crc32c: input.checksum_crc32c,
        crc64nvme: input.checksum_crc64nvme,
        sha1: input.checksum_sha1,
        sha256: input.checksum_sha256,
        kind: None,
    };
    let listed = input.multipart_upload.and_then(|listed| listed.parts).unwrap_or_default();
    let complete = Complete {
        bucket: bucket.name.clone(),
        key: input.key.clone(),
        id: input.upload_id,
        parts: listed.into_iter().map(completed).collect::<S3Result<_>>()?,
        condition: condition(input.if_match.as_ref(), input.if_none_match.as_ref())?,
        checksum: sums.one()?,
        size: input.mpu_object_size.and_then(|size| u64::try_from(size).ok()),
    };
    let stored = call.buckets().complete_upload(complete).await.map_err(refusal::of)?;
    let (sums, sse) = (Sums::from(stored.checksum.as_ref()), Encrypted::from(&stored.sse));
    let host = call.arrival.host.as_deref().unwrap_or("localhost");
    let scheme = if call.arrival.tls.is_some() { "https" } else { "http" };
    Ok(S3Response::new(CompleteMultipartUploadOutput {
        location: Some(format!("{scheme}://{host}/{}/{}", bucket.name, input.key)),
        bucket: Some(bucket.name.clone()),
        key: Some(input.key),
        e_tag: Some(shape::etag(&stored.etag)),
        version_id: stored.version,
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        checksum_type: sums.kind,
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        ..CompleteMultipartUploadOutput::default()
    }))
}

fn completed(part: s3s::dto::CompletedPart) -> S3Result<CompletedPart> {
    let malformed = super::bucket_settings::malformed;
    let sums = Sums {
        crc32: part.checksum_crc32,
        crc32c: part.checksum_crc32c,
        crc64nvme: part.checksum_crc64nvme,
        sha1: part.checksum_sha1,
        sha256: part.checksum_sha256,
        kind: None,
    };
    Ok(CompletedPart {
        number: part_number(part.part_number.ok_or_else(malformed)?)?,
        etag: part.e_tag.ok_or_else(malformed)?.into_value(),
        checksum: sums.one()?,
    })
}

pub(super) async fn abort_multipart_upload(
    call: &Call,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    call.buckets().abort_upload(&bucket.name, &input.key, &input.upload_id).await.map_err(refusal::of)?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
