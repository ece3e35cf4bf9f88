//! PutAuditEvents: takes events of an application, `POST /PutAuditEvents?channelArn&externalId`.
//!
//! Whoever calls from another account than the channel's needs the leave of the channel's policy, which may ask for
//! an external id. What is answered as successful is durable.

use crate::call::Call;
use crate::operation::{Access, Body, Done, Erased, Prepared, Target};
use bytes::Bytes;
use cairn_event::{Arn, Category};
use cairn_lake::Error;
use cairn_lake::channel::{AuditEvent, Taken};
use cairn_lake::store::Scope;
use cairn_wire::{Fault, Protocol, Secret, json, query, record};
use http::request::Parts;
use serde::{Deserialize, Serialize};

const EXTERNAL_ID_CHARS_MAX: usize = 1224;

pub(super) struct PutAuditEvents;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    audit_events: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    event_data: String,
    event_data_checksum: Option<String>,
}

/// What is recorded of the input: which events, not what they say.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    channel_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<Secret>,
    audit_events: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    id: String,
}

#[derive(Serialize)]
struct Output {
    successful: Vec<Successful>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Successful {
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    id: String,
    error_code: &'static str,
    error_message: String,
}

impl From<Taken> for Output {
    fn from(taken: Taken) -> Self {
        let successful = |(id, event_id)| Successful { id, event_id };
        let failed = |failure: cairn_lake::channel::Failure| Failed {
            id: failure.id,
            error_code: failure.code,
            error_message: failure.message,
        };
        Self {
            successful: taken.successful.into_iter().map(successful).collect(),
            failed: taken.failed.into_iter().map(failed).collect(),
        }
    }
}

#[async_trait::async_trait]
impl Erased for PutAuditEvents {
    fn name(&self) -> &'static str {
        "PutAuditEvents"
    }

    fn access(&self) -> Access {
        Access::Write
    }

    fn category(&self) -> Category {
        Category::Data
    }

    fn authorized(&self) -> bool {
        true
    }

    async fn prepare<'a>(&self, call: &'a Call<'a>, _: &'a Protocol, body: Body<'a>) -> Result<Prepared<'a>, Fault> {
        let Body::Raw(parts, body) = body else {
            return Err(Fault::serialization("the body is to be audit events"));
        };
        let (input, events) = read(call, parts, body)?;
        Ok(Prepared {
            targets: vec![target(call, &input)],
            parameters: record::value(&input),
            run: Box::pin(async move { run(call, &input.channel_arn, events).await }),
        })
    }
}

fn read(call: &Call<'_>, parts: &Parts, body: &Bytes) -> Result<(Input, Vec<AuditEvent>), Fault> {
    let form = query::Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
    let reference = form.get("channelArn").filter(|text| !text.is_empty());
    let reference = reference.ok_or_else(|| Fault::validation("channelArn must not be empty"))?;
    let external_id = form.get("externalId");
    if external_id.is_some_and(|id| !(2..=EXTERNAL_ID_CHARS_MAX).contains(&id.chars().count())) {
        return Err(Fault::validation(format!("externalId has 2 to {EXTERNAL_ID_CHARS_MAX} characters")));
    }
    let scope = Scope { account: call.account(), region: call.region };
    let channel_arn = call.engines.lake.channels.arn(scope, reference).map_err(fault)?;
    let sent: Sent = json::decode(body)?;
    let audit_events = sent.audit_events.iter().map(|event| Named { id: event.id.clone() }).collect();
    let event = |event: Item| AuditEvent { id: event.id, data: event.event_data, checksum: event.event_data_checksum };
    let input = Input { channel_arn, external_id: external_id.map(|id| Secret(id.to_owned())), audit_events };
    Ok((input, sent.audit_events.into_iter().map(event).collect()))
}

fn owner(arn: &str) -> Option<Arn> {
    Arn::parse(arn).ok()
}

fn target(call: &Call<'_>, input: &Input) -> Target {
    let account = owner(&input.channel_arn).map_or_else(String::new, |arn| arn.account().to_owned());
    let external_id = input.external_id.iter().map(|id| ("cloudtrail:ExternalId".to_owned(), id.0.clone()));
    Target {
        arn: input.channel_arn.clone(),
        kind: Some("AWS::CloudTrail::Channel"),
        policy: call.engines.lake.stores.policy(&input.channel_arn),
        context: external_id.collect(),
        // Within the account it is a matter of its own policies; to others it is the channel that says no.
        refused_as: (account != call.account()).then_some("ChannelInsufficientPermission"),
        account,
        ..Target::default()
    }
}

async fn run(call: &Call<'_>, arn: &str, events: Vec<AuditEvent>) -> Result<Done, Fault> {
    let owner = owner(arn).ok_or_else(|| Fault::new("InvalidChannelARN", 400, format!("{arn} is not an ARN.")))?;
    let scope = Scope { account: owner.account(), region: call.region };
    let taken = call.engines.lake.channels.put(scope, arn, events).await.map_err(fault)?;
    let output = Output::from(taken);
    Ok(Done { bytes: json::encode(&output), response: record::value(&output) })
}

/// The names of this service's errors have no suffix.
fn fault(error: Error) -> Fault {
    match error {
        Error::Refused { code: "ChannelARNInvalid", message } => Fault::new("InvalidChannelARN", 400, message),
        Error::Refused { code, message } => Fault::new(code, 400, message),
        Error::Invalid(message) => Fault::validation(message),
        error => Fault::internal(error),
    }
}
