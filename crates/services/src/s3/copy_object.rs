//! CopyObject, and how the source of a copy is found and asked for.

use super::access::{existing_tags, requested_tags};
use super::call::Call;
use super::encryption::Use;
use super::put_object::{new_object, tagging};
use super::refusal::{self, error, invalid_argument};
use super::shape::{self, Encrypted, Sums};
use cairn_bucket::{Conditions, CopyOf, Object};
use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective, TaggingDirective};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

pub(super) async fn copy_object(
    call: &Call,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let conditions = shape::conditions(
        input.copy_source_if_match.as_ref(),
        input.copy_source_if_none_match.as_ref(),
        input.copy_source_if_modified_since.as_ref(),
        input.copy_source_if_unmodified_since.as_ref(),
    )?;
    let source =
        find_source(call, &input.copy_source, input.expected_source_bucket_owner.as_deref(), &conditions).await?;
    let directive = |given: Option<&str>| match given {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(_) => Err(invalid_argument("Unknown directive.")),
    };
    let replace_metadata = directive(input.metadata_directive.as_ref().map(MetadataDirective::as_str))?;
    let replace_tags = directive(input.tagging_directive.as_ref().map(TaggingDirective::as_str))?;
    if !replace_tags {
        let tags = source.tags.iter().map(|(name, value)| (name.clone(), value.clone()));
        call.set_copied_tags(requested_tags(tags));
    }
    call.authorize_on(bucket, Some(&input.key), "s3:PutObject")?;
    let mut put = new_object(call, bucket, &input.key, &req.headers)?;
    if replace_tags {
        put.tags = input.tagging.as_deref().map(tagging).transpose()?.unwrap_or_default();
    } else if !source.tags.is_empty() {
        call.authorize_on(bucket, Some(&input.key), "s3:PutObjectTagging")?;
    }
    put.sse = Some(call.encrypt(bucket, &input.key, &req.headers).await?);
    let algorithm = input.checksum_algorithm.map(|name| shape::algorithm_named(name.as_str())).transpose()?;
    let copy = CopyOf { source: &source, put, replace_metadata, replace_tags, algorithm };
    let stored = call.buckets().copy(copy).await.map_err(refusal::of)?;
    let (sums, sse) = (Sums::from(stored.checksum.as_ref()), Encrypted::from(&stored.sse));
    Ok(S3Response::new(CopyObjectOutput {
        copy_object_result: Some(CopyObjectResult {
            e_tag: Some(shape::etag(&stored.etag)),
            last_modified: Some(shape::timestamp(stored.modified)),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
        }),
        copy_source_version_id: source.shown_version().map(str::to_owned),
        version_id: stored.version,
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        ..CopyObjectOutput::default()
    }))
}

/// The object to copy from: it is there, it may be read, the conditions hold, its key may be used.
pub(super) async fn find_source(
    call: &Call,
    source: &CopySource,
    owner: Option<&str>,
    conditions: &Conditions,
) -> S3Result<Object> {
    let CopySource::Bucket { bucket, key, version_id } = source else {
        return Err(refusal::not_implemented("Copies from access points are not implemented"));
    };
    let bucket = call.find_bucket(bucket)?;
    if owner.is_some_and(|owner| owner != bucket.account) {
        return Err(refusal::access_denied());
    }
    let version = version_id.as_deref().filter(|id| !id.is_empty());
    let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    let found = call.buckets().find(&bucket.name, key, version).await;
    let version_key = version.map(|id| ("s3:VersionId".to_owned(), id.to_owned()));
    let more: Vec<_> = version_key.into_iter().chain(found.iter().flat_map(existing_tags)).collect();
    call.authorize_with(&bucket, Some(key), action, &more)?;
    let object = found.map_err(refusal::of).map_err(|error| call.hide_absence(&bucket, error))?;
    object.check(conditions).map_err(|refused| match refused {
        cairn_bucket::Error::NotModified => {
            let message = "At least one of the pre-conditions you specified did not hold";
            error(S3ErrorCode::PreconditionFailed, message)
        }
        refused => refusal::of(refused),
    })?;
    if !object.tags.is_empty() {
        let action = if version.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
        call.authorize_with(&bucket, Some(key), action, &more)?;
    }
    call.use_key(&bucket, key, &object.sse, Use::Decrypt).await?;
    Ok(object)
}
