//! New material for an old key. Older versions stay, to decrypt what they encrypted.

use crate::material::Material;
use crate::state::{Edit, State};
use crate::{Error, Inner, Key, Keys, Rotation, Scope, limit};
use cairn_event::Time;
use std::sync::Arc;
use std::time::Duration;

const PERIOD_DAYS: u32 = 365;
const PERIOD_DAYS_MIN: u32 = 90;
const PERIOD_DAYS_MAX: u32 = 2560;
const DAY: Duration = Duration::from_hours(24);

impl Rotation {
    pub(crate) fn yearly(from: Time) -> Self {
        Self { period_days: PERIOD_DAYS, next: from + DAY * PERIOD_DAYS }
    }

    /// The rotation after one that happens now.
    fn following(self, now: Time) -> Self {
        let period = DAY * self.period_days;
        let missed = now.since(self.next).as_millis() / period.as_millis();
        let periods = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
        Self { next: self.next + period.saturating_mul(periods), ..self }
    }
}

impl Keys {
    /// Rotates a key by itself from now on, every 90 to 2560 days; 365 when not said.
    pub async fn enable_rotation(
        &self,
        scope: Scope<'_>,
        reference: &str,
        period_days: Option<u32>,
    ) -> Result<Arc<Key>, Error> {
        let period_days = period_days.unwrap_or(PERIOD_DAYS);
        if !(PERIOD_DAYS_MIN..=PERIOD_DAYS_MAX).contains(&period_days) {
            let bounds = format!("{PERIOD_DAYS_MIN} to {PERIOD_DAYS_MAX}");
            return Err(Error::Invalid(format!("a rotation period is {bounds} days, not {period_days}")));
        }
        self.modify(scope, reference, move |key, now| {
            key.usable()?;
            if key.rotation.is_none_or(|rotation| rotation.period_days != period_days) {
                key.rotation = Some(Rotation { period_days, next: now + DAY * period_days });
            }
            Ok(())
        })
        .await
    }

    pub async fn disable_rotation(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        self.modify(scope, reference, |key, _| {
            key.usable()?;
            key.rotation = None;
            Ok(())
        })
        .await
    }

    /// Rotates a key now; at most 25 times in its life.
    pub async fn rotate(&self, scope: Scope<'_>, reference: &str) -> Result<Arc<Key>, Error> {
        let id = self.customers(scope, reference).await?.id;
        self.change(move |inner, state| {
            let mut key = state.key(id)?;
            key.usable()?;
            if key.rotations_on_demand >= limit::ROTATIONS_ON_DEMAND_MAX {
                let most = limit::ROTATIONS_ON_DEMAND_MAX;
                return Err(Error::LimitExceeded(format!("a key is rotated on demand at most {most} times")));
            }
            key.rotations_on_demand += 1;
            let key = Arc::new(key);
            Ok((vec![Edit::Key(key.clone()), fresh(inner, state, &key)?], key))
        })
        .await
    }

    pub(crate) async fn rotate_if_due(&self, key: &Key) -> Result<(), Error> {
        let due = |rotation: &Rotation, now| rotation.next <= now;
        if !key.rotation.is_some_and(|rotation| due(&rotation, self.now())) {
            return Ok(());
        }
        let id = key.id;
        self.change(move |inner, state| {
            let mut key = state.key(id)?;
            let now = inner.world.now();
            // Another caller may have been here first.
            let Some(rotation) = key.rotation.filter(|rotation| due(rotation, now)) else {
                return Ok((Vec::new(), ()));
            };
            key.rotation = Some(rotation.following(now));
            let material = fresh(inner, state, &key)?;
            Ok((vec![Edit::Key(Arc::new(key)), material], ()))
        })
        .await
    }
}

/// The version of a key's material that follows the newest.
fn fresh(inner: &Inner, state: &State, key: &Key) -> Result<Edit, Error> {
    let entry = state.entry(key.id).ok_or_else(|| Error::NotFound(key.arn.clone()))?;
    let version = entry.newest()?.header.version + 1;
    Ok(Edit::Material(Arc::new(Material::draw(inner, key.id, version))))
}
