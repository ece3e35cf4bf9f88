//! Reads of what cannot be set on a bucket here. They answer as S3 does for a bucket on
//! which it was never set, because tools read everything there is.

use super::call::Call;
use super::refusal::error;
use s3s::dto::{
    GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput, GetBucketCorsInput,
    GetBucketCorsOutput, GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput,
    GetBucketLoggingInput, GetBucketLoggingOutput, GetBucketNotificationConfigurationInput,
    GetBucketNotificationConfigurationOutput, GetBucketReplicationInput, GetBucketReplicationOutput,
    GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketWebsiteInput, GetBucketWebsiteOutput, Payer,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

pub(super) async fn get_bucket_lifecycle_configuration(
    _call: &Call,
    _req: S3Request<GetBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
    Err(error(S3ErrorCode::NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist"))
}

pub(super) async fn get_bucket_cors(
    _call: &Call,
    _req: S3Request<GetBucketCorsInput>,
) -> S3Result<S3Response<GetBucketCorsOutput>> {
    Err(error(S3ErrorCode::NoSuchCORSConfiguration, "The CORS configuration does not exist"))
}

pub(super) async fn get_bucket_website(
    _call: &Call,
    _req: S3Request<GetBucketWebsiteInput>,
) -> S3Result<S3Response<GetBucketWebsiteOutput>> {
    let message = "The specified bucket does not have a website configuration";
    Err(error(S3ErrorCode::NoSuchWebsiteConfiguration, message))
}

pub(super) async fn get_bucket_replication(
    _call: &Call,
    _req: S3Request<GetBucketReplicationInput>,
) -> S3Result<S3Response<GetBucketReplicationOutput>> {
    let message = "The replication configuration was not found";
    Err(error(S3ErrorCode::ReplicationConfigurationNotFoundError, message))
}

pub(super) async fn get_bucket_logging(
    _call: &Call,
    _req: S3Request<GetBucketLoggingInput>,
) -> S3Result<S3Response<GetBucketLoggingOutput>> {
    Ok(S3Response::new(GetBucketLoggingOutput::default()))
}

pub(super) async fn get_bucket_notification_configuration(
    _call: &Call,
    _req: S3Request<GetBucketNotificationConfigurationInput>,
) -> S3Result<S3Response<GetBucketNotificationConfigurationOutput>> {
    Ok(S3Response::new(GetBucketNotificationConfigurationOutput::default()))
}

pub(super) async fn get_bucket_accelerate_configuration(
    _call: &Call,
    _req: S3Request<GetBucketAccelerateConfigurationInput>,
) -> S3Result<S3Response<GetBucketAccelerateConfigurationOutput>> {
    Ok(S3Response::new(GetBucketAccelerateConfigurationOutput::default()))
}

pub(super) async fn get_bucket_request_payment(
    _call: &Call,
    _req: S3Request<GetBucketRequestPaymentInput>,
) -> S3Result<S3Response<GetBucketRequestPaymentOutput>> {
    let payer = Some(Payer::from_static(Payer::BUCKET_OWNER));
    Ok(S3Response::new(GetBucketRequestPaymentOutput { payer }))
}
