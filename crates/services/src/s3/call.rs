//! One S3 call while it is being answered.

use super::access::Conditions;
use super::address::Address;
use super::operations::Row;
use crate::Services;
use crate::call::{Arrival, Engines};
use crate::operation::Access;
use crate::outcome::Outcome;
use cairn_bucket::{Bucket, Buckets, Object};
use cairn_event::Resource;
use cairn_identity::Caller;
use cairn_wire::Secret;
use http::Method;
use http::request::Parts;
use s3s::path::S3Path;
use s3s::{S3ErrorCode, S3Result};
use serde_json::Value;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub(super) const SOURCE: &str = "s3.amazonaws.com";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const OBJECT: &str = "AWS::S3::Object";
const BUCKET: &str = "AWS::S3::Bucket";

/// Everything that belongs to one request.
pub(super) struct Call {
    pub services: Services,
    pub arrival: Arrival,
    pub address: Address,
    pub method: Method,
    /// The length of a body that travels in chunks, without their heads.
    pub decoded_bytes: Option<u64>,
    /// None for what S3 does not have.
    pub row: Option<&'static Row>,
    identified: OnceLock<Identified>,
    bucket: OnceLock<Arc<Bucket>>,
    conditions: OnceLock<Conditions>,
    /// The tags that a copy takes over from its source, as condition keys.
    copied_tags: OnceLock<Conditions>,
    /// The object of the address, where its tags had a say in access.
    object: OnceLock<Object>,
    outcome: Mutex<Outcome>,
}

/// Who calls, said by the request's signature and still to be proven by it.
pub(super) struct Identified {
    pub caller: Caller,
    pub secret: Option<Secret>,
    /// Of the signature's scope.
    pub region: Option<String>,
    pub presigned: bool,
}

impl Call {
    pub fn new(services: Services, arrival: Arrival, address: Address, parts: &Parts) -> Self {
        let row = Row::of(parts, address.level());
        let region = services.engines().region.clone();
        let mut outcome = Outcome::of(Caller::anonymous(), SOURCE, "Unknown", &region);
        outcome.parameters = super::parameters::of(parts, &address, arrival.host.as_deref());
        let call = Self {
            services,
            arrival,
            address,
            method: parts.method.clone(),
            decoded_bytes: parts.headers.get(DECODED_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()),
            row,
            identified: OnceLock::new(),
            bucket: OnceLock::new(),
            conditions: OnceLock::new(),
            copied_tags: OnceLock::new(),
            object: OnceLock::new(),
            outcome: Mutex::new(outcome),
        };
        if let Some(row) = row {
            call.name_operation(row);
        }
        call
    }

    pub fn engines(&self) -> &Engines {
        self.services.engines()
    }

    pub fn buckets(&self) -> &Buckets {
        &self.engines().buckets
    }

    pub fn now(&self) -> cairn_event::Time {
        self.engines().world.now()
    }

    /// Finds out who calls, before anything else is done. What can be said of a caller
    /// whose signature is no good goes into the outcome all the same.
    pub fn identify(&self, parts: &Parts) -> S3Result<()> {
        let identified = super::caller::identify(self, parts)?;
        self.record(|outcome| {
            if let Some(region) = &identified.region {
                outcome.region.clone_from(region);
            }
        });
        _ = self.identified.set(identified);
        Ok(())
    }

    /// Takes the caller for true, once the protocol has proven the signature that named it.
    /// Errors: AccessDenied, where a signature was there and another or none was proven.
    pub fn prove(&self, access_key: Option<&str>) -> S3Result<()> {
        let identified = self.identified();
        if identified.secret.is_some() != access_key.is_some() || identified.caller.access_key() != access_key {
            return Err(super::refusal::access_denied());
        }
        self.record(|outcome| outcome.caller = identified.caller.clone());
        Ok(())
    }

    /// Makes sure that what access is asked on is what will be acted on. Errors:
    /// InvalidRequest, where the Host header and the target name different places.
    pub fn expect_address(&self, acted: &S3Path) -> S3Result<()> {
        let (bucket, key) = (acted.get_bucket_name(), acted.get_object_key());
        if (bucket, key) != (self.address.bucket.as_deref(), self.address.key.as_deref()) {
            let message = "The host and the path of the request do not name one bucket and key";
            return Err(super::refusal::error(S3ErrorCode::InvalidRequest, message));
        }
        Ok(())
    }

    /// Records the operation that is done, however the request spelled it.
    pub fn name_operation(&self, row: &Row) {
        self.record(|outcome| {
            row.event.clone_into(&mut outcome.event_name);
            outcome.read_only = row.access == Access::Read;
            outcome.category = row.category;
        });
    }

    pub fn identified(&self) -> &Identified {
        static NOBODY: OnceLock<Identified> = OnceLock::new();
        self.identified.get().unwrap_or_else(|| {
            NOBODY.get_or_init(|| Identified {
                caller: Caller::anonymous(),
                secret: None,
                region: None,
                presigned: false,
            })
        })
    }

    pub fn caller(&self) -> &Caller {
        &self.identified().caller
    }

    /// The region that was called.
    pub fn region(&self) -> &str {
        self.identified().region.as_deref().unwrap_or(&self.engines().region)
    }

    /// The bucket of the address. Errors: NoSuchBucket.
    pub fn bucket(&self) -> S3Result<&Arc<Bucket>> {
        if let Some(bucket) = self.bucket.get() {
            return Ok(bucket);
        }
        let found = self.find_bucket(self.address.bucket.as_deref().unwrap_or_default())?;
        Ok(self.bucket.get_or_init(|| found))
    }

    /// Any bucket, as a copy's source.
    pub fn find_bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        self.buckets().bucket(name).map_err(super::refusal::of)
    }

    /// Keeps the condition keys that the request brings.
    pub fn set_conditions(&self, conditions: Conditions) {
        _ = self.conditions.set(conditions);
    }

    pub fn conditions(&self) -> &[(String, String)] {
        self.conditions.get().map_or(&[], Vec::as_slice)
    }

    /// Keeps the condition keys of the tags that a copy takes over.
    pub fn set_copied_tags(&self, conditions: Conditions) {
        _ = self.copied_tags.set(conditions);
    }

    pub fn copied_tags(&self) -> &[(String, String)] {
        self.copied_tags.get().map_or(&[], Vec::as_slice)
    }

    /// Finds the object of the address, if it is there, before the caller is let in.
    pub async fn look_up(&self, key: &str, version: Option<&str>) {
        let bucket = self.address.bucket.as_deref().unwrap_or_default();
        if let Ok(object) = self.buckets().find(bucket, key, version).await {
            _ = self.object.set(object);
        }
    }

    /// What [`Self::look_up`] found.
    pub fn object(&self) -> Option<&Object> {
        self.object.get()
    }

    /// Names in the record what the call is about, once it is known to exist.
    pub fn name_resources(&self, bucket: &Bucket) {
        let prefix = self.record(|outcome| outcome.parameters.get("prefix").and_then(Value::as_str).map(str::to_owned));
        let object = match (self.row, &self.address.key) {
            (_, Some(key)) => Some(bucket.object_arn(key)),
            // The objects are those whose names begin so.
            (Some(row), None) if row.category == cairn_event::Category::Data => {
                Some(bucket.object_arn(&prefix.unwrap_or_default()))
            }
            _ => None,
        };
        let of_object = object.map(|arn| Resource { account_id: None, kind: OBJECT.to_owned(), arn });
        let account_id = Some(bucket.account.clone());
        let of_bucket = Resource { account_id, kind: BUCKET.to_owned(), arn: bucket.arn() };
        self.record(|outcome| {
            outcome.resources.extend(of_object);
            outcome.resources.push(of_bucket);
            outcome.region.clone_from(&bucket.region);
        });
    }

    /// Reads or changes what the record will say.
    pub fn record<T>(&self, change: impl FnOnce(&mut Outcome) -> T) -> T {
        change(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What will be recorded, as far as it is known.
    pub fn so_far(&self) -> Outcome {
        self.record(|outcome| outcome.clone())
    }

    /// Takes what is recorded; the call is over.
    pub fn take_outcome(&self) -> Outcome {
        let nothing = Outcome::of(Caller::anonymous(), SOURCE, "", "");
        self.record(|outcome| std::mem::replace(outcome, nothing))
    }
}
