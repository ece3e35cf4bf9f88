//! The keys of objects: each has one of its own, encrypted by a key of `cairn_key`.

use crate::object::Sse;
use crate::settings::Encryption;
use crate::{Buckets, Error};
use cairn_event::Arn;
use cairn_key::{Context, Scope};
use zeroize::Zeroizing;

const DATA_KEY_BYTES: usize = 32;
/// Where the key of SSE-S3 lives: in no account, so that no customer sees or can touch it.
const HOUSE: Scope<'_> = Scope { account: "s3", region: "house" };
const HOUSE_KEY: &str = "alias/aws/s3";

/// A data key in the clear and encrypted.
pub(crate) struct DataKey {
    pub plain: Zeroizing<Vec<u8>>,
    pub encrypted: Vec<u8>,
}

impl Buckets {
    /// Makes the house's key for SSE-S3 where there is none yet.
    pub(crate) async fn found_house_key(&self) -> Result<(), Error> {
        self.inner.keys.managed(HOUSE, "s3").await?;
        Ok(())
    }

    /// How an object would be encrypted: `wanted` or else the bucket's default, the key resolved
    /// (an id or alias in `scope`, the caller's account and the bucket's region). Ask whether the
    /// caller may `kms:GenerateDataKey` with it, then put it into [`crate::Put::sse`].
    /// Errors: NoSuchBucket, Key.
    pub async fn sse(
        &self,
        scope: Scope<'_>,
        bucket: &str,
        wanted: Option<Encryption>,
        context: Context,
    ) -> Result<Sse, Error> {
        let bucket = self.bucket(bucket)?;
        match wanted.as_ref().unwrap_or(&bucket.settings.encryption) {
            Encryption::Aes256 => Ok(Sse::Aes256),
            Encryption::Kms { key, bucket_key } => {
                let key = match key {
                    Some(reference) => self.inner.keys.resolve(scope, reference).await?,
                    None => self.inner.keys.managed(scope, "s3").await?,
                };
                Ok(Sse::Kms { key_arn: key.arn.clone(), bucket_key: *bucket_key, context })
            }
        }
    }

    pub(crate) async fn new_data_key(&self, bucket: &str, key: &str, sse: &Sse) -> Result<DataKey, Error> {
        let context = sse.context(bucket, key);
        let keys = &self.inner.keys;
        let made = match sse {
            Sse::Aes256 => keys.generate_data_key(HOUSE, HOUSE_KEY, &context, DATA_KEY_BYTES).await?,
            Sse::Kms { key_arn, .. } => {
                let invalid = |error| Error::Invalid(format!("the key of the object: {error}"));
                let arn = Arn::parse(key_arn).map_err(invalid)?;
                let scope = Scope { account: arn.account(), region: arn.region() };
                keys.generate_data_key(scope, key_arn, &context, DATA_KEY_BYTES).await?
            }
        };
        Ok(DataKey { plain: made.plaintext, encrypted: made.ciphertext })
    }

    /// Errors: Key, for example when the customer has disabled it.
    pub(crate) async fn open_data_key(
        &self,
        bucket: &str,
        key: &str,
        sse: &Sse,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.inner.keys.decrypt(encrypted, &sse.context(bucket, key)).await?.plaintext)
    }
}
