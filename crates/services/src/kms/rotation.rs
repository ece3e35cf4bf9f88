//! EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus and RotateKeyOnDemand.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct EnableKeyRotation;
pub(super) struct DisableKeyRotation;
pub(super) struct GetKeyRotationStatus;
pub(super) struct RotateKeyOnDemand;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Enable {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period_in_days: Option<u32>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    key_id: String,
}

#[derive(Serialize)]
pub(super) struct Done {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    key_rotation_enabled: bool,
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rotated {
    key_id: String,
}

impl Operation for EnableKeyRotation {
    const NAME: &'static str = "EnableKeyRotation";
    const ACCESS: Access = Access::Write;
    type Input = Enable;
    type Output = Done;

    async fn targets(call: &Call<'_>, input: &Enable) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Enable) -> Result<Done, Fault> {
        let keys = &call.engines.keys;
        let enabled = keys.enable_rotation(key::scope(call), &input.key_id, input.rotation_period_in_days).await;
        enabled.map_err(key::fault)?;
        Ok(Done {})
    }
}

impl Operation for DisableKeyRotation {
    const NAME: &'static str = "DisableKeyRotation";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Done;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Done, Fault> {
        call.engines.keys.disable_rotation(key::scope(call), &input.key_id).await.map_err(key::fault)?;
        Ok(Done {})
    }
}

impl Operation for GetKeyRotationStatus {
    const NAME: &'static str = "GetKeyRotationStatus";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Status;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let key = key::find(call, &input.key_id).await?;
        Ok(vec![key::target(call, &key)?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Status, Fault> {
        let key = key::find(call, &input.key_id).await?;
        // A key that is to be deleted is not rotated, whatever was set.
        let rotation = key.rotation.filter(|_| !matches!(key.status, cairn_key::Status::PendingDeletion(_)));
        Ok(Status {
            key_rotation_enabled: rotation.is_some(),
            key_id: key.arn.clone(),
            rotation_period_in_days: rotation.map(|rotation| rotation.period_days),
            next_rotation_date: rotation.map(|rotation| Timestamp(rotation.next)),
        })
    }
}

impl Operation for RotateKeyOnDemand {
    const NAME: &'static str = "RotateKeyOnDemand";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Rotated;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Rotated, Fault> {
        let key = call.engines.keys.rotate(key::scope(call), &input.key_id).await.map_err(key::fault)?;
        Ok(Rotated { key_id: key.arn.clone() })
    }
}
