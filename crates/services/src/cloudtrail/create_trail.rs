//! CreateTrail: a new trail, which does not log before StartLogging.

use super::destination;
use super::tags::{Tag, unique};
use super::trail::{self, Info, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_trail::NewTrail;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CreateTrail;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: String,
    #[serde(rename = "S3BucketName")]
    bucket: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_list: Option<Vec<Tag>>,
}

impl Input {
    fn check_destinations(&mut self, call: &Call<'_>) -> Result<(), Fault> {
        destination::check_topic(filled(self.sns_topic_name.take()).as_deref())?;
        let group = filled(self.cloud_watch_logs_log_group_arn.take());
        let role = filled(self.cloud_watch_logs_role_arn.take());
        destination::check_log_group(call, group.as_deref(), role.as_deref())
    }

    fn into_new(self) -> Result<NewTrail, Fault> {
        Ok(NewTrail {
            name: self.name,
            bucket: self.bucket,
            prefix: filled(self.prefix),
            global_service_events: self.include_global_service_events.unwrap_or(true),
            multi_region: self.is_multi_region_trail.unwrap_or(false),
            validation: self.enable_log_file_validation.unwrap_or(false),
            kms_key: filled(self.kms_key_id),
            organization: self.is_organization_trail.unwrap_or(false),
            recursive_logging: self.recursive_logging.unwrap_or(true),
            tags: unique(self.tags_list.unwrap_or_default())?,
        })
    }
}

impl Operation for CreateTrail {
    const NAME: &'static str = "CreateTrail";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Info;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let mut target =
            Target { arn: trail::arn(call, &input.name), account: call.account().to_owned(), ..Target::default() };
        for tag in input.tags_list.iter().flatten() {
            target.context.extend(tag.request_context());
        }
        Ok(vec![target])
    }

    async fn call(call: &Call<'_>, mut input: Input) -> Result<Info, Fault> {
        input.check_destinations(call)?;
        let made = call.engines.trails.create(trail::scope(call), input.into_new()?).await;
        Ok(made.map_err(trail::fault)?.into())
    }
}
