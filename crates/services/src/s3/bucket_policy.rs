//! The policy of a bucket and whether it is public; its ACL, which nobody can change.

use super::call::Call;
use super::put_object::accept_acl;
use super::refusal::{self, error};
use super::shape;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use s3s::dto::{
    AccessControlPolicy, DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketAclInput, GetBucketAclOutput,
    GetBucketPolicyInput, GetBucketPolicyOutput, GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput,
    GetObjectAclInput, GetObjectAclOutput, Grant, Grantee, Permission, PolicyStatus, PutBucketAclInput,
    PutBucketAclOutput, PutBucketPolicyInput, PutBucketPolicyOutput, PutObjectAclInput, PutObjectAclOutput, Type,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

pub(super) async fn get_bucket_policy(
    call: &Call,
    _req: S3Request<GetBucketPolicyInput>,
) -> S3Result<S3Response<GetBucketPolicyOutput>> {
    let policy = call.bucket()?.policy_text().map_err(refusal::of)?.to_owned();
    let json = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Ok(S3Response::with_headers(GetBucketPolicyOutput { policy: Some(policy) }, json))
}

pub(super) async fn put_bucket_policy(
    call: &Call,
    req: S3Request<PutBucketPolicyInput>,
) -> S3Result<S3Response<PutBucketPolicyOutput>> {
    call.buckets().set_policy(&call.bucket()?.name, &req.input.policy).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutBucketPolicyOutput {}))
}

pub(super) async fn delete_bucket_policy(
    call: &Call,
    _req: S3Request<DeleteBucketPolicyInput>,
) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
    call.buckets().remove_policy(&call.bucket()?.name).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeleteBucketPolicyOutput {}))
}

pub(super) async fn get_bucket_policy_status(
    call: &Call,
    _req: S3Request<GetBucketPolicyStatusInput>,
) -> S3Result<S3Response<GetBucketPolicyStatusOutput>> {
    let bucket = call.bucket()?;
    bucket.policy_text().map_err(refusal::of)?;
    let policy_status = Some(PolicyStatus { is_public: Some(bucket.is_public()) });
    Ok(S3Response::new(GetBucketPolicyStatusOutput { policy_status }))
}

pub(super) async fn get_bucket_acl(
    call: &Call,
    _req: S3Request<GetBucketAclInput>,
) -> S3Result<S3Response<GetBucketAclOutput>> {
    let account = &call.bucket()?.account;
    let grants = Some(vec![full_control(account)]);
    Ok(S3Response::new(GetBucketAclOutput { grants, owner: Some(shape::owner(account)) }))
}

pub(super) async fn get_object_acl(
    call: &Call,
    req: S3Request<GetObjectAclInput>,
) -> S3Result<S3Response<GetObjectAclOutput>> {
    call.find(&req.input.key, shape::version(req.input.version_id.as_ref())).await?;
    let account = &call.bucket()?.account;
    let (grants, owner) = (Some(vec![full_control(account)]), Some(shape::owner(account)));
    Ok(S3Response::new(GetObjectAclOutput { grants, owner, request_charged: None }))
}

fn full_control(account: &str) -> Grant {
    let id = shape::owner(account).id;
    let type_ = Type::from_static(Type::CANONICAL_USER);
    let grantee = Grantee { display_name: None, email_address: None, id, type_, uri: None };
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(Permission::FULL_CONTROL)) }
}

pub(super) async fn put_bucket_acl(
    call: &Call,
    req: S3Request<PutBucketAclInput>,
) -> S3Result<S3Response<PutBucketAclOutput>> {
    let bucket = call.bucket()?;
    accept_acl(call, bucket, None, &req.headers)?;
    accept_policy(&bucket.account, req.input.access_control_policy.as_ref())?;
    Ok(S3Response::new(PutBucketAclOutput {}))
}

pub(super) async fn put_object_acl(
    call: &Call,
    req: S3Request<PutObjectAclInput>,
) -> S3Result<S3Response<PutObjectAclOutput>> {
    let bucket = call.bucket()?;
    call.find(&req.input.key, shape::version(req.input.version_id.as_ref())).await?;
    accept_acl(call, bucket, None, &req.headers)?;
    accept_policy(&bucket.account, req.input.access_control_policy.as_ref())?;
    Ok(S3Response::new(PutObjectAclOutput::default()))
}

/// Only the grant that is there anyhow is accepted.
fn accept_policy(account: &str, policy: Option<&AccessControlPolicy>) -> S3Result<()> {
    let grants = policy.and_then(|policy| policy.grants.as_ref());
    if grants.is_none_or(|grants| grants.iter().all(|grant| *grant == full_control(account))) {
        return Ok(());
    }
    Err(error(S3ErrorCode::AccessControlListNotSupported, "The bucket does not allow ACLs"))
}
