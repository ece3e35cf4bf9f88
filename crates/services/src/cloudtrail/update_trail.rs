//! UpdateTrail: changes what is given of a trail, in its home region.

use super::destination;
use super::trail::{self, Info, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_trail::TrailUpdate;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct UpdateTrail;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
    #[serde(rename = "S3BucketName", skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    #[serde(rename = "S3KeyPrefix", skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sns_topic_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_global_service_events: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_multi_region_trail: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_log_file_validation: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_log_group_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_organization_trail: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recursive_logging: Option<bool>,
}

impl Input {
    fn into_update(self) -> TrailUpdate {
        TrailUpdate {
            bucket: self.bucket,
            // Empty means: none from now on.
            prefix: self.prefix.map(|prefix| filled(Some(prefix))),
            global_service_events: self.include_global_service_events,
            multi_region: self.is_multi_region_trail,
            validation: self.enable_log_file_validation,
            kms_key: self.kms_key_id.map(|key| filled(Some(key))),
            organization: self.is_organization_trail,
            recursive_logging: self.recursive_logging,
        }
    }
}

impl Operation for UpdateTrail {
    const NAME: &'static str = "UpdateTrail";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Info;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(vec![trail::target(call, &input.name)])
    }

    async fn call(call: &Call<'_>, mut input: Input) -> Result<Info, Fault> {
        let trails = &call.engines.trails;
        // Whose trail it is, and where, comes before what is wrong with the rest.
        let arn = trails.own(trail::scope(call), &input.name).map_err(trail::fault)?.arn;
        destination::check_topic(filled(input.sns_topic_name.take()).as_deref())?;
        let group = filled(input.cloud_watch_logs_log_group_arn.take());
        let role = filled(input.cloud_watch_logs_role_arn.take());
        destination::check_log_group(call, group.as_deref(), role.as_deref())?;
        let updated = trails.update(trail::scope(call), &arn, input.into_update()).await;
        Ok(updated.map_err(trail::fault)?.into())
    }
}
