//! Taking events in.

use super::{Channel, Channels, event, own};
use crate::Error;
use crate::store::Scope;
use bytes::Bytes;
use cairn_event::{Origin, Time};
use cairn_journal::{Entry, Kind};
use std::collections::HashSet;

const EVENTS_MAX: usize = 100;
const ID_CHARS_MAX: usize = 128;
/// Of all events of a call.
const BYTES_MAX: usize = 1 << 20;

/// An event as an application sends it.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// What the application calls it.
    pub id: String,
    /// One JSON object.
    pub data: String,
    /// base64 of the SHA-256 of `data`.
    pub checksum: Option<String>,
}

/// What became of the events of one call.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// The application's id and ours.
    pub successful: Vec<(String, String)>,
    pub failed: Vec<Failure>,
}

/// Why one event was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub id: String,
    /// AWS's: `FieldNotFound` and the like.
    pub code: &'static str,
    pub message: String,
}

/// An event that is to be taken, as it will be recorded.
struct Accepted {
    id: String,
    event_id: String,
    body: String,
}

impl Channels {
    /// Takes events over one of the account's channels. What is answered as taken is durable.
    pub async fn put(&self, owner: Scope<'_>, reference: &str, events: Vec<AuditEvent>) -> Result<Taken, Error> {
        check(&events)?;
        let _still = self.register.flow().await;
        let channel = own(&self.register.state(), owner, reference)?;
        let world = &self.register.parts().world;
        let now = world.now();
        let mut taken = Taken::default();
        let mut accepted = Vec::new();
        for AuditEvent { id, data, checksum } in events {
            let event_id = uuid::Builder::from_random_bytes(world.dice.bytes()).into_uuid().to_string();
            match event::wrap(&channel, now, &event_id, &data, checksum.as_deref()) {
                Ok(body) => accepted.push(Accepted { id, event_id, body }),
                Err((code, message)) => taken.failed.push(Failure { id, code, message }),
            }
        }
        self.append(now, accepted, &mut taken).await;
        self.note(&channel, now, &taken);
        Ok(taken)
    }

    async fn append(&self, now: Time, accepted: Vec<Accepted>, taken: &mut Taken) {
        let entry = |event: &Accepted| Entry {
            origin: Origin::Channel,
            kind: Kind::Event,
            time: now,
            body: Bytes::copy_from_slice(event.body.as_bytes()),
        };
        let entries = accepted.iter().map(entry).collect();
        let names = accepted.into_iter().map(|event| (event.id, event.event_id));
        match self.register.parts().journal.append(entries).await {
            Ok(_) => taken.successful.extend(names),
            Err(error) => {
                tracing::error!(%error, "events that came over a channel are not kept");
                let message = "The event cannot be kept now. Send it again.";
                let failure = |(id, _)| Failure { id, code: "InternalFailure", message: message.to_owned() };
                taken.failed.extend(names.map(failure));
            }
        }
    }

    fn note(&self, channel: &Channel, now: Time, taken: &Taken) {
        let success = taken.successful.last().map(|(_, event_id)| event_id.clone());
        self.statuses.note(&channel.arn, |status| {
            status.attempt = Some(now);
            status.error = taken.failed.last().map(|failure| failure.code.to_owned());
            if success.is_some() {
                status.success = Some(now);
                status.success_event.clone_from(&success);
                status.attempt_event = success;
            }
        });
    }
}

/// What concerns the call as a whole.
fn check(events: &[AuditEvent]) -> Result<(), Error> {
    if !(1..=EVENTS_MAX).contains(&events.len()) {
        return Err(Error::Invalid(format!("auditEvents has 1 to {EVENTS_MAX} members, not {}", events.len())));
    }
    let bytes: usize = events.iter().map(|event| event.data.len()).sum();
    if bytes > BYTES_MAX {
        return Err(Error::Invalid(format!(
            "the eventData of all auditEvents have at most {BYTES_MAX} bytes, not {bytes}"
        )));
    }
    let mut seen = HashSet::new();
    for AuditEvent { id, .. } in events {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=ID_CHARS_MAX).contains(&id.len()) || !id.bytes().all(plain) {
            let rule = "letters, digits, dashes and underscores";
            return Err(Error::Invalid(format!("the id of an audit event has 1 to {ID_CHARS_MAX} {rule}")));
        }
        if !seen.insert(id) {
            return Err(Error::refused("DuplicatedAuditEventId", format!("The id {id} stands twice in the request.")));
        }
    }
    Ok(())
}
