//! Object Lock: what nobody may delete before its time.

use crate::object::Object;
use crate::{Buckets, Error};
use cairn_event::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockMode {
    /// Who may bypass it can delete, shorten and remove.
    Governance,
    /// Nobody can delete, shorten or remove, root neither.
    Compliance,
}

/// A version's retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    pub mode: LockMode,
    pub until: Time,
}

/// A bucket's default retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    pub mode: LockMode,
    pub period: Period,
}

/// From 1 day to 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    Days(u32),
    /// Of 365 days.
    Years(u32),
}

impl Buckets {
    /// Sets (Some) or removes (None) a version's retention. A COMPLIANCE retention that still runs can
    /// only be made longer; a GOVERNANCE one can be shortened, removed or made COMPLIANCE-less only
    /// with `bypass_governance`, given by a caller who may.
    /// Errors: as `find`, Locked, InvalidRequest without Object Lock, Invalid for a time that has passed.
    pub async fn set_retention(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        retention: Option<Retention>,
        bypass_governance: bool,
    ) -> Result<Object, Error> {
        unimplemented!()
    }

    /// Puts a version under legal hold or lets it go. Errors: as `find`, InvalidRequest without Object Lock.
    pub async fn set_legal_hold(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        hold: bool,
    ) -> Result<Object, Error> {
        unimplemented!()
    }
}
