//! ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.

use super::bucket_settings;
use super::call::Call;
use super::refusal::{self, error, invalid_argument};
use super::shape;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cairn_bucket::NewBucket;
use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketConfiguration, CreateBucketInput, CreateBucketOutput,
    DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};
use std::collections::BTreeMap;

/// As many as an account can have.
const PAGE_MAX: usize = 10_000;
const FIRST_REGION: &str = "us-east-1";

pub(super) async fn list_buckets(
    call: &Call,
    req: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let input = req.input;
    let prefix = input.prefix.clone().unwrap_or_default();
    let size = match input.max_buckets {
        None => PAGE_MAX,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=PAGE_MAX).contains(size))
            .ok_or_else(|| invalid_argument("max-buckets must be between 1 and 10000"))?,
    };
    let after = input.continuation_token.as_deref().map(read_token).transpose()?;
    let account = call.caller().account();
    let mut found = call.buckets().buckets(account, &prefix, after.as_deref(), PAGE_MAX);
    if let Some(region) = &input.bucket_region {
        found.retain(|bucket| bucket.region == *region);
    }
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().map(|bucket| BASE64_STANDARD.encode(&bucket.name));
    let shown = found.iter().map(|bucket| Bucket {
        bucket_region: Some(bucket.region.clone()),
        creation_date: Some(shape::timestamp(bucket.created)),
        name: Some(bucket.name.clone()),
    });
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(shown.collect()),
        continuation_token: last.filter(|_| more),
        owner: Some(shape::owner(account)),
        prefix: input.prefix,
    }))
}

fn read_token(token: &str) -> S3Result<String> {
    let bytes = BASE64_STANDARD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

pub(super) async fn create_bucket(
    call: &Call,
    req: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let input = req.input;
    let region = region(call, input.create_bucket_configuration.as_ref())?;
    let may = |action: &str| call.authorize_own(&format!("arn:aws:s3:::{}", input.bucket), action, &region);
    may("s3:CreateBucket")?;
    // Whoever had it could govern the files that the lake puts there.
    if input.bucket == call.engines().lake.tables.bucket() {
        return Err(refusal::of(cairn_bucket::Error::Exists(input.bucket)));
    }
    if req.headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-")) {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(error(S3ErrorCode::InvalidBucketAclWithObjectOwnership, message));
    }
    if input.acl.as_ref().is_some_and(|acl| acl.as_str() != "private") {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(error(S3ErrorCode::InvalidBucketAclWithObjectOwnership, message));
    }
    let object_lock = input.object_lock_enabled_for_bucket == Some(true);
    if object_lock {
        for action in ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"] {
            may(action)?;
        }
    }
    let ownership = input.object_ownership.map(|name| bucket_settings::ownership(name.as_str())).transpose()?;
    let name = input.bucket;
    let new = NewBucket {
        name: name.clone(),
        account: call.caller().account().to_owned(),
        region: region.clone(),
        object_lock,
        ownership,
        tags: BTreeMap::new(),
    };
    call.buckets().create(new).await.map_err(refusal::of)?;
    call.record(|outcome| outcome.region = region);
    Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{name}")) }))
}

/// Where the bucket shall be: where its configuration says, or where it was called.
fn region(call: &Call, configuration: Option<&CreateBucketConfiguration>) -> S3Result<String> {
    let constraint = configuration.and_then(|configuration| configuration.location_constraint.as_ref());
    let Some(constraint) = constraint.map(BucketLocationConstraint::as_str).filter(|name| !name.is_empty()) else {
        return Ok(call.region().to_owned());
    };
    let fits = constraint.split('-').count() >= 3
        && constraint.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    match constraint {
        "EU" => Ok("eu-west-1".to_owned()),
        _ if fits && constraint != FIRST_REGION => Ok(constraint.to_owned()),
        _ => Err(error(S3ErrorCode::InvalidLocationConstraint, "The specified location-constraint is not valid")),
    }
}

pub(super) async fn head_bucket(
    call: &Call,
    _req: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let bucket_region = Some(call.bucket()?.region.clone());
    Ok(S3Response::new(HeadBucketOutput { bucket_region, ..HeadBucketOutput::default() }))
}

pub(super) async fn delete_bucket(
    call: &Call,
    _req: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    call.buckets().remove(&call.bucket()?.name).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeleteBucketOutput {}))
}

/// The first region has no name here.
pub(super) async fn get_bucket_location(
    call: &Call,
    _req: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    let region = call.bucket()?.region.clone();
    let location_constraint = (region != FIRST_REGION).then(|| BucketLocationConstraint::from(region));
    Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
}
