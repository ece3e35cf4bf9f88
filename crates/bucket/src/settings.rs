//! What is known of a bucket and can be set on it.

use crate::lock::DefaultRetention;
use crate::{Error, Setting};
use cairn_event::Time;
use cairn_identity::Policy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One bucket as it stood when asked for.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub name: String,
    pub account: String,
    pub region: String,
    pub created: Time,
    /// Parsed; its text is in [`Bucket::policy_text`].
    pub policy: Option<Arc<Policy>>,
    /// Byte for byte as it was given.
    pub policy_text: Option<Arc<str>>,
    pub settings: Settings,
}

/// What can be set on a bucket beside its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub versioning: Versioning,
    pub tags: BTreeMap<String, String>,
    pub encryption: Encryption,
    pub ownership: Option<Ownership>,
    pub public_access_block: Option<PublicAccessBlock>,
    /// Some when Object Lock is enabled; it is never disabled again.
    pub lock: Option<LockSettings>,
    /// The house made it for its own files: nobody else writes there or sets anything on it. Never changes.
    pub house: bool,
}

/// Whether puts keep older versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// Never enabled; every version is the null version.
    #[default]
    Off,
    Enabled,
    /// Older versions stay, new puts replace the null version.
    Suspended,
}

/// How objects are encrypted unless a put says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encryption {
    /// SSE-S3: under a key that the house keeps.
    #[default]
    Aes256,
    /// SSE-KMS: under a key of `cairn_key`.
    Kms {
        /// Id, ARN, alias or alias ARN; `alias/aws/s3` without.
        key: Option<String>,
        /// S3 Bucket Keys: the encryption context names the bucket, not the object.
        bucket_key: bool,
    },
}

/// Who owns what others put; stored and given back. The owner of the bucket owns everything here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

/// `PublicAccessBlockConfiguration`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    /// A public policy is refused.
    pub block_public_policy: bool,
    /// A public policy lets only services and the bucket's own account in; see [`Bucket::is_public`].
    pub restrict_public_buckets: bool,
}

/// Object Lock on a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSettings {
    /// Put on every new version that does not bring its own.
    pub default: Option<DefaultRetention>,
}

/// What a new bucket is to be.
#[derive(Clone, Debug)]
pub struct NewBucket {
    pub name: String,
    pub account: String,
    pub region: String,
    /// Enables versioning too.
    pub object_lock: bool,
    pub ownership: Option<Ownership>,
    pub tags: BTreeMap<String, String>,
}

impl Bucket {
    pub fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }

    /// The ARN of an object in it.
    pub fn object_arn(&self, key: &str) -> String {
        format!("arn:aws:s3:::{}/{key}", self.name)
    }

    /// Whether versioning was ever enabled.
    pub fn versioned(&self) -> bool {
        self.settings.versioning != Versioning::Off
    }

    /// The policy's text. Errors: NotSet.
    pub fn policy_text(&self) -> Result<&str, Error> {
        self.policy_text.as_deref().ok_or(Error::NotSet(Setting::Policy))
    }

    /// The bucket's tags. Errors: NotSet when there are none.
    pub fn tags(&self) -> Result<&BTreeMap<String, String>, Error> {
        if self.settings.tags.is_empty() { Err(Error::NotSet(Setting::Tags)) } else { Ok(&self.settings.tags) }
    }

    /// Errors: NotSet when Object Lock is not enabled.
    pub fn lock(&self) -> Result<LockSettings, Error> {
        self.settings.lock.ok_or(Error::NotSet(Setting::LockConfiguration))
    }

    /// Errors: NotSet.
    pub fn ownership(&self) -> Result<Ownership, Error> {
        self.settings.ownership.ok_or(Error::NotSet(Setting::Ownership))
    }

    /// Errors: NotSet.
    pub fn public_access_block(&self) -> Result<PublicAccessBlock, Error> {
        self.settings.public_access_block.ok_or(Error::NotSet(Setting::PublicAccessBlock))
    }

    /// Whether the policy lets anybody in (`GetBucketPolicyStatus`).
    pub fn is_public(&self) -> bool {
        self.policy_text.as_deref().is_some_and(crate::policy::is_public)
    }

    /// Whether a canned ACL can be put on the bucket or an object in it: those that leave full
    /// control with the owner and let nobody else in. Errors: AclNotSupported, Invalid for
    /// what is no canned ACL.
    pub fn accept_acl(&self, canned: &str) -> Result<(), Error> {
        match canned {
            "private" | "bucket-owner-full-control" | "bucket-owner-read" => Ok(()),
            "public-read" | "public-read-write" | "authenticated-read" | "aws-exec-read" | "log-delivery-write" => {
                Err(Error::AclNotSupported("the bucket does not allow ACLs".to_owned()))
            }
            _ => Err(Error::Invalid(format!("{canned:?} is not a canned ACL"))),
        }
    }
}
