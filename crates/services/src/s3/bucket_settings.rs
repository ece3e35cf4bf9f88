//! What can be set on a bucket beside its policy: versioning, tags, encryption, Block
//! Public Access, ownership, Object Lock.

use super::call::Call;
use super::refusal::{self, error, not_implemented};
use super::shape;
use cairn_bucket::{DefaultRetention, Encryption, LockSettings, Ownership, Period, PublicAccessBlock, Versioning};
use s3s::dto::{
    BucketVersioningStatus, DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput,
    DeleteBucketOwnershipControlsInput, DeleteBucketOwnershipControlsOutput, DeleteBucketTaggingInput,
    DeleteBucketTaggingOutput, DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput, GetBucketEncryptionInput,
    GetBucketEncryptionOutput, GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput,
    GetBucketTaggingInput, GetBucketTaggingOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
    GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, GetPublicAccessBlockInput,
    GetPublicAccessBlockOutput, MFADelete, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule, ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    PutBucketEncryptionInput, PutBucketEncryptionOutput, PutBucketOwnershipControlsInput,
    PutBucketOwnershipControlsOutput, PutBucketTaggingInput, PutBucketTaggingOutput, PutBucketVersioningInput,
    PutBucketVersioningOutput, PutObjectLockConfigurationInput, PutObjectLockConfigurationOutput,
    PutPublicAccessBlockInput, PutPublicAccessBlockOutput, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use std::collections::BTreeMap;

pub(super) fn malformed() -> S3Error {
    error(S3ErrorCode::MalformedXML, super::outcome::words("MalformedXML"))
}

pub(super) async fn get_bucket_versioning(
    call: &Call,
    _req: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let status = match call.bucket()?.settings.versioning {
        Versioning::Off => None,
        Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
        Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
    };
    let status = status.map(BucketVersioningStatus::from_static);
    Ok(S3Response::new(GetBucketVersioningOutput { mfa_delete: None, status }))
}

pub(super) async fn put_bucket_versioning(
    call: &Call,
    req: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let wanted = req.input.versioning_configuration;
    if wanted.mfa_delete.is_some_and(|mfa| mfa.as_str() == MFADelete::ENABLED) {
        return Err(not_implemented("MFA delete is not implemented"));
    }
    let versioning = match wanted.status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        Some(_) => return Err(malformed()),
        None => {
            let message = "The Versioning element must be specified";
            return Err(error(S3ErrorCode::IllegalVersioningConfigurationException, message));
        }
    };
    call.buckets().set_versioning(&call.bucket()?.name, versioning).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutBucketVersioningOutput {}))
}

pub(super) async fn get_bucket_tagging(
    call: &Call,
    _req: S3Request<GetBucketTaggingInput>,
) -> S3Result<S3Response<GetBucketTaggingOutput>> {
    let tag_set = shape::tag_set(call.bucket()?.tags().map_err(refusal::of)?);
    Ok(S3Response::new(GetBucketTaggingOutput { tag_set }))
}

pub(super) async fn put_bucket_tagging(
    call: &Call,
    req: S3Request<PutBucketTaggingInput>,
) -> S3Result<S3Response<PutBucketTaggingOutput>> {
    let tags = shape::tags(req.input.tagging.tag_set)?;
    call.buckets().set_tags(&call.bucket()?.name, tags).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutBucketTaggingOutput {}))
}

pub(super) async fn delete_bucket_tagging(
    call: &Call,
    _req: S3Request<DeleteBucketTaggingInput>,
) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
    call.buckets().set_tags(&call.bucket()?.name, BTreeMap::new()).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeleteBucketTaggingOutput {}))
}

pub(super) async fn get_bucket_encryption(
    call: &Call,
    _req: S3Request<GetBucketEncryptionInput>,
) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
    let (algorithm, key, bucket_key) = match call.bucket()?.settings.encryption.clone() {
        Encryption::Aes256 => (ServerSideEncryption::AES256, None, false),
        Encryption::Kms { key, bucket_key } => (ServerSideEncryption::AWS_KMS, key, bucket_key),
    };
    let sse_algorithm = ServerSideEncryption::from_static(algorithm);
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
            kms_master_key_id: key,
            sse_algorithm,
        }),
        bucket_key_enabled: Some(bucket_key),
    };
    let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
    let server_side_encryption_configuration = Some(configuration);
    Ok(S3Response::new(GetBucketEncryptionOutput { server_side_encryption_configuration }))
}

pub(super) async fn put_bucket_encryption(
    call: &Call,
    req: S3Request<PutBucketEncryptionInput>,
) -> S3Result<S3Response<PutBucketEncryptionOutput>> {
    let [rule] = req.input.server_side_encryption_configuration.rules.as_slice() else { return Err(malformed()) };
    let bucket_key = rule.bucket_key_enabled == Some(true);
    let default = rule.apply_server_side_encryption_by_default.as_ref().ok_or_else(malformed)?;
    let key = default.kms_master_key_id.clone().filter(|key| !key.is_empty());
    let encryption = match default.sse_algorithm.as_str() {
        ServerSideEncryption::AES256 if key.is_none() => Encryption::Aes256,
        ServerSideEncryption::AES256 => {
            let message =
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
            return Err(refusal::invalid_argument(message));
        }
        ServerSideEncryption::AWS_KMS => Encryption::Kms { key, bucket_key },
        ServerSideEncryption::AWS_KMS_DSSE => {
            return Err(not_implemented("Dual-layer encryption is not implemented"));
        }
        _ => return Err(malformed()),
    };
    call.buckets().set_encryption(&call.bucket()?.name, encryption).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutBucketEncryptionOutput {}))
}

pub(super) async fn delete_bucket_encryption(
    call: &Call,
    _req: S3Request<DeleteBucketEncryptionInput>,
) -> S3Result<S3Response<DeleteBucketEncryptionOutput>> {
    call.buckets().set_encryption(&call.bucket()?.name, Encryption::default()).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeleteBucketEncryptionOutput {}))
}

pub(super) async fn get_public_access_block(
    call: &Call,
    _req: S3Request<GetPublicAccessBlockInput>,
) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
    let block = call.bucket()?.public_access_block().map_err(refusal::of)?;
    let public_access_block_configuration = Some(PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_public_acls),
        block_public_policy: Some(block.block_public_policy),
        ignore_public_acls: Some(block.ignore_public_acls),
        restrict_public_buckets: Some(block.restrict_public_buckets),
    });
    Ok(S3Response::new(GetPublicAccessBlockOutput { public_access_block_configuration }))
}

pub(super) async fn put_public_access_block(
    call: &Call,
    req: S3Request<PutPublicAccessBlockInput>,
) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
    let wanted = req.input.public_access_block_configuration;
    let block = PublicAccessBlock {
        block_public_acls: wanted.block_public_acls == Some(true),
        ignore_public_acls: wanted.ignore_public_acls == Some(true),
        block_public_policy: wanted.block_public_policy == Some(true),
        restrict_public_buckets: wanted.restrict_public_buckets == Some(true),
    };
    call.buckets().set_public_access_block(&call.bucket()?.name, Some(block)).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutPublicAccessBlockOutput {}))
}

pub(super) async fn delete_public_access_block(
    call: &Call,
    _req: S3Request<DeletePublicAccessBlockInput>,
) -> S3Result<S3Response<DeletePublicAccessBlockOutput>> {
    call.buckets().set_public_access_block(&call.bucket()?.name, None).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeletePublicAccessBlockOutput {}))
}

pub(super) fn ownership(name: &str) -> S3Result<Ownership> {
    match name {
        ObjectOwnership::BUCKET_OWNER_ENFORCED => Ok(Ownership::BucketOwnerEnforced),
        ObjectOwnership::BUCKET_OWNER_PREFERRED => Ok(Ownership::BucketOwnerPreferred),
        ObjectOwnership::OBJECT_WRITER => Ok(Ownership::ObjectWriter),
        _ => Err(malformed()),
    }
}

pub(super) async fn get_bucket_ownership_controls(
    call: &Call,
    _req: S3Request<GetBucketOwnershipControlsInput>,
) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
    let name = match call.bucket()?.ownership().map_err(refusal::of)? {
        Ownership::BucketOwnerEnforced => ObjectOwnership::BUCKET_OWNER_ENFORCED,
        Ownership::BucketOwnerPreferred => ObjectOwnership::BUCKET_OWNER_PREFERRED,
        Ownership::ObjectWriter => ObjectOwnership::OBJECT_WRITER,
    };
    let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from_static(name) };
    let ownership_controls = Some(OwnershipControls { rules: vec![rule] });
    Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls }))
}

pub(super) async fn put_bucket_ownership_controls(
    call: &Call,
    req: S3Request<PutBucketOwnershipControlsInput>,
) -> S3Result<S3Response<PutBucketOwnershipControlsOutput>> {
    let [rule] = req.input.ownership_controls.rules.as_slice() else { return Err(malformed()) };
    let wanted = ownership(rule.object_ownership.as_str())?;
    call.buckets().set_ownership(&call.bucket()?.name, Some(wanted)).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutBucketOwnershipControlsOutput {}))
}

pub(super) async fn delete_bucket_ownership_controls(
    call: &Call,
    _req: S3Request<DeleteBucketOwnershipControlsInput>,
) -> S3Result<S3Response<DeleteBucketOwnershipControlsOutput>> {
    call.buckets().set_ownership(&call.bucket()?.name, None).await.map_err(refusal::of)?;
    Ok(S3Response::new(DeleteBucketOwnershipControlsOutput {}))
}

pub(super) async fn get_object_lock_configuration(
    call: &Call,
    _req: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    let lock = call.bucket()?.lock().map_err(refusal::of)?;
    let rule = lock.default.map(|DefaultRetention { mode, period }| {
        let (days, years) = match period {
            Period::Days(days) => (i32::try_from(days).ok(), None),
            Period::Years(years) => (None, i32::try_from(years).ok()),
        };
        let mode = Some(ObjectLockRetentionMode::from_static(shape::mode_name(mode)));
        ObjectLockRule { default_retention: Some(s3s::dto::DefaultRetention { days, mode, years }) }
    });
    let object_lock_enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
    let object_lock_configuration = Some(ObjectLockConfiguration { object_lock_enabled, rule });
    Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration }))
}

pub(super) async fn put_object_lock_configuration(
    call: &Call,
    req: S3Request<PutObjectLockConfigurationInput>,
) -> S3Result<S3Response<PutObjectLockConfigurationOutput>> {
    let wanted = req.input.object_lock_configuration.ok_or_else(malformed)?;
    let enabled = wanted.object_lock_enabled.as_ref().map(ObjectLockEnabled::as_str);
    if enabled != Some(ObjectLockEnabled::ENABLED) {
        return Err(malformed());
    }
    let default = wanted.rule.map(default_retention).transpose()?;
    call.buckets().set_lock(&call.bucket()?.name, LockSettings { default }).await.map_err(refusal::of)?;
    Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
}

fn default_retention(rule: ObjectLockRule) -> S3Result<DefaultRetention> {
    let given = rule.default_retention.ok_or_else(malformed)?;
    let mode = shape::mode(given.mode.ok_or_else(malformed)?.as_str())?;
    let count = |number: i32| {
        u32::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| refusal::invalid_argument("Default retention period must be a positive integer value."))
    };
    let period = match (given.days, given.years) {
        (Some(days), None) => Period::Days(count(days)?),
        (None, Some(years)) => Period::Years(count(years)?),
        _ => return Err(malformed()),
    };
    Ok(DefaultRetention { mode, period })
}
