//! What can be set on an object: its tags, its retention, its legal hold.

use super::access::{remaining_days, requested_tags};
use super::bucket_settings::malformed;
use super::call::Call;
use super::delete_object::bypass;
use super::refusal;
use super::shape;
use cairn_bucket::Retention;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectLegalHoldInput, GetObjectLegalHoldOutput,
    GetObjectRetentionInput, GetObjectRetentionOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode,
    PutObjectLegalHoldInput, PutObjectLegalHoldOutput, PutObjectRetentionInput, PutObjectRetentionOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput,
};
use s3s::{S3Request, S3Response, S3Result};
use std::collections::BTreeMap;

pub(super) async fn get_object_tagging(
    call: &Call,
    req: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let object = call.find(&req.input.key, shape::version(req.input.version_id.as_ref())).await?;
    let version_id = object.shown_version().map(str::to_owned);
    Ok(S3Response::new(GetObjectTaggingOutput { tag_set: shape::tag_set(&object.tags), version_id }))
}

pub(super) async fn put_object_tagging(
    call: &Call,
    req: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let input = req.input;
    let version = shape::version(input.version_id.as_ref());
    let tags = shape::tags(input.tagging.tag_set)?;
    let action = if version.is_some() { "s3:PutObjectVersionTagging" } else { "s3:PutObjectTagging" };
    let more = requested_tags(tags.clone().into_iter());
    call.authorize_with(call.bucket()?, Some(&input.key), action, &more)?;
    let version_id = set_tags(call, &input.key, version, tags).await?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

pub(super) async fn delete_object_tagging(
    call: &Call,
    req: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let version = shape::version(req.input.version_id.as_ref());
    let version_id = set_tags(call, &req.input.key, version, BTreeMap::new()).await?;
    Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
}

async fn set_tags(
    call: &Call,
    key: &str,
    version: Option<&str>,
    tags: BTreeMap<String, String>,
) -> S3Result<Option<String>> {
    let bucket = call.bucket()?;
    let set = call.buckets().set_object_tags(&bucket.name, key, version, tags).await;
    let object = set.map_err(refusal::of).map_err(|error| call.hide_absence(bucket, error))?;
    Ok(object.shown_version().map(str::to_owned))
}

pub(super) async fn get_object_retention(
    call: &Call,
    req: S3Request<GetObjectRetentionInput>,
) -> S3Result<S3Response<GetObjectRetentionOutput>> {
    let object = call.find(&req.input.key, shape::version(req.input.version_id.as_ref())).await?;
    let retention = object.retention().map_err(refusal::of)?;
    let shown = ObjectLockRetention {
        mode: Some(ObjectLockRetentionMode::from_static(shape::mode_name(retention.mode))),
        retain_until_date: Some(shape::timestamp(retention.until)),
    };
    Ok(S3Response::new(GetObjectRetentionOutput { retention: Some(shown) }))
}

pub(super) async fn put_object_retention(
    call: &Call,
    req: S3Request<PutObjectRetentionInput>,
) -> S3Result<S3Response<PutObjectRetentionOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let given = input.retention.ok_or_else(malformed)?;
    let retention = match (given.mode, given.retain_until_date) {
        (None, None) => None,
        (Some(mode), Some(until)) => Some(Retention { mode: shape::mode(mode.as_str())?, until: shape::time(&until)? }),
        _ => return Err(malformed()),
    };
    let mut conditions = Vec::new();
    if let Some(retention) = &retention {
        let until = retention.until.iso();
        conditions.push(("s3:object-lock-mode".to_owned(), shape::mode_name(retention.mode).to_owned()));
        conditions.extend(remaining_days(&until, call.now()));
        conditions.push(("s3:object-lock-retain-until-date".to_owned(), until));
    }
    call.authorize_with(bucket, Some(&input.key), "s3:PutObjectRetention", &conditions)?;
    let bypasses = bypass(call, bucket, &input.key, input.bypass_governance_retention)?;
    let version = shape::version(input.version_id.as_ref());
    let set = call.buckets().set_retention(&bucket.name, &input.key, version, retention, bypasses).await;
    set.map_err(refusal::of).map_err(|error| call.hide_absence(bucket, error))?;
    Ok(S3Response::new(PutObjectRetentionOutput::default()))
}

pub(super) async fn get_object_legal_hold(
    call: &Call,
    req: S3Request<GetObjectLegalHoldInput>,
) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
    let object = call.find(&req.input.key, shape::version(req.input.version_id.as_ref())).await?;
    let status = if object.legal_hold().map_err(refusal::of)? {
        ObjectLockLegalHoldStatus::ON
    } else {
        ObjectLockLegalHoldStatus::OFF
    };
    let legal_hold = Some(ObjectLockLegalHold { status: Some(ObjectLockLegalHoldStatus::from_static(status)) });
    Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold }))
}

pub(super) async fn put_object_legal_hold(
    call: &Call,
    req: S3Request<PutObjectLegalHoldInput>,
) -> S3Result<S3Response<PutObjectLegalHoldOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    let status = input.legal_hold.and_then(|hold| hold.status).ok_or_else(malformed)?;
    let hold = match status.as_str() {
        ObjectLockLegalHoldStatus::ON => true,
        ObjectLockLegalHoldStatus::OFF => false,
        _ => return Err(malformed()),
    };
    let more = [("s3:object-lock-legal-hold".to_owned(), status.as_str().to_owned())];
    call.authorize_with(bucket, Some(&input.key), "s3:PutObjectLegalHold", &more)?;
    let version = shape::version(input.version_id.as_ref());
    let set = call.buckets().set_legal_hold(&bucket.name, &input.key, version, hold).await;
    set.map_err(refusal::of).map_err(|error| call.hide_absence(bucket, error))?;
    Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
}
