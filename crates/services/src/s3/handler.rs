//! What s3s calls back: the secret of a key, the question of access, the operations.

use super::call::Call;
use super::operations::Row;
use super::{access, refusal};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, dto};
use std::sync::Arc;

/// One request's side of s3s.
#[derive(Clone)]
pub(super) struct Handler(pub Arc<Call>);

#[async_trait::async_trait]
impl S3Auth for Handler {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let identified = self.0.identified();
        let secret = identified.secret.as_ref().filter(|_| identified.caller.access_key() == Some(access_key));
        let secret = secret.ok_or_else(|| refusal::error(S3ErrorCode::InvalidAccessKeyId, "there is no such key"))?;
        Ok(SecretKey::from(secret.expose()))
    }
}

#[async_trait::async_trait]
impl S3Access for Handler {
    /// Comes after the signature was found good and before the input is read.
    async fn check(&self, asked: &mut S3AccessContext<'_>) -> S3Result<()> {
        let call = &self.0;
        call.prove(asked.credentials().map(|proven| proven.access_key.as_str()))?;
        call.expect_address(asked.s3_path())?;
        let row = Row::named(asked.s3_op().name());
        let row = row.ok_or_else(|| refusal::not_implemented(super::outcome::words("NotImplemented")))?;
        call.name_operation(row);
        access::admit(call, row, asked.uri(), asked.headers()).await
    }
}

/// Gives each operation to the function that does it. Those that are not listed answer
/// NotImplemented.
macro_rules! operations {
    ($($module:ident::$name:ident($input:ident) -> $output:ident;)*) => {
        /// The inputs of all operations that are answered.
        #[cfg(test)]
        pub(super) const INPUTS: &[&str] = &[$(stringify!($input)),*];

        #[async_trait::async_trait]
        impl S3 for Handler {
            $(async fn $name(&self, req: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                super::$module::$name(&self.0, req).await
            })*
        }
    };
}

operations! {
    buckets::list_buckets(ListBucketsInput) -> ListBucketsOutput;
    buckets::create_bucket(CreateBucketInput) -> CreateBucketOutput;
    buckets::head_bucket(HeadBucketInput) -> HeadBucketOutput;
    buckets::delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    buckets::get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
    bucket_policy::get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput;
    bucket_policy::put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput;
    bucket_policy::delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
    bucket_policy::get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput;
    bucket_policy::get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput;
    bucket_policy::put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput;
    bucket_policy::get_object_acl(GetObjectAclInput) -> GetObjectAclOutput;
    bucket_policy::put_object_acl(PutObjectAclInput) -> PutObjectAclOutput;
    bucket_settings::get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput;
    bucket_settings::put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput;
    bucket_settings::get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput;
    bucket_settings::put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput;
    bucket_settings::delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput;
    bucket_settings::get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput;
    bucket_settings::put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput;
    bucket_settings::delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput;
    bucket_settings::get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput;
    bucket_settings::put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput;
    bucket_settings::delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput;
    bucket_settings::get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput;
    bucket_settings::put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput;
    bucket_settings::delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput) -> DeleteBucketOwnershipControlsOutput;
    bucket_settings::get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput;
    bucket_settings::put_object_lock_configuration(PutObjectLockConfigurationInput) -> PutObjectLockConfigurationOutput;
    unset::get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput;
    unset::get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput;
    unset::get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput;
    unset::get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput;
    unset::get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput;
    unset::get_bucket_notification_configuration(GetBucketNotificationConfigurationInput) -> GetBucketNotificationConfigurationOutput;
    unset::get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput) -> GetBucketAccelerateConfigurationOutput;
    unset::get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput;
    put_object::put_object(PutObjectInput) -> PutObjectOutput;
    get_object::get_object(GetObjectInput) -> GetObjectOutput;
    get_object::head_object(HeadObjectInput) -> HeadObjectOutput;
    delete_object::delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    delete_object::delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    copy_object::copy_object(CopyObjectInput) -> CopyObjectOutput;
    attributes::get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput;
    object_settings::get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput;
    object_settings::put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput;
    object_settings::delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput;
    object_settings::get_object_retention(GetObjectRetentionInput) -> GetObjectRetentionOutput;
    object_settings::put_object_retention(PutObjectRetentionInput) -> PutObjectRetentionOutput;
    object_settings::get_object_legal_hold(GetObjectLegalHoldInput) -> GetObjectLegalHoldOutput;
    object_settings::put_object_legal_hold(PutObjectLegalHoldInput) -> PutObjectLegalHoldOutput;
    list_objects::list_objects(ListObjectsInput) -> ListObjectsOutput;
    list_objects::list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    list_objects::list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput;
    multipart::create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    multipart::upload_part(UploadPartInput) -> UploadPartOutput;
    multipart::upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    multipart::complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    multipart::abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    list_uploads::list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
    list_uploads::list_parts(ListPartsInput) -> ListPartsOutput;
}
