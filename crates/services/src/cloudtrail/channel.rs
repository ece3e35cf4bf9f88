//! CreateChannel, UpdateChannel, GetChannel and DeleteChannel: where applications send their events.

use super::store;
use super::tags::{Tag, unique};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::channel::{Channel, ChannelUpdate, Ingestion, NewChannel};
use cairn_wire::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct CreateChannel;
pub(super) struct UpdateChannel;
pub(super) struct GetChannel;
pub(super) struct DeleteChannel;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    name: String,
    source: String,
    destinations: Vec<Destination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destinations: Option<Vec<Destination>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    channel: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Destination {
    #[serde(rename = "Type")]
    kind: String,
    location: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    channel_arn: String,
    name: String,
    source: String,
    destinations: Vec<Destination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingestion_status: Option<IngestionStatus>,
}

#[derive(Serialize)]
pub(super) struct Deleted {}

#[derive(Serialize)]
struct IngestionStatus {
    #[serde(rename = "LatestIngestionSuccessTime", skip_serializing_if = "Option::is_none")]
    success: Option<Timestamp>,
    #[serde(rename = "LatestIngestionSuccessEventID", skip_serializing_if = "Option::is_none")]
    success_event: Option<String>,
    #[serde(rename = "LatestIngestionErrorCode", skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "LatestIngestionAttemptTime", skip_serializing_if = "Option::is_none")]
    attempt: Option<Timestamp>,
    #[serde(rename = "LatestIngestionAttemptEventID", skip_serializing_if = "Option::is_none")]
    attempt_event: Option<String>,
}

impl From<Ingestion> for IngestionStatus {
    fn from(status: Ingestion) -> Self {
        Self {
            success: status.success.map(Into::into),
            success_event: status.success_event,
            error: status.error,
            attempt: status.attempt.map(Into::into),
            attempt_event: status.attempt_event,
        }
    }
}

impl From<&Channel> for Output {
    fn from(channel: &Channel) -> Self {
        let destination = |arn: &String| Destination { kind: "EVENT_DATA_STORE".to_owned(), location: arn.clone() };
        Self {
            channel_arn: channel.arn.clone(),
            name: channel.name.clone(),
            source: channel.source.clone(),
            destinations: channel.stores.iter().map(destination).collect(),
            tags: None,
            ingestion_status: None,
        }
    }
}

/// A channel to be authorized on. It may not exist; then the caller is told so only if allowed.
pub(super) fn target(call: &Call<'_>, reference: &str) -> Result<Target, Fault> {
    let arn = call.engines.lake.channels.arn(store::scope(call), reference).map_err(store::fault)?;
    let channel = call.engines.lake.channels.get(store::scope(call), &arn).ok();
    Ok(store::of(call, arn, channel.map(|channel| channel.tags.clone()).unwrap_or_default()))
}

/// The stores that destinations name; services of AWS make channels of their own.
fn locations(destinations: Vec<Destination>) -> Result<Vec<String>, Fault> {
    let location = |destination: Destination| match destination.kind.as_str() {
        "EVENT_DATA_STORE" => Ok(destination.location),
        _ => Err(store::invalid("The Type of a destination is EVENT_DATA_STORE.")),
    };
    destinations.into_iter().map(location).collect()
}

impl Operation for CreateChannel {
    const NAME: &'static str = "CreateChannel";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        Ok(vec![store::new_target(call, "channel", input.tags.as_ref())])
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<Output, Fault> {
        let new = NewChannel {
            name: input.name,
            source: input.source,
            stores: locations(input.destinations)?,
            tags: unique(input.tags.unwrap_or_default())?,
        };
        let made = call.engines.lake.channels.create(store::scope(call), new).await.map_err(store::fault)?;
        Ok(Output { tags: Some(store::tags_list(&made.tags)), ..(&*made).into() })
    }
}

impl Operation for UpdateChannel {
    const NAME: &'static str = "UpdateChannel";
    const ACCESS: Access = Access::Write;
    type Input = Update;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Update) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, &input.channel)?])
    }

    async fn call(call: &Call<'_>, input: Update) -> Result<Output, Fault> {
        let update = ChannelUpdate { name: input.name, stores: input.destinations.map(locations).transpose()? };
        let updated = call.engines.lake.channels.update(store::scope(call), &input.channel, update).await;
        Ok((&*updated.map_err(store::fault)?).into())
    }
}

impl Operation for GetChannel {
    const NAME: &'static str = "GetChannel";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, &input.channel)?])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Output, Fault> {
        let channels = &call.engines.lake.channels;
        let channel = channels.get(store::scope(call), &input.channel).map_err(store::fault)?;
        let status = channels.ingestion(&channel.arn).unwrap_or_default();
        Ok(Output { ingestion_status: Some(status.into()), ..(&*channel).into() })
    }
}

impl Operation for DeleteChannel {
    const NAME: &'static str = "DeleteChannel";
    const ACCESS: Access = Access::Write;
    type Input = Named;
    type Output = Deleted;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![target(call, &input.channel)?])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Deleted, Fault> {
        let deleted = call.engines.lake.channels.delete(store::scope(call), &input.channel).await;
        deleted.map(|()| Deleted {}).map_err(store::fault)
    }
}
