//! DeleteObject and DeleteObjects.

use super::call::Call;
use super::refusal::{self, error};
use super::shape;
use cairn_bucket::{Bucket, Delete, Deleted};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
    ObjectIdentifier,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

const KEYS_MAX: usize = 1000;

pub(super) async fn delete_object(
    call: &Call,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(refusal::not_implemented(super::outcome::words("NotImplemented")));
    }
    let delete = Delete {
        version: shape::version(input.version_id.as_ref()).map(str::to_owned),
        bypass_governance: bypass(call, bucket, &input.key, input.bypass_governance_retention)?,
        if_match: input.if_match.as_ref().map(shape::named_etag),
        key: input.key,
    };
    let deleted = call.buckets().delete(&bucket.name, delete).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version,
        request_charged: None,
    }))
}

/// Whether governance locks do not hold: the caller says so, and may.
pub(super) fn bypass(call: &Call, bucket: &Bucket, key: &str, asked: Option<bool>) -> S3Result<bool> {
    if asked != Some(true) {
        return Ok(false);
    }
    call.authorize_on(bucket, Some(key), "s3:BypassGovernanceRetention").map(|()| true)
}

pub(super) async fn delete_objects(
    call: &Call,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    if input.delete.objects.is_empty() || input.delete.objects.len() > KEYS_MAX {
        return Err(error(S3ErrorCode::MalformedXML, super::outcome::words("MalformedXML")));
    }
    let (mut allowed, mut wanted, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for object in input.delete.objects {
        match ask(call, bucket, &object, input.bypass_governance_retention) {
            Ok(delete) => {
                wanted.push(delete);
                allowed.push(object);
            }
            Err(refused) => errors.push(failed(&object, &refused)),
        }
    }
    let results = call.buckets().delete_many(&bucket.name, wanted).await.map_err(refusal::of)?;
    let mut deleted = Vec::new();
    for (object, result) in allowed.into_iter().zip(results) {
        match result {
            Ok(done) => deleted.push(shown(object, done)),
            Err(refused) => errors.push(failed(&object, &refusal::of(refused))),
        }
    }
    let quiet = input.delete.quiet == Some(true);
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: Some(errors),
        request_charged: None,
    }))
}

/// Each key is asked for on its own.
fn ask(call: &Call, bucket: &Bucket, object: &ObjectIdentifier, bypasses: Option<bool>) -> S3Result<Delete> {
    let version = shape::version(object.version_id.as_ref());
    let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
    let more: Vec<_> = version.map(|id| ("s3:VersionId".to_owned(), id.to_owned())).into_iter().collect();
    call.authorize_with(bucket, Some(&object.key), action, &more)?;
    Ok(Delete {
        key: object.key.clone(),
        version: version.map(str::to_owned),
        bypass_governance: bypass(call, bucket, &object.key, bypasses)?,
        if_match: object.e_tag.as_ref().map(|etag| etag.value().to_owned()),
    })
}

fn shown(object: ObjectIdentifier, deleted: Deleted) -> DeletedObject {
    DeletedObject {
        key: Some(object.key),
        // A marker that was made is not what was asked for; one that was removed is.
        delete_marker: deleted.marker.then_some(true),
        delete_marker_version_id: deleted.version.filter(|_| deleted.marker),
        version_id: object.version_id.filter(|id| !id.is_empty()),
    }
}

fn failed(object: &ObjectIdentifier, refused: &S3Error) -> Error {
    Error {
        code: Some(refused.code().as_str().to_owned()),
        key: Some(object.key.clone()),
        message: refused.message().map(str::to_owned),
        version_id: object.version_id.clone().filter(|id| !id.is_empty()),
    }
}
