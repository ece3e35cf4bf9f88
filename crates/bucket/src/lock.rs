//! Object Lock: what nobody may delete before its time.

use crate::object::Object;
use crate::settings::{LockSettings, Settings};
use crate::{Buckets, Error, rows};
use cairn_event::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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

const DAYS_MAX: u32 = 36_500;
const YEARS_MAX: u32 = 100;

impl LockMode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

impl DefaultRetention {
    /// Errors: InvalidRetention.
    pub(crate) fn check(self) -> Result<(), Error> {
        let (count, max) = match self.period {
            Period::Days(days) => (days, DAYS_MAX),
            Period::Years(years) => (years, YEARS_MAX),
        };
        if (1..=max).contains(&count) {
            return Ok(());
        }
        Err(Error::InvalidRetention(format!("the default retention period must be from 1 to {max}, not {count}")))
    }

    pub(crate) fn from(self, now: Time) -> Retention {
        let days = match self.period {
            Period::Days(days) => days,
            Period::Years(years) => years * 365,
        };
        Retention { mode: self.mode, until: now + days_long(days) }
    }
}

fn days_long(days: u32) -> Duration {
    Duration::from_hours(u64::from(days) * 24)
}

impl Retention {
    /// Errors: Invalid for a time that has passed or is more than 100 years away.
    pub(crate) fn check(self, now: Time) -> Result<(), Error> {
        if self.until <= now {
            return Err(Error::Invalid("the retain until date must be in the future".to_owned()));
        }
        if self.until > now + days_long(DAYS_MAX) {
            return Err(Error::Invalid("the retain until date must be within 100 years".to_owned()));
        }
        Ok(())
    }

    /// Whether one that still runs may become `next`. Errors: Locked.
    fn may_become(self, next: Option<Self>, bypass_governance: bool) -> Result<(), Error> {
        let kept = next.is_some_and(|next| next.mode == self.mode && next.until >= self.until);
        let open = self.mode == LockMode::Governance && bypass_governance;
        if kept || open { Ok(()) } else { Err(self.locked("its retention cannot be shortened or removed")) }
    }

    fn locked(self, what: &str) -> Error {
        Error::Locked(format!("the version is locked in {} mode until {}: {what}", self.mode.name(), self.until.iso()))
    }
}

impl rows::Version {
    fn retained(&self, now: Time) -> Option<Retention> {
        self.retention.filter(|retention| retention.until > now)
    }

    /// Whether the version may be removed for good. Errors: Locked.
    pub(crate) fn unlocked(&self, now: Time, bypass_governance: bool) -> Result<(), Error> {
        if self.legal_hold == Some(true) {
            return Err(Error::Locked("the version is under legal hold".to_owned()));
        }
        match self.retained(now) {
            Some(retention) => {
                retention.may_become(None, bypass_governance).map_err(|_| retention.locked("it cannot be deleted"))
            }
            None => Ok(()),
        }
    }
}

impl Settings {
    /// Errors: InvalidRequest when Object Lock is not enabled.
    pub(crate) fn lockable(&self) -> Result<LockSettings, Error> {
        self.lock.ok_or_else(|| Error::InvalidRequest("bucket is missing Object Lock Configuration".to_owned()))
    }
}

impl Buckets {
    /// Sets (Some) or removes (None) a version's retention. A COMPLIANCE retention that still runs can
    /// only be made longer, by nobody anything else. A GOVERNANCE one can be shortened, removed or made
    /// COMPLIANCE only with `bypass_governance`, given by a caller who may.
    /// Errors: as `find`, Locked, InvalidRequest without Object Lock, Invalid for a time that has passed.
    pub async fn set_retention(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        retention: Option<Retention>,
        bypass_governance: bool,
    ) -> Result<Object, Error> {
        self.amend(bucket, key, version, move |found, settings, now| {
            settings.lockable()?;
            retention.map_or(Ok(()), |retention| retention.check(now))?;
            if let Some(running) = found.retained(now) {
                running.may_become(retention, bypass_governance)?;
            }
            found.retention = retention;
            Ok(())
        })
        .await
    }

    /// Puts a version under legal hold or lets it go. Errors: as `find`, InvalidRequest without Object Lock.
    pub async fn set_legal_hold(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        hold: bool,
    ) -> Result<Object, Error> {
        self.amend(bucket, key, version, move |found, settings, _| {
            settings.lockable()?;
            found.legal_hold = Some(hold);
            Ok(())
        })
        .await
    }
}
