//! ScheduleKeyDeletion and CancelKeyDeletion.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_key::Status;
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct ScheduleKeyDeletion;
pub(super) struct CancelKeyDeletion;

const WINDOW_DAYS: u32 = 30;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Schedule {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_window_in_days: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Scheduled {
    /// The ARN, whatever the member is called.
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Timestamp>,
    key_state: &'static str,
    pending_window_in_days: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancel {
    key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancelled {
    key_id: String,
}

impl Operation for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const ACCESS: Access = Access::Write;
    type Input = Schedule;
    type Output = Scheduled;

    async fn targets(call: &Call<'_>, input: &Schedule) -> Result<Vec<Target>, Fault> {
        let days = input.pending_window_in_days.unwrap_or(WINDOW_DAYS);
        let mut targets = key::own_target(call, &input.key_id).await?;
        let condition = ("kms:ScheduleKeyDeletionPendingWindowInDays".to_owned(), days.to_string());
        for target in &mut targets {
            target.context.push(condition.clone());
        }
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Schedule) -> Result<Scheduled, Fault> {
        let days = input.pending_window_in_days.unwrap_or(WINDOW_DAYS);
        let keys = &call.engines.keys;
        let key = keys.schedule_deletion(key::scope(call), &input.key_id, days).await.map_err(key::fault)?;
        let deletion_date = match key.status {
            Status::PendingDeletion(at) => Some(Timestamp(at)),
            Status::Enabled | Status::Disabled => None,
        };
        let key_state = key.status.name();
        Ok(Scheduled { key_id: key.arn.clone(), deletion_date, key_state, pending_window_in_days: days })
    }
}

impl Operation for CancelKeyDeletion {
    const NAME: &'static str = "CancelKeyDeletion";
    const ACCESS: Access = Access::Write;
    type Input = Cancel;
    type Output = Cancelled;

    async fn targets(call: &Call<'_>, input: &Cancel) -> Result<Vec<Target>, Fault> {
        key::own_target(call, &input.key_id).await
    }

    async fn call(call: &Call<'_>, input: Cancel) -> Result<Cancelled, Fault> {
        let keys = &call.engines.keys;
        let key = keys.cancel_deletion(key::scope(call), &input.key_id).await.map_err(key::fault)?;
        Ok(Cancelled { key_id: key.arn.clone() })
    }
}
