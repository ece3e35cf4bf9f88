//! What s3s calls back: the secret of a key, the question of access, the operations.

use super::call::Call;
use super::operations::Row;
use super::{access, refusal};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3, S3ErrorCode, S3Result};
use std::sync::Arc;

/// One request's side of s3s.
#[derive(Clone)]
pub(super) struct Handler(pub Arc<Call>);

#[async_trait::async_trait]
impl S3Auth for Handler {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.identified().secret.as_ref();
        let secret = secret.ok_or_else(|| refusal::error(S3ErrorCode::InvalidAccessKeyId, "there is no such key"))?;
        Ok(SecretKey::from(secret.expose()))
    }
}

#[async_trait::async_trait]
impl S3Access for Handler {
    /// Comes after the signature was found good and before the input is read.
    async fn check(&self, asked: &mut S3AccessContext<'_>) -> S3Result<()> {
        let call = &self.0;
        call.record(|outcome| outcome.caller = call.caller().clone());
        let row = Row::named(asked.s3_op().name());
        let row = row.ok_or_else(|| refusal::not_implemented(super::outcome::words("NotImplemented")))?;
        access::admit(call, row, asked.uri(), asked.headers()).await
    }
}

#[async_trait::async_trait]
impl S3 for Handler {}
