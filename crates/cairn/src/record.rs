//! From a call to its record: the one place where API activity becomes an event.

use cairn_event::{EventType, Record, Time};
use cairn_services::{Arrival, Outcome};
use serde_json::{Value, json};
use uuid::Uuid;

/// The records of one finished call: the caller's account has one; every other account
/// that owns a resource it touched has its own, tied to it by `sharedEventID`. What
/// other services did because of the call follows. `house` is the account where calls
/// of nobody are recorded.
pub fn records(arrival: &Arrival, outcome: &Outcome, completed: Time, house: &str) -> Vec<Record> {
    let caller = outcome.caller.account();
    let recipient = if caller.is_empty() { house } else { caller };
    let own = record(arrival, outcome, completed, recipient);
    let mut owners: Vec<&str> =
        outcome.resources.iter().filter_map(|resource| resource.account_id.as_deref()).collect();
    owners.sort_unstable();
    owners.dedup();
    owners.retain(|owner| *owner != recipient && !owner.is_empty());
    let mut records = Vec::with_capacity(1 + owners.len() + outcome.also.len());
    // Only calls that were let in concern the owner.
    let shared = !owners.is_empty() && outcome.error.is_none();
    let shared_id = shared.then(|| shared_event_id(arrival.event_id));
    records.push(Record { shared_event_id: shared_id, ..own });
    if shared {
        for owner in owners {
            let mut copy = records[0].clone();
            copy.event_id = event_id_for(arrival.event_id, owner);
            owner.clone_into(&mut copy.recipient_account_id);
            copy.user_identity = as_seen_by_owner(&outcome.caller);
            records.push(copy);
        }
    }
    records.extend(outcome.also.iter().cloned());
    records
}

fn record(arrival: &Arrival, outcome: &Outcome, completed: Time, recipient: &str) -> Record {
    let (error_code, error_message) = outcome.error.clone().unzip();
    Record {
        user_identity: outcome.caller.user_identity(),
        event_time: completed,
        event_source: outcome.event_source.to_owned(),
        event_name: outcome.event_name.clone(),
        aws_region: outcome.region.clone(),
        source_ip_address: arrival.source_ip.to_canonical().to_string(),
        user_agent: arrival.user_agent.clone(),
        error_code,
        error_message,
        request_parameters: outcome.parameters.clone(),
        response_elements: outcome.response.clone(),
        additional_event_data: (!outcome.additional.is_empty()).then(|| Value::Object(outcome.additional.clone())),
        request_id: Some(arrival.request_id.to_string()),
        event_id: arrival.event_id,
        read_only: outcome.read_only,
        resources: outcome.resources.clone(),
        event_type: EventType::ApiCall,
        api_version: outcome.api_version.map(str::to_owned),
        category: outcome.category,
        recipient_account_id: recipient.to_owned(),
        shared_event_id: None,
        service_event_details: None,
        tls_details: arrival.tls.clone(),
    }
}

/// Another account learns who called, but not with which session.
fn as_seen_by_owner(caller: &cairn_identity::Caller) -> Value {
    if caller.is_anonymous() {
        return caller.user_identity();
    }
    json!({"type": "AWSAccount", "principalId": caller.principal_id(), "accountId": caller.account()})
}

fn shared_event_id(event_id: Uuid) -> Uuid {
    derived(event_id, "shared")
}

fn event_id_for(event_id: Uuid, owner: &str) -> Uuid {
    derived(event_id, owner)
}

/// A UUID that follows from another one, so that a retried recording gives the same.
fn derived(from: Uuid, label: &str) -> Uuid {
    let mut text = from.as_bytes().to_vec();
    text.extend_from_slice(label.as_bytes());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
