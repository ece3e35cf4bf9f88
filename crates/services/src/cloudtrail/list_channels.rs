//! ListChannels: the channels of the account in the region.

use super::list_event_data_stores::place;
use super::store;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::{Fault, page};
use serde::{Deserialize, Serialize};

pub(super) struct ListChannels;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    channels: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    channel_arn: String,
    name: String,
}

impl Operation for ListChannels {
    const NAME: &'static str = "ListChannels";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let (after, max) = place(input.next_token, input.max_results, "InvalidParameter")?;
        let all = call.engines.lake.channels.list(store::scope(call));
        // A channel that went away meanwhile does not stop the list: ARNs are in order.
        let mut rest = all.iter().filter(|channel| channel.arn > after);
        let entry = |channel: &std::sync::Arc<cairn_lake::channel::Channel>| Entry {
            channel_arn: channel.arn.clone(),
            name: channel.name.clone(),
        };
        let channels: Vec<Entry> = rest.by_ref().take(max).map(entry).collect();
        let next_token = channels.last().filter(|_| rest.next().is_some()).map(|last| page::encode(&last.channel_arn));
        Ok(Output { channels, next_token })
    }
}
