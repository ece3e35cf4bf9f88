//! The bucket that an import reads, here or outside, with the rights of its role.

use super::place::Place;
use crate::{Error, Parts};
use bytes::Bytes;
use cairn_bucket::outside;
use cairn_bucket::{self as bucket, Bucket, Buckets, List, Object, Sse};
use cairn_identity::{Caller, Context, Decision, Identity, NewSession, Policy, PolicyKind, Request};
use cairn_key::{Keys, Scope};
use std::sync::Arc;

const SERVICE: &str = "cloudtrail.amazonaws.com";
const SESSION: &str = "cloudtrail-import";
const PAGE: usize = 1000;
/// Of one file as it lies in the bucket. CloudTrail's have less than 50 MB before compression.
const FILE_BYTES_MAX: u64 = 256 << 20;

pub(super) struct Source {
    pub place: Place,
    buckets: Buckets,
    identity: Identity,
    keys: Keys,
    /// Whose import it is.
    account: String,
    reader: Caller,
    /// The bucket is a mapped one outside: it has no policy here, and the role alone says what is read.
    outside: bool,
}

/// An object that is there.
pub(super) struct Item {
    pub key: String,
    pub size: u64,
}

/// Why one file is not read, or not taken.
#[derive(Debug)]
pub(super) struct Refused {
    pub kind: &'static str,
    pub message: String,
}

impl Refused {
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    fn denied(message: String) -> Self {
        Self { kind: "AccessDenied", message }
    }
}

impl Source {
    /// Errors, refused: InvalidImportSource when the role does not let CloudTrail be it, or there is no such bucket.
    pub fn open(parts: &Parts, account: &str, place: Place, role: &str) -> Result<Self, Error> {
        let (buckets, identity, keys) = (parts.buckets.clone(), parts.identity.clone(), parts.keys.clone());
        let outside = buckets.is_outside(&place.bucket, account);
        let (account, reader) = (account.to_owned(), reader(&identity, account, role)?);
        let source = Self { place, buckets, identity, keys, account, reader, outside };
        if !outside {
            source.bucket()?;
        }
        Ok(source)
    }

    fn bucket(&self) -> Result<Arc<Bucket>, Error> {
        let name = &self.place.bucket;
        self.buckets.bucket(name).map_err(|_| invalid(format!("there is no bucket {name}")))
    }

    /// Whether the bucket can be listed at all. Errors, refused: InvalidImportSource.
    pub async fn check(&self) -> Result<(), Error> {
        match self.list(None).await {
            Ok(_) => Ok(()),
            Err(refused) => Err(invalid(refused.message)),
        }
    }

    /// The next keys in their order, and whether there are more.
    pub async fn list(&self, after: Option<&str>) -> Result<(Vec<Item>, bool), Refused> {
        let Place { bucket, folder } = &self.place;
        if self.outside {
            self.allowed(None, "s3:ListBucket", &format!("arn:aws:s3:::{bucket}"))?;
            let found =
                self.buckets.outside().list(bucket, folder, after, PAGE).await.map_err(|error| outer(&error))?;
            let more = found.len() == PAGE;
            return Ok((found.into_iter().map(|object| Item { key: object.key, size: object.size }).collect(), more));
        }
        let own = self.bucket().map_err(|error| Refused::new("NoSuchBucket", error.to_string()))?;
        self.allowed(Some(&own), "s3:ListBucket", &own.arn())?;
        let list = List { prefix: folder.clone(), after: after.map(str::to_owned), max: PAGE, ..List::default() };
        let listing = self.buckets.list(bucket, &list).await.map_err(|error| inner(&error))?;
        let items = listing.items.into_iter().map(|object| Item { key: object.key, size: object.size }).collect();
        Ok((items, listing.next.is_some()))
    }

    /// The bytes of a file.
    pub async fn read(&self, key: &str) -> Result<Bytes, Refused> {
        if self.outside {
            self.allowed(None, "s3:GetObject", &format!("arn:aws:s3:::{}/{key}", self.place.bucket))?;
        } else {
            let own = self.bucket().map_err(|error| Refused::new("NoSuchBucket", error.to_string()))?;
            self.allowed(Some(&own), "s3:GetObject", &own.object_arn(key))?;
            let object = self.buckets.find(&self.place.bucket, key, None).await.map_err(|error| inner(&error))?;
            self.may_decrypt(&object).await?;
        }
        let read = self.buckets.read(&self.account, &self.place.bucket, key, FILE_BYTES_MAX).await;
        read.map(|(_, bytes)| bytes).map_err(|error| inner(&error))
    }

    /// `own` is the bucket, if it is one of the house.
    fn allowed(&self, own: Option<&Bucket>, action: &str, resource: &str) -> Result<(), Refused> {
        let context = Context::default();
        let request = Request {
            caller: &self.reader,
            action,
            resource,
            resource_account: own.map_or(&self.account, |own| &own.account),
            resource_policy: own.and_then(|own| own.policy.as_deref()),
            policy_required: false,
            context: &context,
        };
        self.decide(&request)
    }

    fn decide(&self, request: &Request<'_>) -> Result<(), Refused> {
        if self.identity.decide(request) == Decision::Allowed {
            return Ok(());
        }
        let (arn, action, resource) = (request.caller.arn(), request.action, request.resource);
        Err(Refused::denied(format!("{arn} is not authorized to perform {action} on {resource}")))
    }

    /// Whether the role may use the key of an object.
    async fn may_decrypt(&self, object: &Object) -> Result<(), Refused> {
        let Sse::Kms { key_arn, .. } = &object.sse else { return Ok(()) };
        let failed = |error: &dyn std::fmt::Display| Refused::denied(format!("the key of {}: {error}", object.key));
        let arn = cairn_event::Arn::parse(key_arn).map_err(|error| failed(&error))?;
        let scope = Scope { account: arn.account(), region: arn.region() };
        let key = self.keys.resolve(scope, key_arn).await.map_err(|error| failed(&error))?;
        if key.managed_for.as_deref() == Some("s3") {
            return Ok(());
        }
        let policy = Policy::parse(&key.policy, PolicyKind::Resource).map_err(|error| failed(&error))?;
        let mut context = Context::default();
        context.insert("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
        for (name, value) in object.sse.context(&object.bucket, &object.key) {
            context.insert(&format!("kms:EncryptionContext:{name}"), &value);
            context.insert("kms:EncryptionContextKeys", &name);
        }
        self.decide(&Request {
            caller: &self.reader,
            action: "kms:Decrypt",
            resource: &key.arn,
            resource_account: &key.account,
            resource_policy: Some(&policy),
            policy_required: true,
            context: &context,
        })
    }
}

/// CloudTrail as the role. Errors, refused: InvalidImportSource.
fn reader(identity: &Identity, account: &str, arn: &str) -> Result<Caller, Error> {
    let role = identity.role(arn).filter(|role| role.account == account);
    let role = role.ok_or_else(|| invalid(format!("there is no role {arn} in account {account}")))?;
    let service = Caller::service(SERVICE);
    let context = Context::default();
    let request = Request {
        caller: &service,
        action: "sts:AssumeRole",
        resource: arn,
        resource_account: &role.account,
        resource_policy: role.role.as_ref().map(|role| &role.trust.policy),
        policy_required: true,
        context: &context,
    };
    if identity.decide(&request) != Decision::Allowed {
        return Err(invalid(format!("the trust policy of role {arn} does not let {SERVICE} assume it")));
    }
    let session = NewSession { name: SESSION.to_owned(), ..NewSession::default() };
    let issued = identity.assume(&service, &role, session).map_err(|error| invalid(format!("role {arn}: {error}")))?;
    let credential = identity.credential(&issued.session.access_key, Some(issued.token.expose()));
    credential.map(|credential| credential.caller).map_err(|error| invalid(format!("role {arn}: {error:?}")))
}

fn invalid(message: String) -> Error {
    Error::refused("InvalidImportSource", message)
}

fn inner(error: &bucket::Error) -> Refused {
    use bucket::Error as E;
    let kind = match error {
        E::NoSuchBucket(_) => "NoSuchBucket",
        E::NoSuchKey { .. } | E::NoSuchVersion { .. } => "NoSuchKey",
        E::Denied(_) | E::KeyDenied(_) | E::Key(_) => "AccessDenied",
        E::TooLarge(_) => "TooLarge",
        E::Corrupt(_) => "Corrupt",
        _ => UNAVAILABLE,
    };
    Refused::new(kind, error.to_string())
}

fn outer(error: &outside::Error) -> Refused {
    use outside::Error as E;
    let kind = match error {
        E::Unknown(_) => "NoSuchBucket",
        E::NotFound { .. } => "NoSuchKey",
        E::Denied { .. } => "AccessDenied",
        E::Invalid { .. } => "InvalidLocation",
        E::Unavailable { .. } => UNAVAILABLE,
    };
    Refused::new(kind, error.to_string())
}

/// It may work later.
pub(super) const UNAVAILABLE: &str = "ServiceUnavailable";
